"""Chat Completions as it is written: what is there, and what only looks like it."""

from __future__ import annotations

import time

import pytest

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol import chat

JUNK = [None, "", "x", 0, 7, 1.5, True, [], [None], ["x"], [[]], {}, {"x": None}]


@pytest.mark.parametrize("junk", JUNK)
def test_nothing_is_read_from_fields_of_another_type(junk):
    delta = {
        "tool_calls": junk,
        "function_call": junk,
        "reasoning_details": junk,
        "annotations": junk,
        "refusal": None,
    }

    assert chat.details_of(delta) in ([], [{}])
    assert chat.citations_of(delta) == []
    assert all(piece.arguments == "" for piece in chat.calls_of(delta))
    chat.thoughts_of({"reasoning": junk, "reasoning_content": junk})
    list(chat.contents_of({"content": junk}))
    chat.error_in(junk)
    chat.error_in({"choices": junk, "x_groq": junk})
    chat.delta_of({"delta": junk, "message": junk})
    chat.finish_reason_of({"finish_reason": junk})


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "end_turn"),
        ("eos", "end_turn"),
        ("", "end_turn"),
        ("whatever", "end_turn"),
        ("length", "max_tokens"),
        ("max_tokens", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "refusal"),
        ("safety", "refusal"),
        ("sensitive", "refusal"),
        ("model_context_window_exceeded", "model_context_window_exceeded"),
    ],
)
def test_each_finish_reason_has_its_stop_reason(reason, expected):
    assert chat.to_stop_reason(reason) == expected


@pytest.mark.parametrize(
    "chunk",
    [
        {"error": {"message": "no"}},
        {"error": "no"},
        {"choices": [{"index": 0, "error": {"message": "no"}}]},
        {"choices": [], "x_groq": {"error": "no"}},
        {"object": "error", "message": "no"},
        {"object": "error", "choices": []},
        {"detail": "no"},
        {"message": "no"},
        {"msg": "no"},
        {"errors": ["no"]},
        {"type": "error", "error": {"message": "no"}},
        [{"error": {"message": "no"}}],
        {"choices": [{"finish_reason": "error"}]},
        {"choices": [{"finish_reason": "network_error"}]},
        {"choices": [{"finish_reason": "insufficient_system_resource"}]},
        {"choices": [{"finish_reason": "abort"}]},
    ],
)
def test_an_error_is_found_wherever_it_is(chunk):
    assert chat.error_in(chunk)


@pytest.mark.parametrize(
    "chunk",
    [
        {"error": None, "choices": []},
        {"error": {}, "choices": [{"index": 0, "delta": {}}]},
        {"choices": [{"index": 0, "delta": {"content": "error"}}]},
        {"choices": [], "message": "hello"},
        {"choices": [{"index": 1, "finish_reason": "error"}]},
        {"id": "x"},
        [],
        [1],
    ],
)
def test_what_is_no_error_is_none(chunk):
    assert chat.error_in(chunk) is None


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([{"index": 0, "a": 1}], 1),
        ([{"a": 1}], 1),
        ([{"index": None, "a": 1}], 1),
        ([{"index": 1, "a": 2}, {"index": 0, "a": 1}], 1),
        ([None, {"a": 1}], 1),
    ],
)
def test_the_first_choice_is_the_one_with_index_0(choices, expected):
    assert chat.choice_of({"choices": choices})["a"] == expected


@pytest.mark.parametrize(
    "choices", [None, [], [{"index": 1}], "x", {"index": 0}, [None]]
)
def test_no_other_choice_counts(choices):
    assert chat.choice_of({"choices": choices}) is None


def test_a_message_in_the_place_of_a_delta_counts():
    assert chat.delta_of({"message": {"a": 1}}) == {"a": 1}
    assert chat.delta_of({"delta": None, "message": {"a": 1}}) == {"a": 1}
    assert chat.delta_of({"delta": {}, "message": {"a": 1}}) == {}


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"content": "a"}, [("text", "a")]),
        (
            {"content": ["a", {"type": "text", "text": "b"}]},
            [("text", "a"), ("text", "b")],
        ),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            [("thinking", "hm"), ("text", "a")],
        ),
        ({"content": [{"type": "thinking", "thinking": "hm"}]}, [("thinking", "hm")]),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, [("refusal", "no")]),
        ({"content": "a", "refusal": "no"}, [("text", "a"), ("refusal", "no")]),
        ({"content": [{"type": "image_url"}, None, 7]}, []),
        ({"content": None, "refusal": ""}, []),
    ],
)
def test_content_is_a_string_or_parts(delta, expected):
    assert list(chat.contents_of(delta)) == expected


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning_content": "a"}, [("reasoning_content", "a")]),
        ({"reasoning": "a"}, [("reasoning", "a")]),
        ({"reasoning": ["a", {"text": "b"}]}, [("reasoning", "ab")]),
        (
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "a"},
                    {"type": "reasoning.summary", "summary": "b"},
                    {"type": "reasoning.encrypted", "data": "c"},
                ]
            },
            [("reasoning_details", "ab")],
        ),
        ({"reasoning_content": "", "reasoning": None}, []),
    ],
)
def test_thoughts_come_with_the_field_they_stood_in(delta, expected):
    assert chat.thoughts_of(delta) == expected


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, 0),
        (3, 3),
        (-1, -1),
        ("2", 2),
        (2.0, 2),
        (None, None),
        (True, None),
        ("x", None),
    ],
)
def test_the_index_of_a_call_is_a_number_or_nothing(index, expected):
    (piece,) = chat.calls_of({"tool_calls": [{"index": index, "id": "a"}]})

    assert piece.number == expected


