"""Laws that hold for every request, whatever is in it (translation, section 14)."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec
from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import build_chat_request
from tests.examples import examples
from tests.protocol import strategies, translating
from tests.validators.chat_request import problems

pytestmark = pytest.mark.timeout(300)


@given(strategies.requests(), strategies.targets())
def test_every_request_becomes_a_legal_one(request: Any, target: Target) -> None:
    body = build_chat_request(request, target).body

    assert problems(json_codec.decode(json_codec.encode(body))) == []


@given(strategies.requests(), strategies.targets())
def test_the_same_request_becomes_the_same_bytes(request: Any, target: Target) -> None:
    first = build_chat_request(copy.deepcopy(request), target)
    second = build_chat_request(request, target)

    assert json_codec.encode(first.body) == json_codec.encode(second.body)
    assert first.headers == second.headers


@given(strategies.requests(), strategies.targets())
def test_the_client_s_request_is_left_as_it_was(request: Any, target: Target) -> None:
    before = copy.deepcopy(request)

    build_chat_request(request, target)

    assert request == before


@settings(max_examples=examples(150))
@given(strategies.broken_requests(), strategies.targets())
def test_whatever_comes_is_translated_or_refused(request: Any, target: Target) -> None:
    try:
        body = build_chat_request(request, target).body
    except InvalidRequest:
        return  # a 400 with a sentence for the client; anything else fails here

    assert problems(json_codec.decode(json_codec.encode(body))) == []


@settings(max_examples=examples(100))
@given(strategies.conversations(min_turns=2), strategies.options(), st.data())
def test_a_longer_conversation_begins_with_the_shorter_one(
    turns: list[Any], fields: Any, data: st.DataObject
) -> None:
    target = data.draw(strategies.targets())
    cut = data.draw(st.integers(1, len(turns) - 1))
    short = [message for turn in turns[:cut] for message in turn]
    long = [message for turn in turns for message in turn]

    before = _messages({**fields, "messages": short}, target)
    after = _messages({**fields, "messages": long}, target)

    assert after[: len(before)] == before


@given(strategies.requests(), strategies.targets(), st.data())
def test_cache_marks_change_nothing_but_themselves(
    request: Any, target: Target, data: st.DataObject
) -> None:
    moved = copy.deepcopy(request)
    for message in moved["messages"]:
        for block in message["content"]:
            if isinstance(block, dict):
                block.pop("cache_control", None)
                if data.draw(st.booleans()):
                    block["cache_control"] = {"type": "ephemeral"}

    assert _messages(moved, target) == _messages(request, target)


def _messages(request: Any, target: Target) -> list[bytes]:
    messages = build_chat_request(request, target).body["messages"]
    for message in messages:
        content = message["content"]
        for part in content if isinstance(content, list) else ():
            part.pop("cache_control", None)  # the one thing that may differ
    return [json_codec.encode(message) for message in messages]


@given(strategies.requests(), strategies.targets())
def test_nothing_secret_or_sealed_goes_up(request: Any, target: Target) -> None:
    translated = build_chat_request(request, target)
    sent = json_codec.encode_text([translated.body, dict(translated.headers)])

    for secret in ("SECRET-DEVICE", "S-1", "SEALED", "somebody else's", "ANOTHER'S"):
        assert secret not in sent


@given(strategies.requests(), strategies.targets())
def test_every_tool_name_leads_back_to_the_client_s_own(
    request: Any, target: Target
) -> None:
    translated = build_chat_request(request, target)
    declared = {
        tool["name"] for tool in request.get("tools", []) if "input_schema" in tool
    }
    called = {
        block["name"]
        for message in request["messages"]
        for block in message["content"]
        if isinstance(block, dict) and block["type"] == "tool_use"
    }

    assert set(translated.tool_names.values()) >= declared | called
    assert set(translated.tool_schemas) <= set(translated.tool_names)


@given(strategies.requests(), strategies.targets())
def test_arguments_arrive_exactly(request: Any, target: Target) -> None:
    sent = [
        json_codec.decode_text(call["function"]["arguments"])
        for message in build_chat_request(request, target).body["messages"]
        for call in message.get("tool_calls", ())
    ]
    given_inputs = [
        json_codec.decode(json_codec.encode(block["input"]))
        for message in request["messages"]
        for block in message["content"]
        if isinstance(block, dict) and block["type"] == "tool_use"
    ]

    assert sent == given_inputs


@pytest.mark.once
@pytest.mark.parametrize("dialect", ["generic", "openrouter", "mistral", "gemini"])
def test_a_long_conversation_takes_linear_time(dialect: str) -> None:
    def seconds(turns: int) -> float:
        messages = [translating.user("begin")]
        for number in range(turns):
            tool_id = f"toolu_{number % 7}"
            messages.append(translating.assistant("a", translating.call(tool_id)))
            messages.append(translating.user(translating.result(tool_id, "out")))
        request = translating.request(*messages)
        target = translating.target(dialect=dialect)
        started = time.process_time()
        json_codec.encode(build_chat_request(request, target).body)
        return time.process_time() - started

    short = min(seconds(500) for _ in range(3))
    long = min(seconds(8000) for _ in range(3))
    assert long < 80 * short  # 16 if linear, 256 if quadratic


def test_a_turn_of_many_calls_takes_linear_time() -> None:
    count = 20_000
    calls = [translating.call("call_0", "Bash", n=number) for number in range(count)]
    results = [translating.result("call_0", str(number)) for number in range(count)]
    request = translating.request(
        translating.user("go"),
        translating.assistant(*calls),
        translating.user(*results),
    )

    started = time.process_time()
    build_chat_request(request, translating.target())

    assert time.process_time() - started < 10
