"""What an admin sets, as the real client meets it: prompt, fallback, streaming, MCP."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Iterator

import pytest

from tests.claude_code import mcp_server
from tests.claude_code.conftest import Setup
from tests.scripted_upstream import KEY, Ask, Call, Reply, ScriptedUpstream, refuse

pytestmark = [pytest.mark.claude_code]

TEMPLATE = "You are the scripted helper.\n{{ENV_INFO}}\n{{MODEL_INFO}}"


def test_an_own_system_prompt_replaces_the_clients(setup: Setup) -> None:
    config = {"use_custom_prompt": True, "prompt_template": TEMPLATE}
    assert setup.server.script("POST", "/prompt-config", config).status == 200
    setup.client.base_url += "-custom"

    run = setup.client.run("Hello")

    assert run.succeeded
    ask = setup.upstream.asks[0]
    assert ask.system.startswith("You are the scripted helper.")
    assert "tier-opus" in ask.system
    # 2.1.331 tells of its environment in a message of its own, which stays.
    told = ask.everything if setup.client.is_new else ask.system
    assert str(setup.folder) in told
    assert "Claude Code, Anthropic" not in ask.system


def test_a_fallback_takes_over_in_the_middle_of_a_conversation(setup: Setup) -> None:
    def script(ask: Ask) -> Reply:
        if ask.tool_results:
            return Reply(fault=refuse(503, "down for now"))
        command = {"command": "echo once", "description": "A step"}
        return Reply(thinking="A thought.", calls=(Call("Bash", command),))

    setup.script(script)
    with ScriptedUpstream(lambda ask: Reply(text="I take over.")) as other:
        second = setup.server.add_provider(
            name="Second",
            slug=other.slug,
            endpoint=f"{other.url}/v1",
            api_key=KEY,
            api_format="openai",
            default_model="other-model",
        )
        slug = setup.client.base_url.rsplit("/", 1)[1]
        providers = setup.server.script("GET", "/providers").json()["providers"]
        own = next(p for p in providers if p["slug"] == slug)
        change = {"fallback": second["slug"]}
        setup.server.script("POST", f"/provider/edit/{own['id']}", change)

        run = setup.client.run("Go on", "--allowedTools", "Bash")
        other.check()

    assert run.text == "I take over."
    assert other.asks[-1].model == "other-model"
    assert "once" in other.asks[-1].tool_results[0][1]
    # One provider's thoughts never reach another.
    assert "A thought." not in other.asks[-1].everything


@pytest.fixture
def unstreamed(setup: Setup) -> Iterator[Setup]:
    setup.server.script("POST", "/settings", {"enable_streaming": False})
    yield setup
    setup.server.script("POST", "/settings", {"enable_streaming": True})


def test_a_provider_that_is_not_asked_to_stream_serves_all_the_same(
    unstreamed: Setup,
) -> None:
    def script(ask: Ask) -> Reply:
        assert not ask.stream
        if ask.tool_results:
            return Reply(text=f"It said {ask.tool_results[0][1]}")
        command = {"command": "echo whole", "description": "A step"}
        return Reply(text="I run it.", calls=(Call("Bash", command),))

    unstreamed.script(script)

    run = unstreamed.client.run("Run it", "--allowedTools", "Bash")

    assert run.text == "It said whole"


def test_a_tool_with_a_very_long_name_finds_its_way_back(setup: Setup) -> None:
    name = f"mcp__weather__{mcp_server.TOOL}"
    server = {"command": sys.executable, "args": [str(Path(mcp_server.__file__))]}
    config = setup.client.home / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"weather": server}}))

    def script(ask: Ask) -> Reply:
        if ask.tool_results:
            return Reply(text=ask.tool_results[-1][1])
        known = [tool for tool in ask.tools if tool.startswith("mcp__weather")]
        return Reply(calls=(Call(known[0], {"town": "Scripton"}),))

    setup.script(script)

    run = setup.client.run(
        "What is the weather?",
        "--mcp-config",
        str(config),
        "--allowedTools",
        name,
        env={"ENABLE_TOOL_SEARCH": "0"},
    )

    assert run.text == "sunny in Scripton"
    assert [use["name"] for use in run.blocks("tool_use")] == [name]
    sent = [t for t in setup.upstream.asks[0].tools if t.startswith("mcp__weather")]
    assert len(name) > 64
    assert (len(sent[0]) <= 64) is setup.is_chat
