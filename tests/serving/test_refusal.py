"""The HTTP layer's own answers have the shape of the side that was asked."""

from __future__ import annotations

import json

from aiproxy.errors import InvalidRequest, Overloaded
from aiproxy.serving.refusal import answer_to

BAD = InvalidRequest("the request line is malformed")


def test_under_v1_it_is_the_envelope_of_the_api():
    status, headers, body = answer_to(BAD, request_id="req_1", is_api=True)

    assert status == "400 Bad Request"
    assert dict(headers)["request-id"] == "req_1"
    assert dict(headers)["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": BAD.message},
        "request_id": "req_1",
    }


def test_a_script_gets_the_admin_sides_json():
    _, headers, body = answer_to(
        BAD, request_id="req_1", is_api=False, accept="application/json"
    )

    assert dict(headers)["content-type"] == "application/json"
    assert json.loads(body) == {"error": {"message": BAD.message}}


def test_anyone_else_gets_a_line_of_text():
    _, headers, body = answer_to(BAD, request_id="req_1", is_api=False)

    assert dict(headers)["content-type"].startswith("text/plain")
    assert body == b"the request line is malformed\n"


def test_an_errors_own_headers_are_kept():
    error = Overloaded("too many", headers={"retry-after": "5"})
    status, headers, _ = answer_to(error, request_id="req_1", is_api=True)

    assert status == "529 Overloaded"
    assert dict(headers)["retry-after"] == "5"
