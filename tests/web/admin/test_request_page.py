"""One request: its summary, its four bodies, and its neighbours."""

from __future__ import annotations

import json

import pytest

from tests.web import rows


def test_the_summary_says_who_what_and_how_long(site, admin):
    rows.add(
        site,
        1,
        user="mia",
        key_prefix="aip_4f2aQx9b",
        alias="fast",
        attempts=2,
        cache_read_tokens=4321,
        notes=("dropped the field metadata",),
        session_id="s-1",
    )

    page = admin.get("/logs/req_1")

    for words in (
        "claude-opus-5-5 → openai/gpt-5",
        "mia, key aip_4f2aQx9b…",
        "OpenRouter after 2 attempts",
        "900 ms, 300 ms to the first word",
        "Read from cache 4,321",
        "dropped the field metadata",
        "end_turn",
        "req_1",
    ):
        assert words in page.words
    assert 'href="/logs?alias=fast"' in page.text
    assert 'href="/logs?session=s-1&amp;range=all"' in page.text


def test_a_failure_comes_first_with_what_to_do(site, admin):
    rows.add(site, 1, status=401, error_message="Invalid key", first_token_ms=None)

    page = admin.get("/logs/req_1")

    assert "401 key refused. Invalid key" in page.words
    assert "Change the key" in page.words
    assert f'href="/provider/edit/{site.provider("openrouter").id}"' in page.text


def test_without_bodies_it_says_how_to_keep_them(site, admin, member):
    rows.add(site, 1, user_id=site.member_id)

    words = "Bodies are kept only while full logging is on."
    assert f"{words} Turn it on" in admin.get("/logs/req_1").words
    assert words in member.get("/logs/req_1").words
    assert "Turn it on" not in member.get("/logs/req_1").words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", '"model": "claude-x"'),
        ("?body=2", '"model": "gpt-5"'),
        ("?body=3", '"content": "Hello"'),
        ("?body=3&view=raw", '{"choices":[{"index":0,"delta":{"content":"Hel"}}]}'),
        ("?body=4", '"id": "m"'),
    ],
)
def test_each_body_is_shown(site, admin, query, shown):
    rows.add(site, 1, bodies=rows.BODIES)

    page = admin.get(f"/logs/req_1{query}")

    assert shown in page.words
    assert "<script>alert(1)" not in page.text


def test_two_bodies_stand_beside_each_other(site, admin):
    rows.add(site, 1, bodies=rows.BODIES)

    page = admin.get("/logs/req_1?body=3&view=beside")

    assert page.text.index('id="body-4"') < page.text.index('id="body-3"')
    assert 'id="body-1"' not in page.text


@pytest.mark.parametrize("query", ["body=5", "body=0", "body=x", "view=odd"])
def test_odd_views_are_422(site, admin, query):
    rows.add(site, 1)

    assert admin.get(f"/logs/req_1?{query}").status == 422


def test_a_large_body_is_cut_on_the_page_and_whole_in_the_download(site, admin):
    large = json.dumps({"text": "x" * 400_000}).encode()
    rows.add(site, 1, bodies=(large, b"", b"", b""))

    page = admin.get("/logs/req_1")
    assert "Showing 256 kB of 400 kB." in page.words
    assert len(page.body) < 300_000
    download = admin.get("/logs/req_1/body/1")
    assert download.body == large
    assert download.headers["content-type"] == "application/octet-stream"
    assert "attachment" in download.headers["content-disposition"]


@pytest.mark.parametrize("number", [0, 5, 99])
def test_there_is_no_fifth_body(site, admin, number):
    rows.add(site, 1, bodies=rows.BODIES)

    assert admin.get(f"/logs/req_1/body/{number}").status == 404


def test_a_body_that_was_not_kept_is_404(site, admin):
    rows.add(site, 1)

    assert admin.get("/logs/req_1/body/1").status == 404


def test_a_script_gets_the_row_and_the_four_bodies(site, script):
    rows.add(site, 1, bodies=rows.BODIES)
    rows.add(site, 2)

    shown = script.get("/logs/req_1").json()

    assert shown["id"] == "req_1"
    assert list(shown["bodies"]) == [
        "client_request",
        "upstream_request",
        "upstream_response",
        "client_response",
    ]
    assert shown["bodies"]["upstream_request"] == '{"model":"gpt-5"}'
    assert script.get("/logs/req_2").json()["bodies"] is None


@pytest.mark.parametrize(
    "path", ["/logs/req_9", "/logs/..", "/logs/%27", "/logs/req_9/body/1"]
)
def test_an_unknown_id_is_404(admin, script, path):
    assert admin.get(path).status == 404
    assert script.get(path).status == 404


def test_anothers_request_is_404_for_a_member(site, member):
    rows.add(site, 1, user_id=site.admin_id, bodies=rows.BODIES)
    rows.add(site, 2, user_id=site.member_id)

    for path in ("/logs/req_1", "/logs/req_1/body/1"):
        assert member.get(path).status == 404
    assert member.get_json("/logs/req_2")["id"] == "req_2"


def test_newer_and_older_keep_the_filter(site, admin):
    for number, status in enumerate((500, 200, 500, 200, 500), start=1):
        rows.add(site, number, ago=100 - number, status=status)

    page = admin.get("/logs/req_3?status=failed")

    assert 'href="/logs/req_5?status=failed"' in page.text
    assert 'href="/logs/req_1?status=failed"' in page.text
    assert "/logs/req_2" not in page.text
    assert 'href="/logs?status=failed"' in page.text
