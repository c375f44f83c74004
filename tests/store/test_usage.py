"""Usage by any grouping is what the single rows add up to."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.store import request_log, usage
from aiproxy.store.database import Database
from aiproxy.store.request_log import LogEntry

DAY, HOUR = 86400, 3600
SUMS = (
    "requests",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
)


def entries():
    chance = random.Random(7)
    for number in range(400):
        user = chance.choice(["ada", "eve"])
        yield LogEntry(
            id=f"r{number}",
            time=chance.randrange(3 * DAY),
            user_id={"ada": 1, "eve": 2}[user],
            user=user,
            key_prefix="aip_" + user,
            provider=chance.choice(["one", "two"]),
            model=chance.choice(["m1", "m2"]),
            session_id=chance.choice(["s1", "s2", "s3"]),
            status=chance.choice([200, 200, 200, 429, 499]),
            input_tokens=chance.randrange(1000),
            output_tokens=chance.randrange(1000),
            cache_read_tokens=chance.randrange(1000),
            cache_write_tokens=chance.randrange(1000),
        )


ENTRIES = list(entries())


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    opened = Database(str(tmp_path_factory.mktemp("usage") / "app.db")).open()
    request_log.add_many(opened.connection(), ENTRIES)
    yield opened.connection()
    opened.close()


def group_of(entry, group_by):
    values = {
        "day": f"1970-01-{entry.time // DAY + 1:02d}",
        "provider": entry.provider,
        "model": entry.model,
        "user": entry.user,
        "key": entry.key_prefix,
        "session": entry.session_id,
    }
    return tuple(values[name] for name in group_by)


def added_up(chosen, group_by):
    sums = {}
    for entry in chosen:
        line = sums.setdefault(group_of(entry, group_by), dict.fromkeys(SUMS, 0))
        line["requests"] += 1
        line["errors"] += entry.status >= 400
        for name in SUMS[2:]:
            line[name] += getattr(entry, name)
    return [
        {**dict(zip(group_by, group)), **line} for group, line in sorted(sums.items())
    ]


@given(
    group_by=st.lists(st.sampled_from(usage.GROUPS), unique=True),
    since=st.none() | st.integers(0, 3 * DAY),
    length=st.none() | st.integers(0, 2 * DAY) | st.integers(0, 2 * HOUR),
    user_id=st.sampled_from([None, 1, 2, 9]),
)
def test_usage_is_what_the_rows_add_up_to(filled, group_by, since, length, user_id):
    until = None if length is None else (since or 0) + length
    chosen = [
        entry
        for entry in ENTRIES
        if (since is None or entry.time >= since)
        and (until is None or entry.time < until)
        and user_id in (None, entry.user_id)
    ]

    rows = usage.rows(
        filled, group_by=group_by, since=since, until=until, user_id=user_id
    )

    assert [row.as_dict() for row in rows] == added_up(chosen, group_by)


def test_nothing_used_is_no_row(db):
    assert usage.rows(db) == []
    assert usage.rows(db, group_by=["day", "session"]) == []


def test_a_request_without_a_user_is_counted_under_no_name(db):
    request_log.add_many(db, [LogEntry(id="r", time=5)])

    [row] = usage.rows(db, group_by=["user"])

    assert (row.group["user"], row.requests) == ("", 1)
