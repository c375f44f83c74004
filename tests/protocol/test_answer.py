"""Calls, text and thoughts in the order of their turns; nothing is lost."""

from __future__ import annotations

import pytest

from aiproxy.protocol import answer, reasoning
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from tests.protocol.answering import (
    KEY,
    REPLY,
    call,
    calls,
    chunk,
    fold,
    reply,
    sse,
    streamed,
    texts,
    tool_uses,
    types,
)


def weather(city, **more):
    return call(f'{{"city":"{city}"}}', name="get_weather", **more)


class Client:
    """What a client has, chunk by chunk."""

    def __init__(self, to=REPLY):
        self._translator = ChatStreamTranslator(to)
        self._events = b""

    def sees(self, *chunks, done=False):
        self._events += self._translator.feed(sse(*chunks, done=done))
        return fold(self._events)["content"]


# -- one call


def test_a_block_opens_with_the_first_arguments():
    client = Client()

    assert client.sees(calls(call("", call_id="a", name="get_"))) == []
    assert client.sees(calls(call("", name="weather"))) == []
    opened = client.sees(calls(call('{"city":"')))[0]
    assert (opened["name"], opened["partial"]) == ("get_weather", '{"city":"')


def test_a_name_after_its_arguments_is_waited_for():
    client = Client()

    assert client.sees(calls(call('{"city":', call_id="a"))) == []
    assert client.sees(calls(call(name="get_weather")))[0]["name"] == "get_weather"
    client.sees(calls(call('"Rome"}')))
    assert client.sees(chunk("stop"), done=True)[0]["input"] == {"city": "Rome"}


def test_a_call_without_arguments_opens_at_the_end():
    for arguments in ("", None, "{}", " "):
        message = streamed(calls(call(arguments, call_id="a", name="f")), chunk("stop"))

        assert tool_uses(message) == [("f", {})]
        assert message["stop_reason"] == "tool_use"


def test_a_name_that_never_comes_is_found_by_the_arguments():
    message = streamed(calls(call('{"city":"Rome"}', call_id="a")), chunk("tool_calls"))

    assert tool_uses(message) == [("get_weather", {"city": "Rome"})]


def test_a_call_that_cannot_be_named_is_an_error_of_the_stream():
    translator = ChatStreamTranslator(REPLY)
    events = translator.feed(sse(calls(call('{"x":1}', call_id="a")), chunk("stop")))

    message = fold(events)
    assert message["error"]["type"] == "api_error"
    assert message["content"] == []


def test_an_id_that_never_comes_is_made():
    message = streamed(calls(weather("Rome")), chunk("tool_calls"))

    assert message["content"][0]["id"] == "toolu_aipn0nce1_0"


def test_an_id_that_comes_after_the_block_has_opened_changes_nothing():
    message = streamed(
        calls(call('{"city":"R', name="get_weather")),
        calls(call('ome"}', call_id="late")),
        chunk("tool_calls"),
    )

    assert tool_uses(message) == [("get_weather", {"city": "Rome"})]


def test_a_piece_that_says_nothing_is_no_call():
    message = streamed(
        chunk(content="Hello"),
        calls(
            {"index": 0, "type": "function", "function": {"arguments": "", "name": ""}}
        ),
        chunk("stop"),
    )

    assert types(message) == ["text"]


def test_a_half_character_in_arguments_finds_its_other_half():
    message = streamed(
        calls(call('{"city":"\ud83d', call_id="a", name="f")),
        calls(call('\ude00"}')),
        chunk("stop"),
    )

    assert tool_uses(message) == [("f", {"city": "😀"})]


# -- repairs at the end


