"""What every answer carries, whichever side it is of."""

from __future__ import annotations

import pytest
from bottle import HTTPResponse

from aiproxy.web import answers


@pytest.mark.parametrize("is_page", [True, False])
def test_no_answer_is_sniffed_and_pages_are_closed_in(is_page):
    made = answers.with_headers(HTTPResponse(body="x"), is_page=is_page)

    assert made.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Content-Security-Policy" in made.headers) is is_page
    assert (made.headers.get("Cache-Control") == "no-store") is is_page


def test_a_page_that_says_how_long_it_keeps_is_believed():
    page = HTTPResponse(body="x", headers={"Cache-Control": "max-age=60"})

    assert answers.with_headers(page, is_page=True).headers["Cache-Control"] == (
        "max-age=60"
    )


def test_a_request_has_one_id_whoever_asks():
    environ = {}
    first = answers.request_id_of(environ)

    assert first.startswith("req_")
    assert answers.request_id_of(environ) == first


def test_an_inner_failure_is_logged_and_told_without_its_cause(caplog):
    error = answers.internal_error("req_1", ValueError("the secret of it"))

    assert error.status == 500
    assert "secret" not in error.message
    assert "the secret of it" in caplog.text
    assert "req_1" in caplog.text
