"""Stop sequences across the borders of pieces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol.stop_sequences import StopSequenceFilter


def cut(pieces, *sequences):
    stops = StopSequenceFilter(sequences)
    text = "".join(map(stops.feed, pieces)) + stops.flush()
    return text, stops.matched


@pytest.mark.parametrize(
    ("text", "sequences", "expected"),
    [
        ("one two three", ["two"], ("one ", "two")),
        ("one two three", ["four"], ("one two three", None)),
        ("<severity>7</severity>x", ["</severity>"], ("<severity>7", "</severity>")),
        ("aab", ["ab"], ("a", "ab")),
        ("ababac", ["abac"], ("ab", "abac")),
        ("aabaaabaaax", ["aabaaax"], ("aaba", "aabaaax")),
        ("abcd", ["abcd", "bc"], ("a", "bc")),
        ("abcd", ["cd", "abcd"], ("", "abcd")),
        ("abcd", ["bcd", "cd", "abc"], ("", "abc")),
        ("stop", ["stop"], ("", "stop")),
        ("sto", ["stop"], ("sto", None)),
        ("漢字😀終", ["😀終"], ("漢字", "😀終")),
        ("a.b", ["."], ("a", ".")),
        ("a]b", ["]", "^", "-"], ("a", "]")),
        ("text", [], ("text", None)),
        ("text", [""], ("text", None)),
    ],
)
def test_text_ends_before_the_match_that_is_complete_first(text, sequences, expected):
    assert cut([text], *sequences) == expected
    assert cut(text, *sequences) == expected


def test_only_a_tail_that_may_still_match_is_held():
    stops = StopSequenceFilter(["</block>"])

    assert stops.feed("yes </bl") == "yes "
    assert stops.feed("ue> or ") == "</blue> or "
    assert not stops.is_holding
    assert stops.feed("<") == ""
    assert stops.is_holding
    assert stops.flush() == "<"


def test_nothing_passes_after_a_match():
    stops = StopSequenceFilter(["x"])

    assert stops.feed("axb") == "a"
    assert stops.feed("c") == ""
    assert stops.flush() == ""


_few = st.text("ab", min_size=1, max_size=4)


@given(st.text("abc", max_size=30), st.lists(_few, max_size=4), st.integers(1, 5))
def test_the_filter_does_what_searching_the_whole_text_does(text, sequences, size):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    ends = [
        (text.find(sequence) + len(sequence), -len(sequence), sequence)
        for sequence in sequences
        if sequence in text
    ]
    if ends:
        end, _, sequence = min(ends)
        expected = (text[: end - len(sequence)], sequence)
    else:
        expected = (text, None)

    assert cut(pieces, *sequences) == expected


def test_time_is_linear_in_text_and_sequence():
    stops = StopSequenceFilter(["a" * 100_000 + "b"])
    started = time.process_time()
    for _ in range(20_000):
        stops.feed("aaaaaaaaaaaaaaaaaaaa")

    assert time.process_time() - started < 5
