"""Providers, as pages and as JSON: made, changed, tested, activated, deleted."""

from __future__ import annotations

import re

import pytest

from aiproxy.store import providers
from tests.scripted_upstream import (
    Ask,
    Call,
    Reply,
    ScriptedUpstream,
    html,
    refuse,
)

KEY = "sk-or-v1-abcdefgh7741"


def fields(**changes):
    """What the page sends for a new provider; its boxes as they stand at first."""
    return {
        "name": "Mine",
        "endpoint": "https://api.example.com/v1",
        "api_key": KEY,
        "api_format": "openai",
        "enabled": True,
        **changes,
    }


def calls_the_tool(_ask: Ask) -> Reply:
    return Reply(calls=(Call("report_status", {"status": "ok"}),))


@pytest.fixture
def upstream():
    with ScriptedUpstream(calls_the_tool) as running:
        yield running


def form_id_of(page):
    return re.search(r'name="form_id" value="([^"]+)"', page.text)[1]


def test_a_new_provider_is_saved_and_listed(site, admin):
    answer = admin.post("/provider/new", fields())

    assert (answer.status, answer.location) == (303, "/providers")
    page = admin.follow(answer)
    assert "Mine is saved and is the active provider now." in page.words
    assert "/v1/messages/ mine" in page.words
    assert "…7741" in page.words
    assert site.provider("mine").api_key == KEY


def test_a_script_makes_one(script):
    answer = script.post("/provider/new", {"name": "M", "endpoint": "https://a.b/v1"})
    made = answer.json()

    assert answer.status == 201
    assert made["slug"] == "m"
    assert made["request_url"] == "https://a.b/v1/chat/completions"
    assert (made["api_key"], made["has_api_key"]) == ("", False)
    assert made["enabled"] is True
    assert made["active"] is False
    assert made["warnings"] == []
    assert script.get(f"/provider/edit/{made['id']}").json() == made
    assert made in script.get("/providers").json()["providers"]


def test_json_holds_every_field_of_the_contract(script):
    made = script.post("/provider/new", fields()).json()

    assert set(made) >= {
        *("id", "name", "slug", "endpoint", "api_key", "has_api_key", "api_format"),
        *("default_model", "auth_method", "auth_header", "custom_headers"),
        *("model_haiku", "model_sonnet", "model_opus", "model_map", "extra_body"),
        *("max_output_tokens", "context_window", "enabled", "dialect", "compat"),
        *("send_reasoning", "fallback", "http_proxy", "ca_file", "active"),
        *("created_at", "updated_at", "request_url", "warnings"),
    }
    assert made["api_key"] == "…7741"
    assert KEY not in str(made)


def test_the_first_one_with_a_key_becomes_active_and_the_next_does_not(script):
    keyless = script.post("/provider/new", fields(name="a", api_key="")).json()
    first = script.post("/provider/new", fields(name="b")).json()
    second = script.post("/provider/new", fields(name="c")).json()

    assert [p["active"] for p in (keyless, first, second)] == [False, True, False]


def test_the_box_makes_it_active_at_once(script):
    script.post("/provider/new", fields(name="a"))
    second = script.post("/provider/new", fields(name="b", activate=True)).json()

    assert second["active"] is True


def test_a_preset_that_gets_its_key_becomes_active(site, script):
    preset = site.provider("openrouter")
    answer = script.post(f"/provider/edit/{preset.id}", {"api_key": KEY})

    assert answer.status == 200
    assert answer.json()["active"] is True


@pytest.mark.parametrize(
    ("key", "mask"), [("short-key-1", "…"), ("long-enough-", "…ugh-"), (KEY, "…7741")]
)
def test_a_short_key_shows_nothing_of_itself(script, key, mask):
    assert script.post("/provider/new", fields(api_key=key)).json()["api_key"] == mask


def test_a_reference_is_readable(script, monkeypatch):
    monkeypatch.setenv("MINE_KEY", "sk-from-the-environment")
    made = script.post("/provider/new", fields(api_key="env:MINE_KEY")).json()

    assert (made["api_key"], made["has_api_key"]) == ("env:MINE_KEY", True)


