"""Text, thoughts and searches: which block each piece ends up in."""

from __future__ import annotations

import pytest

from aiproxy.protocol import reasoning
from tests.protocol.answering import (
    KEY,
    call,
    calls,
    chunk,
    reply,
    streamed,
    texts,
    types,
)


def unpacked(block):
    """What the envelope of a thinking block holds."""
    return reasoning.unpack(
        block.get("signature") or block.get("data"), KEY, text=block.get("thinking", "")
    )


def text_piece(text, index=0, **more):
    return {"type": "reasoning.text", "text": text, "index": index, **more}


# -- text


def test_leading_whitespace_waits_for_something_visible():
    message = streamed(
        chunk(content="\n"), chunk(content=" "), chunk(content="Hello"), chunk("stop")
    )

    assert texts(message) == [("text", "\n Hello")]


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(content="\n"), chunk(content=" ")],
        [chunk(content=""), chunk(content=None)],
    ],
)
def test_whitespace_alone_makes_no_block(chunks):
    assert streamed(*chunks, chunk("stop"))["content"] == []


def test_whitespace_after_a_call_leads_the_next_text():
    message = streamed(
        calls(call('{"x":1}', call_id="a", name="f")),
        chunk(content="\n"),
        chunk(content="more"),
        chunk("stop"),
    )

    assert texts(message) == [("text", "\nmore")]


def test_whitespace_between_a_call_and_a_later_text_is_said_once():
    def one(index):
        return calls(call('{"x":1}', index=index, call_id=f"c{index}", name="f"))

    message = streamed(
        chunk(content="a"),
        one(0),
        chunk(content="\n"),
        chunk(content="b"),
        one(1),
        chunk(content="c"),
        chunk("stop"),
    )

    assert texts(message) == [("text", "a"), ("text", "\nb"), ("text", "c")]


def test_whitespace_after_a_thought_leads_the_text():
    message = streamed(
        chunk(reasoning="hm"),
        chunk(content="\n"),
        chunk(content=" "),
        chunk(content="Hi"),
        chunk("stop"),
    )

    assert texts(message) == [("thinking", "hm"), ("text", "\n Hi")]


def test_half_a_character_at_the_end_is_replaced():
    message = streamed(chunk(content="a"), chunk(content="b\ud83d"), chunk("stop"))

    assert texts(message) == [("text", "ab\ufffd")]


def test_half_a_character_keeps_its_place():
    message = streamed(
        chunk(content="a"), chunk(content="b\ud83d"), chunk(content="c"), chunk("stop")
    )

    assert texts(message) == [("text", "ab\ufffdc")]


def test_whitespace_between_thoughts_and_calls_makes_no_block():
    message = streamed(
        chunk(reasoning="a"),
        chunk(content="\n\n"),
        chunk(reasoning="b"),
        chunk(content="\n"),
        calls(call("{}", call_id="a", name="f")),
        chunk(content="\n"),
        chunk("tool_calls"),
    )

    assert texts(message) == [("thinking", "ab")]
    assert types(message) == ["thinking", "tool_use"]


def test_trailing_whitespace_stays():
    message = streamed(chunk(content="Hello"), chunk(content=" \n"), chunk("stop"))

    assert texts(message) == [("text", "Hello \n")]


def test_parts_of_a_delta_are_text():
    message = streamed(
        chunk(content=[{"type": "text", "text": "Hel"}]),
        chunk(content="lo"),
        chunk("stop"),
    )

    assert texts(message) == [("text", "Hello")]


def test_a_refusal_is_text_and_says_so():
    message = streamed(chunk(refusal="I can"), chunk(refusal="not"), chunk("stop"))

    assert texts(message) == [("text", "I cannot")]
    assert message["stop_reason"] == "refusal"


# -- thoughts


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_thought_ends_where_the_text_begins(field):
    message = streamed(
        chunk(**{field: "h"}),
        chunk(content="", **{field: "m"}),
        chunk(content="Hello", **{field: None}),
        chunk("stop"),
    )

    assert texts(message) == [("thinking", "hm"), ("text", "Hello")]
    assert unpacked(message["content"][0]).fields == (field,)


