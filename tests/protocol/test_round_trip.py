"""What a provider gave comes back to it in the next request, and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import build_chat_request
from tests.protocol.answering import answered, call, calls, chunk, reply, streamed
from tests.protocol.translating import request, target, user

CALL = call('{"city":"Röme 😀"}', call_id="functions.get_weather:0", name="get_weather")
KIMI = target("kimi-k2-thinking", "moonshot", endpoint="https://api.moonshot.ai/v1")
DEEPSEEK = target(
    "deepseek-reasoner", "deepseek", endpoint="https://api.deepseek.com/v1"
)
OPENROUTER = target(
    "openai/gpt-5.2", "openrouter", endpoint="https://openrouter.ai/api/v1"
)
VLLM = target("qwen3", "vllm")
GEMINI = target("gemini-3-pro", "gemini")


def returned(content: list[dict[str, Any]], to: Target) -> list[dict[str, Any]]:
    """The messages of a next request with this content in its history."""
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"}
        for block in content
        if block["type"] == "tool_use"
    ]
    history = [user("hello"), {"role": "assistant", "content": content}]
    history.append({"role": "user", "content": results or "go on"})
    made = build_chat_request(request(*history), to)
    messages: list[dict[str, Any]] = made.body["messages"]
    return messages


def asked(to: Target) -> ReplyContext:
    return reply(reasoning_key=to.reasoning_key)


@pytest.mark.parametrize(
    ("to", "fields"),
    [
        (DEEPSEEK, {"reasoning_content": "hm"}),
        (KIMI, {"reasoning_content": "hm"}),
        (VLLM, {"reasoning": "hm"}),
        (VLLM, {"reasoning": "hm", "reasoning_content": "hm"}),
        (OPENROUTER, {"reasoning": "hm"}),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_thought_returns_under_its_name(to, fields, is_streamed):
    if is_streamed:
        answer = streamed(
            chunk(**fields),
            chunk(content="Looking."),
            calls(CALL),
            chunk("tool_calls"),
            to=asked(to),
        )
    else:
        message = {**fields, "content": "Looking.", "tool_calls": [CALL]}
        answer = answered(message, to=asked(to))
    sent = returned(answer["content"], to)[1]

    name = "reasoning_content" if "reasoning_content" in fields else "reasoning"
    assert sent[name] == "hm"
    assert sent["content"] == "Looking."
    (back,) = sent["tool_calls"]
    assert back["function"]["arguments"] == '{"city":"Röme 😀"}'


@pytest.mark.parametrize("to", [DEEPSEEK, KIMI, VLLM, OPENROUTER, GEMINI])
def test_an_id_returns_as_it_came(to):
    content = answered({"tool_calls": [CALL]}, to=asked(to))["content"]
    _, sent, result = returned(content, to)

    assert sent["tool_calls"][0]["id"] == result["tool_call_id"]
    if to is KIMI:
        assert result["tool_call_id"] == "functions.get_weather:0"


def test_another_provider_sees_nothing_of_a_thought():
    content = answered(
        {
            "reasoning_content": "secret thought",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "sealed"}],
            "content": "Hello",
        },
        to=asked(DEEPSEEK),
    )["content"]

    for to in (KIMI, VLLM, OPENROUTER, GEMINI):
        sent = str(returned(content, to))
        assert "secret thought" not in sent
        assert "sealed" not in sent
        assert "aip1." not in sent


def test_details_return_whole_and_in_order():
    text = {"type": "reasoning.summary", "summary": "One", "index": 0, "id": "rs_1"}
    sealed = {"type": "reasoning.encrypted", "data": "xyz", "index": 1, "id": "rs_1"}
    more = {"type": "reasoning.summary", "summary": "Two", "index": 2, "id": "rs_2"}
    answer = streamed(
        chunk(reasoning="O", reasoning_details=[{**text, "summary": "O"}]),
        chunk(reasoning="ne", reasoning_details=[{**text, "summary": "ne"}]),
        chunk(reasoning_details=[{**sealed, "data": "xy"}]),
        chunk(reasoning_details=[{**sealed, "data": "z"}]),
        chunk(reasoning="Two", reasoning_details=[more]),
        calls(CALL),
        chunk("tool_calls"),
        to=asked(OPENROUTER),
    )
    sent = returned(answer["content"], OPENROUTER)[1]

    assert sent["reasoning_details"] == [text, sealed, more]
    assert sent["reasoning"] == "OneTwo"


def test_a_signature_that_came_with_the_text_returns_in_its_item():
    text = {"type": "reasoning.text", "text": "hm", "index": 0}
    signature = {"type": "reasoning.text", "signature": "s", "index": 0}
    answer = streamed(
        chunk(reasoning="hm", reasoning_details=[text]),
        chunk(content="Hello"),
        chunk("stop", content="!", reasoning_details=[signature]),
        to=asked(OPENROUTER),
    )

    sent = returned(answer["content"], OPENROUTER)[1]
    assert sent["reasoning_details"] == [{**text, "signature": "s"}]


def test_geminis_signatures_return_on_their_calls():
    first = {"google": {"thought_signature": "sig-1"}}
    answer = streamed(
        calls(
            {**call('{"a":1}', call_id="x", name="get_weather"), "extra_content": first}
        ),
        calls(call('{"a":2}', call_id="y", name="get_weather")),
        chunk("stop"),
        to=asked(GEMINI),
    )
    sent = returned(answer["content"], GEMINI)[1]

    assert sent["tool_calls"][0]["extra_content"] == first
    assert "extra_content" not in sent["tool_calls"][1]


def test_tags_return_as_tags_on_a_message_with_calls():
    answer = streamed(
        chunk(content="<think>\nhm\n</think>\n\nLooking."),
        calls(CALL),
        chunk("tool_calls"),
        to=asked(VLLM),
    )
    sent = returned(answer["content"], VLLM)[1]

    assert sent["content"] == "<think>hm</think>\n\nLooking."


def test_invalid_arguments_return_for_the_model_to_read():
    answer = streamed(
        calls(call("no json", call_id="x", name="get_weather")),
        chunk("tool_calls"),
        to=asked(VLLM),
    )
    sent = returned(answer["content"], VLLM)[1]

    assert "no json" in sent["tool_calls"][0]["function"]["arguments"]
