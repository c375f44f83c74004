"""Usage is added up as asked, for whom it may be shown to."""

from __future__ import annotations

import csv
import io

import pytest

from tests.web import rows


def test_a_script_gets_the_contracts_columns(site, script):
    rows.add(site, 1, input_tokens=5, output_tokens=2, cache_read_tokens=3)
    rows.add(site, 2, status=500, provider="chutes", cache_write_tokens=4)

    shown = script.get("/usage?group_by=provider").json()

    assert shown["rows"][0] == {
        "provider": "chutes",
        "requests": 1,
        "errors": 1,
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_tokens": 0,
        "cache_write_tokens": 4,
    }
    assert {row["provider"] for row in shown["rows"]} == {"chutes", "openrouter"}


@pytest.mark.parametrize(
    "query", ["group_by=day,provider", "group_by=day&group_by=provider"]
)
def test_several_groups_may_be_asked_for(site, script, query):
    rows.add(site, 1)

    (row,) = script.get(f"/usage?{query}").json()["rows"]
    assert list(row)[:2] == ["day", "provider"]


def test_a_range_takes_dates(site, script):
    rows.add(site, 1)

    assert script.get("/usage?since=2001-01-01").json()["rows"]
    assert script.get("/usage?until=2001-01-01").json()["rows"] == []


@pytest.mark.parametrize("query", ["group_by=colour", "since=soon", "range=1y"])
def test_odd_values_are_422(script, admin, query):
    assert script.get(f"/usage?{query}").status == 422
    assert admin.get(f"/usage?{query}").status == 422


def test_the_page_has_a_line_a_group_and_a_total(site, admin):
    rows.add(site, 1)
    rows.add(site, 2, provider="chutes")

    page = admin.get("/usage?group_by=provider")

    assert "chutes 1 0 10 5 0 0" in page.words
    assert "Total 2 0 20 10 0 0" in page.words


def test_the_newest_day_comes_first(site, script):
    rows.add(site, 1)
    rows.add(site, 2, ago=3 * 86_400)

    days = [row["day"] for row in script.get("/usage?group_by=day").json()["rows"]]
    assert days == sorted(days, reverse=True)
    assert len(days) == 2


def test_nothing_used_says_so(admin):
    assert "Nothing was used" in admin.get("/usage").words


def test_a_member_sees_own_use(site, member):
    rows.add(site, 1, user_id=site.member_id, user="mia")
    rows.add(site, 2, user_id=site.admin_id, user="admin")

    shown = member.get_json("/usage?group_by=user")
    assert [row["user"] for row in shown["rows"]] == ["mia"]


def test_the_export_is_csv(site, admin):
    rows.add(site, 1, model="=cmd")

    answer = admin.get("/usage?group_by=model&format=csv")
    lines = list(csv.reader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert lines[0][0] == "model"
    assert lines[1][:2] == ["'=cmd", "1"]
