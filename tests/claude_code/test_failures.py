"""When the provider fails, the real client recovers, and never runs half a command."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.claude_code.conftest import Setup
from tests.scripted_upstream import (
    Ask,
    Call,
    Fault,
    Reply,
    die,
    error_event,
    refuse,
    reset,
    stall,
)

pytestmark = [pytest.mark.claude_code]

HALF = Call(
    "Bash",
    {
        "command": "touch half.txt; echo and much more that never arrives",
        "description": "A step that breaks off",
    },
    pieces=8,
)
COMPACTING = "Respond with plain text only"
SUMMARY = "<analysis>short</analysis>\n<summary>REMEMBERED: a tool ran.</summary>"


def test_a_rate_limit_is_waited_out_as_the_provider_says(setup: Setup) -> None:
    setup.upstream.say(Reply(fault=refuse(429, "slow down", retry_after="2")))
    setup.upstream.say(Reply(text="here I am"))
    began = time.monotonic()

    run = setup.client.run("Hello")

    assert run.text == "here I am"
    assert time.monotonic() - began >= 2
    assert len(setup.upstream.asks) == 2


@pytest.mark.parametrize(
    "fault",
    [die(after=4), reset(after=6), error_event(after=8, message="broken off")],
    ids=["die", "reset", "error"],
)
def test_half_a_command_is_never_run_and_the_turn_recovers(
    setup: Setup, fault: Fault
) -> None:
    setup.upstream.say(Reply(calls=(HALF,), fault=fault))
    setup.script(lambda ask: Reply(text="whole again"))

    run = setup.client.run("Do it", "--allowedTools", "Bash")

    assert not (setup.folder / "half.txt").exists()
    assert run.succeeded
    assert run.text == "whole again"


def test_half_a_command_after_finished_text_is_not_run_either(setup: Setup) -> None:
    setup.upstream.say(Reply(text="I begin.", calls=(HALF,), fault=die(after=9)))
    setup.script(lambda ask: Reply(text="whole again"))

    run = setup.client.run("Do it", "--allowedTools", "Bash")

    assert not (setup.folder / "half.txt").exists()
    # 2.1.331 asks to go on from the finished text; 2.1.197 ends the turn and says so.
    assert run.text.endswith("whole again") or run.result["is_error"]
    assert run.succeeded is setup.client.is_new


def test_a_provider_that_pauses_is_waited_for(setup: Setup) -> None:
    setup.upstream.say(Reply(text="slow but sure", fault=stall(after=4, seconds=3)))

    run = setup.client.run("Hello")

    assert run.text == "slow but sure"
    assert len(setup.upstream.asks) == 1


def test_a_full_context_is_compacted_and_the_turn_goes_on(setup: Setup) -> None:
    state = {"compacted": False}

    def script(ask: Ask) -> Reply:
        if COMPACTING in ask.last_user_text:
            state["compacted"] = True
            return Reply(text=SUMMARY)
        if state["compacted"]:
            known = "REMEMBERED" in ask.everything
            return Reply(text=f"I go on, remembering: {known}")
        if ask.turns < 3:
            command = {"command": "seq 1 500", "description": "Count"}
            return Reply(calls=(Call("Bash", command),))
        return Reply(fault=_overflow(setup, ask))

    setup.script(script)

    run = setup.client.run("Count a lot", "--allowedTools", "Bash")

    assert run.text == "I go on, remembering: True"
    kinds = [event.get("subtype") for event in run.events]
    assert "compact_boundary" in kinds


def _overflow(setup: Setup, ask: Ask) -> Fault:
    """The provider's own words: those of Chat Completions must be translated."""
    words: Any = (
        "This model's maximum context length is 131072 tokens. However, your messages"
        " resulted in 150123 tokens. Please reduce the length of the messages."
    )
    if not setup.is_chat:
        words = "prompt is too long: 150123 tokens > 131072 maximum"
    assert ask.turns >= 3
    return refuse(400, words)


def test_a_wrong_key_is_told_once_and_not_retried(setup: Setup) -> None:
    setup.upstream.key = "another key than the saved one"

    run = setup.client.run("Hello")

    assert run.result["is_error"]
    assert len(setup.upstream.asks) == 1
