"""The list of requests: found by its filters, shown as a page, exported whole."""

from __future__ import annotations

import csv
import io
import json

import pytest

from aiproxy.web.admin.request_log import write_csv
from tests.web import rows


def ids(answer):
    return [entry["id"] for entry in answer["requests"]]


def exported(browser, query):
    return browser.get(f"/logs/export?{query}")


def test_the_newest_request_comes_first(site, script, admin):
    rows.add(site, 1, ago=90)
    rows.add(site, 2, ago=30)

    shown = script.get("/logs").json()

    assert ids(shown) == ["req_2", "req_1"]
    assert (shown["total"], shown["page"]) == (2, 1)
    page = admin.get("/logs")
    assert page.text.index("req_2") < page.text.index("req_1")


def test_a_browser_begins_with_the_last_day_and_a_script_with_all(site, script, admin):
    rows.add(site, 1, ago=200_000, model_requested="old-one")
    rows.add(site, 2, model_requested="new-one")

    page = admin.get("/logs")
    assert "new-one" in page.words
    assert "old-one" not in page.words
    assert "Showing 24 hours. Show all" in page.words
    assert "old-one" in admin.get("/logs?range=all").words
    assert ids(script.get("/logs").json()) == ["req_2", "req_1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("provider=chutes", ["req_2"]),
        ("alias=fast", ["req_3"]),
        ("status=429", ["req_2"]),
        ("status=failed", ["req_3", "req_2"]),
        ("status=ok", ["req_1"]),
        ("model=gpt-x", ["req_1"]),
        ("user=mia", ["req_3"]),
        ("key=aip_4f2a", ["req_1"]),
        ("session=s-1", ["req_2"]),
        ("q=LIMIT", ["req_2"]),
        ("q=%25", []),
        ("since=2001-01-01", ["req_3", "req_2", "req_1"]),
        ("until=2001-01-01", []),
        ("page=2&per_page=2", ["req_1"]),
        ("page=9", []),
    ],
)
def test_each_filter_finds_its_rows(site, script, query, found):
    rows.add(site, 1, model="gpt-x", key_prefix="aip_4f2aQx9b")
    rows.add(
        site,
        2,
        provider="chutes",
        status=429,
        session_id="s-1",
        error_message="Rate limit reached",
    )
    rows.add(site, 3, alias="fast", user="mia", user_id=site.member_id, status=502)

    assert ids(script.get(f"/logs?{query}").json()) == found


@pytest.mark.parametrize(
    "query", ["status=x", "since=yesterday", "page=0", "page=x", "per_page=9999"]
)
def test_odd_filters_are_422(admin, script, query):
    assert admin.get(f"/logs?{query}").status == 422
    answer = script.get(f"/logs?{query}")
    assert answer.status == 422
    assert query.partition("=")[0] in answer.json()["error"]["fields"]


def test_filters_stay_in_the_form_and_in_every_link(site, admin):
    for number in range(60):
        rows.add(site, number, provider="chutes", status=500)

    page = admin.get("/logs?provider=chutes&status=failed")

    assert '<option value="chutes" selected>' in page.text
    assert '<option value="failed" selected>' in page.text
    kept = "?provider=chutes&amp;status=failed"
    assert f'href="/logs{kept}&amp;page=2"' in page.text
    assert f'href="/logs/req_59{kept}"' in page.text
    assert f'href="/logs/export{kept}&amp;format=csv&amp;range=24h"' in page.text
    assert "1–50 of 60" in page.words  # noqa: RUF001 - as it is written


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=nothing", "Nothing matches"),
        ("", "No requests in 24 hours"),
        ("range=all", "No requests yet"),
        ("page=7", "No more requests"),
    ],
)
def test_an_empty_list_says_why_and_what_to_do(admin, query, words):
    assert words in admin.get(f"/logs?{query}").words


def test_a_member_sees_own_rows_whatever_is_asked(site, member):
    rows.add(site, 1, user_id=site.member_id, user="mia")
    rows.add(site, 2, user_id=site.admin_id, user="admin")
    rows.add(site, 3, user_id=None)

    for query in ("", "?user=admin", f"?user_id={site.admin_id}", "?q=req_2"):
        shown = member.get_json(f"/logs{query}")
        assert set(ids(shown)) <= {"req_1"}
    assert exported(member, "format=csv").text.count("req_") == 1


def test_what_came_since_is_counted_and_never_pushes(site, admin):
    rows.add(site, 1)
    page = admin.get("/logs?status=ok")
    assert "part=live&amp;after=1" in page.text

    quiet = admin.get("/logs?status=ok&part=live&after=1")
    assert "new" not in quiet.words
    rows.add(site, 2)
    rows.add(site, 3, status=500)

    moved = admin.get("/logs?status=ok&part=live&after=1")
    assert "1 new" in moved.words
    assert 'href="/logs?status=ok"' in moved.text
    tag = moved.headers["etag"]
    again = admin.get("/logs?status=ok&part=live&after=1", {"If-None-Match": tag})
    assert again.status == 304


def test_text_from_strangers_is_escaped(site, admin):
    rows.add(site, 1, model_requested="<script>alert(1)</script>", model='"><img>')

    for path in ("/logs", "/logs/req_1", "/"):
        page = admin.get(path)
        assert "<script>alert" not in page.text
        assert '"><img>' not in page.text


def test_the_csv_holds_all_rows_and_a_header(site, admin):
    for number in range(450):
        rows.add(site, number)

    answer = exported(admin, "format=csv")
    lines = list(csv.reader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert len(lines) == 451
    assert lines[0][:2] == ["id", "time"]
    assert lines[1][0] == "req_449"


def test_the_json_export_is_a_list_of_the_same_objects(site, script):
    for number in range(3):
        rows.add(site, number, notes=("ä",))

    answer = exported(script, "format=json")

    assert json.loads(answer.body) == script.get("/logs").json()["requests"]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_of_nothing_is_still_whole(script, form):
    answer = exported(script, f"format={form}&q=none")

    if form == "json":
        assert answer.json() == []
    else:
        assert answer.text.startswith("id,time,")
        assert answer.text.count("\n") == 1


def test_an_export_takes_the_filters(site, script):
    rows.add(site, 1, status=500)
    rows.add(site, 2)

    found = json.loads(exported(script, "format=json&status=failed").body)
    assert [entry["id"] for entry in found] == ["req_1"]
    assert exported(script, "format=json&status=x").status == 422
    assert exported(script, "format=xml").status == 422


@pytest.mark.parametrize("number", [0, 1, 199, 200, 201, 400])
def test_a_csv_has_one_header_whatever_the_number_of_rows(number):
    # They are written 200 at a time.
    text = b"".join(write_csv({"id": str(n)} for n in range(number))).decode()
    header, *cells = csv.reader(io.StringIO(text, newline=""))

    assert header[0] == "id"
    assert cells == [[str(n)] for n in range(number)]


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20"])
def test_no_cell_is_run_by_a_spreadsheet(start):
    text = b"".join(write_csv([{"a": f"{start}cmd|x", "b": -5, "c": ["=1", "x"]}]))

    header, cells = csv.reader(io.StringIO(text.decode(), newline=""))
    assert header == ["a", "b", "c"]
    assert cells == [f"'{start}cmd|x", "-5", "'=1; x"]
