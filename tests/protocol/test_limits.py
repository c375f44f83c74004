"""The output limit in a refusal. Realistic bodies: see test_healing.py."""

from __future__ import annotations

import pytest

from aiproxy.protocol import limits, remedies
from aiproxy.protocol.refusals import Refusal


def refusal(text: str, **sent: int) -> Refusal:
    return Refusal(text, sent or {"max_tokens": 32000}, "openai")


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("max_tokens must be at most 4096", 4096),
        ("max_tokens must be less than 4096", 4095),
        ("max_tokens must be less than or equal to 4096", 4096),
        ("maxTokens exceeds the limit of 8,192", 8192),
        ("max_new_tokens: between 1 and 2048", 2048),
        ("output tokens: range [1, 1024]", 1024),
    ],
)
def test_the_stated_maximum_is_read(text, limit):
    lesson = limits.output_limit(refusal(text))

    assert lesson is not None
    assert (lesson.kind, lesson.value) == (remedies.LIMIT, limit)


@pytest.mark.parametrize(
    "cue",
    [
        *("at most", "up to", "no more than", "exceed", "exceeds", "maximum", "<="),
        *("\u2264", "less than or equal to", "range to", "lower than", "below"),
        *("limit", "limited to", "between 1 and", "supports", "max", "max is"),
        *("max:", "max of"),
    ],
)
def test_words_that_lead_to_a_maximum(cue):
    lesson = limits.output_limit(refusal(f"output tokens, {cue} 4096"))

    assert lesson is not None
    assert lesson.value == 4096


@pytest.mark.parametrize("words", ["less than", "smaller than"])
def test_a_maximum_may_be_left_out_itself(words):
    lesson = limits.output_limit(refusal(f"output tokens must be {words} 4096"))

    assert lesson is not None
    assert lesson.value == 4095


@pytest.mark.parametrize("words", ["", "about", "not", "you asked for"])
def test_a_number_without_such_words_is_no_maximum(words):
    assert limits.output_limit(refusal(f"output tokens, {words} 4096")) is None


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens is odd",
        "max_tokens must be at most 64000",
        "max_tokens is not supported by gpt-4.1",
        "temperature must be at most 16",
        "max_tokens exceeds what gpt 5 can do",
    ],
)
def test_no_number_below_what_was_sent_is_no_limit(text):
    assert limits.output_limit(refusal(text)) is None


def test_a_limit_under_its_new_name_counts_too():
    lesson = limits.output_limit(
        refusal("max_completion_tokens: at most 100", max_completion_tokens=200)
    )

    assert lesson is not None
    assert lesson.value == 100


def test_a_name_that_is_only_mentioned_is_not_renamed():
    assert limits.renamed_limit(refusal("max_tokens: must be a number")) is None