def test_reasoning_comes_before_the_content_of_its_delta():
    message = streamed(chunk(content="Hello", reasoning="hm"), chunk("stop"))

    assert texts(message) == [("thinking", "hm"), ("text", "Hello")]


def test_a_thought_may_resume_after_text():
    message = streamed(
        chunk(reasoning="one"),
        chunk(content="Hello"),
        chunk(reasoning="two"),
        chunk(content=" again"),
        chunk("stop"),
    )

    assert texts(message) == [
        ("thinking", "one"),
        ("text", "Hello"),
        ("thinking", "two"),
        ("text", " again"),
    ]


def test_a_thought_of_whitespace_alone_makes_no_block():
    message = streamed(chunk(reasoning="\n"), chunk(content="Hello"), chunk("stop"))

    assert types(message) == ["text"]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_halves_of_a_character_in_thoughts_find_each_other(field):
    message = streamed(
        chunk(**{field: "a\ud83d"}),
        chunk(**{field: "\ude00b\ud83d"}),
        chunk(content="Hello"),
        chunk("stop"),
    )

    assert texts(message) == [("thinking", "a😀b\ufffd"), ("text", "Hello")]


def test_the_same_text_in_two_fields_is_one_thought():
    message = streamed(
        chunk(reasoning_content="a", reasoning="a"),
        chunk(reasoning_content="b", reasoning="b"),
        chunk(content="Hello"),
        chunk("stop"),
    )

    assert texts(message) == [("thinking", "ab"), ("text", "Hello")]
    assert unpacked(message["content"][0]).fields == ("reasoning_content", "reasoning")


def test_a_thought_that_is_repeated_as_a_whole_is_one_thought():
    whole = [{"type": "reasoning.text", "text": "ab", "signature": "s", "index": 0}]
    message = streamed(
        chunk(reasoning="a"),
        chunk(reasoning="b"),
        chunk(content="Hello"),
        chunk("stop", reasoning_details=whole),
    )

    assert types(message) == ["thinking", "text", "redacted_thinking"]
    assert list(unpacked(message["content"][2]).details) == whole


def test_tags_open_a_thought_in_a_stream():
    pieces = ["<th", "ink>\nh", "m\n</thi", "nk>\n\nHi"]
    message = streamed(*(chunk(content=piece) for piece in pieces), chunk("stop"))

    assert texts(message) == [("thinking", "hm"), ("text", "Hi")]
    assert unpacked(message["content"][0]).fields == ("<think>",)


def test_tags_are_text_after_a_reasoning_field():
    message = streamed(chunk(reasoning="hm"), chunk(content="<think>x"), chunk("stop"))

    assert texts(message) == [("thinking", "hm"), ("text", "<think>x")]


def test_tags_are_text_after_a_thinking_part():
    part = [{"type": "thinking", "thinking": "hm"}]
    message = streamed(chunk(content=part), chunk(content="<think>x"), chunk("stop"))

    assert texts(message) == [("thinking", "hm"), ("text", "<think>x")]


def test_half_a_tag_before_a_call_is_text():
    message = streamed(
        chunk(content=" <th"),
        calls(call('{"x":1}', call_id="a", name="f")),
        chunk(content="ink>"),
        chunk("stop"),
    )

    assert texts(message) == [("text", " <th"), ("text", "ink>")]


def test_a_call_within_tags_splits_the_thought():
    message = streamed(
        chunk(content="<think>a"),
        calls(call('{"x":1}', call_id="a", name="f")),
        chunk(content="b</think>c"),
        chunk("stop"),
    )

    assert types(message) == ["thinking", "tool_use", "thinking", "text"]


def test_magistral_thinks_in_parts():
    def part(text):
        return [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]

    message = streamed(
        chunk(content=part("h")),
        chunk(content=part("m")),
        chunk(content="Hi"),
        chunk("stop"),
    )

    assert texts(message) == [("thinking", "hm"), ("text", "Hi")]
    assert unpacked(message["content"][0]).fields == (reasoning.PARTS,)


