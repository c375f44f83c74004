"""A full context in every provider's words: one realistic error body each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiproxy.protocol import error_text, overflow
from aiproxy.protocol.overflow import Overflow


def told(
    status: int, body: Any, *, input_estimate: int = 0, max_tokens: int | None = None
) -> str | None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    parsed = error_text.parse(raw)
    words = error_text.words(raw, parsed)
    found = overflow.find(status, words, parsed)
    if found is None:
        return None
    return overflow.message(
        found, words, input_estimate=input_estimate, max_tokens=max_tokens
    )


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def prompt(tokens: int, maximum: int) -> str:
    return f"prompt is too long: {tokens} tokens > {maximum} maximum"


def both(tokens: int, output: int, limit: int) -> str:
    return (
        "input length and `max_tokens` exceed context limit:"
        f" {tokens} + {output} > {limit}"
    )


REDUCE = " Please reduce the length of the messages or completion."
WITH_NUMBERS = {
    "anthropic": (
        400,
        error("prompt is too long: 208310 tokens > 200000 maximum"),
        prompt(208310, 200000),
    ),
    "anthropic both": (
        400,
        error(
            "input length and `max_tokens` exceed context limit: 190000 + 32000 >"
            " 200000, decrease input length or `max_tokens` and try again"
        ),
        both(190000, 32000, 200000),
    ),
    "openai": (
        400,
        error(
            "This model's maximum context length is 128000 tokens. However, your"
            " messages resulted in 150123 tokens." + REDUCE,
            code="context_length_exceeded",
            param="messages",
        ),
        prompt(150123, 128000),
    ),
    "openai with functions": (
        400,
        error(
            "This model's maximum context length is 128000 tokens. However, your"
            " messages resulted in 150123 tokens (149000 in the messages, 1123 in the"
            " functions)." + REDUCE
        ),
        prompt(150123, 128000),
    ),
    "deepseek": (
        400,
        error(
            "This model's maximum context length is 65536 tokens. However, you"
            " requested 74752 tokens (66560 in the messages, 8192 in the completion)."
            + REDUCE
        ),
        prompt(66560, 65536),
    ),
    "several inputs": (
        400,
        error(
            "This model's maximum context length is 65536 tokens. However, you"
            " requested 74752 tokens (40000 in the messages, 20000 in the functions,"
            " and 14752 in the completion)." + REDUCE
        ),
        both(60000, 14752, 65536),
    ),
    "little room": (
        400,
        error(
            "This model's maximum context length is 8192 tokens. However, you requested"
            " 9000 tokens (8000 in the messages, 1000 in the completion)." + REDUCE
        ),
        prompt(9000, 8192),
    ),
    "openrouter": (
        400,
        error(
            "This endpoint's maximum context length is 131072 tokens. However, you"
            " requested about 150000 tokens (100000 of text input, 10000 of tool input,"
            " 40000 in the output). Please reduce the length of either one, or use the"
            ' "middle-out" transform to compress your prompt automatically.',
            code=400,
        ),
        both(110000, 40000, 131072),
    ),
    "total only": (
        400,
        error(
            "This model's maximum context length is 32768 tokens. However, you"
            " requested 40000 tokens." + REDUCE
        ),
        prompt(40000, 32768),
    ),
    "vllm": (
        400,
        {
            "object": "error",
            "message": (
                "This model's maximum context length is 32768 tokens. However, you"
                " requested 8192 output tokens and your prompt contains at least 24577"
                " input tokens, for a total of at least 32769 tokens. Please reduce the"
                " length of the input prompt or the number of requested output tokens."
            ),
            "type": "BadRequestError",
            "code": 400,
        },
        both(24577, 8192, 32768),
    ),
    "vllm max_tokens": (
        400,
        error(
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's"
            " maximum context length is 32768 tokens and your request has 5000 input"
            " tokens (32000 > 32768 - 5000)."
        ),
        both(5000, 32000, 32768),
    ),
    "xai": (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": (
                "This model's maximum prompt length is 131072 but the request contains"
                " 156324 tokens."
            ),
        },
        prompt(156324, 131072),
    ),
    "gemini": (
        400,
        [
            error(
                "The input token count (1200000) exceeds the maximum number of tokens"
                " allowed (1048576).",
                code=400,
                status="INVALID_ARGUMENT",
            )
        ],
        prompt(1200000, 1048576),
    ),
    "moonshot": (
        400,
        error(
            "Invalid request: Your request exceeded model token limit: 131072"
            " (requested: 140000)",
            type="invalid_request_error",
        ),
        prompt(140000, 131072),
    ),
    "mistral": (
        400,
        {
            "object": "error",
            "message": (
                "Prompt contains 40000 tokens and 0 draft tokens, too large for model"
                " with 32768 maximum context length"
            ),
            "type": "invalid_request_error",
            "code": "3051",
        },
        prompt(40000, 32768),
    ),
    "sglang": (
        400,
        error(
            "The input (40000 tokens) is longer than the model's context length (32768"
            " tokens)."
        ),
        prompt(40000, 32768),
    ),
    "sglang total": (
        400,
        error(
            "Requested token count exceeds the model's maximum context length of 131072"
            " tokens. You requested a total of 140000 tokens: 120000 tokens from the"
            " input messages and 20000 tokens for the completion. Please reduce the"
            " number of tokens in the input messages or the completion."
        ),
        both(120000, 20000, 131072),
    ),
    "together": (
        422,
        error(
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <="
            " 8193. Given: 9000 `inputs` tokens and 1000 `max_new_tokens`"
        ),
        prompt(9000, 8193),
    ),
    "llama.cpp": (
        400,
        error(
            "the request exceeds the available context size. try increasing the context"
            " size or enable context shift",
            code=400,
            type="exceed_context_size_error",
            n_prompt_tokens=10000,
            n_ctx=4096,
        ),
        prompt(10000, 4096),
    ),
    "llama.cpp, older": (
        500,
        error(
            "the request (10000 tokens) exceeds the available context size (4096"
            " tokens), try increasing it",
            code=500,
            type="server_error",
        ),
        prompt(10000, 4096),
    ),
    "lm studio": (
        400,
        error(
            "Trying to keep the first 13000 tokens when context the overflows. However,"
            " the model is loaded with context length of only 4096 tokens, which is not"
            " enough. Try to load the model with a larger context length, or provide a"
            " shorter input"
        ),
        prompt(13000, 4096),
    ),
    "input length": (
        400,
        error("Input length (140000) exceeds model's maximum context length (131072)."),
        prompt(140000, 131072),
    ),
    "copilot": (
        400,
        error(
            "prompt token count of 140000 exceeds the limit of 128000",
            code="model_max_prompt_tokens_exceeded",
        ),
        prompt(140000, 128000),
    ),
    "copilot in words": (
        400,
        error("prompt token count of 140000 exceeds the limit of 128000"),
        prompt(140000, 128000),
    ),
    "groq 413": (
        413,
        error(
            "Request too large for model `llama-3.3-70b-versatile` in organization"
            " `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 12000,"
            " Requested 25000, please reduce your message size and try again.",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        prompt(25000, 12000),
    ),
    "vllm, the prompt alone": (
        400,
        error(
            "This model's maximum context length is 32768 tokens. However, your request"
            " has 40000 input tokens. Please reduce the length of the input messages."
        ),
        prompt(40000, 32768),
    ),
    "fireworks": (
        400,
        error("The prompt is too long: 140000, model maximum context length: 131071"),
        prompt(140000, 131071),
    ),
    "cerebras": (
        400,
        error(
            "Please reduce the length of the messages or completion. Current length is"
            " 8295 while limit is 8192"
        ),
        prompt(8295, 8192),
    ),
    "cohere": (
        400,
        error(
            "too many tokens: total number of tokens in the prompt cannot exceed 4081 -"
            " received 5000. Try using a shorter prompt."
        ),
        prompt(5000, 4081),
    ),
    "openai, configured": (
        400,
        error(
            "Input tokens exceed the configured limit of 272000 tokens. Your messages"
            " resulted in 280000 tokens. Please reduce the length of the messages.",
            code="context_length_exceeded",
        ),
        prompt(280000, 272000),
    ),
    "llama-cpp-python": (
        400,
        error("Requested tokens (40000) exceed context window of 32768"),
        prompt(40000, 32768),
    ),
    "thousands": (
        400,
        error(
            "This model's maximum context length is 128,000 tokens. However, your"
            " messages resulted in 150,123 tokens."
        ),
        prompt(150123, 128000),
    ),
}


@pytest.mark.parametrize(
    ("status", "body", "message"), WITH_NUMBERS.values(), ids=WITH_NUMBERS
)
def test_the_numbers_are_told_as_the_client_reads_them(status, body, message):
    assert told(status, body) == message


WITHOUT_NUMBERS = {
    "lm studio": (
        400,
        error(
            "The number of tokens to keep from the initial prompt is greater than the"
            " context length. Try to load the model with a larger context length, or"
            " provide a shorter input"
        ),
    ),
    "z.ai": (400, error("tokens in request more than max tokens allowed", code="1210")),
    "z.ai prompt": (400, error("Prompt exceeds maximum context length", code="1261")),
    "openai responses": (
        400,
        error(
            "Your input exceeds the context window of this model. Please adjust your"
            " input and try again."
        ),
    ),
    "groq": (
        400,
        error(
            "Please reduce the length of the messages or completion.",
            code="context_length_exceeded",
        ),
    ),
    "bedrock": (400, error("Input is too long for requested model.")),
    "code alone": (400, error("Bad request", code="context_length_exceeded")),
    "llama.cpp type alone": (
        500,
        error("Bad request", type="exceed_context_size_error"),
    ),
    "ollama": (400, error("prompt too long; exceeded max context length by 12 tokens")),
    "minimax": (400, error("invalid params, context window exceeds limit")),
    "dashscope": (400, error("Range of input length should be [1, 129024]")),
    "github models": (
        413,
        error("Request body too large for gpt-4o model. Max size: 8000 tokens."),
    ),
    "llama.cpp in a stream": (500, error("Context size has been exceeded.")),
    "plain text": (400, "Your input exceeds the context window of this model."),
    "prompt alone": (400, error("The prompt too long for this model")),
    "context limit": (400, error("The request exceeded context limit")),
    "context length": (400, error("You exceeded maximum context length")),
    "full window": (400, error("The context window is full")),
    "either one": (400, error("Reduce the length of either one")),
    "input length": (400, error("Input length of 9 exceeds the context")),
    "z.ai code": (400, error("Bad request", code="model_context_window_exceeded")),
    "copilot code": (
        400,
        error("Bad request", code="model_max_prompt_tokens_exceeded"),
    ),
}


@pytest.mark.parametrize(
    ("status", "body"), WITHOUT_NUMBERS.values(), ids=WITHOUT_NUMBERS
)
def test_without_numbers_the_phrase_stands_before_the_providers_words(status, body):
    raw = body if isinstance(body, str) else body["error"]["message"]
    message = told(status, body)

    assert message is not None
    assert message.lower().startswith("prompt is too long")
    assert raw in message or raw.startswith("prompt too long")


B_ALONE = error("This model's maximum context length is 8192 tokens." + REDUCE)


def test_an_unknown_prompt_is_estimated_where_that_explains_it():
    assert told(400, B_ALONE, input_estimate=9000) == prompt(9000, 8192)


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("Request body too large for gpt-4o model. Max size: 8000 tokens.", 8000),
        ("Range of input length should be [1, 129024]", 129024),
    ],
)
def test_a_limit_that_is_named_alone_is_taken(words, limit):
    message = told(413, error(words), input_estimate=130_000)

    assert message == prompt(130_000, limit)


def test_an_estimate_below_the_limit_explains_nothing():
    message = told(400, B_ALONE, input_estimate=8000)

    assert message == "prompt is too long. " + B_ALONE["error"]["message"]
    assert told(400, B_ALONE, input_estimate=8000, max_tokens=1000) == message


def test_the_providers_own_phrase_is_not_said_twice():
    body = error("Prompt is too long for this model")

    assert told(400, body) == "prompt is too long for this model"


def test_the_output_limit_that_was_sent_counts_where_none_is_told():
    body = error(
        "This model's maximum context length is 32768 tokens. However, your messages"
        " resulted in 20000 tokens."
    )

    assert told(400, body, max_tokens=16000) == both(20000, 16000, 32768)


@pytest.mark.parametrize(
    ("prompt_tokens", "message"),
    [(28_672, both(28_672, 16_000, 32_768)), (28_673, prompt(44_673, 32_768))],
)
def test_less_room_than_4096_tokens_is_a_full_context(prompt_tokens, message):
    body = error(
        "This model's maximum context length is 32768 tokens. However, your messages"
        f" resulted in {prompt_tokens} tokens."
    )

    assert told(400, body, max_tokens=16_000) == message


def test_where_all_would_fit_the_providers_words_stand_alone():
    body = error(
        "This model's maximum context length is 32768 tokens. However, your messages"
        " resulted in 20000 tokens."
    )

    message = told(400, body, max_tokens=1000)
    assert message == "prompt is too long. " + body["error"]["message"]


NO_OVERFLOW = {
    "rate limit": (429, WITH_NUMBERS["openai"][1]),
    "groq minute": (
        429,
        error(
            "Rate limit reached on tokens per minute (TPM): Limit 6000, Requested 7000"
        ),
    ),
    "groq, fits": (413, error("Request too large: Limit 12000, Requested 2500")),
    "body too large": (413, error("Request body too large")),
    "bad gateway": (502, WITH_NUMBERS["openai"][1]),
    "unavailable": (503, error("exceeds the context window")),
    "output limit": (
        400,
        error(
            "max_tokens is too large: 128000. This model supports at most 16384"
            " completion tokens, whereas you provided 128000."
        ),
    ),
    "image": (400, error("image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes")),
    "other": (400, error("temperature: must be at most 1")),
}


@pytest.mark.parametrize(("status", "body"), NO_OVERFLOW.values(), ids=NO_OVERFLOW)
def test_other_failures_are_no_overflow(status, body):
    assert told(status, body) is None


def test_odd_numbers_of_llama_cpp_are_not_taken():
    body = error("x", type="exceed_context_size_error", n_prompt_tokens="9", n_ctx=None)
    found = overflow.find(400, "x", body)

    assert found == Overflow()


def test_numbers_that_explain_nothing_are_left_to_the_providers_words():
    body = error(
        "This model's maximum context length is 32768 tokens. However, your messages"
        " resulted in 20000 tokens."
    )

    assert told(400, body) == "prompt is too long. " + body["error"]["message"]


@pytest.mark.parametrize(
    ("words", "estimate", "expected"),
    [
        ("Prompt exceeds maximum context length", 140_000, prompt(140_000, 131_072)),
        # The estimate does not say that it is full: no made-up numbers.
        (
            "Prompt exceeds maximum context length",
            90_000,
            "prompt is too long. Prompt exceeds maximum context length",
        ),
        # What the provider says of itself wins over what is configured.
        (
            "This model's maximum context length is 65536 tokens. However, your"
            " messages resulted in 70000 tokens." + REDUCE,
            140_000,
            prompt(70_000, 65_536),
        ),
    ],
)
def test_the_configured_window_stands_in_for_a_limit_not_named(
    words: str, estimate: int, expected: str
) -> None:
    found = overflow.find(400, words, {"error": {"message": words}})

    assert found is not None
    made = overflow.message(
        found, words, input_estimate=estimate, context_window=131_072
    )
    assert made == expected
