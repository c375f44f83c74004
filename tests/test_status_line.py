"""Every status has a phrase."""

from __future__ import annotations

import pytest

from aiproxy.status_line import status_line


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, "200 OK"),
        (404, "404 Not Found"),
        (503, "503 Service Unavailable"),
        (529, "529 Overloaded"),
        (599, "599 Error"),
    ],
)
def test_a_code_comes_with_words(status, line):
    assert status_line(status) == line
