"""The life of a stream: when it begins, how it ends, and how it must not end."""

from __future__ import annotations

import json
import time

import pytest

from aiproxy.errors import (
    ClientGone,
    Unavailable,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
)
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from tests.protocol.answering import (
    DONE,
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
    translate,
    types,
)
from tests.validators import messages_stream

USAGE = {"prompt_tokens": 50, "completion_tokens": 7}


def started(*chunks, to=REPLY):
    """A translator that has read these chunks, and what it gave out."""
    translator = ChatStreamTranslator(to)
    return translator, translator.feed(sse(*chunks, done=False))


def ended_badly(events):
    """The error at the end of a stream whose block is left as it was."""
    assert messages_stream.problems(events) == []
    message = fold(events)
    assert "complete" not in message
    return message["error"]


# -- committing


def test_the_first_data_event_begins_the_answer():
    _, events = started(chunk(role="assistant", content=""))
    message = fold(events)

    assert message["id"] == REPLY.message_id
    assert message["usage"]["input_tokens"] == REPLY.input_estimate
    assert message["usage"]["output_tokens"] == 0


@pytest.mark.parametrize(
    "head", [b": OPENROUTER PROCESSING\n\n", b"event: x\n\n", b"\n"]
)
def test_comments_begin_nothing(head):
    translator = ChatStreamTranslator(REPLY)

    assert translator.feed(head) == b""
    assert not translator.started


@pytest.mark.parametrize("head", [b"data: hello\n\n", b"data: 5\n\n", b"<html>\n\n"])
def test_what_is_no_chunk_begins_nothing(head):
    translator = ChatStreamTranslator(REPLY)

    assert translator.feed(head) == b""
    assert not translator.started


def test_an_error_before_the_first_event_keeps_its_status():
    translator = ChatStreamTranslator(REPLY)
    body = b': hello\n\ndata: {"error": {"message": "slow down", "code": 429}}\n\n'

    with pytest.raises(UpstreamError, match="slow down") as caught:
        translator.feed(body)
    assert caught.value.status == 429
    assert translator.done
    assert translator.outcome.error is caught.value


@pytest.mark.parametrize("body", [b"", b": hello\n\n", b"data: [DONE]\n\n", b"<html>x"])
def test_an_end_before_any_data_is_a_502(body):
    translator = ChatStreamTranslator(REPLY)

    with pytest.raises(UpstreamError) as caught:
        _ = translator.feed(body) + translator.end()
    assert caught.value.status == 502


def test_a_page_in_place_of_a_stream_is_quoted():
    translator = ChatStreamTranslator(REPLY)
    translator.feed(b"<html><head><title>Blocked by the firewall</title></head></html>")

    with pytest.raises(UpstreamError, match="Blocked by the firewall"):
        translator.end()


def test_a_silent_upstream_can_be_waited_for_with_an_open_answer():
    translator = ChatStreamTranslator(REPLY)
    events = translator.begin()
    assert translator.started
    assert translator.begin() == b""

    events += translator.feed(sse(chunk("stop", content="Hello")))
    message = fold(events)
    assert messages_stream.problems(events) == []
    assert texts(message) == [("text", "Hello")]


def test_an_error_after_that_is_an_event():
    translator = ChatStreamTranslator(REPLY)
    events = translator.begin()
    events += translator.feed(b'data: {"error": {"message": "no", "code": 429}}\n\n')

    assert ended_badly(events) == {"type": "rate_limit_error", "message": "no"}


# -- reading


def test_an_answer_in_one_piece_becomes_events():
    body = json.dumps(
        {
            "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}],
            "usage": USAGE,
        }
    ).encode()
    translator = ChatStreamTranslator(REPLY)

    assert translator.feed(b"\n  ") + translator.feed(body) == b""
    events = translator.end()
    message = fold(events)
    assert messages_stream.problems(events) == []
    assert texts(message) == [("text", "Hello")]
    assert message["usage"]["input_tokens"] == 50