def test_the_form_says_whether_a_reference_is_found(admin, script, monkeypatch):
    monkeypatch.setenv("MINE_KEY", "sk-from-the-environment")
    for name, words in (("MINE_KEY", "(found)"), ("NOT_SET_KEY", "(not found)")):
        made = script.post("/provider/new", fields(api_key=f"env:{name}")).json()
        page = admin.get(f"/provider/edit/{made['id']}")

        assert f"Stored: env:{name} {words}. Leave empty to keep it." in page.words
        assert "sk-from-the-environment" not in page.text


def test_the_edit_page_shows_what_is_stored_but_no_secret(admin, script):
    made = script.post(
        "/provider/new",
        fields(
            model_map={"a": "b"},
            custom_headers="X-Title: hi\nX-Auth-Token: very-secret-5678",
            http_proxy="http://ada:very-secret@proxy:3128",
            context_window=200000,
        ),
    ).json()
    page = admin.get(f"/provider/edit/{made['id']}")

    assert "Stored: …7741. Leave empty to keep it." in page.words
    assert 'value="200000"' in page.text
    assert "X-Auth-Token: …5678" in page.text
    assert "http://ada:…@proxy:3128" in page.text
    assert "very-secret" not in page.text + str(made)
    assert KEY not in page.text


def test_saving_the_page_as_it_is_changes_nothing(site, admin, script):
    made = script.post(
        "/provider/new",
        fields(
            custom_headers="X-Auth-Token: very-secret-5678",
            http_proxy="http://ada:very-secret@proxy:3128",
            extra_body={"a": {"b": [1, None]}},
            activate=True,
        ),
    ).json()
    before = site.provider("mine")
    shown = provider_fields(admin.get(f"/provider/edit/{made['id']}").text)
    answer = admin.post(f"/provider/edit/{made['id']}", shown)

    assert answer.status == 303
    after = site.provider("mine")
    assert {**vars(after), "updated_at": 0} == {**vars(before), "updated_at": 0}


def test_a_script_changes_only_what_it_names(script):
    made = script.post("/provider/new", fields(model_opus="big")).json()
    changed = script.post(f"/provider/edit/{made['id']}", {"name": "Other"}).json()

    assert changed["name"] == "Other"
    assert changed["slug"] == "mine"
    assert changed["model_opus"] == "big"
    assert changed["api_key"] == "…7741"


def test_a_taken_path_is_refused_beside_its_field(admin, script):
    script.post("/provider/new", fields())
    answer = admin.post("/provider/new", fields(name="Again", slug="mine"))

    assert answer.status == 422
    assert "The path mine is taken. Choose another." in answer.words
    assert 'href="#slug"' in answer.text
    # The field is among the rare ones, which must be open then.
    assert re.search(r"<details open>\s*<summary>Path", answer.text)


def test_a_bad_form_comes_back_with_its_input_and_without_the_key(admin):
    answer = admin.post(
        "/provider/new", fields(name="", model_opus="my-model", endpoint="ftp://x")
    )

    assert answer.status == 422
    assert "<title>Error: New provider" in answer.text
    assert 'href="#name"' in answer.text
    assert 'href="#endpoint"' in answer.text
    assert 'value="my-model"' in answer.text
    assert KEY not in answer.text
    assert "Kept: …7741." in answer.words


def test_a_kept_key_is_saved_with_the_corrected_form(site, admin):
    bad = admin.post("/provider/new", fields(name="", form_id="abc"))
    again = fields(api_key="", form_id=form_id_of(bad))
    answer = admin.post("/provider/new", again)

    assert answer.status == 303
    assert site.provider("mine").api_key == KEY


def test_a_kept_key_is_for_its_session_and_its_form(site, admin):
    bad = admin.post("/provider/new", fields(name=""))
    again = fields(api_key="", form_id=form_id_of(bad))
    site.admin().post("/provider/new", {**again, "name": "Thief"})
    admin.post("/provider/new", {**again, "name": "Another", "form_id": "another"})

    assert site.provider("thief").api_key == ""
    assert site.provider("another").api_key == ""


