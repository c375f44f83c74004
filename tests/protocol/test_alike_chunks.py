"""A chunk like one before it is known by its bytes, and nothing else is."""

from __future__ import annotations

import json

import pytest

from aiproxy.protocol.alike_chunks import AlikeChunks


def chunk(text: str, field: str = "content", **more: object) -> bytes:
    body = {"id": "x", "choices": [{"delta": {field: text}}], **more}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def known(text: str = "one", **more: object) -> AlikeChunks:
    alike = AlikeChunks()
    alike.learn(chunk(text, **more), "content", text)
    return alike


@pytest.mark.parametrize("text", ["two", " ", "h\u00e4", "\u2028", "one", "}]}"])
def test_the_text_of_a_chunk_like_it_is_found(text):
    assert known().text_of(chunk(text), "content") == text.encode()


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_provider_may_write_with_spaces_or_without(separators):
    def made(text: str) -> bytes:
        body = {"choices": [{"delta": {"content": text}}], "usage": None}
        return f"data: {json.dumps(body, separators=separators)}\n\n".encode()

    alike = AlikeChunks()
    alike.learn(made("one"), "content", "one")

    assert alike.text_of(made("two"), "content") == b"two"


@pytest.mark.parametrize(
    "data",
    [
        chunk(""),
        chunk('a "word"'),
        chunk("a \\ b"),
        chunk("two\nlines"),
        chunk("two").replace(b"two", b"t\two"),
        chunk("two", usage={"prompt_tokens": 1}),
        chunk("two").replace(b'"id": "x"', b'"id": "y"'),
        chunk("two") + chunk("three"),
        chunk("two")[:-1],
        chunk("two")[1:],
        b"\n" + chunk("two"),
        chunk("two", "reasoning"),
        b"",
        b"data: [DONE]\n\n",
    ],
)
def test_whatever_else_comes_has_to_be_read(data):
    assert known().text_of(data, "content") == b""


def test_another_field_has_to_be_read():
    assert known().text_of(chunk("two"), "reasoning") == b""


def test_nothing_is_known_at_first():
    assert AlikeChunks().text_of(chunk("two"), "content") == b""


@pytest.mark.parametrize(
    "data",
    [
        chunk("one", message={"content": "one"}),  # which of the two is it?
        chunk("one").replace(b"\n\n", b"\r\n\r\n"),
        b"event: x\n" + chunk("one"),
        chunk("one").replace(b"one", b"\\u006fne"),
    ],
)
def test_a_chunk_that_is_not_plain_teaches_nothing(data):
    alike = AlikeChunks()
    alike.learn(data, "content", "one")

    assert alike.text_of(data.replace(b"one", b"two"), "content") == b""


def test_an_escaped_text_leaves_what_is_known():
    alike = known()
    alike.learn(chunk('a "word"'), "content", 'a "word"')

    assert alike.text_of(chunk("two"), "content") == b"two"


def test_where_each_chunk_is_of_its_own_nothing_more_is_tried():
    alike = AlikeChunks()
    for number in range(8):
        alike.learn(chunk("one", created=number), "content", "one")
    alike.learn(chunk("one"), "content", "one")

    assert alike.text_of(chunk("two"), "content") == b""


def test_a_chunk_that_was_alike_lets_it_go_on():
    alike = AlikeChunks()
    for number in range(20):
        alike.learn(chunk("one", created=number), "content", "one")
        assert alike.text_of(chunk("two", created=number), "content") == b"two"