def test_an_answer_in_one_piece_may_follow_the_opening():
    translator = ChatStreamTranslator(REPLY)
    events = translator.begin()
    translator.feed(b'{"choices": [{"message": {"content": "Hello"}}]}')
    events += translator.end()

    assert messages_stream.problems(events) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error": {"message": "no", "code": 503}}', 503),
        (b'[{"error": {"message": "no", "code": 429}}]', 429),
        (b'{"choices": [{"message": {"content": "He', 502),
        (b"{}", 502),
    ],
)
def test_an_error_in_one_piece_keeps_its_status(body, status):
    with pytest.raises(UpstreamError) as caught:
        translate(body)
    assert caught.value.status == status


def test_an_answer_in_one_piece_is_bounded():
    translator = ChatStreamTranslator(REPLY)
    translator.feed(b"{" + b" " * ((32 << 20) - 1))

    with pytest.raises(UpstreamBroken, match="32 MiB"):
        translator.feed(b" ")


NOTHING = [
    b"hello\n\n",
    b"data: hello\n\n",
    b"data: 5\n\n",
    b'data: "x"\n\n',
    b"data: null\n\n",
    b"data: []\n\n",
    b"data: {}\n\n",
    b"data: {\n\n",
    b": ping\n\n",
    b"event: ping\ndata:\n\n",
    {"choices": None},
    {"choices": []},
    {"choices": [], "prompt_filter_results": [{"a": 1}]},
    {"choices": [None]},
    {"choices": [{"index": 0, "delta": None}]},
    {"choices": [{"index": 0}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": None, "content": None}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [None, {}]}}]},
    {
        "choices": [
            {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": None}]}}
        ]
    },
    {"choices": [{"index": 1, "delta": {"content": "other"}}]},
    {"choices": [{"index": 0, "delta": {"unheard_of": {"a": 1}, "content": ""}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": ""}]},
]


@pytest.mark.parametrize("nothing", NOTHING, ids=str)
def test_what_says_nothing_is_skipped(nothing):
    message = streamed(
        chunk(content="Hel"), nothing, chunk(content="lo"), nothing, chunk("stop")
    )

    assert texts(message) == [("text", "Hello")]


def test_a_message_in_place_of_a_delta_counts():
    body = {"choices": [{"index": 0, "message": {"content": "Hello"}}]}

    assert texts(streamed(body, chunk("stop"))) == [("text", "Hello")]


def test_text_that_looks_like_events_stays_text():
    text = 'data: {"a": 1}\n\nevent: error\ndata: [DONE]\n\n: x\r\n'

    assert texts(streamed(chunk(content=text), chunk("stop"))) == [("text", text)]


def test_half_characters_of_two_chunks_become_one():
    body = (
        b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
        rb'data: {"choices":[{"index":0,"delta":{"content":"x\ud83d"}}]}'
        b"\n\n"
        rb'data: {"choices":[{"index":0,"delta":{"content":"\ude00y"}}]}'
        b"\n\n"
    ) + sse(chunk("stop"))

    assert texts(fold(translate(body))) == [("text", "ax😀y")]


# -- the end


def test_done_ends_at_once_and_nothing_counts_after_it():
    translator, _ = started(chunk(content="Hello"), chunk("stop"))
    events = translator.feed(DONE + sse(chunk(content="more")))

    assert events.count(b"event: message_stop") == 1
    assert b"more" not in events
    assert translator.done
    assert translator.feed(sse(chunk(content="more"))) == b""
    assert translator.end() == b""
    assert translator.fail(UpstreamBroken("x")) == b""


@pytest.mark.parametrize(
    "mark",
    [
        b"data: [DONE]\n\n",
        b"data:[DONE]\r\n\r\n",
        b"data: [DONE]",
        b"data:  [DONE] \n\n",
    ],
)
def test_the_end_mark_may_be_written_in_many_ways(mark):
    assert translate(sse(chunk(content="x"), done=False) + mark).endswith(
        b'data: {"type":"message_stop"}\n\n'
    )


def test_a_finish_reason_is_not_the_end():
    message = streamed(
        chunk(content="Hel"),
        chunk("stop"),
        chunk(content="lo"),
        chunk("length"),
        {"choices": [], "usage": USAGE},
    )

    assert texts(message) == [("text", "Hello")]
    assert message["stop_reason"] == "max_tokens"
    assert message["usage"]["input_tokens"] == 50


@pytest.mark.parametrize("finish", ["stop", "length", "tool_calls", "whatever"])
def test_the_end_of_the_connection_after_a_finish_reason_is_proper(finish):
    translator, _ = started(chunk(content="Hello"), chunk(finish))

    assert translator.finish_seen
    assert b"message_stop" in translator.end()


def test_a_break_after_a_finish_reason_is_a_proper_end():
    translator, events = started(chunk(content="Hello"), chunk("stop", usage=USAGE))
    events += translator.fail(UpstreamBroken("reset"))

    assert fold(events)["complete"]
    assert translator.outcome.error is None
    assert translator.outcome.usage.input_tokens == 50


def test_an_empty_finish_reason_is_none():
    translator, events = started(chunk("", content="Hello"))
    events += translator.end()

    assert ended_badly(events)["type"] == "api_error"


def test_done_without_a_finish_reason_goes_by_the_content():
    assert streamed(chunk(content="Hello"))["stop_reason"] == "end_turn"
    message = streamed(calls(call('{"city":"Rome"}', call_id="a", name="get_weather")))
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize("arguments", ['{"city":"Ro', '{"city":[1]', "{'city': 1", "{"])
def test_done_within_arguments_without_a_finish_reason_is_an_error(arguments):
    events = translate(sse(calls(call(arguments, call_id="a", name="get_weather"))))

    assert "tool call" in ended_badly(events)["message"]
    assert fold(events)["content"] == [] or fold(events)["open"]


def test_done_without_any_choice_is_an_error():
    events = translate(sse({"choices": []}))

    assert ended_badly(events)["type"] == "api_error"


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(role="assistant", content="")],
        [chunk(content="Hel")],
        [chunk(reasoning="hm")],
        [calls(call('{"city":"Ro', call_id="a", name="get_weather"))],
        [calls(call('{"city":"Rome"}', call_id="a", name="get_weather"))],
        [calls(call("", call_id="a", name="get_weather"))],
        [chunk(content="x"), {"choices": [], "usage": USAGE}],
    ],
)
def test_a_stream_that_is_cut_off_ends_in_an_error_with_its_block_open(chunks):
    translator, events = started(*chunks)
    was_open = fold(events)["open"]
    events += translator.end()

    assert ended_badly(events)["type"] == "api_error"
    assert fold(events)["open"] == was_open
    assert translator.done
    assert isinstance(translator.outcome.error, UpstreamBroken)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UpstreamBroken("reset"), "api_error"),
        (UpstreamTimeout("silent"), "api_error"),
        (Unavailable("stopping"), "api_error"),
        (ClientGone(), "client_closed"),
    ],
)
def test_a_failure_of_the_connection_is_an_error_event(error, kind):
    translator, events = started(chunk(content="Hel"))
    events += translator.fail(error)

    last = messages_stream.parse(events)[-1].body
    assert last == {"type": "error", "error": {"type": kind, "message": error.message}}
    assert translator.outcome.error is error


