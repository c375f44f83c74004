"""What a test's finding is called, and what it tells a person to do."""

from __future__ import annotations

import pytest

from aiproxy.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from aiproxy.protocol import upstream_errors
from aiproxy.records import replace
from aiproxy.upstream.verdicts import Finding, ProbeResult, judge, no_such_model

FINDING = Finding(
    name="OpenRouter", host="openrouter.ai", model="gpt-5.1", has_key=True
)


def refused(status: int, body: str = "", **fields) -> Finding:
    error = upstream_errors.to_error(status, {}, body.encode(), provider="OpenRouter")
    return replace(FINDING, error=error, **fields)


def said(message: str) -> str:
    return f'{{"error": {{"message": "{message}"}}}}'


def test_all_well():
    assert judge(replace(FINDING, calls_tool=True), 1.23) == (
        "ok",
        "It works. gpt-5.1 answered in 1.2 s. Streaming and tools work too.",
    )


def test_no_tool_call_is_a_warning_only():
    assert judge(FINDING, 1.0) == (
        "ok",
        "It answers but calls no tool. Claude Code needs tools: choose another model.",
    )


def test_an_answer_in_one_piece_is_a_warning_only():
    kind, message = judge(replace(FINDING, calls_tool=True, streams=False), 1.0)

    assert kind == "ok"
    assert "does not stream" in message


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(status):
    kind, message = judge(refused(status), 1.0)

    assert kind == "auth"
    assert message.startswith(
        f"OpenRouter refused the key ({status}). Paste it again or make a new one."
    )


def test_a_refused_key_that_xai_calls_an_invalid_argument():
    finding = refused(400, '{"code": "x", "error": "Incorrect API key provided: xa"}')

    assert judge(finding, 1.0) == (
        "auth",
        "OpenRouter refused the key (400). Paste it again or make a new one.",
    )


def test_a_missing_key_is_asked_for():
    assert judge(refused(401, has_key=False), 1.0) == (
        "auth",
        "OpenRouter wants a key (401). Paste one.",
    )


MODELS = [
    (404, "The model `gpt-9` does not exist or you do not have access to it."),
    (400, "gpt-9 is not a valid model ID"),
    (400, "Model Not Exist"),
    (400, "Invalid model: gpt-9"),
    (404, "The model gpt-9 does not exist or your team does not have access to it."),
    (404, "No endpoints found for gpt-9."),
    (404, "model: gpt-9"),
    (404, 'model \\"gpt-9\\" not found, try pulling it first'),
    (403, "Project p does not have access to model gpt-9"),
    (400, "The model has been decommissioned and is no longer supported."),
    (422, "unknown model gpt-9"),
]


@pytest.mark.parametrize(("status", "message"), MODELS)
def test_an_unknown_model(status, message):
    assert judge(refused(status, said(message)), 1.0) == (
        "model",
        'OpenRouter has no model "gpt-5.1". Choose another one.',
    )


def test_the_models_that_it_lists_are_counted():
    assert no_such_model("OpenRouter", "gpt-9", 318) == (
        'OpenRouter has no model "gpt-9". Choose one of the 318 it lists.'
    )


@pytest.mark.parametrize(
    "message", ["No endpoints found that support tool use", "m does not support tools"]
)
def test_a_model_without_tools(message):
    kind, told = judge(refused(404, said(message)), 1.0)

    assert kind == "model"
    assert "cannot use tools" in told


@pytest.mark.parametrize(
    ("status", "body", "is_html"),
    [
        (404, "404 page not found", False),
        (404, '{"detail":"Not Found"}', False),
        (404, "<html>", True),
        (405, "", False),
        (200, "<html>", True),
        (400, "<html>", True),
    ],
)
def test_no_api_at_this_address(status, body, is_html):
    assert judge(refused(status, body, is_html=is_html), 1.0) == (
        "path",
        "There is no API at this address. It usually ends in /v1.",
    )


def test_a_redirect_is_a_wrong_address():
    kind, message = judge(refused(301), 1.0)

    assert kind == "path"
    assert "redirects" in message


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            UpstreamUnreachable("the name has no address: x", kind="dns"),
            "dns",
            "No server answers at openrouter.ai: name not found. Check the endpoint.",
        ),
        (
            UpstreamUnreachable("the certificate was not accepted", kind="tls"),
            "tls",
            (
                "No server answers at openrouter.ai: the certificate was not accepted."
                " Check the endpoint."
            ),
        ),
        (
            UpstreamUnreachable("connection refused"),
            "connect",
            (
                "No server answers at openrouter.ai: connection refused. Check the"
                " endpoint."
            ),
        ),
        (
            UpstreamUnreachable("a metadata address", kind="refused"),
            "connect",
            (
                "No server answers at openrouter.ai: a metadata address. Check the"
                " endpoint."
            ),
        ),
        (
            UpstreamTimeout("silent"),
            "timeout",
            "No answer within 20 s. Try again or choose a faster model.",
        ),
    ],
)
def test_no_connection(error, kind, message):
    assert judge(replace(FINDING, error=error), 1.0) == (kind, message)


def test_no_credit():
    kind, message = judge(refused(402, said("Insufficient credits")), 1.0)

    assert kind == "quota"
    assert message.startswith("The key works, but the account has no credit")


def test_a_used_up_quota_is_no_credit():
    kind, message = judge(refused(429, said("You exceeded your current quota")), 1.0)

    assert kind == "quota"
    assert "no credit" in message


def test_a_rate_limit_says_how_long():
    body = said("Please try again in 30s")

    assert judge(refused(429, body), 1.0) == (
        "quota",
        "The key works, but OpenRouter asks to wait 30 s.",
    )


@pytest.mark.parametrize("body", ["", "{}", '{"choices": 3}', "nonsense"])
def test_an_answer_of_another_kind(body):
    error = upstream_errors.to_error(200, {}, body.encode(), inside_200=True)
    kind, message = judge(replace(FINDING, error=error), 1.0)

    assert kind == "format"
    assert "other format" in message


@pytest.mark.parametrize(
    ("status", "body"), [(500, "boom"), (400, "bad"), (503, "<html>")]
)
def test_other_failures_are_told_in_the_providers_words(status, body):
    kind, message = judge(refused(status, body, is_html="<" in body), 1.0)

    assert kind == "http"
    assert message.startswith(f"OpenRouter answered {status}: ")


def test_a_broken_answer_has_no_status():
    kind, message = judge(replace(FINDING, error=UpstreamBroken("cut off")), 1.0)

    assert (kind, message) == ("http", "OpenRouter answered: cut off")


RESULT = ProbeResult(
    ok=True,
    kind="ok",
    url="https://x/v1/messages",
    latency_ms=5,
    status=200,
    model="m",
    message="It works.",
)


def test_the_json_has_the_contracts_fields():
    assert list(RESULT.as_json()) == [
        "ok",
        "kind",
        "url",
        "latency_ms",
        "status",
        "model",
        "message",
    ]


def test_a_suggested_address_is_told():
    result = replace(RESULT, suggested_endpoint="https://x/v1")

    assert result.as_json()["suggested_endpoint"] == "https://x/v1"


def test_an_error_without_words_is_told_too():
    assert judge(replace(FINDING, error=UpstreamError("x")), 1.0)[0] == "http"
