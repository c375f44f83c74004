"""Numbers that a double cannot hold come out as they went in."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import arguments, exact_number, json_codec
from aiproxy.protocol.exact_number import ExactNumber

KEPT = [
    "3.14159265358979323846264338327950288",
    "0.10000000000000000001",
    "-9007199254740993.5",
    "1e-400",
    "123456789012345678.25E-3",
    "4.9406564584124654e-330",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_a_double_would_change_is_carried_as_text(text: str) -> None:
    data = f'{{"a":[{text},1.5,{{"b":{text}}}]}}'.encode()

    assert json_codec.encode(json_codec.decode(data)) == data


@pytest.mark.parametrize("text", ["0.1", "1.0", "1e22", "-2.5E-7", "5e-324", "0e5"])
def test_what_a_double_holds_is_a_float(text: str) -> None:
    value = json_codec.decode(text.encode())

    assert isinstance(value, float)
    assert value == float(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_is_itself(value: float) -> None:
    assert exact_number.parse(repr(value)) == value
    assert type(exact_number.parse(repr(value))) is float


@given(
    st.from_regex(
        r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
    )
)
def test_no_fraction_changes_its_value(text: str) -> None:
    written = json_codec.encode_text(json_codec.decode(text.encode()))

    assert Decimal(written) == Decimal(text)


@given(st.text(), st.integers(0, 4))
def test_a_string_that_looks_like_the_mark_stays_a_string(
    text: str, times: int
) -> None:
    given_ = [text + "\ufdd0" * times, "\ufdd0", ExactNumber(KEPT[0]), "\ufdd0\ufdd0"]
    written = json_codec.encode_text(given_)

    assert json_codec.decode(written.encode("utf-8", "replace"))[1:] == given_[1:]
    assert KEPT[0] in written


def test_a_tools_arguments_keep_them() -> None:
    assert arguments.to_object(f'{{"x": {KEPT[0]}}}') == {"x": ExactNumber(KEPT[0])}


def test_what_is_no_json_is_still_refused() -> None:
    with pytest.raises(TypeError, match="set is not JSON"):
        json_codec.encode({"a": {1}, "b": ExactNumber(KEPT[0])})
    assert json.loads(json_codec.encode([ExactNumber("1.5")])) == [1.5]


def test_they_are_equal_when_their_texts_are() -> None:
    assert {ExactNumber("1.50")} == {ExactNumber("1.50")}
    assert ExactNumber("1.50") != ExactNumber("1.5")
    assert repr(ExactNumber("1.5")) == "ExactNumber('1.5')"
