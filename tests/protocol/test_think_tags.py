"""Thoughts in tags at the head of a text, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol.think_tags import ThinkTagSplitter


def split(pieces):
    splitter = ThinkTagSplitter()
    runs = [run for piece in pieces for run in splitter.feed(piece)]
    runs += splitter.flush()
    thought = "".join(run.text for run in runs if run.is_thought)
    return thought, "".join(run.text for run in runs if not run.is_thought)


CASES = {
    "plain text": ("Hello", ("", "Hello")),
    "a thought": ("<think>hm</think>Hello", ("hm", "Hello")),
    "thinking": ("<thinking>hm</thinking>Hello", ("hm", "Hello")),
    "thought": ("<thought>hm</thought>Hello", ("hm", "Hello")),
    "whitespace around the tags": (
        " \n<think>\n hm\n\n ok \n</think>\n\n Hello ",
        ("hm\n\n ok", "Hello "),
    ),
    "a later tag is text": ("Hi <think>x</think>", ("", "Hi <think>x</think>")),
    "a second thought is text": (
        "<think>a</think>b<think>c</think>",
        ("a", "b<think>c</think>"),
    ),
    "an unclosed thought": ("<think>hm\n", ("hm", "")),
    "another closing tag is thought": (
        "<think>a</thinking>b</think>c",
        ("a</thinking>b", "c"),
    ),
    "an empty thought": ("<think>\n</think>\n\nHello", ("", "Hello")),
    "another tag": ("<thin>Hello", ("", "<thin>Hello")),
    "half a tag": ("<thi", ("", "<thi")),
    "half a closing tag": ("<think>a</thi", ("a</thi", "")),
    "a tag in a thought": ("<think>a<b></think>c", ("a<b>", "c")),
    "leading whitespace of a text stays": ("\n\n Hello", ("", "\n\n Hello")),
    "nothing visible": (" \n ", ("", "")),
    "capitals are no tag": ("<Think>a</Think>", ("", "<Think>a</Think>")),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_the_split_does_not_depend_on_how_the_text_is_cut(text, expected):
    assert split([text]) == expected
    assert split(text) == expected


_pieces = st.sampled_from(["<", "think>", "/", "thinking>", " ", "\n", "a"])


@given(st.lists(_pieces).map("".join), st.data())
def test_any_text_is_split_alike_in_one_piece_and_in_two(text, data):
    at = data.draw(st.integers(0, len(text)))

    assert split([text[:at], text[at:]]) == split([text]) == split(text)


def test_only_what_may_become_a_tag_is_held():
    splitter = ThinkTagSplitter()

    assert splitter.feed("<th") == []
    assert [run.text for run in splitter.feed("e")] == ["<the"]
    assert splitter.is_decided


def test_the_field_is_the_tag():
    splitter = ThinkTagSplitter()
    splitter.feed("<thought>x")

    assert splitter.field == "<thought>"


def test_beside_a_reasoning_field_tags_are_text():
    splitter = ThinkTagSplitter()
    splitter.ignore_tags()

    assert [tuple(run) for run in splitter.feed("<think>x")] == [(False, "<think>x")]


def test_a_tag_that_something_else_interrupts_becomes_text():
    splitter = ThinkTagSplitter()
    splitter.feed(" <th")

    assert [tuple(run) for run in splitter.flush()] == [(False, " <th")]
    assert [tuple(run) for run in splitter.feed("ink>")] == [(False, "ink>")]


def test_a_thought_goes_on_after_an_interruption():
    splitter = ThinkTagSplitter()
    splitter.feed("<think>a</th")

    assert [tuple(run) for run in splitter.flush()] == [(True, "</th")]
    assert [tuple(run) for run in splitter.feed("b</think>c")] == [
        (True, "b"),
        (False, "c"),
    ]
