"""A damaged cookie spoils no other."""

from __future__ import annotations

import pytest

from aiproxy.web import cookies


@pytest.mark.parametrize("damaged", ["a,b=c", "a@b=c", "expires", "\xff=\xfe", "=", ""])
def test_a_damaged_cookie_hides_no_other(damaged):
    assert cookies.cookie_values(f"{damaged}; theme=dark", "theme") == ["dark"]


def test_every_value_of_a_doubled_cookie_is_told():
    assert cookies.cookie_values("a=1; b=2; a=3", "a") == ["1", "3"]


def test_a_giant_header_holds_no_cookie():
    assert cookies.cookie_values("a=1; b=" + "x" * 5000, "a") == []
