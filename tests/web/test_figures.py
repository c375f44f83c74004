"""Numbers are short, honest and carry their unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.web import figures


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (999.6, "1k"),
        (1000, "1k"),
        (1234, "1.23k"),
        (12_345, "12.3k"),
        (999_499, "999k"),
        (999_600, "1M"),
        (1_250_000_000, "1.25G"),
    ],
)
def test_short_numbers_have_three_digits_at_most(number, text):
    assert figures.short(number) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "\u2013"),
        (0, "0 ms"),
        (850, "850 ms"),
        (999.7, "1.0 s"),
        (1234, "1.2 s"),
        (9_949, "9.9 s"),
        (9_960, "10 s"),
        (59_600, "1 min"),
        (125_000, "2 min 5 s"),
    ],
)
def test_durations_have_the_unit_that_fits(milliseconds, text):
    assert figures.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (11_045, "3 h 4 min"),
        (442_800, "5 d 3 h"),
    ],
)
def test_spans_have_two_units_at_most(seconds, text):
    assert figures.span(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "\u2013"),
        (0, 10, "0 %"),
        (1, 10_000, "< 0.1 %"),
        (12, 712, "1.7 %"),
        (1, 2, "50 %"),
        (9_999, 10_000, "> 99.9 %"),
        (10, 10, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(part, whole, text):
    assert figures.share(part, whole) == text


@pytest.mark.parametrize(
    ("byte_count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (256_000, "256 kB"),
        (999_900, "1 MB"),
        (8_300_000, "8.3 MB"),
        (2_000_000_000, "2 GB"),
    ],
)
def test_sizes_are_decimal(byte_count, text):
    assert figures.size(byte_count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "just now"),
        (45, "45 s ago"),
        (185, "3 min ago"),
        (7_300, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_what_was_lately_has_one_unit(seconds, text):
    assert figures.ago(seconds) == text


def test_plurals_follow_the_number():
    assert figures.plural(1, "request") == "1 request"
    assert figures.plural(1_200, "request") == "1,200 requests"
    assert figures.plural(2, "reply", "replies") == "2 replies"


@given(st.floats(min_value=0, max_value=1e11, allow_nan=False))
def test_a_short_number_is_within_one_percent(number):
    text = figures.short(number)
    factor = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)
    digits = text.rstrip("kMG")

    assert float(digits) * factor == pytest.approx(number, rel=0.01, abs=0.01)
    assert len(digits.replace(".", "")) <= 3
