"""Envelopes, and contents however they were written."""

from __future__ import annotations

import json

import pytest

from aiproxy.errors import InvalidRequest, UpstreamError
from aiproxy.protocol import messages


def test_an_error_has_the_envelope_of_the_api():
    body = messages.envelope(InvalidRequest("max_tokens: missing"), "req_1")

    assert json.loads(body) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "max_tokens: missing"},
        "request_id": "req_1",
    }


def test_an_upstreams_own_error_body_passes_unchanged():
    own = b'{"type": "error",  "error": {"type": "x", "message": "y"}}'

    assert messages.envelope(UpstreamError("y", body=own), "req_1") == own


def test_lone_surrogates_never_break_an_envelope():
    assert b"\xef\xbf\xbd" in messages.envelope(InvalidRequest("a\ud83d"), "req_1")


def test_an_error_event_is_named_like_its_type():
    event = messages.error_event(InvalidRequest("x"))
    head, _, data = event.partition(b"\n")

    assert head == b"event: error"
    assert json.loads(data[len(b"data: ") :])["error"]["message"] == "x"
    assert event.endswith(b"\n\n")


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        ("a", [{"type": "text", "text": "a"}]),
        ("", []),
        (None, []),
        (3, []),
        ([{"type": "x"}, None, "y"], [{"type": "x"}]),
    ],
)
def test_contents_read_as_blocks(content, blocks):
    assert messages.blocks_of(content) == blocks


def test_texts_are_joined_by_a_blank_line():
    content = [
        {"type": "text", "text": "a"},
        {"type": "image"},
        {"type": "text", "text": ""},
        {"type": "text", "text": "b"},
        {"type": "text", "text": 3},
    ]

    assert messages.text_of(content) == "a\n\nb"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x-anthropic-billing-header: a=b;\nrest\nmore", "rest\nmore"),
        ("x-anthropic-billing-header: a=b;", ""),
        (
            "my x-anthropic-billing-header: stays",
            "my x-anthropic-billing-header: stays",
        ),
        (
            "a\nx-anthropic-billing-header: stays",
            "a\nx-anthropic-billing-header: stays",
        ),
    ],
)
def test_only_a_billing_line_at_the_head_goes(text, kept):
    assert messages.without_billing(text) == kept


@pytest.mark.parametrize(
    ("value", "is_error"),
    [
        ({"type": "error", "error": {"type": "api_error", "message": "x"}}, True),
        ({"type": "error", "error": {"message": "x"}}, False),
        ({"type": "error", "error": "x"}, False),
        ({"error": {"type": "api_error", "message": "x"}}, False),
        ([], False),
        (None, False),
    ],
)
def test_anthropics_errors_are_known_by_their_shape(value, is_error):
    assert messages.is_error(value) is is_error
