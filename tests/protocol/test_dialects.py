"""Kinds of endpoints by their host, kinds of models by their name."""

from __future__ import annotations

import pytest

from aiproxy.protocol import dialects


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.x.ai/v1", "xai"),
        ("https://us-east-1.api.x.ai/v1", "xai"),
        ("https://API.OpenAI.com/v1/", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "openai"),
        ("https://llm.chutes.ai/v1", "chutes"),
        ("https://api.synthetic.new/openai/v1", "synthetic"),
        ("https://api.aimlapi.com/v1", "aiml"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.moonshot.cn/v1", "moonshot"),
        ("https://api.moonshot.ai/v1", "moonshot"),
        ("https://api.kimi.com/coding/v1", "moonshot"),
        ("https://api.z.ai/api/paas/v4", "zai"),
        ("https://open.bigmodel.cn/api/paas/v4", "zai"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini"),
        ("https://us-central1-aiplatform.googleapis.com/v1/x", "gemini"),
        ("https://aiplatform.googleapis.com/v1/x", "gemini"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.cerebras.ai/v1", "cerebras"),
        ("https://api.together.xyz/v1", "together"),
        ("https://api.together.ai/v1", "together"),
        ("https://ollama.com/v1", "ollama"),
        ("https://somebody.example/v1", "generic"),
        ("http://localhost:11434/v1", "generic"),
        ("http://192.168.1.5:8000", "generic"),
        ("", "generic"),
        ("http://[::1", "generic"),
    ],
)
def test_auto_knows_a_dialect_by_its_host(endpoint: str, name: str) -> None:
    assert dialects.find("auto", endpoint).name == name


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evilx.ai/v1",
        "https://x.ai.example/v1",
        "https://example/x.ai",
        "https://api.openai.com.example",
        "https://api.openai.com@example.org",
    ],
)
def test_a_host_that_only_resembles_one_is_generic(endpoint: str) -> None:
    assert dialects.find("auto", endpoint).name == "generic"


@pytest.mark.parametrize("name", dialects.NAMES)
def test_a_dialect_set_by_hand_wins_over_the_host(name: str) -> None:
    assert dialects.find(name, "https://openrouter.ai/api/v1").name == name


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("LM Studio", "lmstudio"),
        ("llama.cpp", "llamacpp"),
        ("Kimi", "moonshot"),
        ("GLM", "zai"),
        ("OpenRouter", "openrouter"),
        ("no such dialect", "generic"),
        ("", "generic"),
    ],
)
def test_a_setting_may_be_written_loosely(setting: str, name: str) -> None:
    assert dialects.find(setting, "http://127.0.0.1:1234").name == name


def test_the_names_begin_with_generic_and_hold_those_of_the_contract() -> None:
    assert dialects.NAMES[0] == "generic"
    assert set(dialects.NAMES) >= {
        *("generic", "openai", "openrouter", "xai", "deepseek"),
        *("moonshot", "mistral", "gemini"),
    }


def test_top_k_goes_to_those_that_document_it_and_no_other() -> None:
    takes = {name for name in dialects.NAMES if dialects.find(name, "").takes_top_k}

    assert takes == {
        *("openrouter", "chutes", "synthetic", "aiml"),
        *("vllm", "together", "llamacpp", "lmstudio"),
    }


def test_reasoning_is_kept_from_those_that_refuse_it_in_history() -> None:
    refuses = {
        name
        for name in dialects.NAMES
        if not dialects.find(name, "").takes_reasoning_history
    }

    assert refuses == {"groq", "cerebras", "mistral"}


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-opus-4-8", "claude"),
        ("anthropic/claude-opus-4.5", "claude"),
        ("us.anthropic.claude-sonnet-4-v1:0", "claude"),
        ("gemini-3-pro-preview", "gemini"),
        ("models/gemini-2.5-flash", "gemini"),
        ("gpt-5", "gpt-5"),
        ("openai/gpt-5.2-codex", "gpt-5"),
        ("GPT-6-mini", "gpt-5"),
        ("o1", "gpt-5"),
        ("o3-mini", "gpt-5"),
        ("openai/o4-mini-high", "gpt-5"),
        ("gpt-4o", "gpt"),
        ("gpt-4.1-mini", "gpt"),
        ("chatgpt-4o-latest", "gpt"),
        ("gpt-35-turbo", "gpt"),
        ("openai/gpt-oss-120b:free", "gpt-oss"),
        ("x-ai/grok-4-fast", "grok"),
        ("grok-code-fast-1", "grok"),
        ("deepseek-reasoner", "deepseek"),
        ("hf:deepseek-ai/DeepSeek-V3.2", "deepseek"),
        ("moonshotai/Kimi-K2.5", "kimi"),
        ("moonshot-v1-8k", "kimi"),
        ("z-ai/glm-4.6", "glm"),
        ("mistral-large-latest", "mistral"),
        ("magistral-medium-2509", "mistral"),
        ("mistralai/devstral-small", "mistral"),
        ("codestral-latest", "mistral"),
        ("open-mixtral-8x22b", "mistral"),
        ("labs-leanstral-2603", "mistral"),
        ("pixtral-12b", "mistral"),
        ("voxtral-small", "mistral"),
        ("ministral-8b", "mistral"),
        ("davinci-002", "gpt"),
        ("gpt-12-mini", "gpt-5"),
        ("QwQ-32B", "qwen"),
        ("MiniMaxAI/MiniMax-M2", "minimax"),
        ("Qwen/Qwen3-Coder", "qwen"),
        ("llama-3.3-70b", "llama"),
        ("some-model", ""),
        ("o1x", ""),
        ("", ""),
    ],
)
def test_a_family_is_known_by_the_model_s_name(model: str, family: str) -> None:
    assert dialects.family_of(model) == family
