"""The first ten minutes: facts tick the steps, and nothing is shown twice."""

from __future__ import annotations

import pytest

from aiproxy.store import providers
from tests.scripted_upstream import ScriptedUpstream
from tests.web import rows

WRONG_KEY = "sk-not-the-right-key-0001"


@pytest.fixture
def upstream():
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
def scripted(site, upstream):
    """A provider whose endpoint is the scripted upstream."""
    with site.services.transaction() as db:
        return providers.insert(
            db,
            name="Scripted",
            slug="scripted",
            endpoint=f"{upstream.url}/v1",
            default_model="scripted-large",
        )


def save_key(browser, provider_id, api_key):
    return browser.post("/setup/key", {"provider_id": provider_id, "api_key": api_key})


def test_a_fresh_admin_is_asked_for_a_provider_key(admin):
    page = admin.get("/")

    assert "1 of 5 done" in page.words
    assert 'action="/setup/key"' in page.text
    assert "Save and test" in page.words
    assert page.text.count("button primary") == 1


def test_a_key_is_saved_and_tested_in_one_go(site, admin, upstream, scripted):
    answer = save_key(admin, scripted, upstream.key)
    page = admin.follow(answer)

    assert answer.location == "/#setup"
    assert "3 of 5 done" in page.words
    assert "Add a provider key \u2013 Scripted, …" in page.words
    assert "Make a key for Claude Code" in page.words
    assert upstream.key not in page.text
    assert site.provider("scripted").active


def test_a_refused_key_stays_chosen_and_says_why(admin, scripted):
    page = admin.follow(save_key(admin, scripted, WRONG_KEY))

    assert "2 of 5 done" in page.words
    assert "refused the key" in page.words
    assert "Test it again" in page.words
    assert f'value="{scripted}" selected' in page.text
    assert WRONG_KEY not in page.text


def test_it_can_be_tested_again(site, admin, upstream, scripted):
    save_key(admin, scripted, WRONG_KEY)
    with site.services.transaction() as db:
        providers.update(db, scripted, api_key=upstream.key)

    answer = admin.post("/setup/test", {"provider_id": scripted})

    assert "3 of 5 done" in admin.follow(answer).words


@pytest.mark.parametrize("api_key", ["", "  ", "with space inside"])
def test_an_unusable_key_is_said_beside_its_field(site, admin, script, api_key):
    openrouter = site.provider("openrouter").id
    page = admin.follow(save_key(admin, openrouter, api_key))
    assert 'aria-invalid="true"' in page.text
    assert "setup-api-key-error" in page.text
    assert "with space inside" not in page.text
    assert site.provider("openrouter").api_key == ""
    assert "setup-api-key-error" not in admin.get("/").text

    fields = {"provider_id": openrouter, "api_key": api_key}
    answer = script.post("/setup/key", fields)
    assert answer.status == 422
    assert list(answer.json()["error"]["fields"]) == ["api_key"]


@pytest.mark.parametrize("path", ["/setup/key", "/setup/test"])
def test_an_unknown_provider_is_422(admin, path):
    assert admin.post(path, {"provider_id": "99", "api_key": WRONG_KEY}).status == 422


def test_a_personal_key_is_shown_once_with_its_lines(site, admin, upstream, scripted):
    save_key(admin, scripted, upstream.key)
    page = admin.follow(admin.post("/setup/personal-key"))

    assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:8000/v1/messages/" in page.words
    assert "export ANTHROPIC_AUTH_TOKEN=aip_" in page.words
    assert "This key is shown only now." in page.words
    assert "Waiting for Claude Code…" in page.words
    assert "4 of 5 done" in page.words

    again = admin.get("/")
    assert "export ANTHROPIC_AUTH_TOKEN" not in again.words
    assert "4 of 5 done" in again.words


def test_a_poll_never_takes_the_key_away_from_the_page(site, admin, upstream, scripted):
    save_key(admin, scripted, upstream.key)
    answer = admin.post("/setup/personal-key")

    assert "ANTHROPIC_AUTH_TOKEN" not in admin.get("/?part=live").words
    assert "export ANTHROPIC_AUTH_TOKEN=aip_" in admin.follow(answer).words


def test_while_it_waits_the_page_asks_more_often(site, admin, upstream, scripted):
    save_key(admin, scripted, upstream.key)
    admin.post("/setup/personal-key")

    assert 'data-poll="2"' in admin.get("/").text


def test_the_first_answer_completes_it(site, admin, upstream, scripted):
    save_key(admin, scripted, upstream.key)
    rows.add(site, 1, duration_ms=1200, model="grok-4", provider="scripted")

    page = admin.get("/?part=live")

    assert "It works. grok-4 answered through Scripted in 1.2 s." in page.words
    assert 'href="/logs/req_1"' in page.text
    assert 'data-say="It works. grok-4 answered."' in page.text


def test_a_first_request_that_failed_is_said(site, admin, upstream, scripted):
    save_key(admin, scripted, upstream.key)
    admin.post("/setup/personal-key")
    rows.add(site, 1, status=404, provider="")

    assert "A request came, but failed: 404 not found." in admin.get("/").words


def test_after_a_day_of_work_the_list_is_gone(site, admin):
    rows.add(site, 1, ago=90_000)
    rows.add(site, 2)

    assert "Get Claude Code running" not in admin.get("/").words


def test_it_can_be_hidden_and_brought_back(admin):
    hidden = admin.follow(admin.post("/checklist", {"hidden": "1"}))
    assert "Get Claude Code running" not in hidden.words
    assert "Help brings it back" in hidden.words

    shown = admin.follow(admin.post("/checklist", {}))
    assert "Get Claude Code running" in shown.words


def test_a_member_has_the_last_two_steps(site, member):
    page = member.get("/")

    assert "0 of 2 done" in page.words
    assert "Add a provider key" not in page.words
    assert "Make a key for Claude Code" in page.words


def test_a_member_cannot_save_or_test_a_providers_key(site, member):
    assert save_key(member, site.provider("chutes").id, WRONG_KEY).status == 403
    assert member.post("/setup/test", {"provider_id": "1"}).status == 403


def test_a_server_nearby_needs_no_key(site, admin):
    with site.services.transaction() as db:
        providers.insert(
            db, name="Ollama", slug="ollama", endpoint="http://localhost:11434/v1"
        )

    page = admin.get("/")
    assert "Add a provider key \u2013 Ollama, no key needed" in page.words
    assert "Test Ollama" in page.words
