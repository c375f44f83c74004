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


@pytest.mark.parametrize("address", ["q=%ff", "%ff=1", "a=1&q=%ed%a0%80"])
def test_an_address_that_is_no_utf_8_is_refused(ask, address):
    ask(address)

    for read in (query.fields, lambda: query.texts("q")):
        with pytest.raises(InvalidRequest) as caught:
            read()
        assert caught.value.status == 422


def test_of_several_values_the_last_is_the_fields(ask):
    ask("a=1&b=2&a=3")

    assert query.fields() == {"a": "3", "b": "2"}


@pytest.mark.parametrize(
    ("value", "number"),
    [("17", 17), ("", 0), ("x", 0), ("-1", 0), ("%D9%A1", 0), ("9" * 19, 0)],
)
def test_a_number_is_one_that_the_database_can_hold(ask, value, number):
    ask(f"after={value}")

    assert query.number("after") == number
