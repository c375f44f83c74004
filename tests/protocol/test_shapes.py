"""What is refused, in words that name the place."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import shapes


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (shapes.optional_text, [None, "", "x"], [1, True, [], {}]),
        (shapes.required_text, ["x"], [None, "", 1]),
        (shapes.optional_object, [None, {}, {"a": 1}], [[], "x", 1]),
        (shapes.optional_number, [None, 0, 1.5], [True, "1", []]),
        (shapes.optional_integer, [None, 0, 5], [True, 1.0, "1"]),
        (shapes.objects, [None, [], [{}, None]], ["x", {}, [1], ["x"]]),
        (shapes.blocks, [None, "", "x", [], [{}]], [1, {}, ["x"], True]),
    ],
)
def test_each_check_lets_through_what_fits(
    check: Callable[[Any, str], Any], good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        check(value, "field")
    for value in bad:
        with pytest.raises(InvalidRequest, match=r"^field"):
            check(value, "field")


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(InvalidRequest) as refused:
        shapes.objects([{}, 5], "messages.3.content")

    assert refused.value.message == "messages.3.content.1: must be an object"
    assert refused.value.status == 400


def test_a_string_is_one_text_block_and_nulls_are_absent() -> None:
    assert shapes.blocks("x", "content") == [{"type": "text", "text": "x"}]
    assert shapes.blocks(None, "content") == []
    assert shapes.blocks([None, {"a": 1}], "content") == [{"a": 1}]


@pytest.mark.parametrize(
    ("value", "expected"), [("toolu_1", "toolu_1"), (None, ""), (5, "5"), ("", "")]
)
def test_an_odd_id_still_pairs(value: Any, expected: str) -> None:
    assert shapes.id_of({"id": value}, "id") == expected
    assert shapes.id_of({}, "id") == ""


@pytest.mark.parametrize("kind", [None, 5, ["text"], {}])
def test_a_type_that_is_no_string_is_none(kind: Any) -> None:
    assert shapes.type_of({"type": kind}) == ""
