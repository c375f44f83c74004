"""Patterns that wait with being compiled behave as compiled ones do."""

from __future__ import annotations

import copy
import re

import pytest

from aiproxy.protocol.patterns import lazy_pattern


@pytest.mark.parametrize(
    "method", ["search", "match", "fullmatch", "findall", "finditer", "sub", "split"]
)
def test_each_method_is_that_of_the_compiled_one(method):
    text = "one Two three two"
    waiting = lazy_pattern("two", re.IGNORECASE)
    arguments = ("2", text) if method == "sub" else (text,)
    made = getattr(waiting, method)(*arguments)
    expected = getattr(re.compile("two", re.IGNORECASE), method)(*arguments)

    def plain(found):
        if isinstance(found, (str, list, type(None))):
            return found
        return (
            found.span() if isinstance(found, re.Match) else [m.span() for m in found]
        )

    assert plain(made) == plain(expected)


def test_it_is_compiled_once_and_not_before(monkeypatch):
    compiled = []
    real = re.compile

    def counted(text, flags=0):
        compiled.append(text)
        return real(text, flags)

    monkeypatch.setattr(re, "compile", counted)
    waiting = lazy_pattern("[a-z]+")
    assert compiled == []
    for _ in range(3):
        assert waiting.search("abc")
        assert waiting.match("abc")

    assert compiled == ["[a-z]+"]


def test_a_broken_one_says_so_and_copies_are_as_good():
    with pytest.raises(re.error):
        lazy_pattern("(").search("")
    assert copy.copy(lazy_pattern("a")).search("a")