def test_a_later_thought_remembers_its_own_field_alone():
    message = streamed(
        chunk(reasoning="one"),
        chunk(content="Hello"),
        chunk(reasoning_content="two"),
        chunk("stop"),
    )
    thoughts = [b for b in message["content"] if b["type"] == "thinking"]

    assert [unpacked(block).fields for block in thoughts] == [
        ("reasoning",),
        ("reasoning_content",),
    ]


# -- details


def test_pieces_of_details_come_back_whole():
    message = streamed(
        chunk(reasoning="a", reasoning_details=[text_piece("a", format="x")]),
        chunk(reasoning="b", reasoning_details=[text_piece("b", signature=None)]),
        chunk(content="", reasoning_details=[{**text_piece(""), "signature": "s"}]),
        chunk(content="Hello"),
        chunk("stop"),
    )
    (block, _) = message["content"]

    assert block["thinking"] == "ab"
    thought = unpacked(block)
    assert list(thought.details) == [
        {
            "type": "reasoning.text",
            "text": "ab",
            "index": 0,
            "format": "x",
            "signature": "s",
        }
    ]
    assert thought.fields == ("reasoning",)


def test_details_in_other_words_only_repeat_the_field_beside_them():
    details = [
        {"type": "reasoning.summary", "summary": "One", "index": 0},
        {"type": "reasoning.summary", "summary": "Two", "index": 1},
    ]
    message = streamed(
        chunk(reasoning="One\n\nTwo", reasoning_details=details), chunk("stop")
    )
    (block,) = message["content"]

    assert block["thinking"] == "One\n\nTwo"
    assert list(unpacked(block).details) == details


def test_details_after_that_are_new():
    message = streamed(
        chunk(reasoning="One. ", reasoning_details=[text_piece("One.")]),
        chunk(reasoning_details=[text_piece("One", 1)]),
        chunk("stop"),
    )

    assert texts(message) == [("thinking", "One. One")]


def test_details_with_half_a_character_come_back():
    message = streamed(
        chunk(reasoning="a\ud83d", reasoning_details=[text_piece("a\ud83d")]),
        chunk("stop"),
    )
    (block,) = message["content"]

    assert block["thinking"] == "a\ufffd"
    assert unpacked(block).details[0]["text"] == "a\ufffd"


def test_details_alone_are_shown():
    message = streamed(
        chunk(
            reasoning_details=[
                {"type": "reasoning.summary", "summary": "a", "index": 0}
            ]
        ),
        chunk(
            reasoning_details=[
                {"type": "reasoning.summary", "summary": "b", "index": 0}
            ]
        ),
        chunk(content="Hello"),
        chunk("stop"),
    )
    (block, _) = message["content"]

    assert block["thinking"] == "ab"
    assert unpacked(block).fields == (reasoning.DETAILS,)
    assert unpacked(block).details[0]["summary"] == "ab"


def test_sealed_details_follow_the_block_that_was_open():
    sealed = {"type": "reasoning.encrypted", "data": "x", "index": 1}
    message = streamed(
        chunk(reasoning="hm", reasoning_details=[text_piece("hm")]),
        chunk(reasoning_details=[sealed]),
        chunk(content="Hello"),
        chunk("stop"),
    )

    assert types(message) == ["thinking", "redacted_thinking", "text"]
    assert list(unpacked(message["content"][1]).details) == [sealed]


def test_sealed_details_follow_the_text_before_the_next_thought():
    sealed = {"type": "reasoning.encrypted", "data": "x", "index": 0}
    message = streamed(
        chunk(content="Hello"),
        chunk(reasoning_details=[sealed]),
        chunk(reasoning="hm"),
        chunk("stop"),
    )

    assert types(message) == ["text", "redacted_thinking", "thinking"]


def test_sealed_details_follow_the_text_before_the_next_call():
    sealed = {"type": "reasoning.encrypted", "data": "x", "index": 0}
    message = streamed(
        chunk(content="Hello"),
        chunk(reasoning_details=[sealed]),
        calls(call('{"x":1}', call_id="a", name="f")),
        chunk("tool_calls"),
    )

    assert types(message) == ["text", "redacted_thinking", "tool_use"]


