"""Each failure knows its answer: status, Anthropic's error type, headers."""

from __future__ import annotations

import pytest

from aiproxy import errors
from aiproxy.errors import AIProxyError, UpstreamError


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (408, "invalid_request_error"),
        (413, "request_too_large"),
        (418, "invalid_request_error"),
        (429, "rate_limit_error"),
        (431, "invalid_request_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "api_error"),
        (504, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_a_status_has_its_error_type(status: int, error_type: str) -> None:
    assert errors.error_type_for(status) == error_type
    assert AIProxyError("words", status=status).error_type == error_type


def kinds() -> list[type[AIProxyError]]:
    found = [AIProxyError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == "aiproxy.errors"]


@pytest.mark.parametrize("kind", kinds())
def test_every_failure_can_be_raised_with_a_sentence(kind: type[AIProxyError]) -> None:
    error = kind("a sentence")

    assert "a sentence" in error.message
    assert str(error) == error.message
    assert 400 <= error.status < 600
    assert error.error_type


def test_an_error_type_can_be_named() -> None:
    error = AIProxyError("words", status=503, error_type="overloaded_error")

    assert (error.status, error.error_type) == (503, "overloaded_error")


def test_headers_are_the_errors_own() -> None:
    headers = {"retry-after": "3"}
    error = errors.RateLimited("slow down", headers=headers)
    headers["retry-after"] = "9"

    assert error.headers == {"retry-after": "3"}


@pytest.mark.parametrize(
    "error",
    [
        errors.UpstreamUnreachable("no connection"),
        errors.UpstreamTimeout("silent"),
        errors.UpstreamBroken("cut"),
    ],
)
def test_a_fallback_may_be_asked_when_the_provider_is_away(
    error: UpstreamError,
) -> None:
    assert error.retryable
    assert error.upstream_status is None


def test_a_provider_that_is_away_is_a_502_and_a_silent_one_a_504() -> None:
    assert errors.UpstreamUnreachable("x").status == 502
    assert errors.UpstreamBroken("x").status == 502
    assert errors.UpstreamTimeout("x").status == 504


def test_a_client_that_left_is_logged_as_499() -> None:
    error = errors.ClientGone()

    assert (error.status, error.error_type) == (499, "client_closed")
