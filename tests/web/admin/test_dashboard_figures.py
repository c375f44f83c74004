"""The numbers of the dashboard, bucket by bucket."""

from __future__ import annotations

import pytest

from aiproxy.store import request_log
from aiproxy.store.database import Database
from aiproxy.web.admin import dashboard_figures
from aiproxy.web.admin.dashboard_figures import MEASURES, RANGES
from tests.entries import log_entry

NOW = 1_700_006_400 + 90


@pytest.fixture
def db(tmp_path):
    database = Database(str(tmp_path / "app.db")).open()
    yield database.connection()
    database.close()


def add(db, number, ago, **fields):
    entry = log_entry(id=f"req_{number}", time=NOW - ago, **fields)
    request_log.add_many(db, [entry])


def gather(db, name="24h", measure="requests", user_id=None):
    return dashboard_figures.gather(
        db,
        RANGES[name],
        measure,
        now=NOW,
        user_id=user_id,
        names={"openrouter": "OpenRouter"},
    )


@pytest.mark.parametrize(
    ("name", "buckets", "step"), [("1h", 60, 60), ("24h", 48, 1800), ("7d", 56, 10_800)]
)
def test_each_range_has_its_buckets_and_the_last_one_holds_now(name, buckets, step):
    starts = RANGES[name].starts(NOW)

    assert len(starts) == buckets
    assert starts[-1] <= NOW < starts[-1] + step
    assert {b - a for a, b in zip(starts, starts[1:])} == {step}


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_can_be_drawn_too(db, name, measure):
    found = gather(db, name, measure)

    assert found.counts.requests == 0
    assert found.durations.median is None
    assert found.chart.svg.startswith("<svg")


def test_requests_are_split_into_failed_and_answered(db):
    add(db, 1, 60)
    add(db, 2, 60, status=502)
    add(db, 3, 3 * 86_400)

    found = gather(db)
    failed, answered = found.series

    assert (found.counts.requests, found.counts.failed) == (2, 1)
    assert sum(failed.values) == sum(answered.values) == 1
    assert gather(db, "7d").counts.requests == 3


def test_latency_has_gaps_where_nothing_ran(db):
    add(db, 1, 5, duration_ms=100)
    add(db, 2, 5, duration_ms=300)
    add(db, 3, 5, status=500, duration_ms=9_999)

    found = gather(db, measure="latency")
    median, p95 = found.series

    assert found.durations.median == 100
    assert found.durations.p95 == 300
    assert [value for value in median.values if value is not None] == [100]
    assert [value for value in p95.values if value is not None] == [300]


def test_failures_are_stacked_by_provider_and_the_rest_is_others(db):
    for number, slug in enumerate(
        ["openrouter"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d", ""]
    ):
        add(db, number, 60, status=500, provider=slug)

    series = gather(db, measure="failed").series

    assert [one.name for one in series] == ["OpenRouter", "b", "c", "others"]
    assert [sum(one.values) for one in series] == [4, 3, 2, 2]


def test_providers_are_listed_by_use(db):
    add(db, 1, 60, provider="a", duration_ms=5)
    add(db, 2, 60, provider="b")
    add(db, 3, 60, provider="b")

    lines = gather(db).by_provider

    assert [(line.slug, line.counts.requests) for line in lines] == [("b", 2), ("a", 1)]
    assert lines[1].median == 5


def test_a_member_counts_own_requests_alone(db):
    add(db, 1, 60, user_id=1)
    add(db, 2, 60, user_id=2)

    assert gather(db, user_id=2).counts.requests == 1


def test_the_sentence_says_what_the_drawing_shows(db):
    add(db, 1, 60, status=500)

    assert "1 request in the last 24 hours, 1 of them failed." in gather(db).chart.svg


def test_a_script_gets_the_chart_as_numbers(db):
    add(db, 1, 60, input_tokens=7, output_tokens=3)

    found = gather(db, measure="tokens").as_json()

    assert found["totals"]["input_tokens"] == 7
    assert found["chart"]["measure"] == "tokens"
    assert sum(found["chart"]["series"]["input"]) == 7
    assert len(found["chart"]["starts"]) == 48