def test_a_failure_before_the_first_event_is_raised():
    translator = ChatStreamTranslator(REPLY)

    with pytest.raises(UpstreamTimeout):
        translator.fail(UpstreamTimeout("silent"))
    assert translator.done


# -- errors in the stream


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ({"error": {"message": "slow", "code": 429}}, "rate_limit_error"),
        ({"error": {"message": "busy", "code": 503}}, "overloaded_error"),
        ({"error": {"message": "busy", "code": 529}}, "overloaded_error"),
        ({"error": {"message": "Overloaded", "code": 500}}, "overloaded_error"),
        ({"error": {"message": "broke", "code": 500}}, "api_error"),
        ({"error": "broke"}, "api_error"),
        ({"error": {"message": "bad", "code": 400}}, "api_error"),
        (
            chunk("error", choice={"error": {"message": "slow", "code": 429}}),
            "rate_limit_error",
        ),
        (chunk("error"), "api_error"),
        (chunk("network_error"), "api_error"),
        ([{"error": {"message": "slow", "code": 429}}], "rate_limit_error"),
    ],
)
def test_an_error_in_the_stream_is_an_error_event(broken, kind):
    translator, events = started(chunk(content="Hel"), broken, chunk(content="lo"))
    error = ended_badly(events)

    assert error["type"] == kind
    assert translator.done
    assert texts(fold(events)) == [("text", "Hel")]
    words = broken["error"] if isinstance(broken, dict) and "error" in broken else None
    if isinstance(words, dict):
        assert words["message"] in error["message"]