@pytest.mark.parametrize(
    ("finish", "arguments", "expected"),
    [
        ("tool_calls", ['{"a": [1', "}"], {"a": [1]}),
        ("tool_calls", ['{"a": "x"', ",}"], {"a": "x"}),
        ("tool_calls", ["{'a'", ": True}"], {"a": True}),
        ("tool_calls", ['{"a": "x', "y"], {"a": None}),
        ("length", ['{"a": 1, "b"', ': "x'], {"a": 1, "b": None}),
        ("length", ['{"a": 1, "b"', ": 2"], {"a": 1, "b": None}),
        ("length", ['{"a": 1', "}"], {"a": 1}),
        ("length", ["", " "], {"_invalid_arguments": " "}),
        ("tool_calls", ["no ", "json"], {"_invalid_arguments": "no json"}),
        ("tool_calls", ["{}", '{"a": 1}'], {"a": 1}),
        ("tool_calls", ['{"a": 1}', '{"a": 1}'], {"a": 1}),
        ("tool_calls", [{"a": 1}, None], {"a": 1}),
        ("tool_calls", [{}, {"a": 1}], {"a": 1}),
    ],
)
def test_arguments_end_as_an_object(finish, arguments, expected):
    first, second = arguments
    message = streamed(
        calls(call(first, call_id="a", name="f")), calls(call(second)), chunk(finish)
    )

    assert tool_uses(message) == [("f", expected)]
    assert message["stop_reason"] == (
        "max_tokens" if finish == "length" else "tool_use"
    )


def test_a_call_that_was_left_open_was_cut_too():
    message = streamed(
        calls(call('{"city":{"b":1}', call_id="a", name="get_weather")),
        calls(call('{"city":"Rome"}', index=1, call_id="b", name="get_weather")),
        chunk("length"),
    )

    assert tool_uses(message) == [
        ("get_weather", {"city": None}),
        ("get_weather", {"city": "Rome"}),
    ]


def test_only_the_last_call_was_cut():
    message = streamed(
        calls(call("", index=0, call_id="a", name="f")),
        calls(call('{"a": 1, "b": "x', index=1, call_id="b", name="g")),
        chunk("length"),
    )

    assert tool_uses(message) == [("f", {}), ("g", {"a": 1, "b": None})]


# -- several calls


@pytest.mark.parametrize("index", [[0, 1], [0, 0], [5, 2], [None, None]])
def test_calls_one_after_the_other(index):
    message = streamed(
        calls(weather("Rome", index=index[0], call_id="a")),
        calls(weather("Oslo", index=index[1], call_id="b")),
        chunk("tool_calls"),
    )

    assert tool_uses(message) == [
        ("get_weather", {"city": "Rome"}),
        ("get_weather", {"city": "Oslo"}),
    ]


def test_calls_in_one_delta():
    message = streamed(
        calls(weather("Rome", call_id="a"), weather("Oslo", index=1, call_id="b")),
        chunk("tool_calls"),
    )

    assert [block["input"]["city"] for block in message["content"]] == ["Rome", "Oslo"]


def test_interleaved_calls_are_told_apart_and_come_in_order():
    client = Client()
    client.sees(
        calls(call('{"city":', call_id="a", name="get_weather")),
        calls(call('{"path":', index=1, call_id="b", name="mcp__a_b")),
        calls(call('"Ro')),
    )
    (live,) = client.sees(calls(call('"x","mo', index=1)))
    assert live["partial"] == '{"city":"Ro'

    content = client.sees(calls(call('me"}')), calls(call('de":1}', index=1)))
    assert [block["name"] for block in content] == ["get_weather", "mcp__a.b"]
    content = client.sees(chunk("tool_calls"), done=True)
    assert content[1]["input"] == {"path": "x", "mode": 1}


def test_text_and_thoughts_wait_behind_an_open_call():
    message = streamed(
        chunk(content="before"),
        calls(call('{"city":', call_id="a", name="get_weather")),
        chunk(content="be"),
        chunk(reasoning="hm"),
        calls(weather("Oslo", index=1, call_id="b")),
        chunk(content="hind"),
        calls(call('"Rome"}')),
        chunk(content="after"),
        chunk("tool_calls"),
    )

    assert types(message) == [
        "text",
        "tool_use",
        "text",
        "thinking",
        "tool_use",
        "text",
    ]
    assert texts(message) == [
        ("text", "before"),
        ("text", "be"),
        ("thinking", "hm"),
        ("text", "hindafter"),
    ]
    assert [city["city"] for _, city in tool_uses(message)] == ["Rome", "Oslo"]


def test_what_waits_comes_out_although_the_call_never_closes():
    message = streamed(
        calls(call('{"city":', call_id="a", name="get_weather")),
        chunk(content="behind"),
        calls(weather("Oslo", index=1, call_id="b")),
        chunk("stop"),
    )

    assert types(message) == ["tool_use", "text", "tool_use"]
    assert tool_uses(message)[0] == ("get_weather", {"city": None})


