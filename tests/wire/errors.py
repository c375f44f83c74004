"""What a client is told of what a provider refused, and what heals instead."""

from __future__ import annotations

from typing import Any

from tests.wire.says import (
    KEY,
    PICTURE,
    STREAM,
    answer,
    said,
    text,
    turn,
)

# What the provider answers, and the client's status, error type and part of the words.
ERRORS: dict[str, tuple[bytes, int, str, str]] = {
    "400": (answer(400, said("odd")), 400, "invalid_request_error", "odd"),
    "422, FastAPI": (
        answer(422, {"detail": [{"loc": ["body"], "msg": "odd"}]}),
        400,
        "invalid_request_error",
        "odd",
    ),
    "401": (answer(401, said("no")), 401, "authentication_error", "API key"),
    "402": (answer(402, said("pay")), 402, "billing_error", "pay"),
    "403": (answer(403, {"error": "no"}), 403, "permission_error", "no"),
    "404": (answer(404, said("no model")), 404, "not_found_error", "no model"),
    "404 for what it cannot do": (
        answer(404, said("No endpoints found that support image input")),
        400,
        "invalid_request_error",
        "image input",
    ),
    "429, a list": (answer(429, [said("slow")]), 429, "rate_limit_error", "slow"),
    "500": (answer(500, {"message": "broken"}), 500, "api_error", "broken"),
    "502, a page": (
        answer(502, "<html><title>502 Bad Gateway</title>", "text/html"),
        502,
        "api_error",
        "502 Bad Gateway",
    ),
    "503, overloaded": (
        answer(503, said("The model is overloaded")),
        529,
        "overloaded_error",
        "overloaded",
    ),
    "524": (answer(524, ""), 504, "api_error", "524"),
    "302": (
        answer(302, "", location="http://127.0.0.1:9/"),
        502,
        "api_error",
        "redirect",
    ),
    "200 without a body": (answer(200, ""), 502, "api_error", "200"),
    "200 with a page": (
        answer(200, "<html><title>Just a moment...</title>", "text/html"),
        502,
        "api_error",
        "Just a moment",
    ),
    "200 with an error": (
        answer(200, said("slow", code=429)),
        429,
        "rate_limit_error",
        "slow",
    ),
    "OpenRouter's inner words": (
        answer(
            400,
            said(
                "Provider returned error",
                metadata={"raw": '{"error":"inner"}', "provider_name": "Fireworks"},
            ),
        ),
        400,
        "invalid_request_error",
        "Fireworks",
    ),
    "a key is not told on": (
        answer(400, said(f"bad key {KEY}!")),
        400,
        "invalid_request_error",
        "bad key …cdef!",
    ),
}


# A full context, in the words of its provider, and the beginning of ours.
TOO_LONG = "prompt is too long: "
OVERFLOWS: dict[str, tuple[Any, str]] = {
    "OpenAI": (
        said(
            "This model's maximum context length is 128000 tokens. However, your"
            " messages resulted in 150123 tokens."
        ),
        TOO_LONG + "150123 tokens > 128000 maximum",
    ),
    "OpenAI, with room": (
        said(
            "This model's maximum context length is 131072 tokens. However, you"
            " requested 140000 tokens (108000 in the messages, 32000 in the"
            " completion)."
        ),
        "input length and `max_tokens` exceed context limit: 108000 + 32000 > 131072",
    ),
    "xAI": (
        {
            "error": "This model's maximum prompt length is 131072 but the request"
            " contains 537812 tokens."
        },
        TOO_LONG + "537812 tokens > 131072 maximum",
    ),
    "Gemini": (
        [
            said(
                "The input token count (1196265) exceeds the maximum number of tokens"
                " allowed (1048576)."
            )
        ],
        TOO_LONG + "1196265 tokens > 1048576 maximum",
    ),
    "Moonshot": (
        said(
            "Invalid request: Your request exceeded model token limit: 262144"
            " (requested: 300000)"
        ),
        TOO_LONG + "300000 tokens > 262144 maximum",
    ),
    "no numbers": (
        said("Your input exceeds the context window of this model."),
        "prompt is too long",
    ),
}


# What the provider refuses, and what stands where in what it is asked then.
HEALED: dict[str, tuple[str, dict[str, Any], bytes, dict[str, Any]]] = {
    "a parameter": (
        "generic",
        {"temperature": 0.3},
        answer(400, said("Unsupported value", param="temperature")),
        {"temperature": None, "messages.0.content": "hi"},
    ),
    "a parameter, FastAPI": (
        "generic",
        STREAM,
        answer(422, {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra"}]}),
        {"stream_options": None, "stream": True},
    ),
    "in a 200": (
        "generic",
        {"top_p": 0.5},
        answer(200, said("Unsupported parameter: 'top_p'", code=400)),
        {"top_p": None},
    ),
    "the name of the limit": (
        "generic",
        {},
        answer(400, said("Use 'max_completion_tokens' instead of 'max_tokens'.")),
        {"max_completion_tokens": 32000, "max_tokens": None},
    ),
    "the limit": (
        "generic",
        {},
        answer(400, said("max_tokens is too large: 32000. At most 8192 are supported")),
        {"max_tokens": 8192},
    ),
    "money for less": (
        "generic",
        {},
        answer(
            402, said("You requested up to 32000 tokens, but can only afford 9000.")
        ),
        {"max_tokens": 9000},
    ),
    "pictures": (
        "generic",
        {"messages": [turn(text("see"), PICTURE)]},
        answer(404, said("No endpoints found that support image input")),
        {
            "messages.0.content": (
                "see\n\n[An image was here. This model cannot see images.]"
            )
        },
    ),
    "a field of the beta, at a Messages provider": (
        "full",
        {"context_management": {"edits": []}},
        answer(400, said("context_management: Extra inputs are not permitted")),
        {"context_management": None},
    ),
    "adaptive thinking, at a Messages provider": (
        "full",
        {"thinking": {"type": "adaptive"}},
        answer(400, said("adaptive thinking is not supported on this model")),
        {"thinking": {"type": "enabled", "budget_tokens": 16000}},
    ),
}
