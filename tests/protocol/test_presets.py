"""The vendors that the form knows: usable addresses, the contract's slugs."""

from __future__ import annotations

import pytest

from aiproxy.protocol import endpoint, presets

CONTRACT = {
    "grok-direct": "https://api.x.ai/v1",
    "grok-openai": "https://api.x.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "chutes": "https://llm.chutes.ai/v1",
    "synthetic": "https://api.synthetic.new/openai/v1",
    "aiml": "https://api.aimlapi.com/v1",
}


def test_the_first_start_makes_the_contracts_six():
    assert {preset.slug: preset.endpoint for preset in presets.SEEDED} == CONTRACT


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.slug)
def test_every_address_is_one_that_may_be_saved_and_keeps_the_key_safe(preset):
    for address in (preset.endpoint, *preset.alternatives):
        assert endpoint.check(address) == []
        assert address.startswith("https://")


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.slug)
def test_every_preset_has_examples_and_a_line(preset):
    assert all((preset.haiku, preset.sonnet, preset.opus, preset.note))


def test_slugs_and_names_are_each_others_only_ones():
    assert len({preset.slug for preset in presets.PRESETS}) == len(presets.PRESETS)
    assert len({preset.name for preset in presets.PRESETS}) == len(presets.PRESETS)


def test_a_preset_is_found_by_its_slug():
    assert presets.find("chutes") in presets.SEEDED
    assert presets.find("other") is presets.OTHER
    assert presets.find("nobody") is None


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("https://llm.chutes.ai/v1", "chutes"),
        ("https://LLM.chutes.ai/api/v1", "chutes"),
        ("https://api.x.ai", "grok-direct"),
        ("https://evil.example/llm.chutes.ai/", None),
        ("https://llm.chutes.ai.evil.example/v1", None),
        ("http://127.0.0.1:11434/v1", None),
        ("", None),
    ],
)
def test_a_preset_is_known_by_the_host_of_an_address(address, slug):
    found = presets.of_endpoint(address)

    assert (found.slug if found else None) == slug