def test_an_error_in_the_stream_does_not_show_the_key():
    to = reply(secrets=("hunter2hunter2",))
    _, events = started(chunk(content="x"), {"error": "bad hunter2hunter2"}, to=to)

    assert b"hunter2hunter2" not in events


def test_an_error_after_the_finish_reason_is_an_error():
    _, events = started(chunk("stop", content="x"), {"error": {"message": "no"}})

    assert ended_badly(events)["message"] == "no"


# -- usage


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(content="x"), chunk("stop", usage=USAGE)],
        [chunk(content="x"), chunk("stop"), {"choices": [], "usage": USAGE}],
        [chunk(content="x"), chunk("stop", choice={"usage": USAGE})],
        [chunk(content="x"), {**chunk("stop"), "x_groq": {"usage": USAGE}}],
        [
            chunk(content="x", usage={"prompt_tokens": 50, "completion_tokens": 1}),
            chunk("stop", usage=USAGE),
            {"choices": [], "usage": None},
        ],
        [chunk(content="x", usage=USAGE), chunk("stop", usage=None)],
    ],
)
def test_the_last_usage_counts_wherever_it_is(chunks):
    usage = streamed(*chunks)["usage"]

    assert (usage["input_tokens"], usage["output_tokens"]) == (50, 7)
    assert set(usage) >= {"cache_read_input_tokens", "cache_creation_input_tokens"}


def test_usage_that_is_missing_is_estimated():
    usage = streamed(chunk(content="Hello there, this is text"), chunk("stop"))["usage"]

    assert usage["input_tokens"] == REPLY.input_estimate
    assert 5 <= usage["output_tokens"] <= 12


def test_the_outcome_of_a_broken_stream_knows_what_it_cost():
    translator, _ = started(chunk(content="Hello", usage=USAGE))
    translator.end()

    assert translator.outcome.usage.input_tokens == 50


def test_the_outcome_of_a_running_stream_knows_what_it_has_cost():
    translator, _ = started(chunk(content="Hello"))
    assert translator.outcome.usage.input_tokens == REPLY.input_estimate
    assert translator.outcome.usage.estimated

    translator.feed(sse(chunk(content="x", usage=USAGE), done=False))
    assert translator.outcome.usage.input_tokens == 50
    assert not translator.outcome.usage.estimated


def test_an_answer_that_never_began_cost_nothing():
    translator = ChatStreamTranslator(REPLY)
    assert translator.outcome.usage.input_tokens == 0

    with pytest.raises(UpstreamError):
        translator.end()
    assert translator.outcome.usage.input_tokens == 0


# -- stop sequences


def test_a_stop_sequence_ends_the_stream_at_once():
    to = reply(stop_sequences=("STOP",))
    translator, events = started(
        chunk(reasoning="a STOP"), chunk(content="Hello ST"), to=to
    )
    assert b"Hello " in events
    events += translator.feed(
        sse(
            chunk(content="OP and more"),
            calls(call("{}", call_id="a", name="f")),
            done=False,
        )
    )

    message = fold(events)
    assert messages_stream.problems(events) == []
    assert texts(message) == [("thinking", "a STOP"), ("text", "Hello ")]
    assert types(message) == ["thinking", "text"]
    assert (message["stop_reason"], message["stop_sequence"]) == (
        "stop_sequence",
        "STOP",
    )
    assert message["complete"]
    assert translator.done


def test_a_stop_sequence_within_a_later_chunk_ends_the_text():
    message = streamed(
        chunk(content="Hello"),
        chunk(content=" you STOP there"),
        to=reply(stop_sequences=("STOP",)),
    )

    assert texts(message) == [("text", "Hello you ")]


