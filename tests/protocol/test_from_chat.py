"""A Chat Completions answer in one piece, rule by rule."""

from __future__ import annotations

import gzip
import json

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.protocol import from_chat, reasoning
from aiproxy.protocol.arguments import INVALID
from tests.protocol.answering import (
    KEY,
    REPLY,
    answered,
    call,
    calls,
    chunk,
    failure,
    fold,
    reply,
    sse,
    texts,
    tool_uses,
    types,
)
from tests.validators import messages_stream


def test_the_message_is_the_clients():
    message = answered({"role": "assistant", "content": "Hello"})

    assert message["id"] == REPLY.message_id
    assert message["model"] == REPLY.model
    assert message["stop_sequence"] is None
    assert message["content"] == [{"type": "text", "text": "Hello"}]


def test_a_whole_answer_without_a_finish_reason_is_whole():
    half = call('{"city":"Ro', call_id="a", name="get_weather")
    message = answered({"tool_calls": [half]}, None)

    assert tool_uses(message) == [("get_weather", {"city": None})]


def test_blocks_come_in_the_order_thinking_search_text_tool_use():
    message = answered(
        {
            "tool_calls": [call('{"city":"Rome"}', call_id="a", name="get_weather")],
            "content": "Hello",
            "annotations": [
                {"url_citation": {"url": "https://a.example", "title": "A"}}
            ],
            "reasoning_content": "hm",
        },
        "tool_calls",
        to=reply(search_query="news"),
    )

    assert types(message) == [
        "thinking",
        "server_tool_use",
        "web_search_tool_result",
        "text",
        "tool_use",
    ]


@pytest.mark.parametrize(
    "content", [None, "", " \n\t ", [], [{"type": "text", "text": ""}]]
)
def test_nothing_visible_makes_no_block(content):
    assert answered({"role": "assistant", "content": content})["content"] == []


@pytest.mark.parametrize(
    "content", ["\n Hello \n", [{"type": "text", "text": "\n Hel"}, {"text": "lo \n"}]]
)
def test_a_text_keeps_its_whitespace(content):
    assert texts(answered({"content": content})) == [("text", "\n Hello \n")]


def test_a_tool_call_printed_as_text_is_text():
    printed = '<tool_call>{"name": "get_weather"}</tool_call>'

    assert texts(answered({"content": printed})) == [("text", printed)]


@pytest.mark.parametrize(
    ("fields", "packed"),
    [
        ({"reasoning_content": "hm"}, ("reasoning_content",)),
        ({"reasoning": "hm"}, ("reasoning",)),
        (
            {"reasoning_content": "hm", "reasoning": "hm"},
            ("reasoning_content", "reasoning"),
        ),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
            ("reasoning_details",),
        ),
        (
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]},
            ("reasoning_details",),
        ),
        (
            {
                "reasoning": "hm",
                "reasoning_details": [{"type": "reasoning.text", "text": "hm"}],
            },
            ("reasoning",),
        ),
    ],
)
def test_a_thought_is_shown_once_and_remembers_its_fields(fields, packed):
    message = answered({"content": "Hello", **fields})

    assert texts(message) == [("thinking", "hm"), ("text", "Hello")]
    thought = reasoning.unpack(message["content"][0]["signature"], KEY, text="hm")
    assert thought.fields == packed
    assert list(thought.details) == fields.get("reasoning_details", [])


def test_a_thinking_part_is_a_thought():
    message = answered(
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "Hello"},
            ]
        }
    )

    assert texts(message) == [("thinking", "hm"), ("text", "Hello")]
    signature = message["content"][0]["signature"]
    assert reasoning.unpack(signature, KEY).fields == (reasoning.PARTS,)


@pytest.mark.parametrize("tag", ["think", "thinking", "thought"])
def test_a_thought_in_tags_is_a_thought(tag):
    message = answered({"content": f"\n<{tag}>\nhm\n</{tag}>\n\nHello"})

    assert texts(message) == [("thinking", "hm"), ("text", "Hello")]
    signature = message["content"][0]["signature"]
    assert reasoning.unpack(signature, KEY).fields == (f"<{tag}>",)