def test_many_calls_behind_an_open_one_need_no_stack():
    pieces = [weather("Oslo", index=at, call_id=f"c{at}") for at in range(1, 3000)]
    message = streamed(
        calls(call('{"city":', call_id="a", name="get_weather")),
        calls(*pieces),
        calls(call("1}")),
        chunk("tool_calls"),
    )

    assert len(message["content"]) == 3000


def test_what_waits_behind_a_running_call_is_bounded(monkeypatch):
    monkeypatch.setattr(answer, "MAX_HELD_CHARS", 2000)
    begun = calls(call('{"city":"', call_id="a", name="get_weather"))
    more = chunk(content="x" * 100, tool_calls=[call("y")])
    translator = ChatStreamTranslator(REPLY)
    events = translator.feed(sse(begun, *[more] * 20, done=False))

    assert "held back" in fold(events)["error"]["message"]


def test_text_closes_a_call_whose_object_is_closed():
    message = streamed(
        calls(weather("Rome", call_id="a")), chunk(content="Now"), chunk("tool_calls")
    )

    assert types(message) == ["tool_use", "text"]


def test_a_text_is_closed_as_soon_as_a_call_begins():
    translator = ChatStreamTranslator(REPLY)
    events = translator.feed(
        sse(chunk(content="x"), calls(call("", call_id="a", name="f")), done=False)
    )

    assert not fold(events)["open"]


def test_a_stop_sequence_behind_an_open_call_lets_the_call_end():
    message = streamed(
        calls(call('{"city":', call_id="a", name="get_weather")),
        chunk(content="see STOP this"),
        calls(call('"Rome"}')),
        to=reply(stop_sequences=("STOP",)),
    )

    assert tool_uses(message) == [("get_weather", {"city": "Rome"})]
    assert texts(message) == [("text", "see ")]
    assert message["stop_reason"] == "stop_sequence"


def test_ids_stay_unique_in_the_conversation():
    message = streamed(
        calls(weather("Rome", call_id="call_0")),
        calls(weather("Oslo", call_id="call_1")),
        calls(weather("Bern", index=2, call_id="call_0")),
        chunk("tool_calls"),
        to=reply(seen_tool_ids=frozenset({"toolu_aipn0nce1_call_5f1"})),
    )
    ids = [block["id"] for block in message["content"]]

    assert len({*ids, "toolu_aipn0nce1_call_5f1"}) == 4


# -- what must come back with a call

GOOGLE = {"google": {"thought_signature": "sig"}}


def sealed(block):
    return reasoning.unpack(block["data"], KEY)


def test_extra_content_goes_before_its_call():
    message = streamed(
        chunk(content="Hello"),
        calls({**weather("Rome", call_id="a"), "extra_content": GOOGLE}),
        calls({**weather("Oslo", call_id="b"), "extra_content": GOOGLE}),
        chunk("tool_calls"),
    )
    _, first, rome, second, oslo = message["content"]

    assert dict(sealed(first).calls) == {rome["id"]: GOOGLE}
    assert dict(sealed(second).calls) == {oslo["id"]: GOOGLE}


def test_extra_content_may_come_in_pieces_before_the_arguments():
    message = streamed(
        calls({**call("", call_id="a", name="f"), "extra_content": GOOGLE}),
        calls({**call(""), "extra_content": {"other": {"y": 2}}}),
        calls(call('{"x":1}')),
        chunk("tool_calls"),
    )
    first, use = message["content"]

    assert dict(sealed(first).calls) == {use["id"]: {**GOOGLE, "other": {"y": 2}}}


def test_extra_content_that_comes_late_goes_after_its_call():
    message = streamed(
        calls(call('{"city":', call_id="a", name="get_weather")),
        calls({**call("1"), "extra_content": GOOGLE}),
        calls(call("}")),
        chunk("tool_calls"),
    )
    use, late = message["content"]

    assert dict(sealed(late).calls) == {use["id"]: GOOGLE}


def test_sealed_details_go_before_the_call_of_the_same_delta():
    detail = {"type": "reasoning.encrypted", "data": "x", "id": "a"}
    message = streamed(
        chunk(
            reasoning_details=[detail],
            tool_calls=[weather("Rome", call_id="a")],
        ),
        chunk("tool_calls"),
    )

    assert types(message) == ["redacted_thinking", "tool_use"]
    assert list(sealed(message["content"][0]).details) == [detail]
