"""JSON in and out: exact, bounded, and never a crash."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec
from tests.protocol import strategies


@given(strategies.json_values(20))
def test_what_is_encoded_is_decoded(value: Any) -> None:
    clean = json.loads(json_codec.encode(value))

    assert json_codec.decode(json_codec.encode(clean)) == clean


def test_encoding_is_compact_keeps_order_and_characters() -> None:
    value = {"z": [1, 2.5, None, True], "a": "ü😀\u2028"}

    assert json_codec.encode_text(value) == '{"z":[1,2.5,null,true],"a":"ü😀\u2028"}'


def test_lone_surrogates_become_replacement_characters() -> None:
    assert (
        json_codec.encode({"a\ud800": "\udfff😀"}) == '{"a\ufffd":"\ufffd😀"}'.encode()
    )


def test_a_byte_order_mark_is_no_fault() -> None:
    assert json_codec.decode(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_large_integers_are_exact() -> None:
    digits = "9" * 1000

    assert json_codec.encode(json_codec.decode(digits.encode())) == digits.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'"\xff"',
        b"NaN",
        b"-Infinity",
        b'{"a": 1} x',
        b"1e999",
        b"1" * 1001,
        b"0." + b"1" * 1001,
        b'"raw \n line"',
        b"[" * 201 + b"]" * 201,
        b'{"a":' * 201 + b"1" + b"}" * 201,
        b"[" * 100_000,
    ],
)
def test_what_parsers_disagree_on_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        json_codec.decode(data)


def test_brackets_within_strings_have_no_depth() -> None:
    value = [["[{" * 500, '\\"[[' * 300, "\\"]] * 50

    assert json_codec.decode(json.dumps(value).encode()) == value


def test_two_hundred_levels_are_let_in() -> None:
    data = b"[" * 200 + b"]" * 200

    assert json_codec.encode(json_codec.decode(data)) == data


@pytest.mark.parametrize("data", [b"[]", b"5", b"null", b'"{}"'])
def test_an_object_is_wanted(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="object"):
        json_codec.decode_object(data)


def test_an_unfinished_string_takes_linear_time() -> None:
    data = b'["' + b'[\\"' * 300_000
    started = time.process_time()

    with pytest.raises(InvalidRequest):
        json_codec.decode(data)

    assert time.process_time() - started < 5


@given(st.binary(max_size=50))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        json_codec.decode(data)
    except InvalidRequest:
        return
