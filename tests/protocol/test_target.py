"""What is known of where a request goes."""

from __future__ import annotations

import re

from aiproxy.protocol.target import Target


def test_dialect_and_family_follow_from_address_and_model() -> None:
    target = Target.of(endpoint="https://openrouter.ai/api/v1", model="x-ai/grok-4")

    assert (target.dialect.name, target.family) == ("openrouter", "grok")
    assert target.send_reasoning == "auto"
    assert target.max_output_tokens is None


def test_a_dialect_set_by_hand_counts() -> None:
    target = Target.of(endpoint="http://127.0.0.1:8000", model="m", dialect="vllm")

    assert target.dialect.name == "vllm"


def test_the_key_of_its_thoughts_is_that_of_provider_and_model() -> None:
    keys = {
        Target.of(endpoint=endpoint, model=model).reasoning_key
        for endpoint in ("https://a.example/v1", "https://b.example/v1")
        for model in ("m", "n\ud800")
    }
    again = Target.of(
        endpoint="https://a.example/v1", model="m", dialect="vllm", max_output_tokens=5
    )

    assert len(keys) == 4
    assert again.reasoning_key in keys
    assert all(re.fullmatch(r"[0-9a-f]{12}", key) for key in keys)