def test_a_key_is_kept_until_it_is_saved_and_no_longer(site, admin):
    bad = admin.post("/provider/new", fields(name=""))
    again = fields(api_key="", form_id=form_id_of(bad))
    admin.post("/provider/new", again)
    admin.post("/provider/new", {**again, "name": "Second"})

    assert site.provider("second").api_key == ""


def test_another_host_needs_the_key_again(admin, script):
    made = script.post("/provider/new", fields()).json()
    moved = {"endpoint": "https://evil.example/v1"}
    in_json = script.post(f"/provider/edit/{made['id']}", moved)
    assert in_json.status == 422
    assert list(in_json.json()["error"]["fields"]) == ["api_key"]

    answer = admin.post(f"/provider/edit/{made['id']}", fields(**moved, api_key=""))
    assert answer.status == 422
    assert "Type the key again" in answer.words


def test_plain_http_is_taken_and_warned_of(admin, script):
    made = script.post(
        "/provider/new", fields(endpoint="http://api.example.com/v1")
    ).json()
    assert "in clear" in made["warnings"][0]

    assert "in clear" in admin.get(f"/provider/edit/{made['id']}").words


def test_activating_says_so(site, admin, script):
    script.post("/provider/new", fields(name="a"))
    made = script.post("/provider/new", fields(name="b")).json()
    answer = admin.post(f"/provider/activate/{made['id']}")

    assert (answer.status, answer.location) == (303, "/providers")
    assert "b is the active provider now." in admin.follow(answer).words
    assert site.services.snapshot.active_provider.slug == "b"


def test_a_script_activates(site, script):
    chutes = site.provider("chutes")
    answer = script.post(f"/provider/activate/{chutes.id}")

    assert (answer.status, answer.json()["active"]) == (200, True)


def test_a_delete_says_its_consequences_first(site, admin, script):
    made = script.post("/provider/new", fields()).json()
    for alias in ("fast", "work"):
        script.post("/alias/new", {"alias": alias, "provider_id": made["id"]})
    script.post(f"/provider/edit/{site.provider('chutes').id}", {"fallback": "mine"})
    words = admin.get(f"/provider/edit/{made['id']}").words

    assert "Delete Mine?" in words
    assert "The aliases fast and work stop working." in words
    assert "Chutes then falls back on nobody." in words
    assert "No provider is active until you activate another." in words


def test_a_delete_takes_the_aliases_along(site, admin, script):
    made = script.post("/provider/new", fields()).json()
    script.post("/alias/new", {"alias": "fast", "provider_id": made["id"]})
    answer = admin.post(f"/provider/delete/{made['id']}")

    assert (answer.status, answer.location) == (303, "/providers")
    assert "No provider is active now" in admin.follow(answer).words
    assert site.services.snapshot.find_provider("mine") is None
    assert script.get("/aliases").json() == {"aliases": []}


def test_a_script_that_deletes_gets_an_empty_object(site, script):
    answer = script.post(f"/provider/delete/{site.provider('aiml').id}")

    assert (answer.status, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "path",
    [
        "/provider/edit/99",
        "/provider/edit/x",
        "/provider/delete/99",
        "/provider/delete/0",
        "/provider/activate/99",
        "/provider/test/99",
    ],
)
def test_a_provider_that_is_not_there_is_404(script, path):
    assert script.post(path, {"name": "x"}).status == 404


def test_a_preset_fills_in_the_address(admin):
    page = admin.get("/provider/new?preset=deepseek")

    assert 'value="https://api.deepseek.com/v1"' in page.text
    assert 'value="DeepSeek"' in page.text
    assert 'placeholder="deepseek-reasoner"' in page.text
    assert 'value="deepseek-reasoner"' not in page.text
    assert "It looks like sk-…" in page.words


