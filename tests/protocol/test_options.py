"""Limits, sampling, stops, formats and cache keys."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import dialects
from tests.protocol.translating import body, chat, target, user

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}


# --- max_tokens


def test_the_limit_goes_up_as_it_is_or_lowered_to_the_provider_s() -> None:
    capped = target(max_output_tokens=8192)

    assert body(max_tokens=128000)["max_tokens"] == 128000
    assert body(max_tokens=128000, to=capped)["max_tokens"] == 8192
    assert body(max_tokens=64, to=capped)["max_tokens"] == 64
    assert chat(max_tokens=128000, to=capped).notes == ("max_tokens lowered to 8192",)


@pytest.mark.parametrize("limit", [None, 0, -1, 1.5, 100.0, "100", True, [], {}])
def test_a_limit_that_is_no_positive_integer_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidRequest, match="max_tokens"):
        body(max_tokens=limit)


@pytest.mark.parametrize(
    ("model", "dialect", "field"),
    [
        ("gpt-5", "openai", "max_completion_tokens"),
        ("gpt-6-mini", "openai", "max_completion_tokens"),
        ("o3-mini", "openai", "max_completion_tokens"),
        ("gpt-4o", "openai", "max_tokens"),
        ("gpt-5", "generic", "max_tokens"),
        ("openai/gpt-5", "openrouter", "max_tokens"),
        ("some-model", "openai", "max_tokens"),
    ],
)
def test_openai_s_newer_models_have_a_limit_of_another_name(
    model: str, dialect: str, field: str
) -> None:
    sent = body(max_tokens=77, to=target(model, dialect))

    assert sent[field] == 77
    assert len({"max_tokens", "max_completion_tokens"} & set(sent)) == 1


# --- sampling


def test_sampling_goes_up_as_it_is_zero_too() -> None:
    sent = body(temperature=0, top_p=0)

    assert sent["temperature"] == 0
    assert sent["top_p"] == 0
    assert body(temperature=0.7)["temperature"] == 0.7
    assert not {"temperature", "top_p", "top_k"} & set(body(temperature=None))


@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_top_k_goes_where_it_is_known(dialect: str) -> None:
    takes = dialects.find(dialect, "").takes_top_k

    assert ("top_k" in body(top_k=40, to=target(dialect=dialect))) == takes


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("gpt-5", "openai"),
        ("o3", "openai"),
        ("gpt-5.2", "generic"),
        ("kimi-k2.6", "moonshot"),
        ("moonshotai/kimi-k2", "openrouter"),
    ],
)
def test_sampling_that_the_model_fixes_is_left_out_and_noted(
    model: str, dialect: str
) -> None:
    sent = chat(temperature=1, top_p=0.5, to=target(model, dialect))

    assert not {"temperature", "top_p"} & set(sent.body)
    assert "temperature left out" in sent.notes


def test_moonshot_fixes_the_temperature_of_all_its_models() -> None:
    sent = body(temperature=1, top_p=0.5, to=target("x", "moonshot"))

    assert "temperature" not in sent
    assert sent["top_p"] == 0.5


@pytest.mark.parametrize("name", ["temperature", "top_p"])
@pytest.mark.parametrize("value", ["1", True, [], {}])
def test_sampling_of_a_wrong_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=name):
        body(**{name: value})


@pytest.mark.parametrize("value", ["40", True, 1.5, [], {}])
def test_top_k_of_a_wrong_type_is_refused_where_it_is_sent(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="top_k"):
        body(top_k=value, to=target(dialect="openrouter"))


def test_what_is_not_sent_is_not_looked_at() -> None:
    sent = chat(
        top_k="many",
        metadata=5,
        service_tier=[],
        context_management="x",
        container=1,
        mcp_servers={},
        safeguards=[{"type": "dangerous_tool_use"}],
        speed="fast",
        diagnostics=1,
        fallbacks=[],
        anthropic_beta=["x"],
        cache_control={"type": "ephemeral"},
        of_next_month={"a": [1]},
        tool_choice="auto",
    )

    assert set(sent.body) == {"model", "messages", "max_tokens"}
    assert sent.notes == ("top_k left out",)


# --- stop sequences


def test_stops_go_up_without_blank_ones_four_at_most() -> None:
    sent = chat(stop_sequences=["a", "", " \n", "b", None, "c", "a", "d", "e"])

    assert sent.body["stop"] == ["a", "b", "c", "d"]
    assert sent.stop_sequences == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("stops", [None, [], [""], [" "]])
def test_no_stop_is_sent_for_none(stops: Any) -> None:
    assert "stop" not in body(stop_sequences=stops)


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        *(("grok-4", "xai"), ("some-model", "xai"), ("x-ai/grok-4", "openrouter")),
        *(("gpt-5", "openai"), ("o3", "openai"), ("openai/gpt-5", "openrouter")),
    ],
)
def test_stops_are_kept_from_those_who_refuse_them(model: str, dialect: str) -> None:
    sent = chat(stop_sequences=["</severity>"], to=target(model, dialect))

    assert "stop" not in sent.body
    assert sent.stop_sequences == ("</severity>",)


@pytest.mark.parametrize("stops", ["</x>", [1], {}, [["a"]], 5])
def test_stops_of_a_wrong_type_are_refused(stops: Any) -> None:
    with pytest.raises(InvalidRequest, match="stop_sequences"):
        body(stop_sequences=stops)


# --- formats


@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"output_format": {"type": "json_schema", "schema": SCHEMA}},
    ],
)
def test_a_format_is_a_schema_and_not_strict(fields: Any) -> None:
    sent = body(**fields)["response_format"]

    assert sent["type"] == "json_schema"
    assert set(sent["json_schema"]) == {"name", "schema"}
    assert sent["json_schema"]["schema"] == SCHEMA
    assert "output_config" not in body(**fields)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("my-answer_1", "my-answer_1"),
        ("a b", "answer"),
        (5, "answer"),
        (None, "answer"),
    ],
)
def test_a_format_has_a_legal_name(name: Any, sent: str) -> None:
    wanted = {"type": "json_schema", "schema": SCHEMA, "name": name}

    response_format = body(output_format=wanted)["response_format"]

    assert response_format["json_schema"]["name"] == sent


def test_deepseek_gets_the_schema_in_words() -> None:
    sent = body(
        user("hi"),
        system="Be brief.",
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        to=target("deepseek-chat", "deepseek"),
    )

    assert sent["response_format"] == {"type": "json_object"}
    system = sent["messages"][0]
    assert system["role"] == "system"
    assert system["content"].startswith("Be brief.\n\n")
    assert json.dumps(SCHEMA, separators=(",", ":")) in system["content"]
    assert "JSON" in system["content"]


def test_deepseek_s_schema_needs_no_system_prompt() -> None:
    sent = body(
        output_format={"type": "json_schema", "schema": SCHEMA},
        to=target("deepseek-chat", "deepseek"),
    )

    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


@pytest.mark.parametrize("wanted", [None, {}, {"type": "text"}, {"type": "of_next"}])
def test_other_formats_are_left_out(wanted: Any) -> None:
    assert "response_format" not in body(output_config={"format": wanted})


@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": "json"}},
        {"output_format": ["json"]},
        {"output_format": {"type": "json_schema", "schema": "x"}},
    ],
)
def test_formats_of_a_wrong_type_are_refused(fields: Any) -> None:
    with pytest.raises(InvalidRequest, match="output_"):
        body(**fields)


# --- the cache key

NEW_USER = json.dumps({"device_id": "D", "account_uuid": "", "session_id": "S"})
OLD_USER = "user_0123_account__session_S"


def key_of(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]


@pytest.mark.parametrize(
    ("user_id", "source"),
    [
        (NEW_USER, "session S"),
        (OLD_USER, "session S"),
        ("somebody", "user somebody"),
        ('{"device_id": "D"}', 'user {"device_id": "D"}'),
    ],
)
def test_a_conversation_is_known_by_the_hash_of_its_session(
    user_id: str, source: str
) -> None:
    fields = {"metadata": {"user_id": user_id}}
    to_openai = chat(to=target("gpt-5", "openai"), **fields)
    to_openrouter = chat(to=target("x", "openrouter"), **fields)
    to_xai = chat(to=target("grok-4", "xai"), **fields)

    assert to_openai.body["prompt_cache_key"] == key_of(source)
    assert to_openrouter.body["session_id"] == key_of(source)
    assert to_xai.headers == {"x-grok-conv-id": key_of(source)}
    assert to_openai.headers == {}
    assert "metadata" not in to_openai.body


@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_nobody_else_hears_of_it(dialect: str) -> None:
    if dialect in ("openai", "openrouter", "xai"):
        return
    sent = chat(to=target(dialect=dialect), metadata={"user_id": NEW_USER})

    assert set(sent.body) == {"model", "messages", "max_tokens"}
    assert sent.headers == {}


@pytest.mark.parametrize(
    "metadata", [None, {}, {"user_id": None}, {"user_id": ""}, {"user_id": 5}, 5, []]
)
def test_without_a_user_there_is_no_key(metadata: Any) -> None:
    sent = chat(to=target(dialect="openrouter"), metadata=metadata)

    assert "session_id" not in sent.body


@pytest.mark.parametrize("user_id", ["[" * 100_000, '"S"', "{", "\ud83d", "1" * 10_000])
def test_odd_users_do_no_harm(user_id: str) -> None:
    sent = chat(to=target(dialect="openrouter"), metadata={"user_id": user_id})

    assert len(sent.body["session_id"]) == 32
