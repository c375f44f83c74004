"""A client's request made ready for one provider, in either format."""

import pytest

from aiproxy import formats
from aiproxy.formats import ClientRequest, has_full_compat, prepare
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.records import replace
from aiproxy.store.providers import Provider

OPENAI = Provider(1, "One", "one", "https://one.example/v1", api_key="sk-secret-key-1")
ANTHROPIC = replace(OPENAI, api_format="anthropic")
BODY = {
    "model": "claude-opus-5-5",
    "max_tokens": 10,
    "stream": True,
    "system": "You are Claude Code, Anthropic's official CLI for Claude.",
    "messages": [{"role": "user", "content": "hello"}],
    "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
}
REQUEST = ClientRequest(BODY, {}, "msg_1", "nonce1", stream_upstream=True)


def test_a_request_goes_to_the_address_of_its_format():
    assert prepare(REQUEST, OPENAI, "m").url == (
        "https://one.example/v1/chat/completions"
    )
    assert prepare(REQUEST, ANTHROPIC, "m").url == "https://one.example/v1/messages"


@pytest.mark.parametrize("provider", [OPENAI, ANTHROPIC])
def test_the_upstreams_model_goes_up(provider):
    assert prepare(REQUEST, provider, "the-model").body["model"] == "the-model"


def test_the_translator_knows_what_the_provider_is_set_to():
    provider = replace(
        OPENAI,
        dialect="xai",
        max_output_tokens=7,
        context_window=9000,
        send_reasoning="never",
        extra_body={"seed": 1},
    )
    body = {**BODY, "metadata": {"user_id": "u"}}
    prepared = prepare(replace(REQUEST, body=body), provider, "m")

    assert prepared.target.dialect.name == "xai"
    assert prepared.target.context_window == 9000
    assert prepared.target.send_reasoning == "never"
    assert prepared.body["max_tokens"] == 7
    assert prepared.body["seed"] == 1
    assert set(prepared.headers) == {"x-grok-conv-id"}


def test_a_stream_opens_with_the_estimate():
    prepared = prepare(REQUEST, OPENAI, "m")
    opening = prepared.new_stream().begin()

    assert b'"input_tokens":%d,' % prepared.input_estimate in opening
    assert b'"model":"claude-opus-5-5"' in opening


@pytest.mark.parametrize("provider", [OPENAI, ANTHROPIC])
def test_nothing_is_streamed_where_streaming_is_off(provider):
    off = replace(REQUEST, stream_upstream=False)

    assert prepare(REQUEST, provider, "m").body["stream"] is True
    assert not prepare(off, provider, "m").body.get("stream")
    assert "stream_options" not in prepare(off, provider, "m").body


@pytest.mark.parametrize("provider", [OPENAI, ANTHROPIC])
def test_the_estimate_is_corrected_by_what_was_learnt(provider):
    plain = prepare(REQUEST, provider, "m")
    corrected = prepare(REQUEST, provider, "m", ratio=1.5)

    assert plain.raw_estimate == corrected.raw_estimate == plain.input_estimate
    assert corrected.input_estimate == round(plain.raw_estimate * 1.5)


@pytest.mark.parametrize("provider", [OPENAI, ANTHROPIC])
def test_a_custom_prompt_replaces_the_clients(provider):
    config = PromptConfig(use_custom_prompt=True, prompt_template="Be a poet.")
    with_custom = prepare(REQUEST, provider, "m", custom=config)

    assert "Be a poet." in str(with_custom.body)
    assert "official CLI" not in str(with_custom.body)
    assert "official CLI" in str(prepare(REQUEST, provider, "m").body)


@pytest.mark.parametrize(
    ("endpoint", "compat", "is_full"),
    [
        ("https://api.anthropic.com", "auto", True),
        ("https://api.anthropic.com.evil.example", "auto", False),
        ("https://one.example/anthropic", "auto", False),
        ("https://one.example/anthropic", "full", True),
        ("https://api.anthropic.com", "strict", False),
    ],
)
def test_only_anthropic_itself_is_taken_to_know_everything(endpoint, compat, is_full):
    provider = replace(ANTHROPIC, endpoint=endpoint, compat=compat)

    assert has_full_compat(provider) is is_full


def test_secrets_do_not_show_in_what_is_prepared():
    prepared = prepare(REQUEST, OPENAI, "m", secrets=["sk-secret-key-1"])

    assert "sk-secret-key-1" not in repr(prepared)
    assert "sk-secret-key-1" not in repr(formats.target_of(OPENAI, "m"))
