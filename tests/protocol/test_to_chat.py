"""A whole request: system prompt, streaming, extra fields; and a client's own."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec, reasoning, tool_ids
from aiproxy.protocol.to_chat import build_chat_request
from tests.protocol import golden_requests
from tests.protocol.translating import (
    assistant,
    body,
    call,
    chat,
    image,
    request,
    result,
    target,
    text,
    tool,
    translated,
    user,
)
from tests.validators.chat_request import problems

BILLING = "x-anthropic-billing-header: cc_version=1; cc_entrypoint=cli;"
EVERY = [
    (case, dialect)
    for case in golden_requests.CASES
    for dialect in golden_requests.TARGETS
]


@pytest.mark.parametrize(("case", "dialect"), EVERY)
def test_a_client_s_request_becomes_what_was_recorded(case: str, dialect: str) -> None:
    sent = golden_requests.translate(case, dialect)

    assert sent == golden_requests.expected_of(case, dialect)
    assert problems(sent["body"]) == []


# --- the system prompt


def system_of(system: Any) -> Any:
    first = translated(user("hi"), system=system)[0]
    return first["content"] if first["role"] == "system" else None


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("one", "one"),
        ([text("one"), text("two")], "one\n\ntwo"),
        ([text("one"), text(""), None, text("two")], "one\n\ntwo"),
        ([text(BILLING), text("one")], "one"),
        ([text("one"), text(BILLING + "\nmore")], "one"),
        (f"{BILLING}\none\ntwo", "one\ntwo"),
        (f"{BILLING}\n\none", "\none"),
        (f"one\n{BILLING}", f"one\n{BILLING}"),
        ([text(f"one\n{BILLING}")], f"one\n{BILLING}"),
        (f" {BILLING}", f" {BILLING}"),
        (BILLING, None),
        ([text(BILLING)], None),
        ("", None),
        (" \n", None),
        ([], None),
        ([text("")], None),
        (None, None),
    ],
)
def test_the_system_prompt_is_one_first_message(system: Any, expected: Any) -> None:
    assert system_of(system) == expected


def test_a_system_prompt_is_text_alone() -> None:
    assert system_of([text("one"), image(), text("two")]) == "one\n\ntwo"


def test_the_billing_line_is_the_user_s_own_in_other_places() -> None:
    messages = translated(user(BILLING), assistant(text(BILLING)), user("x"))

    assert messages[0]["content"] == BILLING
    assert messages[1]["content"] == BILLING


@pytest.mark.parametrize(
    "system", [5, {}, ["x"], [text("a"), 5], [{"type": "text", "text": 5}]]
)
def test_a_system_prompt_of_a_wrong_type_is_refused(system: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^system"):
        body(system=system)


# --- the request as a whole


def test_the_smallest_request() -> None:
    assert body(user("hi"), max_tokens=1) == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 1,
    }


def test_streaming_asks_for_usage() -> None:
    streamed = body(stream=True)

    assert streamed["stream"] is True
    assert streamed["stream_options"] == {"include_usage": True}
    for plain in (body(), body(stream=False), body(stream=None)):
        assert not {"stream", "stream_options"} & set(plain)


@pytest.mark.parametrize("stream", ["true", 1, [], {}])
def test_a_stream_of_a_wrong_type_is_refused(stream: Any) -> None:
    with pytest.raises(InvalidRequest, match="stream"):
        body(stream=stream)


@pytest.mark.parametrize(
    ("model", "dialect"),
    [("some-model", "generic"), ("x", "openrouter"), ("grok-4.3", "xai"), ("x", "zai")],
)
def test_nulls_are_absent(model: str, dialect: str) -> None:
    names = (
        *("system", "tools", "tool_choice", "thinking", "output_config", "temperature"),
        *("top_p", "top_k", "stop_sequences", "stream", "metadata", "output_format"),
    )

    to = target(model, dialect)

    assert body(**dict.fromkeys(names), to=to) == body(to=to)


def test_extra_body_comes_last() -> None:
    extra = {"temperature": 0.3, "provider": {"order": ["x"]}, "stream_options": None}

    sent = body(temperature=1, stream=True, to=target(extra_body=extra))

    assert sent["temperature"] == 0.3
    assert sent["provider"] == {"order": ["x"]}
    assert "stream_options" not in sent


@pytest.mark.parametrize(
    ("dialect", "extra"),
    [
        ("openai", {"max_tokens": 5}),
        ("generic", {"max_completion_tokens": 5}),
        ("openai", {"max_completion_tokens": 5}),
    ],
)
def test_extra_body_never_makes_two_limits(dialect: str, extra: Any) -> None:
    sent = body(to=target("gpt-5", dialect, extra_body=extra))

    limits = {"max_tokens", "max_completion_tokens"} & set(sent)
    assert {name: sent[name] for name in limits} == extra


def test_the_answer_s_translator_hears_what_it_needs() -> None:
    to = target("grok-4.3", "xai")
    sent = chat(
        user("find bees"),
        assistant(call("toolu_1", "a.b")),
        user(result("toolu_1", "x")),
        tools=[tool("a.b"), {"type": "web_search_20250305", "name": "web_search"}],
        stop_sequences=["end"],
        to=to,
    )

    reply = sent.reply_context(
        model="claude-opus-5-5", message_id="msg_1", nonce="abcdef", input_estimate=9
    )

    assert reply.model == "claude-opus-5-5"
    assert (reply.message_id, reply.nonce, reply.input_estimate) == (
        "msg_1",
        "abcdef",
        9,
    )
    assert reply.reasoning_key == to.reasoning_key
    assert (reply.dialect, reply.family) == ("xai", "grok")
    assert reply.tool_names["a_b"] == "a.b"
    assert set(reply.tool_schemas) == {"a_b"}
    assert reply.seen_tool_ids == {"toolu_1"}
    assert reply.stop_sequences == ("end",)
    assert reply.search_query == "find bees"


def test_what_a_provider_gave_comes_back_to_it_alone() -> None:
    maker = target("deepseek-chat", "deepseek", endpoint="https://api.deepseek.com")
    other = target("kimi-k2.6", "moonshot", endpoint="https://api.moonshot.ai/v1")
    client_id = tool_ids.to_client("call_0", nonce="aB3dE9", seen=set(), number=0)
    signature = reasoning.pack(maker.reasoning_key, ["reasoning_content"], text="hm ü")
    messages = [
        user("go"),
        assistant(
            {"type": "thinking", "thinking": "hm ü", "signature": signature},
            call(client_id, "Read", file="ä"),
        ),
        user(result(client_id, "content")),
    ]

    again = build_chat_request(request(*messages), maker).body["messages"]
    elsewhere = build_chat_request(request(*messages), other).body["messages"]

    assert again[1]["reasoning_content"] == "hm ü"
    assert again[1]["tool_calls"][0]["id"] == again[2]["tool_call_id"] == "call_0"
    assert "hm" not in json_codec.encode_text(elsewhere)
    assert "aip1." not in json_codec.encode_text([again, elsewhere])


def test_no_request_at_all_is_refused_in_words() -> None:
    for empty in ({}, {"max_tokens": 5}, {"messages": [user("a")]}):
        with pytest.raises(InvalidRequest) as refused:
            build_chat_request(empty, target())

        assert refused.value.message.startswith(("messages", "max_tokens"))