def test_an_unclosed_tag_makes_all_of_it_thought():
    assert texts(answered({"content": "<think>hm\nand more"})) == [
        ("thinking", "hm\nand more")
    ]


def test_tags_are_text_beside_a_reasoning_field():
    message = answered({"content": "<think>x</think>y", "reasoning": "hm"})

    assert texts(message) == [("thinking", "hm"), ("text", "<think>x</think>y")]


def test_whole_details_stay_apart():
    details = [
        {"type": "reasoning.text", "text": "one"},
        {"type": "reasoning.text", "text": "two"},
        {"type": "reasoning.encrypted", "data": "sealed"},
    ]
    message = answered({"content": "Hello", "reasoning_details": details})
    shown, sealed, _ = message["content"]

    assert shown["thinking"] == "onetwo"
    thought = reasoning.unpack(shown["signature"], KEY, text=shown["thinking"])
    assert list(thought.details) == details[:2]
    assert list(reasoning.unpack(sealed["data"], KEY).details) == details[2:]


def test_a_refusal_is_text_and_says_so():
    message = answered({"content": None, "refusal": "I cannot"})

    assert texts(message) == [("text", "I cannot")]
    assert message["stop_reason"] == "refusal"


@pytest.mark.parametrize("reason", ["content_filter", "safety", "sensitive"])
def test_a_filtered_answer_is_a_refusal(reason):
    assert answered({"content": "Hel"}, reason)["stop_reason"] == "refusal"


def test_a_filtered_answer_may_lack_its_message():
    body = {"choices": [{"index": 0, "finish_reason": "content_filter"}]}
    message = from_chat.translate_answer(json.dumps(body).encode(), REPLY).message

    assert (message["content"], message["stop_reason"]) == ([], "refusal")


def test_tool_calls_come_in_order():
    message = answered(
        {
            "tool_calls": [
                call('{"city":"Rome"}', call_id="a", name="get_weather"),
                call('{"city":"Oslo"}', call_id="b", name="get_weather"),
            ]
        },
        "tool_calls",
    )

    assert tool_uses(message) == [
        ("get_weather", {"city": "Rome"}),
        ("get_weather", {"city": "Oslo"}),
    ]
    assert message["stop_reason"] == "tool_use"


def test_calls_in_one_message_stay_apart_even_without_index_and_id():
    pieces = [call('{"city":1}', index=0, name="f"), call("", index=0, name="f")]

    assert tool_uses(answered({"tool_calls": pieces})) == [
        ("f", {"city": 1}),
        ("f", {}),
    ]


def test_a_legacy_function_call_is_one_call():
    message = answered(
        {"function_call": {"name": "get_weather", "arguments": '{"city":"Rome"}'}},
        "function_call",
    )

    assert tool_uses(message) == [("get_weather", {"city": "Rome"})]
    assert message["stop_reason"] == "tool_use"


def test_a_shortened_name_is_the_clients_again():
    message = answered({"tool_calls": [call("{}", name="mcp__a_b")]})

    assert tool_uses(message) == [("mcp__a.b", {})]


def test_a_call_without_a_name_is_found_by_its_arguments():
    message = answered({"tool_calls": [call('{"path":1,"mode":2}', call_id="a")]})

    assert tool_uses(message) == [("mcp__a.b", {"path": 1, "mode": 2})]