def test_a_preset_that_waits_for_its_key_is_edited_instead(site, admin):
    page = admin.get("/provider/new")

    assert f'href="/provider/edit/{site.provider("chutes").id}"' in page.text
    assert 'href="/provider/new?preset=openai#which"' in page.text


def test_an_unknown_preset_is_an_empty_form(admin):
    assert admin.get("/provider/new?preset=<script>").status == 200


def test_a_member_sees_names_and_models_alone(site, member, script):
    script.post("/provider/new", fields(model_opus="big"))
    for shown in member.get_json("/providers")["providers"]:
        assert set(shown) == {
            *("name", "slug", "api_format", "default_model"),
            *("model_haiku", "model_sonnet", "model_opus"),
        }
    page = member.get("/providers")

    assert page.status == 200
    assert "big" in page.words
    for secret in ("7741", "api.example.com", "/provider/", "Activate"):
        assert secret not in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/provider/new"),
        ("get", "/provider/edit/1"),
        ("get", "/provider/models/1"),
        ("post", "/provider/new"),
        ("post", "/provider/edit/1"),
        ("post", "/provider/delete/1"),
        ("post", "/provider/activate/1"),
        ("post", "/provider/test/1"),
        ("post", "/provider/test"),
    ],
)
def test_a_member_changes_nothing(member, method, path):
    assert getattr(member, method)(path).status == 403


@pytest.mark.parametrize("path", ["new", "edit/1", "delete/1", "activate/1", "test/1"])
def test_without_the_token_nothing_happens(site, admin, path):
    before = site.services.snapshot.providers
    answer = admin.post(f"/provider/{path}", fields(), token="wrong")

    assert answer.status == 403
    assert site.services.snapshot.providers == before


def test_a_strangers_text_is_escaped(admin, script):
    nasty = "<script>alert(1)</script>"
    script.post("/provider/new", fields(name=nasty, model_opus=nasty, slug="mine"))

    assert nasty not in admin.get("/providers").text


def test_an_unsaved_provider_is_tested_with_the_typed_key(upstream, site, script):
    answer = script.post(
        "/provider/test",
        fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key),
    )
    result = answer.json()

    assert answer.status == 200
    assert (result["ok"], result["kind"]) == (True, "ok")
    assert set(result) == {
        *("ok", "kind", "url", "latency_ms", "status", "model", "message"),
    }
    assert site.services.snapshot.find_provider("mine") is None


def test_the_verdict_is_in_place_and_the_form_is_kept(upstream, admin):
    typed = fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key, name="")
    page = admin.post("/provider/test", typed)

    assert page.status == 200
    assert "It works." in page.words.partition("Test and save")[2]
    assert f'value="{upstream.url}/v1"' in page.text
    assert upstream.key not in page.text
    assert f"Kept: …{upstream.key[-4:]}." in page.words


def test_a_tested_key_is_saved_without_typing_it_again(upstream, site, admin):
    typed = fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key)
    page = admin.post("/provider/test", typed)
    admin.post("/provider/new", {**typed, "api_key": "", "form_id": form_id_of(page)})

    assert site.provider("mine").api_key == upstream.key


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refuse(401), "auth"),
        (refuse(429, retry_after="30"), "quota"),
        (refuse(404, "model not found"), "model"),
        (html(), "http"),
        (html(200), "path"),
    ],
)
def test_a_bad_verdict_says_why(upstream, admin, script, reply, kind):
    typed = fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key)
    upstream.say(Reply(fault=reply))
    result = script.post("/provider/test", typed).json()
    assert (result["ok"], result["kind"]) == (False, kind)
    assert upstream.key not in str(result)

    upstream.say(Reply(fault=reply))
    page = admin.post("/provider/test", typed)
    assert page.status == 200
    assert result["message"].partition(".")[0] in page.words