def test_details_of_a_thought_that_nobody_sees_come_back_too():
    detail = text_piece(" ", signature="s")
    message = streamed(
        chunk(reasoning_details=[detail]), chunk(content="Hi"), chunk("stop")
    )

    assert types(message) == ["text", "redacted_thinking"]
    assert list(unpacked(message["content"][1]).details) == [detail]


def test_sealed_details_at_the_end_come_after_the_text():
    sealed = {"type": "reasoning.encrypted", "data": "x", "index": 0}
    message = streamed(
        chunk(content="Hello"),
        chunk("stop", reasoning_details=[{**sealed, "data": "a"}]),
        chunk(reasoning_details=[{**sealed, "data": "b"}]),
    )

    assert types(message) == ["text", "redacted_thinking"]
    assert list(unpacked(message["content"][1]).details) == [{**sealed, "data": "ab"}]


def test_details_keep_their_order_around_a_sealed_one():
    sealed = {"type": "reasoning.encrypted", "data": "x", "index": 1}
    message = streamed(
        chunk(reasoning_details=[text_piece("a", 0), sealed]),
        chunk(reasoning_details=[text_piece("b", 2)]),
        chunk("stop"),
    )
    details = [
        detail for block in message["content"] for detail in unpacked(block).details
    ]

    assert types(message) == ["thinking", "redacted_thinking", "thinking"]
    assert details == [text_piece("a", 0), sealed, text_piece("b", 2)]


def test_a_thought_goes_on_behind_a_sealed_item():
    sealed = {"type": "reasoning.encrypted", "data": "x"}
    message = streamed(
        chunk(reasoning="a"),
        chunk(reasoning="b"),
        chunk(reasoning_details=[sealed]),
        chunk(reasoning="c"),
        chunk("stop"),
    )

    assert types(message) == ["thinking", "redacted_thinking", "thinking"]
    assert texts(message) == [("thinking", "ab"), ("thinking", "c")]


def test_a_thought_and_its_signature_may_come_apart():
    signature = {"type": "reasoning.text", "signature": "s", "index": 0}
    message = streamed(
        chunk(reasoning_details=[text_piece("a")]),
        chunk(content="Hello"),
        chunk("stop", reasoning_details=[signature]),
    )

    assert types(message) == ["thinking", "text", "redacted_thinking"]
    assert list(unpacked(message["content"][2]).details) == [signature]


# -- searches

PAGE = {"type": "url_citation", "url_citation": {"url": "https://a", "title": "A"}}
OTHER = {"type": "url_citation", "url_citation": {"url": "https://b", "title": "B"}}


def test_pages_that_come_with_the_text_go_before_it():
    message = streamed(
        chunk(content="News", annotations=[PAGE]),
        chunk("stop"),
        to=reply(search_query="q"),
    )

    assert types(message) == ["server_tool_use", "web_search_tool_result", "text"]
    assert message["content"][0]["input"] == {"query": "q"}
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1}


def test_pages_that_come_later_go_to_the_end_once():
    message = streamed(
        chunk(content="Ne"),
        chunk(content="ws", annotations=[PAGE]),
        chunk("stop", annotations=[PAGE, OTHER]),
        to=reply(search_query="q"),
    )

    assert types(message) == ["text", "server_tool_use", "web_search_tool_result"]
    assert [page["url"] for page in message["content"][2]["content"]] == [
        "https://a",
        "https://b",
    ]


def test_the_provider_counts_its_searches():
    message = streamed(
        chunk(content="News", annotations=[PAGE]),
        chunk(
            "stop",
            usage={"prompt_tokens": 1, "server_tool_use": {"web_search_requests": 3}},
        ),
        to=reply(search_query=""),
    )

    assert message["usage"]["server_tool_use"] == {"web_search_requests": 3}


def test_pages_mean_nothing_where_no_search_was_offered():
    message = streamed(chunk(content="News", annotations=[PAGE]), chunk("stop"))

    assert types(message) == ["text"]
