"""Connect: the lines for each alias and shell, as this visitor reaches the server."""

from __future__ import annotations

import json

import pytest

from aiproxy import connect as client
from aiproxy.store import aliases, providers, settings
from tests.web import rows


@pytest.fixture
def with_alias(site):
    with site.services.transaction() as db:
        provider = site.provider("openrouter")
        providers.update(
            db,
            provider.id,
            api_key="sk-a-secret-key-7741",
            context_window=131_072,
            max_output_tokens=8_192,
        )
        aliases.insert(db, alias="fast", provider_id=provider.id)


def shown(script, query=""):
    return script.get(f"/connect{query}").json()


def test_a_script_gets_the_address_the_variables_and_every_writing(script, with_alias):
    answer = shown(script, "?alias=fast")

    base_url = "http://127.0.0.1:8000/v1/messages/fast"
    assert answer["base_url"] == base_url
    assert answer["env"]["ANTHROPIC_BASE_URL"] == base_url
    assert answer["env"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "131072"
    assert answer["env"]["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8192"
    assert set(answer["snippets"]) == set(client.SHELLS)
    assert json.loads(answer["snippets"]["settings_json"])["env"] == answer["env"]


def test_without_an_alias_the_active_provider_answers(script, with_alias):
    answer = shown(script)

    assert answer["base_url"] == "http://127.0.0.1:8000"
    assert answer["env"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "131072"


@pytest.mark.parametrize("name", ["openrouter", "OpenRouter", "openrouter-custom"])
def test_a_slug_is_a_name_too_and_so_is_its_custom_prompt(script, name):
    assert shown(script, f"?alias={name}")["base_url"].endswith(f"/{name.lower()}")


@pytest.mark.parametrize("query", ["alias=nobody", "alias=a%2Fb"])
def test_an_unknown_name_is_404(admin, script, query):
    assert admin.get(f"/connect?{query}").status == 404
    assert script.get(f"/connect?{query}").status == 404


@pytest.mark.parametrize("shell", client.SHELLS)
def test_each_shell_is_a_link_and_a_page(admin, shell):
    page = admin.get(f"/connect?shell={shell}")

    assert page.status == 200
    assert f'href="/connect?shell={shell}" aria-current="page"' in page.text
    assert "http://127.0.0.1:8000" in page.words


def test_windows_begins_with_powershell(admin):
    page = admin.get("/connect", {"User-Agent": "Mozilla/5.0 (Windows NT 10.0)"})

    assert "$env:ANTHROPIC_BASE_URL" in page.words


def test_on_this_machine_no_key_is_needed(script, admin):
    assert shown(script)["env"]["ANTHROPIC_AUTH_TOKEN"] == "local"
    assert "On this machine no key is needed." in admin.get("/connect").words


def test_where_one_is_needed_the_lines_say_where_it_goes(site, script, admin):
    with site.services.transaction() as db:
        settings.save(db, {"proxy_auth": "required"})

    assert shown(script)["env"]["ANTHROPIC_AUTH_TOKEN"] == client.TOKEN_PLACEHOLDER
    assert "goes one of your keys" in admin.get("/connect").words


def test_the_public_address_goes_first(site, script):
    with site.services.transaction() as db:
        settings.save(db, {"public_url": "https://ai.example/proxy"})

    answer = shown(script, "?alias=openrouter")
    assert answer["base_url"] == "https://ai.example/proxy/v1/messages/openrouter"


def test_further_variables_are_added_when_ticked(admin):
    page = admin.get("/connect?chosen=1&with=tools&with=models")

    assert "export ENABLE_TOOL_SEARCH=0" in page.words
    assert "export CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1" in page.words
    assert "export API_TIMEOUT_MS" not in page.words
    assert 'id="with-tools" name="with" value="tools" checked' in page.text
    assert "shell=fish&amp;chosen=1&amp;with=models&amp;with=tools" in page.text


def test_a_slow_server_nearby_and_a_strict_provider_get_what_helps(site, script):
    with site.services.transaction() as db:
        providers.insert(
            db, name="Ollama", slug="ollama", endpoint="http://localhost:11434/v1"
        )
        providers.insert(
            db,
            name="Strict",
            slug="strict",
            endpoint="https://strict.example/v1",
            api_format="anthropic",
        )

    assert "API_TIMEOUT_MS" in shown(script, "?alias=ollama")["env"]
    strict = shown(script, "?alias=strict")["env"]
    assert strict["CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"] == "1"


def test_a_web_proxy_is_passed_by(script, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    assert shown(script)["env"]["NO_PROXY"] == "127.0.0.1"


def test_it_says_when_the_last_request_came(site, admin, member):
    assert "No request has come yet." in admin.get("/connect").words
    rows.add(site, 1, ago=130, user_id=site.admin_id)

    assert "came 2 min ago and was answered by openrouter." in (
        admin.get("/connect").words
    )
    assert "No request has come yet." in member.get("/connect").words


def test_a_member_gets_the_lines_and_no_way_to_the_providers(member, with_alias):
    page = member.get("/connect?alias=fast")

    assert "/v1/messages/fast" in page.words
    assert "/provider/edit/" not in page.text
    assert "7741" not in page.text
