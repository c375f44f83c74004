"""Laws of the way back: translation.md's invariants for any answer and any accident."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiproxy.errors import AIProxyError, UpstreamBroken, UpstreamError
from aiproxy.protocol import chat, from_chat, reasoning, tool_ids
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.reply import ReplyContext
from tests.examples import examples
from tests.protocol.answering import DONE, KEY, REPLY, chunk, fold, reply, sse
from tests.protocol.test_object_scanner import objects
from tests.validators import messages_stream

NAMES = {"read": "Read", "mcp__x_y": "mcp__x.y"}
TO = reply(tool_names=NAMES, tool_schemas={name: {} for name in NAMES})
any_text = st.text(st.characters(codec="utf-8") | st.sampled_from("<>\n \u2028😀"))
ids = st.none() | st.sampled_from(["call_0", "functions.read:0", "c" * 24]) | any_text


# -- whole answers, and ways to stream them


@st.composite
def answers(draw) -> dict[str, Any]:
    """The message of a provider that makes no mistakes."""
    message: dict[str, Any] = {"role": "assistant", "content": draw(any_text)}
    field = draw(st.sampled_from([None, "reasoning", "reasoning_content"]))
    if field:
        message[field] = draw(any_text)
    calls = [
        {
            "id": f"call_{at}" if draw(st.booleans()) else f"{at}" * 24,
            "type": "function",
            "function": {
                "name": draw(st.sampled_from(["read", "mcp__x_y", "made_up"])),
                "arguments": json.dumps(
                    draw(objects), ensure_ascii=draw(st.booleans())
                ),
            },
        }
        for at in range(draw(st.integers(0, 3)))
    ]
    if calls:
        message["tool_calls"] = calls
    return message


@st.composite
def in_chunks(draw, message: dict[str, Any]) -> list[dict[str, Any]]:
    """The message as a stream: texts and arguments in pieces, fields in order."""
    chunks = []
    for field in ("reasoning", "reasoning_content", "content"):
        for piece in draw(pieces_of(message.get(field) or "")):
            chunks.append(chunk(**{field: piece}))
    by_index = draw(st.booleans())
    for at, call in enumerate(message.get("tool_calls", [])):
        index = {"index": at if by_index else 0}
        function = call["function"]
        head = {**index, "id": call["id"], "function": {"name": function["name"]}}
        chunks.append(chunk(tool_calls=[head]))
        for piece in draw(pieces_of(function["arguments"])):
            part = {**index, "function": {"arguments": piece}}
            chunks.append(chunk(tool_calls=[part]))
    return chunks


@st.composite
def pieces_of(draw, text: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)])]


@st.composite
def cut_anywhere(draw, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)])]


def whole(message: dict[str, Any], finish: str = "stop", to: ReplyContext = TO) -> Any:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    return from_chat.translate_answer(json.dumps(body).encode(), to).message


def told(message: dict[str, Any]) -> tuple[Any, ...]:
    """What must not depend on how an answer was sent; token estimates may."""
    return message["content"], message["stop_reason"], message["stop_sequence"]


@given(st.data(), answers(), st.sampled_from(["stop", "tool_calls", "length"]))
def test_a_streamed_answer_is_the_unstreamed_one(data, message, finish):
    chunks = data.draw(in_chunks(message))
    body = sse(*chunks, chunk(finish))
    translator = ChatStreamTranslator(TO)
    events = b"".join(map(translator.feed, data.draw(cut_anywhere(body))))
    answer = whole(message, finish)

    assert messages_stream.problems(events) == []
    assert messages_stream.answer_problems(answer) == []
    assert told(fold(events)) == told(answer)
    assert told(from_chat.translate_answer(body, TO).message) == told(answer)
    assert told(fold(from_chat.as_events(answer))) == told(answer)


@given(st.data(), answers(), st.lists(st.text("ab<\n ", min_size=1), max_size=3))
def test_stop_sequences_do_not_depend_on_the_pieces(data, message, sequences):
    to = reply(stop_sequences=tuple(text for text in sequences if text.strip()))
    body = sse(*data.draw(in_chunks(message)), chunk("stop"))
    events = ChatStreamTranslator(to).feed(body)
    answer = whole(message, to=to)

    assert messages_stream.problems(events) == []
    assert told(fold(events)) == told(answer)
    if answer["stop_sequence"] is None:
        text = "".join(block.get("text", "") for block in answer["content"])
        assert not any(sequence in text for sequence in to.stop_sequences)


@given(st.data(), answers())
def test_a_stream_cut_before_its_end_never_looks_whole(data, message):
    body = sse(*data.draw(in_chunks(message)), chunk("tool_calls"), done=False)
    last = body.rindex(b"data: ")
    # From its closing bracket on the last chunk is there.
    end = data.draw(st.integers(0, last + body[last:].index(b"\n") - 1))
    translator = ChatStreamTranslator(TO)
    try:
        events = translator.feed(body[:end]) + translator.end()
    except UpstreamError:
        return

    assert messages_stream.problems(events) == []
    cut = fold(events)
    assert "complete" not in cut
    assert cut["error"]
    closed = cut["content"][:-1] if cut["open"] else cut["content"]
    finished = [
        block for block in whole(message)["content"] if block["type"] == "tool_use"
    ]
    for block in closed:
        if block["type"] == "tool_use":
            assert block in finished


@given(st.data(), answers())
def test_a_call_cut_by_the_token_limit_is_not_the_call(data, message):
    calls = message.get("tool_calls")
    if not calls:
        return
    arguments = calls[-1]["function"]["arguments"]
    calls[-1]["function"]["arguments"] = arguments[
        : data.draw(st.integers(0, len(arguments) - 1))
    ]
    body = sse(*data.draw(in_chunks(message)), chunk("length"))
    events = ChatStreamTranslator(TO).feed(body)
    answer = fold(events)

    assert messages_stream.problems(events) == []
    last = answer["content"][-1]
    assert None in last["input"].values() or "_invalid_arguments" in last["input"]
    assert told(answer) == told(whole(message, "length"))


# -- what must come back


@given(st.lists(ids, min_size=1, max_size=6), st.data())
def test_an_id_comes_back_to_its_maker_byte_for_byte(originals, data):
    seen = data.draw(st.frozensets(st.sampled_from(["c" * 24, "toolu_1"])))
    calls = [
        {"id": original, "function": {"name": "read", "arguments": "{}"}}
        for original in originals
    ]
    content = whole({"tool_calls": calls}, to=reply(seen_tool_ids=seen))["content"]
    given_ids = [block["id"] for block in content]

    assert len({*given_ids, *seen}) == len(given_ids) + len(seen)
    for original, client_id in zip(originals, given_ids):
        if original and not original.isspace():
            back = tool_ids.original_of(client_id)
            assert original in {back, client_id}


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["reasoning.text", "reasoning.summary"])},
            optional={
                "text": any_text,
                "summary": any_text,
                "signature": any_text,
                "index": st.integers(0, 3),
            },
        )
        | st.fixed_dictionaries(
            {"type": st.just("reasoning.encrypted"), "data": any_text.filter(bool)}
        ),
        max_size=5,
    )
)
def test_details_come_back_whole_and_in_order(details):
    content = whole({"content": "x", "reasoning_details": details})["content"]
    back = []
    for block in content:
        sealed = block.get("signature") or block.get("data")
        if sealed:
            thought = reasoning.unpack(sealed, KEY, text=block.get("thinking", ""))
            back += thought.details
            assert reasoning.unpack(sealed, "f" * 12, text="") is None

    # Sealed ones follow the block that was open.
    assert sorted(map(json.dumps, back)) == sorted(map(json.dumps, details))


@given(st.sampled_from(["reasoning", "reasoning_content"]), any_text, st.data())
def test_a_thought_comes_back_as_it_came(field, text, data):
    pieces = data.draw(pieces_of(text))
    events = ChatStreamTranslator(TO).feed(
        sse(*(chunk(**{field: piece}) for piece in pieces), chunk("stop"))
    )
    blocks = fold(events)["content"]

    if text.strip():
        (block,) = blocks
        assert block["thinking"] == text
        assert reasoning.unpack(block["signature"], KEY).fields == (field,)
    else:
        assert blocks == []


# -- accidents

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats()
    | st.text(max_size=8)
)
_texts = st.sampled_from(
    [
        "",
        " ",
        "a",
        "<think>",
        "</think>",
        '{"a":',
        "1}",
        "{}",
        "\ud83d",
        "\ude00",
        "STOP",
    ]
)
_details = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["reasoning.text", "reasoning.encrypted"]) | _scalars,
        "text": _texts | _scalars,
        "summary": _texts | _scalars,
        "data": _texts | _scalars,
        "index": st.integers(0, 2) | _scalars,
        "id": _texts | _scalars,
    },
)
_functions = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["read", "re", "ad", "mcp__x_y"]) | _scalars,
        "arguments": _texts | _scalars | st.dictionaries(_texts, _scalars, max_size=2),
    },
)
_calls = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(0, 2) | _scalars,
        "id": st.sampled_from(["a", "b", "c" * 24]) | _scalars,
        "function": _functions | _scalars,
        "extra_content": st.just({"google": {"thought_signature": "s"}}) | _scalars,
    },
)
_parts = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["text", "thinking", "refusal"]) | _scalars,
        "text": _texts | _scalars,
        "thinking": _texts | _scalars | st.lists(_texts | _scalars, max_size=2),
        "refusal": _texts | _scalars,
    },
)
_deltas = st.fixed_dictionaries(
    {},
    optional={
        "content": _texts | _scalars | st.lists(_parts | _scalars, max_size=3),
        "reasoning": _texts | _scalars,
        "reasoning_content": _texts | _scalars,
        "reasoning_details": _scalars | st.lists(_details | _scalars, max_size=3),
        "refusal": st.none() | _scalars,
        "tool_calls": _scalars | st.lists(_calls | _scalars, max_size=3),
        "function_call": _functions | _scalars,
        "annotations": _scalars
        | st.lists(st.just({"url_citation": {"url": "u"}}) | _scalars, max_size=2),
    },
)
_choices = st.fixed_dictionaries(
    {},
    optional={
        "index": st.just(0) | _scalars,
        "delta": _deltas | _scalars,
        "message": _deltas | _scalars,
        "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "error"])
        | _scalars,
        "stop_reason": _texts | _scalars,
        "usage": st.dictionaries(st.just("prompt_tokens"), _scalars) | _scalars,
    },
)
chunks = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(_choices, min_size=1, max_size=2) | _scalars,
        "usage": st.dictionaries(
            st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens"]),
            _scalars,
        ),
        "x_groq": _scalars,
    },
)
ODD = reply(
    tool_names=NAMES,
    tool_schemas={"read": {"required": ["a"]}, "mcp__x_y": {}},
    stop_sequences=("STOP", "</"),
    search_query="q",
)


def wire(made: Any) -> bytes:
    return b"data: " + json.dumps(made).encode() + b"\n\n"


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=examples(150))
@given(st.lists(chunks, max_size=6), st.booleans(), st.data())
def test_any_chunks_give_a_good_stream_or_an_error(made, done, data):
    body = b"".join(map(wire, made)) + (b"data: [DONE]\n\n" if done else b"")
    outcomes = []
    for pieces in ([body], data.draw(cut_anywhere(body))):
        translator = ChatStreamTranslator(ODD)
        events = b""
        try:
            for piece in pieces:
                events += translator.feed(piece)
            events += translator.end()
        except UpstreamError as error:
            assert not translator.started
            outcomes.append((error.status, error.message))
        else:
            assert messages_stream.problems(events) == []
            outcomes.append(events)

    assert outcomes[0] == outcomes[1]


_plain = st.sampled_from(
    [
        chunk(content="a"),
        chunk(content="b"),
        chunk(content="\u00e9\u2028"),
        chunk(content='"\\'),
        chunk(content="\n"),
        {**chunk(content="a"), "created": 1},
        {**chunk(content="a"), "message": {"content": "a"}},
        chunk(content=" "),
        chunk(content="<"),
        chunk(content="\ud83d"),
        chunk(content="ST"),
        chunk(reasoning="b"),
        chunk(reasoning=" "),
        chunk(reasoning="\ud83d"),
        chunk(reasoning_content="b"),
        chunk(reasoning="b", reasoning_details=[{"text": "b", "index": 0}]),
        chunk(reasoning_details=[{"text": "b", "index": 0}]),
        chunk(reasoning_details=[{"data": "c"}]),
        chunk(content=[{"thinking": "d"}]),
        chunk(tool_calls=[{"index": 0, "id": "x", "function": {"name": "read"}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
        chunk("stop", content="e"),
    ]
)


@given(st.lists(_plain, max_size=12), st.booleans())
def test_the_short_ways_write_what_the_long_way_does(made, has_stops):
    to = reply(stop_sequences=("STOP",)) if has_stops else TO
    body = sse(*made)
    translator = ChatStreamTranslator(to)
    try:
        short = ChatStreamTranslator(to).feed(body)
        shortest = b"".join(map(translator.feed, [*map(wire, made), DONE]))
        with mock.patch.object(chat, "plain_text_of", return_value=""):
            long = ChatStreamTranslator(to).feed(body)
    except UpstreamError:
        return

    assert short == long
    assert shortest == long


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(chunks, max_size=4), st.sampled_from(["fail", "end", "begin"]))
def test_any_accident_leaves_a_good_stream_or_an_error(made, accident):
    translator = ChatStreamTranslator(ODD)
    events = translator.begin() if accident == "begin" else b""
    try:
        events += translator.feed(b"".join(map(wire, made)))
        if accident == "fail":
            events += translator.fail(UpstreamBroken("reset"))
        else:
            events += translator.end()
    except UpstreamError:
        assert not translator.started
        return

    assert messages_stream.problems(events) == []


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=examples(150))
@given(_deltas, st.sampled_from(["stop", "length", None]), st.booleans())
def test_any_message_gives_a_good_answer_or_an_error(message, finish, has_more):
    body: dict[str, Any] = {"choices": [{"message": message, "finish_reason": finish}]}
    if has_more:
        body["usage"] = {"prompt_tokens": 3, "cost": 1e400}
    try:
        answer = from_chat.translate_answer(json.dumps(body).encode(), ODD).message
    except AIProxyError:
        return

    assert messages_stream.answer_problems(answer) == []
    assert messages_stream.problems(from_chat.as_events(answer)) == []


@given(st.binary(max_size=200))
def test_any_bytes_give_a_good_stream_or_an_error(data):
    translator = ChatStreamTranslator(REPLY)
    try:
        events = translator.feed(data) + translator.end()
    except UpstreamError:
        return

    assert messages_stream.problems(events) == []


@pytest.mark.parametrize("depth", [150, 300, 490, 600, 5000, 100_000])
def test_nesting_of_any_depth_is_survived(depth):
    deep = b"[" * depth + b"]" * depth
    for body in (
        b'{"choices":[{"message":{"content":%s}}]}' % deep,
        b'{"choices":[{"message":{"reasoning_details":[{"data":%s}]}}]}' % deep,
        b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":'
        b'{"a":%s}}}]}}]}' % deep,
        b'{"error":{"message":"x","metadata":%s}}' % deep,
        b'data: {"choices":[{"delta":{"content":"x"}}],"a":%s}\n\n' % deep,
    ):
        translator = ChatStreamTranslator(REPLY)
        try:
            translator.feed(body) + translator.end()
        except UpstreamError:
            continue
