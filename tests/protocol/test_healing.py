"""What refusals teach, one realistic error body per provider and parameter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.protocol import healing, remedies
from aiproxy.protocol.target import Target

TARGET = Target.of(endpoint="https://llm.example/v1", model="m")
CHAT = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "parallel_tool_calls": False,
    "max_tokens": 128000,
    "temperature": 0.2,
    "top_p": 0.9,
    "top_k": 5,
    "stop": ["</x>"],
    "reasoning_effort": "xhigh",
    "prompt_cache_key": "c",
    "session_id": "s",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "Bash",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"const": "x"}},
                    "additionalProperties": False,
                },
            },
        }
    ],
    "response_format": {"type": "json_schema"},
}


def body_of(message: str, **error: Any) -> bytes:
    return json.dumps({"error": {"message": message, **error}}).encode()


def heal(
    sent: dict[str, Any],
    body: bytes,
    *,
    status: int = 400,
    api_format: str = "openai",
    target: Target = TARGET,
) -> dict[str, Any] | None:
    lesson = healing.learn(status, body, sent, api_format=api_format)
    return None if lesson is None else healing.apply(sent, [lesson], target)


def without(sent: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in sent.items() if key not in names}


DROPPED = {
    "by param": (
        body_of("Unsupported parameter.", param="stream_options"),
        "stream_options",
    ),
    "dotted param": (
        body_of("Unknown parameter.", param="stream_options.include_usage"),
        "stream_options",
    ),
    "camel case": (
        body_of("Model grok-4 does not support parameter parallelToolCalls."),
        "parallel_tool_calls",
    ),
    "openai temperature": (
        body_of(
            "Unsupported value: 'temperature' does not support 0.2 with this model."
            " Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
        "temperature",
    ),
    "kimi temperature": (
        body_of("invalid temperature: only 1 is allowed for this model"),
        "temperature",
    ),
    "top_p": (body_of("`top_p` is not supported for this model"), "top_p"),
    "top_k": (body_of("Unrecognized request argument supplied: top_k"), "top_k"),
    "xai stop": (body_of("Argument not supported on this model: stop"), "stop"),
    "openai stop": (
        body_of("Unsupported parameter: 'stop' is not supported with this model."),
        "stop",
    ),
    "xai effort": (
        (
            b'{"code":"invalid-argument","error":"Model grok-4 does not support'
            b' parameter reasoningEffort."}'
        ),
        "reasoning_effort",
    ),
    "ollama thinking": (
        body_of('"llama3.2" does not support thinking'),
        "reasoning_effort",
    ),
    "ollama levels": (
        body_of('think value "high" is not supported for this model'),
        "reasoning_effort",
    ),
    "mistral": (
        (
            b'{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],'
            b'"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]}'
        ),
        "stream_options",
    ),
    "cerebras": (
        (
            b'{"message":"body.prompt_cache_key : property \'body.prompt_cache_key\' is'
            b' unsupported","type":"invalid_request_error","code":"wrong_api_format"}'
        ),
        "prompt_cache_key",
    ),
    "session": (body_of("Unknown field: session_id"), "session_id"),
    "spaced": (body_of("Parallel tool calls are not supported"), "parallel_tool_calls"),
}


@pytest.mark.parametrize(("body", "name"), DROPPED.values(), ids=DROPPED)
@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_parameter_goes_and_nothing_else(body, name, status):
    assert heal(CHAT, body, status=status) == without(CHAT, name)


@pytest.mark.parametrize("name", ["reasoning", "thinking"])
def test_a_refused_field_of_thought_goes(name):
    sent = {**without(CHAT, "reasoning_effort"), name: {"type": "enabled"}}

    assert heal(sent, body_of(f"Invalid parameter: {name}")) == without(sent, name)


@pytest.mark.parametrize(
    "message",
    [
        "'stop' is odd",
        "Argument stop is odd",
        "The stop parameter is odd",
        "stop: odd",
        "Not taken here: stop",
        "stop is not allowed",
    ],
)
def test_an_everyday_word_counts_as_the_name_of_a_parameter(message):
    assert heal(CHAT, body_of(message)) == without(CHAT, "stop")


def test_a_name_within_another_is_not_named():
    assert heal(CHAT, body_of("my_top_pick is not supported")) is None
    assert heal(CHAT, body_of("set_temperature_now is not supported")) is None


@pytest.mark.parametrize(
    "body",
    [
        body_of("Invalid 'tools[0].function.name': string does not match pattern."),
        body_of("tools is not supported with this model", param="tools"),
        body_of("`response_format` is not supported", param="response_format"),
        body_of("The model stopped. Please stop sending nonsense."),
        body_of("We think that the thinking must be wrong"),
        body_of("The model m-thinking does not exist"),
        body_of("Invalid value for 'content': expected a string, got null."),
        b"<html><title>400 Bad Request</title></html>",
        b"",
    ],
)
def test_a_refusal_that_names_nothing_that_may_go_is_passed_on(body):
    assert heal(CHAT, body) is None


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500, 503])
def test_other_statuses_teach_nothing(status):
    body = body_of("Unsupported parameter: 'temperature'", param="temperature")

    assert heal(CHAT, body, status=status) is None


@pytest.mark.parametrize(
    ("said", "told", "status"),
    [
        (200, 502, 400),  # nothing but 200: the words alone can tell
        (200, 429, 429),
        (429, 429, 429),
        (400, 401, 400),
        (None, 504, 504),
    ],
)
def test_an_error_behind_a_200_is_read_as_a_refusal(said, told, status):
    error = UpstreamError("x", status=told, upstream_status=said)

    assert healing.status_of(error) == status


def test_a_parameter_that_was_not_sent_teaches_nothing():
    body = body_of("Unsupported parameter: 'temperature'", param="temperature")

    assert heal(without(CHAT, "temperature"), body) is None


def test_a_full_context_is_the_clients_to_mend():
    body = body_of(
        "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's"
        " maximum context length is 32768 tokens and your request has 5000 input"
        " tokens (32000 > 32768 - 5000)."
    )

    assert heal({**CHAT, "max_tokens": 32000}, body) is None


def test_a_quoted_request_names_nothing():
    detail = [{"loc": ["body", "tools", 0], "msg": "bad tool", "input": CHAT}]
    body = json.dumps({"detail": detail}).encode()

    assert heal(CHAT, body, status=422) is None


# Output limits

RENAMED = {
    "openai": body_of(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
        " 'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    ),
    "unknown": body_of("Unrecognized request argument supplied: max_tokens"),
}


@pytest.mark.parametrize("body", RENAMED.values(), ids=RENAMED)
def test_max_tokens_is_renamed_where_it_is_refused(body):
    healed = heal(CHAT, body)

    assert healed is not None
    assert "max_tokens" not in healed
    assert healed["max_completion_tokens"] == 128000


def test_max_completion_tokens_is_renamed_back():
    sent = {**without(CHAT, "max_tokens"), "max_completion_tokens": 9000}
    healed = heal(sent, body_of("Extra inputs: max_completion_tokens is unknown"))

    assert healed == {**without(CHAT, "max_tokens"), "max_tokens": 9000}


def test_a_wanted_max_tokens_is_renamed_back():
    sent = {**without(CHAT, "max_tokens"), "max_completion_tokens": 9000}
    healed = heal(sent, body_of("max_tokens is required"))

    assert healed is not None
    assert healed["max_tokens"] == 9000


LIMITS = {
    "openai": (
        (
            "max_tokens is too large: 128000. This model supports at most 16384"
            " completion tokens, whereas you provided 128000."
        ),
        16384,
    ),
    "deepseek": (
        "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
        8192,
    ),
    "groq": (
        (
            "`max_tokens` must be less than or equal to `32768`, the maximum value for"
            " `max_tokens` is less than the `context_window` for this model"
        ),
        32768,
    ),
    "anthropic": (
        (
            "max_tokens: 128000 > 64000, which is the maximum allowed number of output"
            " tokens for claude-sonnet-4"
        ),
        64000,
    ),
    "bedrock": (
        (
            "The maximum tokens you requested exceeds the model limit of 8192. Try"
            " again with a maximum tokens value that is lower than 8192."
        ),
        8192,
    ),
    "gemini": (
        (
            "Unable to submit request because it has a maxOutputTokens value of 128000"
            " but the supported range is from 1 (inclusive) to 65537 (exclusive)."
        ),
        65536,
    ),
    "dashscope": ("<400> Range of max_tokens should be [1, 16,384]", 16384),
    "commas": ("max_tokens may be at most 4,096 for gpt-4.1", 4096),
}


@pytest.mark.parametrize(("message", "limit"), LIMITS.values(), ids=LIMITS)
def test_the_output_limit_is_lowered_to_the_stated_maximum(message, limit):
    assert heal(CHAT, body_of(message)) == {**CHAT, "max_tokens": limit}


def test_a_limit_from_zero_to_a_number_is_read_in_googles_words():
    message = "maxOutputTokens: from 1 (inclusive) to 8192 (inclusive)"

    assert heal(CHAT, body_of(message)) == {**CHAT, "max_tokens": 8192}


def test_a_budget_of_thought_stays_below_a_lowered_limit():
    sent = {
        "max_tokens": 128000,
        "messages": [],
        "thinking": {"type": "enabled", "budget_tokens": 127999},
    }
    healed = heal(
        sent, body_of(LIMITS["anthropic"][0]), status=400, api_format="anthropic"
    )

    assert healed is not None
    assert healed["max_tokens"] == 64000
    assert healed["thinking"]["budget_tokens"] < 64000


AFFORD = (
    "This request requires more credits, or fewer max_tokens. You requested up to"
    " 128000 tokens, but can only afford {}."
)


def test_what_the_account_can_afford_is_asked_for_once():
    body = body_of(AFFORD.format(4857), code=402)
    lesson = healing.learn(402, body, CHAT, api_format="openai")

    assert lesson is not None
    assert not lesson.remember
    assert healing.apply(CHAT, [lesson], TARGET)["max_tokens"] == 4857


def test_4096_tokens_are_an_answer():
    healed = heal(CHAT, body_of(AFFORD.format(4096)), status=402)

    assert healed == {**CHAT, "max_tokens": 4096}


@pytest.mark.parametrize(
    "body",
    [
        body_of(AFFORD.format(4095)),
        body_of(AFFORD.format(128000)),
        body_of("No credit"),
    ],
)
def test_too_little_credit_is_passed_on(body):
    assert heal(CHAT, body, status=402) is None


# Thinking

EFFORTS = {
    "openai": (
        (
            "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this"
            " model. Supported values are: 'low', 'medium', and 'high'."
        ),
        "high",
    ),
    "pydantic": ("reasoning_effort: Input should be 'low' or 'medium'", "medium"),
    "only higher": ("reasoning_effort must be one of: max", "max"),
}


@pytest.mark.parametrize(("message", "level"), EFFORTS.values(), ids=EFFORTS)
def test_the_effort_is_lowered_to_a_listed_level(message, level):
    assert heal(CHAT, body_of(message)) == {**CHAT, "reasoning_effort": level}


def test_openrouters_effort_is_lowered_inside_its_object():
    sent = {**without(CHAT, "reasoning_effort"), "reasoning": {"effort": "xhigh"}}
    message = "reasoning.effort: expected one of 'low' | 'medium' | 'high'"
    healed = heal(sent, body_of(message))

    assert healed is not None
    assert healed["reasoning"] == {"effort": "high"}


def test_thinking_that_cannot_be_switched_off_is_left_alone():
    sent = {**without(CHAT, "reasoning_effort"), "reasoning": {"enabled": False}}
    message = "Reasoning is mandatory for this endpoint and cannot be disabled."

    assert heal(sent, body_of(message)) == without(sent, "reasoning")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"reasoning": {"enabled": False}}, "Reasoning is mandatory here"),
        ({"thinking": {"type": "disabled"}}, "thinking must be enabled"),
        ({"reasoning_effort": "none"}, "This model does not support non-thinking mode"),
        ({"reasoning_effort": "none"}, "Only supports thinking"),
        ({"reasoning_effort": "none"}, "Thinking may not be turned off"),
    ],
)
def test_an_off_switch_that_is_refused_goes_in_any_words(field, message):
    sent = {**without(CHAT, "reasoning_effort"), **field}

    assert heal(sent, body_of(message)) == without(sent, *field)


def test_a_level_that_is_listed_is_not_what_was_refused():
    message = "reasoning_effort: expected one of 'xhigh' | 'high', think again"

    assert heal(CHAT, body_of(message)) == without(CHAT, "reasoning_effort")


@pytest.mark.parametrize("field", [{"reasoning": {"effort": "low"}}, {}])
def test_thinking_that_was_asked_for_goes_off_for_a_forced_choice(field):
    sent = {**CHAT, **field, "thinking": {"type": "enabled"}, "tool_choice": "required"}
    message = "tool_choice 'required' is incompatible with thinking enabled"

    assert heal(sent, body_of(message)) == {
        **without(sent, "reasoning_effort", "reasoning"),
        "thinking": {"type": "disabled"},
    }


def test_a_messages_upstream_thinks_not_beside_a_forced_choice():
    sent = {
        "messages": [],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tool_choice": {"type": "any"},
    }
    message = "Thinking may not be enabled when tool_choice forces tool use."

    assert heal(sent, body_of(message), api_format="anthropic") == {
        **sent,
        "thinking": {"type": "disabled"},
    }


def test_thinking_goes_off_for_a_forced_tool_choice():
    target = Target.of(endpoint="https://api.moonshot.ai/v1", model="kimi-k2.6")
    sent = {**CHAT, "tool_choice": "required"}
    message = "tool_choice 'required' is incompatible with thinking enabled"
    healed = heal(sent, body_of(message), target=target)

    assert healed is not None
    assert healed["tool_choice"] == "required"
    assert healed["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" not in healed


def test_the_lesson_of_a_forced_choice_spares_other_requests():
    sent = {**CHAT, "tool_choice": "required"}
    message = "tool_choice 'required' is incompatible with thinking enabled"
    lesson = healing.learn(400, body_of(message), sent, api_format="openai")

    assert lesson is not None
    assert healing.apply(CHAT, [lesson], TARGET) == CHAT


CALLS = [{"id": "c", "type": "function", "function": {"name": "a", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("message", "model", "blank"),
    [
        (
            "The reasoning_content in the thinking mode must be passed back.",
            "deepseek-v3.2",
            "",
        ),
        (
            (
                "thinking is enabled but reasoning_content is missing in assistant tool"
                " call message at index 2"
            ),
            "kimi-k2.6",
            " ",
        ),
    ],
)
def test_a_demanded_thought_is_given_even_if_empty(message, model, blank):
    target = Target.of(endpoint="https://llm.example/v1", model=model)
    sent = {"messages": [{"role": "assistant", "content": None, "tool_calls": CALLS}]}
    healed = heal(sent, body_of(message), target=target)

    assert healed is not None
    assert healed["messages"][0]["reasoning_content"] == blank


@pytest.mark.parametrize(
    "body",
    [
        body_of("'messages.2' : property 'reasoning_content' is unsupported"),
        body_of("reasoning_details: Extra inputs are not permitted"),
        body_of(
            "'messages.2' : for 'role:assistant' the following must be satisfied"
            "[('messages.2' : property 'reasoning' is unsupported)]"
        ),
        (
            b'{"detail":[{"loc":["body","messages",2,"assistant","reasoning_content"],'
            b'"msg":"Extra inputs are not permitted"}]}'
        ),
        (
            b'{"detail":[{"loc":["body","messages",2,"assistant","reasoning"],'
            b'"msg":"Extra inputs are not permitted"}]}'
        ),
    ],
)
def test_refused_reasoning_in_history_is_left_out(body):
    answer = {"role": "assistant", "content": "a"}
    thoughts = {"reasoning_content": "t", "reasoning": "t", "reasoning_details": []}
    sent = {"messages": [{**answer, **thoughts}]}

    assert heal(sent, body, status=422) == {"messages": [answer]}


# Contents


@pytest.mark.parametrize(
    "message",
    [
        (
            'Invalid JSON payload received. Unknown name "const" at'
            " 'tools[0].function_declarations[0].parameters.properties[0].value':"
            " Cannot find field."
        ),
        "Invalid schema for function 'Bash': additionalProperties is not supported",
        "Unknown JSON schema keyword: pattern",
        "tools[0].function_declarations[0].parameters.properties[a].pattern: unknown",
    ],
)
def test_a_refused_schema_keyword_cleans_all_schemas(message):
    healed = heal(CHAT, body_of(message))

    assert healed is not None
    parameters = healed["tools"][0]["function"]["parameters"]
    assert "additionalProperties" not in parameters
    assert "const" not in parameters["properties"]["a"]


def test_a_keyword_beside_no_schema_cleans_nothing():
    assert heal(CHAT, body_of("'format' is no known value of 'audio'")) is None


def test_cache_control_goes_from_a_messages_request_too():
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": "a"}
    sent = {"system": [{**text, **mark}], "messages": []}
    body = body_of("system.0.cache_control: Extra inputs are not permitted")

    assert heal(sent, body, api_format="anthropic") == {
        "system": [text],
        "messages": [],
    }


def test_cache_control_goes_everywhere_but_in_schemas():
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": "a"}
    sent = {"messages": [{"role": "user", "content": [{**text, **mark}]}]}

    healed = heal(sent, body_of("cache_control: Extra inputs are not permitted"))

    assert healed == {"messages": [{"role": "user", "content": [text]}]}


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
BLIND = {
    "openrouter": (404, "No endpoints found that support image input"),
    "deepseek": (400, "unknown variant `image_url`, expected `text`"),
    "vllm": (400, "At most 0 image(s) may be provided in one request."),
    "groq": (400, "This model does not support image content."),
    "openai": (
        400,
        "Invalid content type. image_url is only supported by certain models.",
    ),
    "sglang": (400, "m is not a multimodal model"),
    "passive": (400, "image_url is not supported"),
}


@pytest.mark.parametrize(("status", "message"), BLIND.values(), ids=BLIND)
def test_refused_images_become_notes(status, message):
    text = {"type": "text", "text": "what is this?"}
    sent = {"messages": [{"role": "user", "content": [text, IMAGE]}]}
    healed = heal(sent, body_of(message), status=status)

    assert healed is not None
    content = healed["messages"][0]["content"]
    assert content.startswith("what is this?\n\n[")
    assert "image" in content


@pytest.mark.parametrize(
    "message",
    [
        "image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes",
        "Invalid 'messages[0].content[1].image_url.url': failed to download",
        "Could not process image",
    ],
)
def test_a_picture_that_is_broken_is_the_clients_to_know(message):
    sent = {"messages": [{"role": "user", "content": [IMAGE]}]}

    assert heal(sent, body_of(message)) is None


def test_a_lesson_that_changes_nothing_is_none():
    assert heal(CHAT, body_of("This model does not support image input")) is None


def test_missing_tool_support_is_not_about_images():
    body = body_of("No endpoints found that support tool use.")

    assert heal(CHAT, body, status=404) is None


# Messages upstreams


def test_images_inside_tool_results_become_notes():
    source = {"type": "base64", "media_type": "image/png", "data": "AA"}
    image = {"type": "image", "source": source}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    sent = {"messages": [{"role": "user", "content": [result]}]}
    message = "This model does not support image input"
    healed = heal(sent, body_of(message), api_format="anthropic")

    assert healed is not None
    (note,) = healed["messages"][0]["content"][0]["content"]
    assert note["type"] == "text"


def test_a_refused_context_management_takes_its_beta_along():
    sent = {"messages": [], "context_management": {"edits": []}, "max_tokens": 5}
    body = body_of("context_management: Extra inputs are not permitted")
    lesson = healing.learn(400, body, sent, api_format="anthropic")

    assert lesson is not None
    assert "context_management" not in healing.apply(sent, [lesson], TARGET)
    assert healing.dropped_betas([lesson]) == ("context-management-",)


@pytest.mark.parametrize(
    "message",
    [
        "adaptive thinking is not supported on this model",
        "'adaptive' is no type of ours",
        "thinking.type: Input should be 'enabled' or 'disabled'",
    ],
)
def test_refused_adaptive_thinking_becomes_a_budget(message):
    sent = {"messages": [], "thinking": {"type": "adaptive"}, "max_tokens": 32000}
    healed = heal(sent, body_of(message), api_format="anthropic")

    assert healed is not None
    assert healed["thinking"] == {"type": "enabled", "budget_tokens": 16000}


def test_a_refused_system_role_becomes_a_reminder():
    sent = {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "be brief"},
        ]
    }
    message = 'messages: Unexpected role "system". Use the top-level parameter.'
    healed = heal(sent, body_of(message), api_format="anthropic")

    assert healed is not None
    (turn,) = healed["messages"]
    assert turn["content"][1]["text"] == (
        "<system-reminder>\nbe brief\n</system-reminder>"
    )


def test_a_refused_server_tool_goes_with_the_choice_that_names_it():
    search = {"type": "web_search_20250305", "name": "web_search"}
    sent = {
        "messages": [],
        "tools": [{"name": "Bash", "input_schema": {"type": "object"}}, search],
        "tool_choice": {"type": "tool", "name": "web_search"},
    }
    message = "tools.1: Input tag 'web_search_20250305' does not match 'custom'"
    healed = heal(sent, body_of(message), api_format="anthropic")

    assert healed == {"messages": [], "tools": sent["tools"][:1]}


@pytest.mark.parametrize(
    "message",
    [
        "tools.1.name: Field not known",
        "tools[1] is of no use here",
        "web_search is not available",
        "server tools are not available",
    ],
)
def test_a_refused_server_tool_is_known_by_name_and_place(message):
    own = {"name": "Bash", "input_schema": {"type": "object"}}
    search = {"type": "web_search_20250305", "name": "web_search"}
    sent = {"messages": [], "tools": [own, search]}

    assert heal(sent, body_of(message), api_format="anthropic") == {
        "messages": [],
        "tools": [own],
    }


def test_a_tool_of_the_clients_own_is_never_dropped():
    tools = [
        {"type": "custom", "name": "a"},
        {"type": "bash", "name": "b", "input_schema": {"type": "object"}},
    ]
    sent = {"messages": [], "tools": tools}

    for message in ("tools.0.name: odd", "tools.1.name: odd"):
        assert heal(sent, body_of(message), api_format="anthropic") is None


def test_thinking_with_a_budget_goes_where_it_is_refused():
    thinking = {"type": "enabled", "budget_tokens": 2000, "display": "updates"}
    sent = {"messages": [], "thinking": thinking}
    body = body_of("thinking: Extra inputs are not permitted")

    assert heal(sent, body, api_format="anthropic") == {"messages": []}


def test_a_budget_is_made_only_where_thinking_is_named():
    sent = {"messages": [], "thinking": {"type": "adaptive"}, "max_tokens": 32000}

    assert heal(sent, body_of("messages: odd"), api_format="anthropic") is None


@pytest.mark.parametrize(
    "name", ["output_config", "top_k", "top_p", "temperature", "stop_sequences"]
)
def test_a_messages_parameter_goes_where_it_is_refused(name):
    sent = {"messages": [], "max_tokens": 5, name: ["x"]}
    body = body_of(f"{name}: Extra inputs are not permitted")

    assert heal(sent, body, api_format="anthropic") == without(sent, name)


@pytest.mark.parametrize(
    "message",
    [
        "This model does not support the effort parameter.",
        "output_config.effort: Extra inputs are not permitted",
    ],
)
@pytest.mark.parametrize("others", [{}, {"format": {"type": "json_schema"}}])
def test_a_refused_effort_goes_without_the_format_beside_it(message, others):
    sent = {"messages": [], "output_config": {"effort": "max", **others}}
    healed = heal(sent, body_of(message), api_format="anthropic")
    lesson = healing.learn(400, body_of(message), sent, api_format="anthropic")

    assert healed == {"messages": [], **({"output_config": others} if others else {})}
    assert lesson is not None
    assert lesson.dropped_betas == ("effort-",)


def test_an_effort_is_lowered_to_what_is_listed():
    sent = {"messages": [], "output_config": {"effort": "max"}}
    body = body_of("Effort 'max' is not supported here. Supported: low, medium, high")
    healed = heal(sent, body, api_format="anthropic")

    assert healed == {"messages": [], "output_config": {"effort": "high"}}


def test_the_body_that_came_in_stays_as_it_is():
    before = json.dumps(CHAT)
    for body, _ in DROPPED.values():
        heal(CHAT, body)

    assert json.dumps(CHAT) == before


@pytest.mark.parametrize("body", [b"[]", b"[[[1]]]", b'{"error":7}', b"\xff\xfe", b"3"])
@pytest.mark.parametrize("api_format", ["openai", "anthropic"])
def test_odd_bodies_teach_nothing(body, api_format):
    assert heal({"messages": None, "tools": 3}, body, api_format=api_format) is None


def test_a_messages_own_settings_go_where_they_are_refused():
    settings = {"output_config": {"effort": "low"}}
    turn = {"role": "user", "content": "hi"}
    sent = {"messages": [{**turn, **settings}], **settings}
    body = body_of("messages.0.output_config: Extra inputs are not permitted")

    assert heal(sent, body, api_format="anthropic") == {"messages": [turn], **settings}


def test_a_forced_choice_that_is_refused_alone_stays():
    sent = {**CHAT, "tool_choice": "required"}

    assert heal(sent, body_of("tool_choice must be auto")) is None


def test_a_refused_schema_keyword_cleans_a_messages_tool_too():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    sent = {"messages": [], "tools": [{"name": "a", "input_schema": schema}]}
    message = "tools.0.input_schema: 'additionalProperties' is not supported"
    healed = heal(sent, body_of(message), api_format="anthropic")

    assert healed is not None
    assert "additionalProperties" not in healed["tools"][0]["input_schema"]


def test_the_last_tool_takes_the_list_and_the_choice_along():
    search = {"type": "web_search_20250305", "name": "web_search"}
    sent = {"messages": [], "tools": [search], "tool_choice": {"type": "auto"}}
    message = "web_search_20250305 is not available"

    assert heal(sent, body_of(message), api_format="anthropic") == {"messages": []}


def test_both_names_of_the_limit_become_one():
    sent = {**CHAT, "max_completion_tokens": 9}
    healed = heal(sent, body_of("Unknown parameter: 'max_completion_tokens'"))

    assert healed == CHAT


# The words that make a refusal one of these


def kind_of(sent: dict[str, Any], message: str, api_format: str = "openai") -> str:
    lesson = healing.learn(400, body_of(message), sent, api_format=api_format)
    return "" if lesson is None else lesson.kind


@pytest.mark.parametrize(
    "words",
    [
        *("supported:", "supported values", "supported level", "supported efforts"),
        *("supported option", "must be", "should be", "one of", "expected"),
        *("valid values", "valid options", "valid level", "allowed values"),
        *("allowed levels", "available", "permitted", "choose", "supports"),
        *("supports only", "only support"),
    ],
)
def test_words_that_lead_to_the_levels_of_effort(words):
    message = f"effort xhigh is odd, {words} low, high"

    assert heal(CHAT, body_of(message)) == {**CHAT, "reasoning_effort": "high"}


@pytest.mark.parametrize(
    "words",
    [
        *("is mandatory", "cannot be disabled", "can't be turned off"),
        *("may not be switched off", "must be enabled"),
        *("doesn't support disabling", "does not support turning off"),
        *("doesn't support non-thinking", "only supports thinking"),
        "always support thinking",
    ],
)
def test_words_for_thinking_that_cannot_be_switched_off(words):
    sent = {**CHAT, "reasoning_effort": "none"}

    assert kind_of(sent, f"Thinking: it {words}") == remedies.KEEP_THINKING
    assert kind_of(sent, f"Streaming: it {words.replace('thinking', '')}") != (
        remedies.KEEP_THINKING
    )


@pytest.mark.parametrize(
    "message",
    [
        *("image_input: no", "m is not a vision model", "m is not a multimodal model"),
        *("m does not support images", "m doesn't accept pictures"),
        *("m does not allow vision", "m is not able to process any image"),
        *("m is not able to handle multimodal prompts", "images are not allowed"),
        *("vision isn't supported", "multimodal input is not accepted"),
        *("multimodal content is not supported", "an image may not be accepted"),
        *("image_url is only supported by others", "at most 0 images"),
        "unknown variant `image`",
    ],
)
def test_words_for_images_that_are_not_seen(message):
    sent = {"messages": [{"role": "user", "content": [IMAGE]}]}

    assert kind_of(sent, message) == remedies.NO_IMAGES


@pytest.mark.parametrize(
    "message",
    ["role: no 'system' here", "system is no role", "messages.0.role: odd"],
)
def test_words_for_a_system_role_that_is_not_known(message):
    sent = {"messages": [{"role": "system", "content": "be brief"}]}

    assert kind_of(sent, message, "anthropic") == remedies.NO_SYSTEM_ROLE


@pytest.mark.parametrize(
    "keyword",
    [
        *("$schema", "$ref", "$defs", "$id", "additionalProperties", "propertyNames"),
        *("additional_properties", "patternProperties", "property_names"),
        *("pattern_properties", "exclusiveMinimum", "exclusive_maximum", "const"),
        *("anyOf", "any_of", "oneOf", "one_of", "allOf", "all_of", "if", "then"),
        *("else", "not", "format", "pattern", "default", "title", "example"),
        *("examples", "minLength", "max_length", "min_items", "maxItems"),
        *("multipleOf", "unique_items", "minimum", "maximum", "definitions"),
        *("dependencies", "unevaluatedProperties", "prefixItems", "contains"),
        "enum",
    ],
)
def test_a_keyword_of_a_schema_is_known_by_its_name(keyword):
    assert kind_of(CHAT, f"schema: '{keyword}' is odd") == remedies.CLEAN_SCHEMAS


@pytest.mark.parametrize(
    "message",
    [
        "function_declarations: 'pattern' is odd",
        "parameters: 'pattern' is odd",
        "tool: 'pattern' is odd",
        "keyword pattern is odd",
        "parameters.a.pattern is odd",
        "properties.a.pattern in the schema is odd",
        "schema.pattern is odd",
    ],
)
def test_a_keyword_counts_where_a_schema_is_spoken_of(message):
    assert kind_of(CHAT, message) == remedies.CLEAN_SCHEMAS


@pytest.mark.parametrize("word", ["think", "reason"])
def test_a_forced_choice_is_given_up_for_no_other_cause(word):
    sent = {**CHAT, "tool_choice": "required"}

    assert kind_of(sent, f"tool_choice: not while you {word}") == (
        remedies.THINK_NOT_WHEN_FORCED
    )
    assert kind_of(sent, "tool_choice: not today") == ""
