"""Headers of any bytes are read."""

from __future__ import annotations

import pytest
from bottle import request

from aiproxy.web import incoming


@pytest.fixture
def arrive():
    """Makes a request with these headers the present one."""

    def bind(**environ: str) -> None:
        request.bind({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ})

    return bind


def test_a_header_is_found_in_any_case(arrive):
    arrive(HTTP_X_CSRF_TOKEN="one", CONTENT_TYPE="text/plain")

    assert incoming.header("x-csrf-token") == "one"
    assert incoming.header("Content-Type") == "text/plain"


def test_bytes_that_are_no_utf_8_are_characters(arrive):
    arrive(HTTP_ACCEPT="\xff\xfe")

    assert incoming.header("Accept") == "\xff\xfe"


def test_an_absent_header_has_a_default_or_none(arrive):
    arrive()

    assert incoming.find_header("Accept") is None
    assert incoming.header("Accept", "any") == "any"
