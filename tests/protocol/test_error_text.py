"""The provider's words, wherever it puts them."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import error_text
from aiproxy.protocol.upstream_errors import to_error


def said(body: object) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_text.words(raw, error_text.parse(raw))


RAW = json.dumps({"error": {"message": "inner words", "code": 400}})
PLACES = {
    "openai": ({"error": {"message": "words", "type": "x"}}, "words"),
    "xai": ({"code": "some code", "error": "words"}, "words"),
    "vllm": ({"object": "error", "message": "words", "code": 400}, "words"),
    "fastapi string": ({"detail": "words"}, "words"),
    "fastapi list": (
        {
            "detail": [
                {"loc": ["body", "max_tokens"], "msg": "too small", "input": {"a": 1}},
                {"loc": ["body", "x", 0], "msg": "odd"},
            ]
        },
        "body.max_tokens: too small; body.x.0: odd",
    ),
    "google": ([{"error": {"code": 400, "message": "words"}}], "words"),
    "errors": ({"errors": [{"message": "words"}]}, "words"),
    "errors of strings": ({"errors": ["words"]}, "words"),
    "msg": ({"code": 1302, "msg": "words"}, "words"),
    "oauth": ({"error": {}, "error_description": "words"}, "words"),
    "first of several": ([{"message": "words"}, {"message": "others"}], "words"),
    "plain": (b"  words \n", "words"),
    "json string": ("words", "words"),
    "nested": ({"error": {"error": {"message": "words"}}}, "words"),
    "openrouter": (
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {"raw": RAW, "provider_name": "DeepInfra"},
            }
        },
        "DeepInfra: inner words",
    ),
    "openrouter text": (
        {"error": {"message": "m", "metadata": {"raw": "busy", "provider_name": "X"}}},
        "X: busy",
    ),
    "openrouter object": (
        {
            "error": {
                "message": "m",
                "metadata": {"raw": {"message": "busy"}, "provider_name": "X"},
            }
        },
        "X: busy",
    ),
    "openrouter without raw": (
        {"error": {"message": "words", "metadata": {"provider_name": "X"}}},
        "words",
    ),
    "html": (
        b"<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title>",
        "502 Bad Gateway",
    ),
    "html entities": (b"<html><title>a &amp; b</title></html>", "a & b"),
    "html without a title": (b"<html><body>secret page</body></html>", ""),
    "xml": (b"<?xml version='1.0'?><Error/>", ""),
    "empty": (b"", ""),
    "empty object": ({}, ""),
    "no message": ({"error": {"code": "busy"}}, '{"error": {"code": "busy"}}'),
    "null": (b"null", "null"),
}


@pytest.mark.parametrize(("body", "words"), PLACES.values(), ids=PLACES)
def test_the_words_are_found(body, words):
    assert said(body) == words


@pytest.mark.parametrize(
    ("status", "line"),
    [(502, "502 Bad Gateway"), (524, "524 A Timeout Occurred"), (599, "599")],
)
def test_a_status_has_its_reason(status, line):
    assert error_text.status_line(status) == line


def test_long_words_are_cut():
    assert len(error_text.shortened("x" * 5000)) == 2000


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"error": {"code": 429}}, 429),
        ({"error": {"code": "503"}}, 503),
        ({"error": {"status": 500}}, 500),
        ({"error": {"status_code": 503}}, 503),
        ({"code": 400, "message": "x"}, 400),
        ([{"error": {"code": 404}}], 404),
        ({"error": {"code": 200}}, None),
        ({"error": {"code": 1302}}, None),
        ({"error": {"code": True}}, None),
        ({"error": {"code": "rate_limit"}}, None),
        ({"error": "x"}, None),
        ("x", None),
        (None, None),
    ],
)
def test_a_code_counts_only_as_a_status(error, code):
    assert error_text.code_of(error) == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "detail", "errors", "metadata", "raw", "msg"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_body_has_words_or_none(value):
    assert isinstance(said(value), str)


def test_deep_nesting_is_no_trouble():
    body = b'{"error":' * 150 + b'"x"' + b"}" * 150

    assert isinstance(said(body), str)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>" + b"<title" * 100_000,
        b"x" * 1_000_000,
        b'{"error":{"message":"' + b"try again in " * 70_000 + b'"}}',
    ],
)
def test_a_large_body_is_read_in_no_time(body):
    begun = time.perf_counter()
    to_error(500, {}, body)

    assert time.perf_counter() - begun < 1
