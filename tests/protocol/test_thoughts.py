"""Thoughts: shown once, packed with where they stood."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol import reasoning, thoughts
from aiproxy.protocol.thoughts import Thoughts, split_leading_sealed
from tests.protocol.answering import KEY


def shown(*pieces):
    """What is shown of (field, text) pieces."""
    ledger = Thoughts(KEY)
    return [ledger.new_text(field, text) for field, text in pieces]


def test_a_second_field_with_the_same_text_shows_nothing():
    assert shown(("a", "one"), ("b", "one"), ("a", "two"), ("b", "two")) == [
        "one",
        "",
        "two",
        "",
    ]


def test_a_second_field_may_be_cut_otherwise_or_come_late():
    assert shown(("a", "one"), ("b", "on"), ("b", "e two"), ("a", " two!")) == [
        "one",
        "",
        " two",
        "!",
    ]
    assert shown(("a", "one"), ("a", " two"), ("b", "one two")) == ["one", " two", ""]


def test_another_text_is_shown_too():
    assert shown(("a", "one"), ("b", "two"), ("a", "three")) == ["one", "two", "three"]


def test_a_field_beside_another_is_as_far_as_the_other():
    ledger = Thoughts(KEY)
    ledger.new_text("a", "one")
    ledger.is_beside("b")

    assert ledger.new_text("b", "two") == "two"


@given(st.lists(st.text(st.sampled_from("aé😀")), max_size=8), st.data())
def test_one_text_in_two_fields_is_shown_once_however_both_are_cut(pieces, data):
    whole = "".join(pieces)
    ledger = Thoughts(KEY)
    out = ""
    rest = whole
    for piece in pieces:
        out += ledger.new_text("a", piece)
        cut = data.draw(st.integers(0, len(rest)))
        out += ledger.new_text("b", rest[:cut])
        rest = rest[cut:]
    out += ledger.new_text("b", rest)

    assert out == whole


def test_the_envelope_holds_the_details_without_the_text_that_is_shown():
    ledger = Thoughts(KEY)
    ledger.begin_block()
    ledger.grow_block(ledger.new_text("reasoning", "hm"))
    ledger.stood_in("reasoning")
    ledger.keep({"type": "reasoning.text", "text": "hm"}, sealed=False, is_whole=False)
    signature = ledger.signature()

    thought = reasoning.unpack(signature, KEY, text="hm")
    assert thought.fields == ("reasoning",)
    assert thought.details == ({"type": "reasoning.text", "text": "hm"},)
    assert reasoning.unpack(signature, KEY, text="other") is None
    assert reasoning.unpack(signature, "another key", text="hm") is None


def test_a_new_text_is_not_of_the_block_that_closes_before_it():
    ledger = Thoughts(KEY)
    ledger.begin_block()
    ledger.grow_block(ledger.new_text("a", "one"))
    ledger.keep({"text": "one"}, sealed=False, is_whole=False)
    ledger.new_text("a", "two")

    assert reasoning.unpack(ledger.signature(), KEY, text="one").details


def test_the_only_field_is_known_until_there_are_two():
    ledger = Thoughts(KEY)
    assert ledger.only_field == ""
    ledger.begin_block()
    ledger.grow_block(ledger.new_text("a", "one"))
    ledger.keep({"text": "one two"}, sealed=False, is_whole=False)
    assert ledger.only_field == "a"
    ledger.append("a", " two")
    assert reasoning.unpack(ledger.signature(), KEY, text="one two").details

    ledger.new_text("a", "\ud83d")
    assert ledger.only_field == ""
    ledger.new_text("a", "\ude00")
    ledger.new_text("b", "x")
    assert ledger.only_field == ""


def test_details_of_a_block_that_never_opened_are_sealed():
    ledger = Thoughts(KEY)
    ledger.keep({"text": " "}, sealed=False, is_whole=False)
    assert not ledger.has_sealed
    ledger.unshown()

    assert ledger.has_sealed
    envelope = ledger.sealed_envelope({"id": {"google": {}}})
    thought = reasoning.unpack(envelope, KEY)
    assert thought.details == ({"text": " "},)
    assert thought.calls == {"id": {"google": {}}}
    assert not ledger.has_sealed


def test_details_before_the_first_text_are_told_apart():
    sealed, text = {"data": "x"}, {"text": "a"}

    assert split_leading_sealed([sealed, text, sealed]) == ([sealed], [text, sealed])
    assert split_leading_sealed([sealed]) == ([sealed], [])
    assert split_leading_sealed([]) == ([], [])


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(thoughts, "MAX_THOUGHT_BYTES", 10)
    ledger = Thoughts(KEY)

    with pytest.raises(UpstreamBroken, match="thoughts"):
        ledger.new_text("a", "x" * 11)
    with pytest.raises(UpstreamBroken, match="thoughts"):
        Thoughts(KEY).append("a", "x" * 11)
    with pytest.raises(UpstreamBroken, match="details"):
        ledger.keep({"data": ""}, sealed=True, is_whole=False)


def test_time_is_linear_where_fields_lag_behind():
    ledger = Thoughts(KEY)
    ledger.new_text("a", "x" * 5_000_000)
    started = time.process_time()
    for _ in range(20_000):
        ledger.new_text("b", "x")
        ledger.new_text("c", "y")

    assert time.process_time() - started < 2
