"""Errors whose status stands in their words."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.protocol import status_words


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"type": "invalid_request_error", "message": "x"}, 400),
        ({"type": "BadRequestError", "message": "x"}, 400),
        ({"code": "invalid-argument", "message": "x"}, 400),
        ({"status": "INVALID_ARGUMENT", "message": "x"}, 400),
        ({"code": "unsupported_parameter", "message": "x"}, 400),
        ({"type": "authentication_error", "message": "x"}, 401),
        ({"code": "invalid_api_key", "message": "x"}, 401),
        ({"status": "PERMISSION_DENIED", "message": "x"}, 403),
        ({"code": "model_not_found", "message": "x"}, 404),
        ({"code": "rate_limit_exceeded", "message": "x"}, 429),
        ({"type": "insufficient_quota", "message": "x"}, 429),
        ({"status": "UNAVAILABLE", "message": "x"}, 503),
        ({"type": "overloaded_error", "message": "x"}, 529),
        # Moonshot
        ({"type": "invalid_authentication_error", "message": "x"}, 401),
        ({"type": "rate_limit_reached_error", "message": "x"}, 429),
        ({"type": "exceeded_current_quota_error", "message": "x"}, 429),
        ({"type": "engine_overloaded_error", "message": "x"}, 529),
        ({"type": "request_too_large", "message": "x"}, 413),
        ({"type": "timeout_error", "message": "x"}, 504),
        ({"type": "server_error", "message": "x"}, None),
        ({"type": None, "code": True, "message": "x"}, None),
        ({"type": {"a": 1}, "code": ["rate_limit_exceeded"]}, 429),
        ({}, None),
    ],
)
def test_a_kind_has_a_status(error: dict[str, Any], status: int | None) -> None:
    assert status_words.of_kind({"error": error}, "") == status


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (400, "invalid_request_error invalid_request bad_request_error bad_request"),
        (400, "invalid_argument invalid_parameter invalid_parameter_error"),
        (400, "invalid_value unsupported_parameter unsupported_value"),
        (400, "unknown_parameter validation_error"),
        (401, "authentication_error invalid_authentication_error unauthenticated"),
        (401, "unauthorized invalid_api_key"),
        (402, "billing_error payment_required insufficient_balance"),
        (403, "permission_error permission_denied permission_denied_error forbidden"),
        (404, "not_found_error resource_not_found_error not_found model_not_found"),
        (413, "request_too_large"),
        (429, "rate_limit_error rate_limit_exceeded rate_limit_reached_error"),
        (429, "resource_exhausted too_many_requests insufficient_quota"),
        (429, "exceeded_current_quota_error"),
        (503, "service_unavailable service_unavailable_error unavailable"),
        (504, "timeout_error"),
        (529, "overloaded_error overloaded engine_overloaded_error"),
    ],
)
def test_every_kind_has_its_status(status: int, kinds: str) -> None:
    for kind in kinds.split():
        assert status_words.of_kind({"error": {"code": kind}}, "") == status, kind


@pytest.mark.parametrize(
    "text",
    [
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "Unknown parameter: 'stream_options'",
        "body.top_k: Extra inputs are not permitted",
        "Argument not supported on this model: stop. The parameter is not supported.",
        "This model does not support the parameter top_p",
        "deepseek-x does not support the `stop` parameter",
        "Unrecognized request argument supplied: parallel_tool_calls",
        "unsupported value",
        "unexpected keyword",
        "unknown field",
        "invalid property",
        "extra input",
        "extra fields are not permitted",
        "The models do not support `stop` parameter",
        "This model doesn't support parameter stop",
        "The parameter top_k is not allowed",
        "These parameters are odd: parameter a, not permitted",
    ],
)
def test_a_refused_parameter_is_a_bad_request(text: str) -> None:
    assert status_words.of_kind({"error": text}, text) == 400


@pytest.mark.parametrize(
    "text",
    [
        "Internal error",
        "The upstream does not support this right now",
        "Unexpected end of stream",
        "invalid response from the engine",
        "Provider returned error",
    ],
)
def test_other_words_say_nothing_of_a_status(text: str) -> None:
    assert status_words.of_kind({"error": text}, text) is None


@pytest.mark.parametrize(
    ("text", "is_bad"),
    [
        ("Incorrect API key provided: xa***bc. You can obtain an API key from", True),
        ("API key not valid. Please pass a valid API key.", True),
        ("API_KEY_INVALID", True),
        ("Invalid x-api-key", True),
        ("Unknown api_key", True),
        ("Expired API key", True),
        ("The API key is invalid", True),
        ("API key provided is incorrect", True),
        ("API key expired. Please renew the API key.", True),
        ("temperature is invalid", False),
        ("the tool api_key_store has an invalid schema", False),
        ("A valid api key header was not needed", False),
    ],
)
def test_a_bad_key_is_known_by_its_words(text: str, is_bad: bool) -> None:
    assert status_words.is_bad_key(text) is is_bad
