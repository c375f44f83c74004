"""Any provider's failure as the error that makes the client do right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import error_type_for
from aiproxy.protocol.upstream_errors import (
    from_chunk,
    to_error,
)

KEY = "sk-provider-secret-0123456789"


def body_of(message: str = "its words", **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


def error_for(status, body=None, headers=None, **fields):
    body = body_of() if body is None else body
    return to_error(
        status, headers or {}, body, provider="Acme", secrets=[KEY], **fields
    )


# The table of translation.md

STATUSES = [
    (400, 400),
    (401, 401),
    (402, 402),
    (403, 403),
    (404, 404),
    (405, 400),
    (406, 400),
    (408, 504),
    (409, 400),
    (410, 400),
    (411, 400),
    (413, 413),
    (414, 400),
    (415, 400),
    (418, 400),
    (422, 400),
    (425, 400),
    (429, 429),
    (431, 400),
    (451, 400),
    (499, 400),
    (500, 500),
    (501, 502),
    (502, 502),
    (503, 503),
    (504, 504),
    (505, 502),
    (520, 502),
    (521, 502),
    (522, 504),
    (523, 502),
    (524, 504),
    (529, 529),
    (530, 502),
    (301, 502),
    (302, 502),
    (307, 502),
    (308, 502),
    (204, 502),
    (100, 502),
    (999, 502),
]


@pytest.mark.parametrize(("upstream", "status"), STATUSES)
def test_each_status_has_its_answer(upstream, status):
    error = error_for(upstream)

    assert error.status == status
    assert error.error_type == error_type_for(status)
    assert error.upstream_status == upstream


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500, 503, 529])
def test_the_message_keeps_the_providers_own_words(status):
    assert error_for(status).message == "its words"


def test_a_refused_key_is_said_to_be_the_providers():
    error = error_for(401, body_of("Incorrect API key provided"))

    assert "API key" in error.message
    assert "Acme" in error.message
    assert "Incorrect API key provided" in error.message
    assert error.headers == {"x-should-retry": "false"}


def test_no_credit_is_not_retried():
    error = error_for(402)

    assert error.error_type == "billing_error"
    assert error.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "message",
    [
        "No endpoints found that support image input",
        "No endpoints found that support tool use. To learn more, visit: https://x.ai",
        "Model m does not support tools",
        "m doesn't support image input",
    ],
)
def test_a_missing_capability_is_no_missing_model(message):
    error = error_for(404, body_of(message))

    assert (error.status, error.message) == (400, message)


def test_a_redirect_is_not_followed_and_its_place_not_told():
    error = error_for(
        302, b"moved to https://evil.example", {"Location": "https://evil"}
    )

    assert "redirect" in error.message
    assert "evil" not in error.message


def test_a_redirect_in_anthropics_shape_is_one_too():
    error = error_for(302, anthropic("api_error", "x"), api_format="anthropic")

    assert (error.status, error.body) == (502, None)
    assert "redirect" in error.message


@pytest.mark.parametrize(
    "message",
    [
        "The service is overloaded. Try later.",
        "The model is at capacity",
        "We have no capacity for this model",
        "Capacity reached for this model",
        "Provider is out of capacity",
    ],
)
def test_an_overloaded_503_is_529(message):
    error = error_for(503, body_of(message))

    assert error.status == 529
    assert error.error_type == "overloaded_error"
    assert error.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "502 Bad Gateway"),
        (b"<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
        (b"<html><body>long page</body></html>", "502 Bad Gateway"),
        (b"upstream connect error", "upstream connect error"),
    ],
)
def test_without_words_the_status_speaks(body, message):
    assert error_for(502, body).message == message


def test_long_words_are_cut():
    assert len(error_for(500, body_of("x" * 10_000)).message) <= 2000


def test_what_is_said_around_long_words_counts_too():
    assert len(error_for(401, body_of("x" * 10_000)).message) <= 2000
    full = "context_length_exceeded " + "x" * 10_000
    assert len(error_for(400, body_of(full)).message) <= 2000


# Waiting


def test_a_rate_limit_asks_to_wait():
    error = error_for(429, body_of("slow down"), {"Retry-After": "7.1"})

    assert error.headers == {"retry-after": "8"}


def test_a_rate_limit_without_a_delay_waits_a_little():
    assert error_for(429).headers == {"retry-after": "5"}


def test_a_date_is_compared_with_the_clock_that_is_given():
    date = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}

    assert error_for(429, headers=date, now=1792567665.0).headers == {
        "retry-after": "15"
    }


def test_an_overload_asks_to_wait():
    assert error_for(529, headers={"retry-after": "9"}).headers == {"retry-after": "9"}


def test_a_delay_of_another_status_is_kept():
    assert error_for(503, headers={"retry-after": "9"}).headers == {"retry-after": "9"}


@pytest.mark.parametrize("status", [400, 500, 503])
def test_other_statuses_make_up_no_delay(status):
    assert error_for(status).headers == {}


QUOTA = [
    body_of("You exceeded your current quota", code="insufficient_quota"),
    body_of("Check your plan and billing details."),
    body_of("Your credit balance is too low"),
    body_of("Insufficient balance", code="1113"),
    body_of("You exceeded your current quota"),
    body_of("No more for today", type="exceeded_current_quota_error"),
    body_of("You have no credits left"),
    body_of("Out of credits"),
    body_of("The monthly quota has been exhausted"),
    body_of("Payment required to go on"),
]


@pytest.mark.parametrize("body", QUOTA)
def test_a_used_up_quota_is_not_retried(body):
    error = error_for(429, body)

    assert error.status == 429
    assert error.headers["x-should-retry"] == "false"
    assert error.headers["retry-after"] == "5"


def test_a_quota_with_a_delay_is_only_a_rate_limit():
    details = [{"@type": "RetryInfo", "retryDelay": "17s"}]
    body = json.dumps(
        [{"error": {"message": "You exceeded your current quota", "details": details}}]
    ).encode()

    assert error_for(429, body).headers == {"retry-after": "17"}


@pytest.mark.parametrize("status", [403, 500, 529])
def test_words_of_a_quota_say_nothing_under_another_status(status):
    error = error_for(status, body_of("You exceeded your current quota"))

    assert "x-should-retry" not in error.headers


# Another provider may be asked

RETRYABLE = [302, 408, 429, 500, 501, 502, 503, 504, 520, 522, 524, 529]
FINAL = [400, 401, 402, 403, 404, 405, 409, 413, 422]


@pytest.mark.parametrize("status", RETRYABLE)
def test_a_fallback_is_asked_after(status):
    assert error_for(status).retryable


@pytest.mark.parametrize("status", FINAL)
def test_no_fallback_is_asked_after(status):
    assert not error_for(status).retryable


BEHIND = [
    body_of("Provider returned error", metadata={"raw": "down", "provider_name": "X"}),
    body_of("Provider returned error"),
    body_of("Upstream request failed"),
    body_of("Error from upstream", type="upstream_error"),
    body_of("The upstream server is not reachable"),
    body_of("Bad gateway"),
    body_of("All providers have failed"),
]


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("body", BEHIND)
def test_a_failure_behind_the_provider_is_one_to_fall_back_from(status, body):
    assert error_for(status, body).retryable


@pytest.mark.parametrize("status", [401, 402, 403, 413, 422])
@pytest.mark.parametrize("body", BEHIND)
def test_after_another_4xx_nobody_else_is_asked(status, body):
    assert not error_for(status, body).retryable


# Full contexts

FULL = body_of(
    "This model's maximum context length is 128000 tokens. However, your messages"
    " resulted in 150123 tokens."
)


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize("api_format", ["openai", "anthropic"])
def test_a_full_context_is_400_in_the_clients_words(status, api_format):
    error = error_for(status, FULL, api_format=api_format)

    assert error.status == 400
    assert error.error_type == "invalid_request_error"
    assert error.message == "prompt is too long: 150123 tokens > 128000 maximum"
    assert not error.retryable


@pytest.mark.parametrize("status", [429, 502, 503])
def test_elsewhere_the_words_of_a_full_context_change_nothing(status):
    assert error_for(status, FULL).status == status


def test_an_estimate_and_the_sent_limit_fill_the_gaps():
    body = body_of("maximum context length is 8192 tokens")

    assert error_for(400, body, input_estimate=9000).message == (
        "prompt is too long: 9000 tokens > 8192 maximum"
    )


# Anthropic's own errors


def anthropic(kind: str, message: str, **more: Any) -> bytes:
    error = {"type": kind, "message": message}
    return json.dumps({"type": "error", "error": error, **more}, indent=1).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "some_new_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_an_anthropic_error_passes_byte_for_byte(status, kind):
    body = anthropic(kind, "its words", request_id="req_up")
    error = error_for(status, body, api_format="anthropic")

    assert (error.status, error.error_type) == (status, kind)
    assert error.message == "its words"
    assert error.body == body


def test_an_anthropic_error_loses_only_the_key():
    body = anthropic("authentication_error", f"invalid x-api-key: {KEY}")
    error = error_for(401, body, api_format="anthropic")

    assert error.body == body.replace(KEY.encode(), "…6789".encode())
    assert KEY not in error.message


def test_an_anthropic_error_keeps_the_clients_own_texts_of_a_full_context():
    body = anthropic(
        "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"
    )

    assert error_for(400, body, api_format="anthropic").body == body


@pytest.mark.parametrize("status", [413, 500])
def test_a_full_context_is_400_even_where_anthropics_words_have_another_status(status):
    body = anthropic("api_error", "prompt is too long: 208310 tokens > 200000 maximum")

    assert error_for(status, body, api_format="anthropic").status == 400
    assert error_for(status, body).status == 400


def test_a_foreign_text_of_a_full_context_is_translated_in_anthropics_shape_too():
    body = anthropic("invalid_request_error", "Input is too long for requested model.")
    error = error_for(400, body, api_format="anthropic")

    assert error.body is None
    assert error.message.startswith("prompt is too long")


def test_anthropics_shape_is_nothing_special_from_chat_completions():
    body = anthropic("rate_limit_error", "its words")
    error = error_for(429, body)

    assert error.body is None
    assert error.message == "its words"


@pytest.mark.parametrize("body", [body_of("its words"), b"its words"])
def test_other_shapes_from_a_messages_upstream_are_translated(body):
    error = error_for(422, body, api_format="anthropic")

    assert (error.status, error.message, error.body) == (400, "its words", None)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 529),
        ("rate_limit_error", 429),
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("api_error", 500),
        ("a_new_error", 502),
        ("timeout_error", 504),
    ],
)
def test_an_anthropic_error_inside_a_200_has_the_status_of_its_type(kind, status):
    body = anthropic(kind, "its words")
    error = error_for(200, body, api_format="anthropic", inside_200=True)

    assert (error.status, error.body) == (status, body)


def test_a_rate_limit_of_anthropic_has_a_delay_in_any_case():
    body = anthropic("rate_limit_error", "its words")

    assert error_for(429, body, api_format="anthropic").headers == {"retry-after": "5"}


# Errors inside a 200


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (400, 400),
        ("429", 429),
        (401, 401),
        (404, 404),
        (500, 500),
        (503, 503),
        (529, 529),
        (None, 502),
        ("server_error", 502),
        (1302, 502),
        (200, 502),
    ],
)
def test_an_error_inside_a_200_takes_its_code_as_status(code, status):
    error = error_for(200, body_of("its words", code=code), inside_200=True)

    assert error.status == status


def test_an_error_inside_a_200_keeps_for_healing_what_names_a_parameter():
    body = body_of("its words", param="stop", code=400, quoted="x" * 100)
    refusal = json.loads(error_for(200, body, inside_200=True).refusal)

    assert refusal == {"error": {"message": "its words", "param": "stop", "code": 400}}
    assert error_for(400, body).refusal == b""


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html></html>"])
def test_a_200_without_an_answer_is_502(body):
    error = error_for(200, body, inside_200=True)

    assert (error.status, error.error_type) == (502, "api_error")
    assert error.message
    assert error.retryable


def test_an_empty_200_is_said_to_be_one():
    error = error_for(200, b"", inside_200=True)

    assert error.message == "Acme answered 200 without an answer in it"


def test_a_full_context_inside_a_200_is_400():
    assert error_for(200, FULL, inside_200=True).status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"type": "invalid_request_error"}, 400),
        ({"code": "rate_limit_exceeded"}, 429),
        ({"code": "invalid_api_key"}, 401),
        ({"type": "server_error"}, 502),
    ],
)
def test_without_a_number_its_kind_says_the_status(fields, status):
    error = error_for(200, body_of("its words", **fields), inside_200=True)

    assert error.status == status
    assert error.upstream_status == (status if status != 502 else 200)
    assert "its words" in error.message
    assert error.retryable is (status in {429, 502})


# A key refused with another status


@pytest.mark.parametrize(
    "body",
    [
        {
            "code": "Client specified an invalid argument",
            "error": "Incorrect API key provided: xa***78. You can obtain an API key"
            " from the console.",
        },
        [
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid. Please pass a valid API key.",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ],
    ids=["xai", "gemini"],
)
def test_a_400_about_the_key_is_told_as_a_401(body):
    error = error_for(400, json.dumps(body).encode())

    assert (error.status, error.error_type) == (401, "authentication_error")
    assert error.message.startswith("The API key of the provider Acme was refused: ")
    assert error.headers == {"x-should-retry": "false"}
    assert error.upstream_status == 400
    assert not error.retryable


# Errors inside a stream


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow"}, "rate_limit_error"),
        ({"code": "rate_limit_exceeded", "message": "slow"}, "rate_limit_error"),
        ({"code": 503, "message": "down"}, "overloaded_error"),
        ({"code": 529, "message": "busy"}, "overloaded_error"),
        ({"code": "x", "message": "Overloaded"}, "overloaded_error"),
        ({"type": "overloaded_error", "message": "x"}, "overloaded_error"),
        ({"code": 502, "message": "Provider disconnected"}, "api_error"),
        ({"code": 401, "message": "x"}, "api_error"),
        ("its words", "api_error"),
        ({}, "api_error"),
    ],
)
def test_in_a_stream_the_type_is_one_of_three(error, kind):
    assert from_chunk(error, mid_stream=True).error_type == kind


def test_before_the_first_event_an_error_keeps_its_status():
    error = from_chunk({"code": 429, "message": "slow"})

    assert (error.status, error.message) == (429, "slow")


def test_a_whole_chunk_may_be_given():
    chunk = {"id": "x", "choices": [], "error": {"code": 529, "message": "busy"}}

    assert from_chunk(chunk, mid_stream=True).message == "busy"


# Secrets


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
@pytest.mark.parametrize("api_format", ["openai", "anthropic"])
def test_the_key_is_in_no_message(status, api_format):
    for body in (
        body_of(f"bad key {KEY}"),
        f"bad key {KEY}".encode(),
        anthropic("x", f"bad key {KEY}"),
    ):
        error = error_for(status, body, api_format=api_format)

        assert KEY not in error.message
        assert KEY.encode() not in (error.body or b"")


def test_a_key_that_looks_like_none_is_cut_too():
    error = to_error(403, {}, body_of("no plain.word here"), secrets=["plain.word"])

    assert error.message == "no … here"


def test_other_keys_are_cut_too():
    error = error_for(401, body_of("bad key sk-other-0123456789abcdef"))

    assert "0123456789abcdef" not in error.message


def test_a_full_context_in_a_stream_is_the_clients_to_mend():
    error = from_chunk({"message": "exceeds the context window"}, mid_stream=True)

    assert error.error_type == "invalid_request_error"
    assert error.message.startswith("prompt is too long")


# Laws


@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "date", "retry-after-ms"]), st.text(max_size=30)
    ),
    body=st.binary(max_size=80) | st.just(FULL),
    api_format=st.sampled_from(["openai", "anthropic"]),
    inside_200=st.booleans(),
)
def test_any_answer_becomes_an_error_of_the_api(
    status, headers, body, api_format, inside_200
):
    error = to_error(
        status, headers, body, api_format=api_format, inside_200=inside_200
    )

    assert 400 <= error.status <= 599
    assert error.message
    assert len(error.message) <= 2000
