"""The dashboard as a page, as a live part and as JSON."""

from __future__ import annotations

from html import escape

import pytest

from aiproxy import __version__
from aiproxy.store import providers
from tests.web import rows


def give_key(site, slug="openrouter"):
    with site.services.transaction() as db:
        providers.update(db, site.provider(slug).id, api_key="sk-a-secret-key-7741")


def live(browser, tag=""):
    headers = {"If-None-Match": tag} if tag else {}
    return browser.get("/?part=live", headers)


def test_the_page_shows_numbers_providers_and_the_latest_requests(site, admin):
    give_key(site)
    rows.add(site, 1, model_requested="claude-sonnet-5", duration_ms=1234)
    rows.add(site, 2, status=429, model_requested="claude-haiku-4-5")

    page = admin.get("/")

    assert page.status == 200
    assert "Requests 2 none running" in page.words
    assert "Failed 1 50 %" in page.words
    assert "claude-haiku-4-5" in page.words
    assert "429 rate limit" in page.words
    assert "OpenRouter" in page.words
    assert "6 providers, 1 ready" in page.words
    assert "custom prompt off" in page.words


def test_an_empty_dashboard_says_what_to_do(admin):
    page = admin.get("/")

    assert "Get Claude Code running" in page.words
    assert "No requests yet" in page.words


@pytest.mark.parametrize("name", ["1h", "24h", "7d"])
@pytest.mark.parametrize("measure", ["requests", "failed", "latency", "tokens"])
def test_every_range_and_measure_is_a_link_and_a_page(site, admin, name, measure):
    rows.add(site, 1)

    page = admin.get(f"/?range={name}&measure={measure}")

    assert page.status == 200
    assert f"?range={name}&amp;measure={measure}" in page.text
    assert page.text.count('<svg class="plot"') == 1


@pytest.mark.parametrize("query", ["range=1y", "measure=x", "part=all"])
def test_odd_values_are_422(admin, query):
    assert admin.get(f"/?{query}").status == 422


def test_the_object_holds_what_the_page_shows(site, script):
    give_key(site)
    rows.add(site, 1, status=500, error_message="it broke", provider="openrouter")

    shown = script.get("/").json()

    assert shown["active"]["slug"] == "openrouter"
    assert shown["active"]["api_key"] == "…7741"
    assert {line["slug"] for line in shown["providers"]} >= {"openrouter", "chutes"}
    line = next(one for one in shown["providers"] if one["slug"] == "openrouter")
    assert line["last_status"] == 500
    assert line["last_error"] == "it broke"
    assert line["last_used"] > 0
    assert shown["recent"][0]["id"] == "req_1"
    assert shown["status"]["version"] == __version__
    assert shown["status"]["open_streams"] == 0
    assert shown["status"]["uptime_s"] >= 0
    assert shown["status"]["database_mb"] > 0
    assert shown["warnings"] == []
    assert shown["totals"]["requests"] == 1
    assert sum(shown["chart"]["series"]["failed"]) == 1


def test_without_an_active_provider_active_is_null(script):
    assert script.get("/").json()["active"] is None


def test_a_quiet_server_says_304(admin):
    first = live(admin)
    again = live(admin, first.headers["etag"])

    assert first.status == 200
    assert "<html" not in first.text
    assert again.status == 304
    assert again.body == b""


def test_the_page_knows_the_tag_of_what_it_shows(admin):
    page = admin.get("/")
    tag = live(admin).headers["etag"]

    assert f'data-etag="{escape(tag)}"' in page.text


def test_a_new_request_changes_the_tag(site, admin):
    tag = live(admin).headers["etag"]
    rows.add(site, 1, model_requested="just-arrived")

    answer = live(admin, tag)

    assert answer.status == 200
    assert "just-arrived" in answer.words


def test_a_running_request_and_a_saved_change_do_too(site, admin):
    tag = live(admin).headers["etag"]
    site.services.running.enter()
    with_running = live(admin, tag)
    assert "1 running now" in with_running.words

    site.services.running.leave()
    assert live(admin, tag).status == 304
    give_key(site)
    assert live(admin, tag).status == 200


def test_a_member_sees_own_requests_and_nothing_of_the_configuration(site, member):
    give_key(site)
    rows.add(site, 1, user_id=site.member_id, model_requested="mine")
    rows.add(site, 2, user_id=site.admin_id, model_requested="not-mine")

    page = member.get("/")
    shown = member.get_json("/")

    assert "mine" in page.words
    assert "not-mine" not in page.words
    assert "Set up" not in page.words
    assert "7741" not in page.text
    assert shown["totals"]["requests"] == 1
    assert shown["providers"] == []
    assert "endpoint" not in shown["active"]


def test_two_members_have_different_tags(site, member, admin):
    assert live(member).headers["etag"] != live(admin).headers["etag"]


def test_nobody_is_sent_to_the_login(site):
    answer = site.browser().get("/")

    assert answer.status == 302
    assert answer.location == "/login"


def test_a_restart_is_refused_where_the_server_cannot(admin, script):
    assert admin.post("/restart").status == 409
    answer = script.post("/restart")
    assert answer.status == 409
    assert "stop it and start it again" in answer.json()["error"]["message"]


def test_a_restart_says_where_the_pages_will_be(site, admin, script):
    restarts = []
    site.services.restart = lambda: restarts.append(1)
    admin.get("/")

    page = admin.post("/restart")
    assert page.status == 202
    assert "It will be at http://127.0.0.1:8000/" in page.words

    script.post("/settings", {"server_port": 8123})
    answer = script.post("/restart")
    assert answer.json() == {"restarting": True, "url": "http://127.0.0.1:8123/"}
    assert restarts == [1, 1]


def test_only_an_admin_restarts(site, member):
    site.services.restart = lambda: pytest.fail("a member restarted the server")
    member.get("/")

    assert member.post("/restart").status == 403