def test_an_address_that_works_is_offered_and_taken(upstream, admin, site):
    typed = fields(endpoint=f"{upstream.url}/wrong", api_key=upstream.key)
    upstream.say(Reply(fault=html(404)))
    page = admin.post("/provider/test", typed)
    assert f'name="suggested_endpoint" value="{upstream.url}/v1"' in page.text
    again = {
        **typed,
        "api_key": "",
        "form_id": form_id_of(page),
        "suggested_endpoint": f"{upstream.url}/v1",
    }
    page = admin.post("/provider/test", again)

    assert "It works." in page.words
    assert f'name="endpoint" type="url" value="{upstream.url}/v1"' in page.text


def test_a_reference_that_leads_nowhere_is_said(upstream, script):
    typed = fields(endpoint=f"{upstream.url}/v1", api_key="env:NOT_SET_KEY")
    result = script.post("/provider/test", typed).json()

    assert (result["ok"], result["kind"]) == (False, "auth")
    assert "env:NOT_SET_KEY is not set" in result["message"]
    assert upstream.received == []


def test_a_key_by_reference_reaches_the_provider(upstream, script, monkeypatch):
    monkeypatch.setenv("MINE_KEY", upstream.key)
    typed = fields(endpoint=f"{upstream.url}/v1", api_key="env:MINE_KEY")

    assert script.post("/provider/test", typed).json()["ok"] is True


def test_a_stored_key_is_tested_on_its_own_host_alone(upstream, script):
    made = script.post(
        "/provider/new",
        fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key),
    ).json()
    same = {"id": made["id"], "endpoint": f"{upstream.url}/v1", "model_opus": "x"}
    assert script.post("/provider/test", same).json()["ok"] is True

    moved = script.post(
        "/provider/test", {"id": made["id"], "endpoint": "https://evil.example/v1"}
    )
    assert moved.status == 422
    assert list(moved.json()["error"]["fields"]) == ["api_key"]


def test_a_stored_provider_is_tested_and_the_list_remembers(upstream, site, admin):
    admin.post(
        "/provider/new",
        fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key),
    )
    mine = site.provider("mine")
    answer = admin.post(f"/provider/test/{mine.id}")

    assert (answer.status, answer.location) == (303, "/providers")
    page = admin.follow(answer)
    assert "Mine: It works." in page.words
    assert "Working" in page.words
    assert site.provider("mine").test_kind == "ok"


def test_a_failed_test_is_on_the_list_until_the_key_is_changed(upstream, site, admin):
    admin.post(
        "/provider/new", fields(endpoint=f"{upstream.url}/v1", api_key="sk-wrong-key")
    )
    mine = site.provider("mine")
    answer = admin.post(f"/provider/test/{mine.id}")
    assert "Key refused" in admin.follow(answer).words
    with site.services.transaction() as db:
        providers.update(db, mine.id, api_key="sk-another")

    assert "Key refused" not in admin.get("/providers").words


def test_the_providers_own_models_are_listed(upstream, script):
    made = script.post(
        "/provider/new",
        fields(endpoint=f"{upstream.url}/v1", api_key=upstream.key),
    ).json()
    answer = script.get(f"/provider/models/{made['id']}")

    assert answer.json() == {"models": ["scripted-large", "scripted-small"]}


def test_a_provider_that_lists_nothing_is_no_lost_session(site, script):
    made = script.post("/provider/new", fields(endpoint="http://127.0.0.1:9/v1")).json()
    answer = script.get(f"/provider/models/{made['id']}")

    assert answer.status == 502


def provider_fields(text: str) -> dict[str, object]:
    """The successful controls of the page's form, as a browser collects them."""
    from html import unescape

    form = text.partition('class="form parts"')[2].partition("</form>")[0]
    sent: dict[str, object] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        name = re.search(r'\bname="([^"]+)"', tag)
        value = re.search(r'\bvalue="([^"]*)"', tag)
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        if name:
            sent[name[1]] = unescape(value[1]) if value else ""
    areas = r'<textarea\b[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>'
    for name, value in re.findall(areas, form, re.S):
        sent[name] = unescape(value)
    for name, options in re.findall(
        r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        sent[name] = unescape(chosen[1]) if chosen else ""
    return sent