def test_a_call_that_cannot_be_named_is_a_502():
    body = {"choices": [{"message": {"tool_calls": [call('{"x":1}', call_id="a")]}}]}

    assert failure(json.dumps(body).encode()).status == 502


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"city": "Rome"}, {"city": "Rome"}),
        (None, {}),
        ("", {}),
        ("  ", {}),
        (
            '{"city":"Röme","n":12345678901234567890,"f":0.1}',
            {"city": "Röme", "n": 12345678901234567890, "f": 0.1},
        ),
        ("{'city': 'Rome',}", {"city": "Rome"}),
        ("no json", {INVALID: "no json"}),
        ([1], {INVALID: "[1]"}),
        ('{"city": yes}', {INVALID: '{"city": yes}'}),
        ('{"a":1,"city": yes}', {INVALID: '{"a":1,"city": yes}'}),
        ('{"city":"Ro', {"city": None}),
    ],
)
def test_arguments_end_as_an_object(arguments, expected):
    piece = {"id": "a", "function": {"name": "get_weather", "arguments": arguments}}

    assert tool_uses(answered({"tool_calls": [piece]})) == [("get_weather", expected)]


def test_arguments_cut_by_the_token_limit_cannot_run():
    message = answered(
        {"tool_calls": [call('{"a":1,"city":"Rome"', call_id="a", name="f")]}, "length"
    )

    assert tool_uses(message) == [("f", {"a": 1, "city": None})]
    assert message["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    "finish", ["max_tokens", "model_context_window_exceeded", "content_filter"]
)
def test_arguments_cut_for_another_reason_cannot_run_either(finish):
    message = answered(
        {"tool_calls": [call('{"a":"x","b":[1]', call_id="a", name="f")]}, finish
    )

    assert tool_uses(message) == [("f", {"a": "x", "b": None})]


def test_an_earlier_call_without_arguments_was_not_cut():
    pieces = [call("", call_id="a", name="f"), call('{"a":1', call_id="b", name="g")]
    message = answered({"tool_calls": pieces}, "length")

    assert tool_uses(message) == [("f", {}), ("g", {"a": None})]


@pytest.mark.parametrize(
    ("finish", "has_call", "expected"),
    [
        ("stop", False, "end_turn"),
        ("stop", True, "tool_use"),
        ("", False, "end_turn"),
        ("", True, "tool_use"),
        (None, False, "end_turn"),
        (None, True, "tool_use"),
        (["odd"], False, "end_turn"),
        ("unheard_of", True, "tool_use"),
        ("tool_calls", False, "end_turn"),
        ("tool_calls", True, "tool_use"),
        ("length", False, "max_tokens"),
        ("length", True, "max_tokens"),
        ("content_filter", True, "refusal"),
        ("model_context_window_exceeded", False, "model_context_window_exceeded"),
    ],
)
def test_the_content_has_its_say_in_the_stop_reason(finish, has_call, expected):
    more = {"tool_calls": [call("{}", call_id="a", name="f")]} if has_call else {}

    assert answered({"content": "x", **more}, finish)["stop_reason"] == expected


@pytest.mark.parametrize(
    "reason", ["error", "network_error", "insufficient_system_resource", "abort"]
)
def test_a_finish_reason_that_means_failure_is_an_error(reason):
    body = {"choices": [{"message": {"content": "Hel"}, "finish_reason": reason}]}
    error = failure(json.dumps(body).encode())

    assert error.status == 502
    assert reason in error.message


def test_a_stop_sequence_cuts_text_and_calls():
    message = answered(
        {
            "content": "<severity>7</severity> because",
            "tool_calls": [call("{}", call_id="a", name="f")],
        },
        to=reply(stop_sequences=("</severity>",)),
    )

    assert texts(message) == [("text", "<severity>7")]
    assert types(message) == ["text"]
    assert (message["stop_reason"], message["stop_sequence"]) == (
        "stop_sequence",
        "</severity>",
    )


@pytest.mark.parametrize(
    "said",
    [
        {"reasoning": "a STOP", "content": "b"},
        {"content": "<think>a STOP</think>b"},
        {"content": [{"type": "thinking", "thinking": "a STOP"}, "b"]},
    ],
)
def test_a_stop_sequence_in_a_thought_or_in_arguments_is_not_one(said):
    message = answered(
        {
            **said,
            "tool_calls": [call('{"x":"STOP"}', call_id="a", name="f")],
        },
        to=reply(stop_sequences=("STOP",)),
    )

    assert types(message) == ["thinking", "text", "tool_use"]
    assert message["stop_sequence"] is None


