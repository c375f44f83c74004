"""The estimate of input tokens, part by part."""

from __future__ import annotations

import base64
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import reasoning
from aiproxy.protocol.token_count import count, count_text
from tests.protocol.test_image_size import jpeg, png

KEY = "0123456789ab"


def of(*blocks: Any, **fields: Any) -> int:
    content = blocks[0] if blocks and isinstance(blocks[0], str) else list(blocks)
    return count({"messages": [{"role": "user", "content": content}], **fields})


def image(data: bytes) -> dict[str, Any]:
    coded = base64.b64encode(data).decode()
    source = {"type": "base64", "media_type": "image/png", "data": coded}
    return {"type": "image", "source": source}


def pdf(data: bytes) -> dict[str, Any]:
    return {**image(data), "type": "document"}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("abcd efg", 2),
        ("12345", 2),
        ("a,b;c", 2),
        ("\u65e5\u672c\u8a9e", 3),
        ("\u041c\u0438\u0440", 3),
        ("\u00e9\u00fc\u00df\u00f1", 1),
        ("\U0001f600", 1),
        ("\n\t  ", 1),
        ("\ud83d", 1),
    ],
)
def test_kinds_of_characters_weigh_differently(text, tokens):
    assert count_text(text) == tokens


def test_each_message_costs_four():
    assert of("abcd") == 5
    assert count({"messages": [{"role": "user", "content": ""}] * 3}) == 12


def test_system_counts_as_a_string_or_as_blocks():
    assert of("abcd", system="a" * 40) == 15
    assert of("abcd", system=[{"type": "text", "text": "a" * 40}]) == 15


def test_each_tool_costs_eight_and_its_definition():
    tool = {"name": "Bash", "input_schema": {"type": "object"}}
    definition = '{"name":"Bash","input_schema":{"type":"object"}}'

    assert of("abcd", tools=[tool]) == pytest.approx(
        5 + 8 + count_text(definition), abs=1
    )


def test_a_hundred_empty_tools_cost_eight_each_and_two_brackets():
    assert count({"messages": [], "tools": [{}] * 100}) == 800 + 200 / 2.5


def test_there_is_always_one():
    assert count({"messages": []}) == 1


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        (png(300, 250), 100),
        (jpeg(300, 250), 100),
        (png(301, 250), 101),
        (png(1000, 1000), 1334),
        (png(5000, 5000), 1600),
        (b"no image at all", 1600),
    ],
)
def test_an_image_costs_its_pixels(data, tokens):
    assert of(image(data)) == 4 + tokens


def test_an_image_by_address_costs_the_most():
    assert of({"type": "image", "source": {"type": "url", "url": "https://x"}}) == 1604


def test_an_image_inside_a_result_counts_and_never_as_text():
    result = {"type": "tool_result", "content": [image(png(300, 250) + b"x" * 90_000)]}

    assert of(result) == 104


@pytest.mark.parametrize(
    ("data", "pages"),
    [
        (b"%PDF /Type /Page /Type/Page /Type /Pages /Type /PageLabel", 2),
        (b"%PDF compressed", 1),
        (b"", 1),
    ],
)
def test_a_pdf_costs_its_pages(data, pages):
    assert of(pdf(data)) == 4 + 2000 * pages


def test_broken_base64_is_a_page():
    block = {"type": "document", "source": {"type": "base64", "data": "@"}}

    assert of(block) == 2004


def test_a_document_of_text_costs_its_text():
    source = {"type": "text", "media_type": "text/plain", "data": "a" * 400}

    assert of({"type": "document", "source": source}) == 104


def test_a_document_of_blocks_costs_its_blocks():
    source = {"type": "content", "content": [{"type": "text", "text": "a" * 400}]}

    assert of({"type": "document", "title": "a" * 40, "source": source}) == 114
    assert of({"type": "document", "context": "a" * 40, "source": source}) == 114


def test_a_call_costs_name_and_input():
    use = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "abcd",
        "input": {"a": "b" * 40},
    }

    assert of(use) == 4 + math.ceil((4 + 1 + 40) / 4 + 7 / 2.5)


@pytest.mark.parametrize("content", ["a" * 40, [{"type": "text", "text": "a" * 40}]])
def test_a_result_costs_its_text(content):
    assert (
        of({"type": "tool_result", "tool_use_id": "x" * 99, "content": content}) == 14
    )


def test_other_blocks_cost_the_texts_in_them():
    block = {
        "type": "search_result",
        "title": "a" * 4,
        "source": "https://x",
        "content": [{"type": "text", "text": "a" * 4}],
        "encrypted_content": "b" * 99,
    }

    assert of(block) == 6


@pytest.mark.parametrize(
    "name",
    [
        *("type", "id", "tool_use_id", "cache_control", "signature", "data"),
        *("media_type", "source"),
        *("encrypted_content", "encrypted_index", "encrypted_stdout"),
    ],
)
def test_what_is_no_text_costs_nothing(name):
    assert of({"type": "other", "text": "abcd", name: "b" * 99}) == 5


def thought(text: str, signature: Any) -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": signature}


OURS = thought("a" * 40, reasoning.pack(KEY, ["reasoning"], text="a" * 40))
OTHERS = thought("a" * 40, reasoning.pack("f" * 12, ["reasoning"], text="a" * 40))
FOREIGN = thought("a" * 40, "EqQBCkYIBxgC")


@pytest.mark.parametrize(
    ("block", "key", "is_sent"),
    [
        (OURS, KEY, True),
        (OTHERS, KEY, False),
        (FOREIGN, KEY, False),
        (OURS, None, False),
        (FOREIGN, None, True),
        (thought("a" * 40, ""), KEY, False),
        ({"type": "redacted_thinking", "data": "x" * 400}, None, False),
    ],
)
def test_thoughts_count_only_where_they_will_be_sent(block, key, is_sent):
    request = {"messages": [{"role": "assistant", "content": [block]}]}

    assert count(request, reasoning_key=key) == (14 if is_sent else 4)


@pytest.mark.parametrize(
    ("ratio", "tokens"), [(1.0, 104), (1.25, 130), (0.1, 73), (9.0, 156)]
)
def test_what_was_learnt_corrects_the_count_within_bounds(ratio, tokens):
    request = {"messages": [{"role": "user", "content": "a" * 400}]}

    assert count(request, ratio) == tokens


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "source", "data", "input"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["system", "messages", "tools"]), JSON))
def test_any_request_is_counted(request_):
    assert count(request_) >= 1


@given(st.text(max_size=40), st.text(max_size=40))
def test_more_text_never_costs_less(one, other):
    assert count_text(one + other) >= max(count_text(one), count_text(other))


def test_a_large_request_is_counted_in_no_time():
    request = {
        "messages": [{"role": "user", "content": "The quick brown fox. " * 400_000}]
    }
    begun = time.perf_counter()
    count(request)

    assert time.perf_counter() - begun < 1


def test_base64_with_line_ends_is_read():
    block = image(png(300, 250))
    data = block["source"]["data"]
    block["source"]["data"] = "\n".join(
        data[at : at + 8] for at in range(0, len(data), 8)
    )

    assert of(block) == 104
