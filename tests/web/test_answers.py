"""What every page carries."""

from __future__ import annotations

from bottle import HTTPResponse

from aiproxy.web import answers


def test_a_page_is_not_sniffed_not_kept_and_closed_in():
    made = answers.with_headers(HTTPResponse(body="x"))

    assert made.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in made.headers
    assert made.headers["Cache-Control"] == "no-store"


def test_a_page_that_says_how_long_it_keeps_is_believed():
    page = HTTPResponse(body="x", headers={"Cache-Control": "max-age=60"})

    assert answers.with_headers(page).headers["Cache-Control"] == ("max-age=60")
