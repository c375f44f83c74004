"""What an address asks for is read exactly, or refused."""

from __future__ import annotations

import pytest
from bottle import LocalRequest

from aiproxy.errors import InvalidRequest
from aiproxy.web import query


@pytest.fixture
def ask(monkeypatch):
    def with_query(text: str):
        request = LocalRequest({"QUERY_STRING": text})
        monkeypatch.setattr(query, "request", request)

    return with_query


def test_text_is_trimmed_and_decoded(ask):
    ask("q=%20gr%C3%BCn%20")

    assert query.text("q") == "grün"
    assert query.text("absent") == ""


@pytest.mark.parametrize("value", ["a%0Ab", "a%00", "x" * 201])
def test_text_is_one_printable_line(ask, value):
    ask(f"q={value}")

    with pytest.raises(InvalidRequest) as caught:
        query.text("q")
    assert caught.value.status == 422


def test_a_name_may_stand_several_times(ask):
    ask("with=a&with=b")

    assert query.texts("with") == ["a", "b"]


def test_a_choice_is_one_of_the_list_or_the_default(ask):
    ask("range=7d")
    assert query.choice("range", ("24h", "7d"), "24h") == "7d"
    assert query.choice("other", ("24h", "7d"), "24h") == "24h"

    ask("range=1y")
    with pytest.raises(InvalidRequest, match="one of 24h, 7d"):
        query.choice("range", ("24h", "7d"), "24h")


def test_a_link_leaves_out_what_is_empty():
    values = {"a": "1 & 2", "b": "", "c": None, "d": 0}

    assert query.encode(values) == "?a=1+%26+2&d=0"
    assert query.encode({"a": ""}) == ""
