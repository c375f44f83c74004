"""What a refusal names."""

from __future__ import annotations

import json

import pytest

from aiproxy.protocol import error_text
from aiproxy.protocol.refusals import UNKNOWN, WANTED, is_named, text_of


@pytest.mark.parametrize(
    "text",
    [
        "stream_options",
        "streamOptions",
        "stream options are not allowed",
        "stream.options",
        "'stream_options.include_usage'",
        "body.stream_options: bad",
        "Unknown parameter: stream_options.",
    ],
)
def test_a_parameter_is_named_in_any_spelling(text):
    assert is_named("stream_options", text)


@pytest.mark.parametrize("text", ["my_stream_options", "stream_options2", "stream", ""])
def test_another_word_is_another_parameter(text):
    assert not is_named("stream_options", text)


@pytest.mark.parametrize(
    "text",
    [
        "'stop' is not supported",
        '"stop": bad',
        "Unsupported parameter: `stop`",
        "unknown field stop",
        "Argument not supported on this model: stop",
        "stop: Extra inputs are not permitted",
        "body.stop: no",
        "Model x does not support parameter stop.",
        "the stop parameter",
        "stop is not supported",
    ],
)
def test_an_everyday_word_counts_as_the_name_of_a_parameter(text):
    assert is_named("stop", text)


@pytest.mark.parametrize(
    "text",
    [
        "The model stopped.",
        "Please stop sending requests",
        "non-stop: service",
        "stopping: now",
        "stop_sequences: too many",
    ],
)
def test_an_everyday_word_in_a_sentence_names_nothing(text):
    assert not is_named("stop", text)


@pytest.mark.parametrize(
    "kind",
    [
        *("parameter", "parameters", "argument", "arguments", "field", "fields"),
        *("property", "option", "key", "param", "input"),
    ],
)
def test_what_stands_beside_its_kind_is_a_name(kind):
    assert is_named("stop", f"the {kind} stop is odd")
    assert is_named("stop", f"the stop {kind} is odd")


@pytest.mark.parametrize(
    "words",
    [
        *("unsupported", "not supported", "does not support", "unexpected", "extra"),
        *("unknown", "unrecognized", "not permitted", "not allowed", "forbidden"),
        *("not recognized", "invalid field", "invalid property", "invalid argument"),
    ],
)
def test_words_for_what_is_not_known_there(words):
    assert UNKNOWN.search(f"max_tokens: {words}")
    assert UNKNOWN.search(f"max_tokens: {words.title()}")


@pytest.mark.parametrize(
    "words",
    [
        *("missing", "required", "must be passed", "must be provided"),
        *("must be included", "must be set", "must be present", "must be non-empty"),
        *("passed back", "pass back", "provide", "expected", "should be passed"),
        *("should be included", "needed"),
    ],
)
def test_words_for_what_is_wanted_there(words):
    assert WANTED.search(f"max_tokens: {words}")


@pytest.mark.parametrize("words", ["must be low", "should be low", "too large"])
def test_other_words_want_nothing(words):
    assert not WANTED.search(f"max_tokens: {words}")
    assert not UNKNOWN.search(f"max_tokens: {words}")


def test_the_parameter_stands_first_and_nothing_twice():
    body = json.dumps({"error": {"message": "words", "param": "stop"}}).encode()

    assert text_of(body, error_text.parse(body)) == "'stop'\nwords"
