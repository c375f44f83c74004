"""What an agent does beside its turns: subagents, searches, late tools, verdicts."""

from __future__ import annotations

import threading

import pytest

from tests.claude_code.conftest import TIERS, Setup
from tests.scripted_upstream import Ask, Call, Reply

pytestmark = [pytest.mark.claude_code]

SEARCHING = "Perform a web search"
FOUND = "The sky is blue, says the scripted page."
PAGE = ("A scripted page", "http://example.test/sky")
COMMAND = "touch made.txt && python3 -c 'print(1)'"


def test_three_subagents_run_at_once_each_on_its_own_tier(setup: Setup) -> None:
    together = threading.Barrier(3, timeout=60)

    def script(ask: Ask) -> Reply:
        for tier in TIERS:
            if f"REPORT-AS-{tier}" in ask.last_user_text:
                together.wait()
                return Reply(text=f"report of {tier} by {ask.model}")
        if ask.tool_results:
            return Reply(text="\n".join(text for _, text in ask.tool_results))
        tool = "Agent" if "Agent" in ask.tools else "Task"
        return Reply(calls=tuple(_agent(tool, tier) for tier in TIERS), interleave=True)

    setup.script(script)

    run = setup.client.run("Ask three agents")

    assert run.succeeded
    for tier, model in TIERS.items():
        assert f"report of {tier} by {model}" in run.text


def _agent(tool: str, tier: str) -> Call:
    arguments = {
        "description": f"Ask {tier}",
        "prompt": f"REPORT-AS-{tier}",
        "subagent_type": "general-purpose",
        "model": tier,
        "run_in_background": False,
    }
    return Call(tool, arguments)


def test_a_tool_that_is_loaded_on_demand_searches_the_web(setup: Setup) -> None:
    def script(ask: Ask) -> Reply:
        if SEARCHING in ask.last_user_text:
            return Reply(text=FOUND, search=(PAGE,))
        if any(FOUND in text for _, text in ask.all_results):
            return Reply(text="I know now.")
        if "WebSearch" not in ask.tools or not ask.turns:
            return Reply(calls=(Call("ToolSearch", {"query": "select:WebSearch"}),))
        return Reply(calls=(Call("WebSearch", {"query": "colour of the sky"}),))

    setup.script(script)

    run = setup.client.run(
        "Find out", "--allowedTools", "WebSearch", env={"ENABLE_TOOL_SEARCH": "1"}
    )

    assert run.text == "I know now."
    first, loaded = setup.upstream.asks[0], setup.upstream.asks[1]
    if setup.is_chat:
        assert "WebSearch" not in first.tools
        assert "WebSearch" in loaded.tools
        assert "DeferredToolPlaceholder" not in loaded.tools
        assert "WebSearch" in loaded.tool_results[0][1]
    assert FOUND in list(run.tool_results().values())[-1]


@pytest.mark.parametrize(("harm", "runs"), [(5, True), (95, False)])
def test_auto_mode_acts_on_the_verdict_of_the_providers_model(
    setup: Setup, harm: int, runs: bool
) -> None:
    def script(ask: Ask) -> Reply:
        if not ask.tools:
            return Reply(text=_verdict(ask, harm))
        if ask.tool_results:
            return Reply(text="so be it")
        command = {"command": COMMAND, "description": "A doubtful step"}
        return Reply(calls=(Call("Bash", command),))

    setup.script(script)

    # The client's own server-side check exists at Anthropic only.
    run = setup.client.run(
        "Do it", "--permission-mode", "auto", env={"CLAUDE_CODE_AUTO_MODE_SERVER": "0"}
    )

    assert run.text == "so be it"
    assert (setup.folder / "made.txt").exists() is runs
    verdicts = [ask for ask in setup.upstream.asks if not ask.tools]
    assert verdicts
    assert not any(ask.stream for ask in verdicts)


def _verdict(ask: Ask, harm: int) -> str:
    """What a small model says that runs on past the stop sequence."""
    answer = "yes" if harm > 50 else "no"
    if "<severity>" in ask.everything:
        return (
            f"<severity>{harm}</severity><category>Scripted</category> and more words"
        )
    return f"<block>{answer}</block> and more words"
