"""Which provider a name in the path or the model stands for."""

import pytest

from aiproxy.errors import InvalidRequest, NotFound
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.records import replace
from aiproxy.resolve import chain_of, known_names, resolve
from aiproxy.store.aliases import Alias
from aiproxy.store.providers import Provider
from aiproxy.store.settings import Settings
from aiproxy.store.snapshot import Snapshot

FIRST = Provider(
    1, "First", "first", "https://first.example/v1", api_key="k", active=True
)
SECOND = Provider(2, "Second", "second", "https://second.example/v1")


def snapshot(*providers, aliases=()):
    return Snapshot(
        revision=1,
        settings=Settings(),
        fixed={},
        prompt=PromptConfig(),
        providers={provider.id: provider for provider in providers},
        aliases=tuple(aliases),
        users={},
        keys={},
        active_provider=next((p for p in providers if p.active), None),
        _by_slug={provider.slug: provider for provider in providers},
        _by_alias={alias.alias: alias for alias in aliases},
    )


def alias(name, provider_id=None, prompt="standard", model=""):
    return Alias(id=1, alias=name, provider_id=provider_id, prompt=prompt, model=model)


BOTH = snapshot(FIRST, SECOND)


def test_no_name_means_the_active_provider():
    route = resolve(BOTH, None, "claude-opus-5-5")

    assert (route.provider, route.is_custom, route.model) == (FIRST, False, "")


def test_a_slug_names_its_provider_in_any_case():
    assert resolve(BOTH, "SeCond", "").provider is SECOND


def test_a_slug_with_custom_takes_the_custom_prompt():
    route = resolve(BOTH, "second-CUSTOM", "")

    assert route.provider is SECOND
    assert route.is_custom


def test_an_alias_wins_over_a_slug_and_its_custom_form():
    known = snapshot(
        FIRST,
        SECOND,
        aliases=[alias("second", 1, model="m"), alias("second-custom", 1)],
    )

    assert resolve(known, "second", "").provider is FIRST
    assert resolve(known, "second", "").model == "m"
    assert not resolve(known, "second-custom", "").is_custom


def test_a_slug_that_ends_in_custom_is_found_before_the_suffix_counts():
    odd = replace(SECOND, slug="first-custom")

    assert resolve(snapshot(FIRST, odd), "first-custom", "").provider is odd


def test_an_alias_without_provider_follows_the_active_one():
    known = snapshot(FIRST, SECOND, aliases=[alias("work", None, "custom")])

    route = resolve(known, "work", "")

    assert route.provider is FIRST
    assert route.is_custom


def test_a_model_of_our_list_routes_whatever_the_path():
    assert resolve(BOTH, "first", "claude-via-second[1m]").provider is SECOND
    assert resolve(BOTH, None, "Claude-Via-SECOND-custom").is_custom
    with pytest.raises(NotFound):
        resolve(BOTH, "first", "claude-via-nobody")


@pytest.mark.parametrize("model", ["claude-opus-5-5", "", "claude-via-", "via-first"])
def test_other_models_name_no_alias(model):
    assert resolve(BOTH, "second", model).provider is SECOND


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(NotFound, match="first, second"):
        resolve(BOTH, "thrid", "")


def test_a_disabled_provider_says_what_to_do():
    off = replace(SECOND, enabled=False)
    with pytest.raises(InvalidRequest, match="Enable it"):
        resolve(snapshot(FIRST, off), "second", "")
    assert known_names(snapshot(FIRST, off)) == ["first"]


def test_without_an_active_provider_the_error_says_what_to_do():
    with pytest.raises(InvalidRequest, match="no provider is active"):
        resolve(snapshot(SECOND), None, "")


def test_a_chain_follows_fallbacks_skips_disabled_ones_and_ends():
    a = replace(FIRST, fallback="b")
    b = Provider(2, "b", "b", "", fallback="c", enabled=False)
    c = Provider(3, "c", "c", "", fallback="first")
    known = snapshot(a, b, c)

    assert chain_of(known, a) == [a, c]
    assert chain_of(known, c) == [c, a]
