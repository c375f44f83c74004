"""Halves of characters find each other, or become U+FFFD."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import surrogates


def joined(pieces):
    joiner = surrogates.Joiner()
    return "".join(map(joiner.feed, pieces)) + joiner.flush()


def test_two_halves_in_two_pieces_are_one_character():
    assert joined(["a\ud83d", "\ude00b"]) == "a😀b"


def test_a_half_alone_becomes_the_replacement_character():
    assert joined(["a\ud83d", "b"]) == "a\ufffdb"
    assert joined(["\ude00b"]) == "\ufffdb"
    assert joined(["a\ud83d"]) == "a\ufffd"


def test_an_empty_piece_between_two_halves_does_not_part_them():
    assert joined(["\ud83d", "", "\ude00"]) == "😀"


def test_what_is_whole_passes_unchanged():
    assert surrogates.whole("é漢😀\u2028") == "é漢😀\u2028"
    assert not surrogates.has_any("é漢😀")


@given(st.text(st.characters() | st.sampled_from("\ud83d\ude00😀")), st.data())
def test_pieces_give_what_the_whole_gives(text, data):
    # As JSON has it: a pair of halves is one character there.
    units = json.loads(json.dumps(text))
    at = data.draw(st.integers(0, len(units)))

    assert joined([units[:at], units[at:]]) == surrogates.whole(units)
    assert joined(units) == surrogates.whole(units)
