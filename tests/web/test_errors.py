"""An error as an answer: envelope, JSON or page, and where a browser goes on."""

import pytest

from aiproxy.errors import AIProxyError, NotFound, UpstreamError
from aiproxy.web import errors


def test_an_api_error_carries_its_headers_and_the_id():
    error = AIProxyError("slow down", status=429, headers={"retry-after": "7"})
    answer = errors.api_error(error, "req_1")

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["request-id"] == "req_1"
    assert b'"request_id":"req_1"' in answer.body


def test_an_upstreams_own_body_passes_unchanged():
    body = b'{"type":"error","error":{"type":"x","message":"y"}}'

    assert errors.api_error(UpstreamError("y", status=400, body=body), "r").body == body


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
        assert status in errors._TITLES  # noqa: SLF001
    assert NotFound("x").status in errors._TITLES  # noqa: SLF001