def test_what_looked_like_a_stop_sequence_comes_at_the_end():
    message = streamed(
        chunk(content="Hello ST"), chunk("stop"), to=reply(stop_sequences=("STOP",))
    )

    assert texts(message) == [("text", "Hello ST")]


@pytest.mark.parametrize(
    "after", [calls(call("{}", call_id="a", name="f")), chunk(reasoning="hm")]
)
def test_what_was_held_as_a_tag_may_be_a_stop_sequence(after):
    message = streamed(chunk(content="a<"), to=reply(stop_sequences=("<",)))
    assert texts(message) == [("text", "a")]

    message = streamed(chunk(content="<"), after, to=reply(stop_sequences=("<",)))
    assert (message["content"], message["stop_sequence"]) == ([], "<")


def test_a_stop_that_nobody_asked_for_is_not_told():
    named = chunk("stop", choice={"stop_reason": "<|eot|>"})
    message = streamed(
        chunk(content="a"), named, to=reply(stop_sequences=("END", "</x>"))
    )

    assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)


def test_a_stop_sequence_that_the_provider_names_is_told():
    message = streamed(
        chunk(content="Hello"),
        chunk("stop", choice={"stop_reason": "STOP"}),
        to=reply(stop_sequences=("STOP",)),
    )

    assert message["stop_sequence"] == "STOP"


# -- cost


@pytest.mark.parametrize("size", [1, 7])
def test_bytes_may_come_one_by_one(size):
    body = sse(
        b"\xef\xbb\xbf: hi\r\n\r\n",
        chunk(reasoning_content="hm é漢😀"),
        chunk(content="Hello é漢😀"),
        calls(call('{"city":"Röme 😀"}', call_id="a", name="get_weather")),
        chunk("tool_calls", usage=USAGE),
    )

    assert translate(body, size=size) == translate(body)


def test_a_text_chunk_costs_microseconds():
    translator, _ = started(chunk(content="Hello"))
    body = sse(chunk(content="twenty-four characters.."), done=False)
    best = min(_seconds_of(translator, body) for _ in range(5))

    assert best / 2000 < 50e-6  # a tenth of that on an idle machine


def _seconds_of(translator, body):
    started_at = time.process_time()
    for _ in range(2000):
        translator.feed(body)
    return time.process_time() - started_at


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"x" * (17 << 20),
        b"data: x\n" * (3 << 20),
        sse(chunk(content=" " * (1 << 20)), done=False) * 17,
        sse(
            calls(call("", call_id="a", name="f")),
            sse(chunk(content="x" * (1 << 20)), done=False) * 17,
            done=False,
        ),
        sse(
            calls(call("{'", call_id="a", name="f")),
            sse(calls(call("x" * (1 << 20))), done=False) * 17,
            done=False,
        ),
        sse(
            chunk(content="<think>"),
            sse(chunk(content=" " * (1 << 20)), done=False) * 17,
        ),
    ],
    ids=["line", "event", "blanks", "behind a call", "held arguments", "blank thought"],
)
def test_what_must_be_held_back_is_bounded(body):
    translator = ChatStreamTranslator(REPLY)
    translator.begin()
    events = b"".join(
        translator.feed(body[at : at + (1 << 20)])
        for at in range(0, len(body), 1 << 20)
    )

    assert translator.done
    assert messages_stream.parse(events)[-1].name == "error"


def test_a_long_answer_is_not_held_back():
    piece = sse(chunk(content="x" * (1 << 20)), done=False)
    translator = ChatStreamTranslator(reply(stop_sequences=("STOP",)))
    sizes = [len(translator.feed(piece)) for _ in range(20)]

    assert min(sizes) > 1 << 20
    assert not translator.done


def test_tool_calls_reach_the_client_before_they_are_complete():
    translator, events = started(
        chunk(content="Let me see"),
        calls(call("", call_id="a", name="get_weather")),
        calls(call('{"city":"Ro')),
    )
    assert fold(events)["content"][-1]["partial"] == '{"city":"Ro'

    events += translator.feed(sse(calls(call('me"}')), chunk("tool_calls")))
    assert tool_uses(fold(events)) == [("get_weather", {"city": "Rome"})]