def test_calls_that_nothing_tells_apart_have_their_places():
    pieces = chat.calls_of({"tool_calls": [{"function": {"name": "f"}}] * 2})

    assert [piece.number for piece in pieces] == [0, 1]


def test_a_name_or_id_of_blanks_is_none():
    (piece,) = chat.calls_of({"tool_calls": [{"id": " ", "function": {"name": "\n"}}]})

    assert (piece.id, piece.name) == ("", "")


def test_calls_with_ids_need_no_places():
    pieces = chat.calls_of({"tool_calls": [{"id": "a"}, {"id": "b"}]})

    assert [piece.number for piece in pieces] == [None, None]


def test_an_object_as_arguments_is_serialised():
    (piece,) = chat.calls_of({"tool_calls": [{"function": {"arguments": {"a": "é"}}}]})

    assert piece.arguments == '{"a":"é"}'


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (
            {"type": "url_citation", "url_citation": {"url": "u", "title": "t"}},
            [("u", "t")],
        ),
        ({"url_citation": {"url": "u"}}, [("u", "u")]),
        ({"type": "url_citation", "url": "u", "title": "t"}, [("u", "t")]),
        ({"type": "file_citation", "url": "u"}, []),
        ({"type": "url_citation", "url_citation": {"title": "t"}}, []),
    ],
)
def test_citations_are_pages_with_a_title(annotation, expected):
    assert chat.citations_of({"annotations": [annotation]}) == expected


@pytest.mark.parametrize("text", ['{"a":NaN}', '{"a":Infinity}', '{"a":1e999}'])
def test_numbers_that_json_has_no_word_for_are_null(text):
    assert chat.decode(text) == {"a": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{} {}",
        "hello",
        "[DONE]",
        '{"a":' + "9" * 2000 + "}",
        "[" * 501 + "]" * 501,
    ],
)
def test_what_is_no_json_raises_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        chat.decode(text)


@pytest.mark.parametrize(
    "text", [' {"a":1}', '{"a":1} \r', '{"a":"x\ty"}', '{"a":"\t' + "x" * 2000 + '"}']
)
def test_sloppy_json_is_read(text):
    assert "a" in chat.decode(text)


def test_a_long_unfinished_string_among_brackets_takes_linear_time():
    text = "[" * 400 + '"' + '\\"' * 500_000
    started = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        chat.decode(text)

    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"role": "assistant", "reasoning": None, "tool_calls": [], "refusal": ""},
    ],
)
def test_a_delta_of_text_alone_is_plain(more):
    delta = {"content": "a", **more}

    assert chat.plain_text_of({"choices": [{"index": 0, "delta": delta}]}) == "a"


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [{"delta": {"content": "a"}}], "usage": {"a": 1}},
        {"choices": [{"delta": {"content": "a"}}], "error": "no"},
        {"choices": [{"delta": {"content": "a"}}], "x_groq": {}},
        {"choices": [{"delta": {"content": "a"}}] * 2},
        {"choices": [{"delta": {"content": "a"}, "index": 1}]},
        {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {"content": "a"}, "stop_reason": "x"}]},
        {"choices": [{"delta": {"content": "a"}, "usage": {"a": 1}}]},
        {"choices": [{"delta": {"content": "a"}, "error": "no"}]},
        {"choices": [{"delta": {"content": "a", "reasoning": "b"}}]},
        {"choices": [{"delta": {"content": "a", "tool_calls": [{}]}}]},
        {"choices": [{"delta": {"content": ""}}]},
        {"choices": [{"delta": {"content": ["a"]}}]},
        {"choices": [{"delta": {"content": "\ud83d"}}]},
        {"choices": [{"delta": "a"}]},
        {"choices": [{"message": {"content": "a"}}]},
        {"choices": []},
        {"choices": None},
        {"choices": {"0": 1}},
        [],
        "x",
        None,
    ],
)
def test_any_other_chunk_is_not_plain(chunk):
    assert chat.plain_text_of(chunk) == ""


@pytest.mark.parametrize(
    "delta",
    [
        {"content": [None] * 10_001},
        {"tool_calls": [None] * 10_001},
        {"reasoning_details": [None] * 10_001},
        {"annotations": [None] * 10_001},
    ],
)
def test_lists_without_end_are_refused(delta):
    with pytest.raises(UpstreamBroken, match="10000 entries"):
        _ = (
            *chat.contents_of(delta),
            *chat.calls_of(delta),
            *chat.details_of(delta),
            *chat.citations_of(delta),
        )


def test_any_field_of_a_delta_may_be_the_plain_one():
    made = {"choices": [{"delta": {"reasoning": "a", "content": ""}}]}

    assert chat.plain_text_of(made, "reasoning") == "a"
    assert chat.plain_text_of(made, "reasoning_content") == ""