def test_a_stop_sequence_that_the_provider_names_is_told():
    message = answered(
        {"content": "<severity>7"},
        choice={"stop_reason": "</severity>"},
        to=reply(stop_sequences=("</severity>",)),
    )

    assert message["stop_sequence"] == "</severity>"
    assert message["stop_reason"] == "stop_sequence"


@pytest.mark.parametrize("named", ["other", 128009, None])
def test_a_stop_reason_that_nobody_asked_for_is_none(named):
    message = answered(
        {"content": "x"}, choice={"stop_reason": named}, to=reply(stop_sequences=("a",))
    )

    assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)


def test_citations_are_a_search_of_the_clients():
    citation = {
        "type": "url_citation",
        "url_citation": {"url": "https://a", "title": "A"},
    }
    message = answered(
        {"content": "News", "annotations": [citation, citation]},
        to=reply(search_query="the news"),
    )
    use, result, text = message["content"]

    assert use["type"] == "server_tool_use"
    assert (use["name"], use["input"]) == ("web_search", {"query": "the news"})
    assert result == {
        "type": "web_search_tool_result",
        "tool_use_id": use["id"],
        "content": [
            {
                "type": "web_search_result",
                "url": "https://a",
                "title": "A",
                "encrypted_content": "",
                "page_age": None,
            }
        ],
    }
    assert text["text"] == "News"
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert message["stop_reason"] == "end_turn"


def test_citations_without_an_offered_search_are_dropped():
    message = answered(
        {"content": "News", "annotations": [{"url_citation": {"url": "https://a"}}]}
    )

    assert types(message) == ["text"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"<html><title>Oops</title></html>",
        b"hello",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {}}]}',
        b'{"choices": [{"text": "x"}]}',
        b'{"choices": [{"message": {"content": "Hel',
        b'{"message": {"content": "Hel"}}\n{"done": true}\n',
        b": comment\n\n",
        b"data: [DONE]\n\n",
        b"data: hello\n\n",
        b'{"choices": ' + b"[" * 1000,
    ],
)
def test_what_is_no_answer_is_a_502(body):
    error = failure(body)

    assert (error.status, error.error_type) == (502, "api_error")
    assert error.message


@pytest.mark.parametrize("body", [b"", b": hello\n\ndata: [DONE]\n\n"])
def test_an_answer_that_says_nothing_is_named_so(body):
    assert "without an answer" in failure(body).message


def test_an_error_inside_a_200_keeps_its_status_and_words():
    error = failure(b'{"error": {"message": "slow down", "code": 429}}')

    assert (error.status, error.error_type) == (429, "rate_limit_error")
    assert "slow down" in error.message


def test_the_key_is_masked_in_an_error_inside_a_200():
    error = failure(
        b'{"error": {"message": "bad key hunter2hunter2"}}',
        reply(secrets=("hunter2hunter2",)),
    )

    assert "hunter2hunter2" not in error.message


def test_a_gzipped_answer_is_unpacked_once():
    body = json.dumps({"choices": [{"message": {"content": "Hello"}}]}).encode()

    packed = from_chat.translate_answer(gzip.compress(body), REPLY)
    assert texts(packed.message) == [("text", "Hello")]


@pytest.mark.parametrize(
    "body",
    [
        b"\x1f\x8bnonsense",
        gzip.compress(b"{}" * 100, mtime=0)[:-9],
        gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0),
    ],
)
def test_broken_gzip_is_an_error(body):
    assert failure(body).status == 502


def test_a_bomb_is_an_error():
    assert failure(gzip.compress(b"\0" * (33 << 20))).status == 502


