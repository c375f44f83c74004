"""How much a model is to think, in every target's own fields."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import effort
from tests.protocol.translating import body, system, target, user

OFF = {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}


def wanted(level: str) -> dict[str, Any]:
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": level}}


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def fields(request: dict[str, Any], *to: str, max_tokens: int = 32000) -> Any:
    """What is sent of thinking; `to` is model and dialect."""
    sent = body(to=target(*to), **{"max_tokens": max_tokens, **request})
    names = ("reasoning_effort", "reasoning", "thinking")
    return {name: sent[name] for name in names if name in sent}


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_an_effort_goes_up_as_it_is(level: str) -> None:
    assert fields(wanted(level)) == {"reasoning_effort": level}
    assert fields({"output_config": {"effort": level}}) == {"reasoning_effort": level}


@pytest.mark.parametrize(
    "request_fields",
    [
        {},
        {"thinking": None},
        {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "enabled"}},
        {"thinking": {"type": "of_next_month"}},
        {"output_config": None},
        {"output_config": {}},
        {"output_config": {"effort": None}},
        {"output_config": {"effort": "boundless"}},
        {"output_config": {"effort": 5}},
        OFF,
    ],
)
def test_without_an_effort_nothing_is_asked_for(request_fields: Any) -> None:
    assert fields(request_fields) == {}


@pytest.mark.parametrize(
    ("tokens", "level"),
    [
        (1, "low"),
        (4095, "low"),
        (4096, "medium"),
        (16383, "medium"),
        (16384, "high"),
        (127999, "high"),
    ],
)
def test_a_budget_decides_over_any_effort(tokens: int, level: str) -> None:
    request_fields = {**budget(tokens), "output_config": {"effort": "max"}}

    assert fields(request_fields) == {"reasoning_effort": level}


def test_without_a_budget_the_effort_decides() -> None:
    request_fields = {**wanted("low"), "thinking": {"type": "enabled"}}

    assert fields(request_fields) == {"reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("model", "dialect", "off"),
    [
        ("some-model", "generic", {}),
        ("some-model", "openrouter", {"reasoning": {"enabled": False}}),
        ("deepseek-chat", "deepseek", {"thinking": {"type": "disabled"}}),
        ("kimi-k2.6", "moonshot", {"thinking": {"type": "disabled"}}),
        ("kimi-k3", "moonshot", {"thinking": {"type": "disabled"}}),
        ("glm-4.6", "zai", {"thinking": {"type": "disabled"}}),
        ("grok-4.3", "xai", {"reasoning_effort": "none"}),
        ("grok-4.3-fast", "generic", {"reasoning_effort": "none"}),
        ("grok-4", "xai", {}),
        ("grok-4.5", "xai", {}),
        ("gpt-5.2", "openai", {}),
        ("deepseek-chat", "generic", {}),
        ("kimi-k2.6", "generic", {}),
        ("glm-4.6", "vllm", {}),
    ],
)
def test_an_off_switch_is_used_only_where_it_is_known(
    model: str, dialect: str, off: dict[str, Any]
) -> None:
    assert fields(OFF, model, dialect) == off


@pytest.mark.parametrize(
    ("model", "dialect", "level", "sent"),
    [
        # Nobody but a few has the highest levels: the next lower one.
        ("some-model", "generic", "max", "high"),
        ("some-model", "generic", "xhigh", "high"),
        ("gemini-3-pro", "gemini", "max", "high"),
        ("gpt-5.2", "openai", "max", "xhigh"),
        ("gpt-5.2", "openai", "xhigh", "xhigh"),
        ("gpt-5.1", "openai", "xhigh", "high"),
        ("gpt-5.1-codex-max", "openai", "max", "xhigh"),
        ("gpt-5.1-codex", "openai", "max", "high"),
        ("gpt-5", "openai", "xhigh", "high"),
        ("gpt-5-2025-08-07", "openai", "minimal", "minimal"),
        ("gpt-5-codex", "openai", "minimal", "low"),
        ("gpt-5-pro", "openai", "low", "high"),
        ("gpt-5.2-pro", "openai", "low", "medium"),
        ("gpt-5.3-codex", "openai", "max", "xhigh"),
        ("gpt-6", "openai", "max", "xhigh"),
        ("o3-mini", "openai", "max", "high"),
        ("o4-mini", "openai", "low", "low"),
        ("openai/gpt-5.2", "generic", "max", "xhigh"),
        # xAI's notes.
        ("grok-3-mini", "xai", "low", "low"),
        ("grok-3-mini-fast", "xai", "medium", "low"),
        ("grok-3-mini", "xai", "high", "high"),
        ("grok-3-mini", "xai", "max", "high"),
        ("grok-4.3", "xai", "medium", "medium"),
        ("grok-4.3", "xai", "max", "high"),
        ("grok-4.5", "xai", "low", "low"),
        ("grok-4.5", "xai", "xhigh", "high"),
        ("grok-5", "xai", "max", "high"),
        # Kimi's.
        ("kimi-k3", "moonshot", "low", "low"),
        ("kimi-k3", "moonshot", "medium", "low"),
        ("kimi-k3", "generic", "high", "high"),
        ("kimi-k3", "moonshot", "xhigh", "high"),
        ("kimi-k3", "moonshot", "max", "max"),
        # An effort is a wish to think: it never becomes "none".
        ("grok-4.3", "xai", "minimal", "low"),
        ("gpt-5.2", "openai", "minimal", "low"),
        ("gpt-5.2", "openai", "none", "none"),
    ],
)
def test_a_level_that_the_model_lacks_becomes_the_next_lower(
    model: str, dialect: str, level: str, sent: str
) -> None:
    assert fields(wanted(level), model, dialect) == {"reasoning_effort": sent}


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("grok-4", "xai"),
        ("grok-4-0709", "xai"),
        ("grok-4-fast-reasoning", "xai"),
        ("grok-4-1-fast", "xai"),
        ("grok-4.20", "xai"),
        ("grok-4.20-0309-reasoning", "xai"),
        ("grok-code-fast-1", "xai"),
        ("grok-5-code", "xai"),
        ("grok-3", "xai"),
        ("grok-4.5-fast-non-reasoning", "xai"),
        ("gpt-5-chat-latest", "openai"),
        ("gpt-4o", "openai"),
        ("o1-mini", "openai"),
        ("openai/o1-mini", "generic"),
        ("kimi-k2-0905-preview", "moonshot"),
    ],
)
def test_models_without_levels_get_no_effort(model: str, dialect: str) -> None:
    assert fields(wanted("high"), model, dialect) == {}


def test_an_effort_of_none_is_left_out_where_there_is_no_such_level() -> None:
    assert fields(wanted("none")) == {}


def test_openrouter_gets_one_object_with_either_budget_or_effort() -> None:
    to = ("openai/gpt-5.2", "openrouter")

    for level in ("none", "minimal", "low", "medium", "high", "xhigh"):
        assert fields(wanted(level), *to) == {"reasoning": {"effort": level}}
    assert fields(wanted("max"), *to) == {"reasoning": {"effort": "xhigh"}}
    assert fields(budget(10_000), *to) == {"reasoning": {"max_tokens": 10_000}}
    both = {**budget(10_000), "output_config": {"effort": "low"}}
    assert fields(both, *to) == {"reasoning": {"max_tokens": 10_000}}
    assert fields({}, *to) == {}


def test_an_openrouter_budget_stays_below_the_output_limit() -> None:
    sent = fields(budget(31_999), "x", "openrouter", max_tokens=32_000)
    lowered = body(
        to=target("x", "openrouter", max_output_tokens=8192), **budget(31_999)
    )
    tiny = fields(budget(31_999), "x", "openrouter", max_tokens=1)
    small = fields(budget(31_999), "x", "openrouter", max_tokens=2)

    assert sent == {"reasoning": {"max_tokens": 31_999}}
    assert lowered["max_tokens"] == 8192
    assert lowered["reasoning"]["max_tokens"] < 8192
    assert tiny == {"reasoning": {"effort": "high"}}
    assert small == {"reasoning": {"max_tokens": 1}}


def test_deepseek_gets_a_type_and_one_of_two_efforts() -> None:
    to = ("deepseek-chat", "deepseek")
    on = {"type": "enabled"}

    assert fields(wanted("low"), *to) == {"thinking": on, "reasoning_effort": "high"}
    assert fields(wanted("max"), *to) == {"thinking": on, "reasoning_effort": "max"}
    assert fields(budget(1024), *to) == {"thinking": on, "reasoning_effort": "high"}
    assert fields({"thinking": {"type": "enabled"}}, *to) == {"thinking": on}
    assert fields(wanted("none"), *to) == {"thinking": {"type": "disabled"}}
    assert fields({"thinking": {"type": "adaptive"}}, *to) == {}
    assert fields({}, *to) == {}


@pytest.mark.parametrize("dialect", ["moonshot", "generic"])
def test_kimi_k2_gets_a_type_alone(dialect: str) -> None:
    on = {"type": "enabled"}

    assert fields(wanted("low"), "kimi-k2.5", dialect) == {"thinking": on}
    assert fields(budget(5), "kimi-k2-thinking", dialect) == {"thinking": on}
    assert fields({}, "kimi-k2.5", dialect) == {}
    assert fields(wanted("none"), "kimi-k2.5", dialect) == {}
    assert fields(wanted("high"), "kimi-latest", dialect) == {}


def test_kimi_k2_6_keeps_the_thoughts_of_earlier_turns() -> None:
    sent = fields(wanted("high"), "kimi-k2.6", "moonshot")

    assert sent == {"thinking": {"type": "enabled", "keep": "all"}}


def test_the_newest_system_message_decides_the_effort() -> None:
    low = {"output_config": {"effort": "low"}}
    high = {"output_config": {"effort": "high"}}

    def effort_of(*messages: Any) -> Any:
        return body(user("a"), *messages, output_config={"effort": "medium"}).get(
            "reasoning_effort"
        )

    assert effort_of(system("s", **low)) == "low"
    assert effort_of(system("s", **low), system("s", **high)) == "high"
    assert effort_of(system(**high)) == "high"
    assert effort_of(system("s", **low), system("s")) == "medium"
    assert effort_of(system("s", output_config=5)) == "medium"


@pytest.mark.parametrize(
    "request_fields",
    [
        {"thinking": "enabled"},
        {"thinking": ["enabled"]},
        {"thinking": {"type": 5}},
        {"thinking": {"type": "enabled", "budget_tokens": "many"}},
        {"output_config": "high"},
    ],
)
def test_wrong_types_are_refused(request_fields: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^(thinking|output_config)"):
        body(**request_fields)


@pytest.mark.parametrize("level", ["", *effort.LEVELS])
def test_a_level_fits_into_any_list(level: str) -> None:
    assert effort.fit(level, ()) in ("", "none", level)
    assert effort.fit(level, ("high",)) in ("", "high")
