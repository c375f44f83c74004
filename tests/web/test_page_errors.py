"""An error as JSON or as a page, and where a browser goes on."""

import pytest

from aiproxy.errors import NotFound
from aiproxy.web import page_errors


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("application/json", "application/json"), ("text/html", "text/html")],
)
def test_a_page_error_is_what_the_visitor_reads(site, accept, content_type):
    answer = site.admin().get("/logs/req_nothing", {"Accept": accept})

    assert answer.status == 404
    assert answer.headers["content-type"].startswith(content_type)
    assert "request-id" in answer.headers


def test_every_status_of_ours_has_a_title_for_people():
    for status in (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503):
        assert status in page_errors._TITLES  # noqa: SLF001
    assert NotFound("x").status in page_errors._TITLES  # noqa: SLF001