def test_a_stream_in_answer_to_a_plain_request_is_folded():
    body = sse(
        chunk(reasoning_content="hm"),
        chunk(content="Hel"),
        chunk(content="lo"),
        calls(call('{"city":', call_id="a", name="get_weather")),
        calls(call('"Rome"}')),
        chunk("tool_calls"),
        chunk(usage={"prompt_tokens": 9, "completion_tokens": 4}),
    )
    answer = from_chat.translate_answer(body, REPLY)

    assert types(answer.message) == ["thinking", "text", "tool_use"]
    assert texts(answer.message)[1] == ("text", "Hello")
    assert answer.message["usage"]["input_tokens"] == 9
    assert answer.outcome.stop_reason == "tool_use"


@pytest.mark.parametrize(
    "body",
    [
        sse(chunk(content="Hel"), done=False),
        sse(chunk(content="Hel"), {"error": {"message": "broke"}}),
        sse(calls(call('{"a":', name="f"))),
    ],
)
def test_a_stream_that_is_not_whole_is_an_error(body):
    assert failure(body).status == 502


def test_usage_is_told():
    message = answered(
        {"content": "x"},
        usage={
            "prompt_tokens": 50,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 20},
        },
    )

    assert message["usage"] == {
        "input_tokens": 30,
        "output_tokens": 7,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 0,
    }


def test_usage_that_is_missing_is_estimated():
    usage = answered({"content": "Hello, this is a text of some length"})["usage"]

    assert usage["input_tokens"] == REPLY.input_estimate
    assert 8 <= usage["output_tokens"] <= 15


def test_an_input_that_is_all_cached_is_zero_in_an_answer_that_announced_none():
    usage = answered(
        {"content": "x"},
        usage={"prompt_tokens": 5, "completion_tokens": 1, "cached_tokens": 5},
    )["usage"]

    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (0, 5)


def test_half_characters_become_the_replacement_character():
    body = rb'{"choices":[{"message":{"content":"a\ud83d b\ud83d\ude00"}}]}'

    assert texts(from_chat.translate_answer(body, REPLY).message) == [
        ("text", "a\ufffd b😀")
    ]


def test_the_whole_message_as_events_is_the_same_message():
    message = answered(
        {
            "reasoning_content": "hm",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}],
            "content": "Hello\u2028",
            "annotations": [{"url_citation": {"url": "https://a", "title": "A"}}],
            "tool_calls": [
                call('{"city":"Röme"}', call_id="a", name="get_weather"),
                call("", call_id="b", name="f"),
            ],
        },
        "tool_calls",
        to=reply(search_query="news"),
    )
    events = from_chat.as_events(message)

    assert messages_stream.problems(events) == []
    folded = fold(events)
    assert {name: folded[name] for name in message} == message

    opening = json.loads(events.split(b"\n", 2)[1][len(b"data: ") :])["message"]
    assert opening["usage"] == {**message["usage"], "output_tokens": 0}
    assert opening["stop_sequence"] is None


def test_an_empty_message_as_events_is_whole():
    events = from_chat.as_events(answered({"content": None}))

    assert messages_stream.problems(events) == []


def test_nothing_but_our_errors_comes_out_of_any_json():
    for body in (
        b'{"choices": [{"message": {"content": %s}}]}' % value
        for value in (b"1", b"[[]]", b'{"text": []}', b'[{"thinking": {"a": 1}}]')
    ):
        try:
            from_chat.translate_answer(body, REPLY)
        except UpstreamError:
            continue


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": None, "usage": None},
        {"content": [None, {"type": 7}, {"type": "tool_use"}, {"type": "thinking"}]},
        {"content": [{"type": "text"}, {"type": "image", "x": 1}], "usage": {"a": 1}},
    ],
)
def test_a_message_of_any_shape_becomes_events(message):
    events = from_chat.as_events(message)

    assert events.endswith(b'data: {"type":"message_stop"}\n\n')
