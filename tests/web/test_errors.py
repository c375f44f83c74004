"""An error under /v1 as an answer, and what every failure is known by."""

from aiproxy.errors import AIProxyError, UpstreamError
from aiproxy.web import errors


def test_an_api_error_carries_its_headers_and_the_id():
    error = AIProxyError("slow down", status=429, headers={"retry-after": "7"})
    answer = errors.api_error(error, "req_1")

    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["request-id"] == "req_1"
    assert b'"request_id":"req_1"' in answer.body


def test_an_upstreams_own_body_passes_unchanged():
    body = b'{"type":"error","error":{"type":"x","message":"y"}}'

    assert errors.api_error(UpstreamError("y", status=400, body=body), "r").body == body


def test_a_request_has_one_id_whoever_asks():
    environ = {}
    first = errors.request_id_of(environ)

    assert first.startswith("req_")
    assert errors.request_id_of(environ) == first


def test_an_inner_failure_is_logged_and_told_without_its_cause(caplog):
    error = errors.internal_error("req_1", ValueError("the secret of it"))

    assert error.status == 500
    assert "secret" not in error.message
    assert "the secret of it" in caplog.text
    assert "req_1" in caplog.text
