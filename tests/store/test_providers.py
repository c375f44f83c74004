"""Providers: what is stored comes back, who is active, which names are free."""

import pytest

from aiproxy.errors import NotFound, SlugTaken
from aiproxy.store import aliases, providers

EVERYTHING = {
    "name": "Mine",
    "slug": "mine",
    "endpoint": "https://example.org/v1",
    "api_key": "sk-secret-0001",
    "api_format": "anthropic",
    "default_model": "m",
    "auth_method": "header",
    "auth_header": "x-key",
    "custom_headers": {"X-Team": "ä"},
    "model_haiku": "h",
    "model_sonnet": "s",
    "model_opus": "o",
    "model_map": {"claude-*": "m"},
    "extra_body": {"seed": 1, "deep": {"a": [None, True]}},
    "max_output_tokens": 8000,
    "context_window": 128000,
    "enabled": True,
    "dialect": "openrouter",
    "compat": "strict",
    "send_reasoning": "never",
    "fallback": "",
    "http_proxy": "none",
    "ca_file": "/etc/ca.pem",
}


def add(db, slug, **fields):
    return providers.insert(
        db, **{"name": slug, "slug": slug, "endpoint": "https://x.example", **fields}
    )


def test_a_stored_provider_reads_back_equal(db):
    provider_id = providers.insert(db, **EVERYTHING, now=1000)

    stored = providers.get(db, provider_id)

    assert {name: getattr(stored, name) for name in EVERYTHING} == EVERYTHING
    assert (stored.created_at, stored.updated_at) == (1000, 1000)


def test_an_update_changes_the_named_fields_alone(db):
    provider_id = providers.insert(db, **EVERYTHING, now=1000)

    providers.update(db, provider_id, name="Other", now=2000)

    stored = providers.get(db, provider_id)
    changed = {**EVERYTHING, "name": "Other"}
    assert {name: getattr(stored, name) for name in EVERYTHING} == changed
    assert (stored.created_at, stored.updated_at) == (1000, 2000)


def test_secrets_stay_out_of_repr(db):
    provider_id = providers.insert(
        db,
        **{
            **EVERYTHING,
            "custom_headers": {"X-Api-Key": "hush-hush"},
            "http_proxy": "http://u:hush-hush@p",
        },
    )

    shown = repr(providers.get(db, provider_id))

    assert "sk-secret" not in shown
    assert "hush-hush" not in shown


def test_without_a_slug_one_is_made_that_no_provider_or_alias_has(db):
    add(db, "grok")
    aliases.insert(db, alias="grok-2")

    provider_id = providers.insert(db, name="Grok", endpoint="https://x.example")

    assert providers.get(db, provider_id).slug == "grok-3"


def test_a_slug_is_found_whatever_its_case(db):
    provider_id = add(db, "grok")

    assert providers.find_by_slug(db, "GROK").id == provider_id


def test_an_unknown_provider_is_not_found(db):
    with pytest.raises(NotFound):
        providers.get(db, 99)
    with pytest.raises(NotFound):
        providers.delete(db, 99)


@pytest.mark.parametrize("slug", ["grok", "Grok", "grok-custom", "fast"])
def test_a_slug_that_would_hide_or_be_hidden_is_taken(db, slug):
    add(db, "grok")
    aliases.insert(db, alias="fast")

    with pytest.raises(SlugTaken):
        add(db, slug)


def test_a_slug_whose_custom_address_is_taken_is_taken(db):
    add(db, "grok-custom")

    with pytest.raises(SlugTaken):
        add(db, "grok")


def test_a_provider_may_keep_its_own_slug(db):
    provider_id = add(db, "grok")

    providers.update(db, provider_id, slug="grok", name="x")

    assert providers.get(db, provider_id).name == "x"


def test_a_slug_cannot_be_changed_to_one_that_is_taken(db):
    add(db, "grok")
    provider_id = add(db, "other")

    with pytest.raises(SlugTaken):
        providers.update(db, provider_id, slug="grok")


def test_the_first_one_saved_with_a_key_becomes_active(db):
    add(db, "one")
    second = add(db, "two", api_key="k")
    add(db, "three", api_key="k")

    assert providers.find_active(db).id == second


def test_a_key_added_later_makes_a_provider_active(db):
    first = add(db, "one")

    providers.update(db, first, api_key="k")

    assert providers.find_active(db).id == first


def test_a_provider_that_is_off_does_not_become_active(db):
    add(db, "one", api_key="k", enabled=False)

    assert providers.find_active(db) is None


def test_activating_one_ends_the_other(db):
    add(db, "one", api_key="k")
    second = add(db, "two")

    providers.activate(db, second)

    assert [p.slug for p in providers.list_all(db) if p.active] == ["two"]


def test_saving_another_key_does_not_change_the_active_one(db):
    first = add(db, "one", api_key="k")
    second = add(db, "two")

    providers.update(db, second, api_key="k")

    assert providers.find_active(db).id == first


def test_deleting_takes_the_aliases_along(db):
    provider_id = add(db, "one")
    aliases.insert(db, alias="fast", provider_id=provider_id)
    aliases.insert(db, alias="follower")

    providers.delete(db, provider_id)

    assert [alias.alias for alias in aliases.list_all(db)] == ["follower"]


def test_deleting_the_active_one_leaves_none_active(db):
    provider_id = add(db, "one", api_key="k")
    add(db, "two", api_key="k")

    providers.delete(db, provider_id)

    assert providers.find_active(db) is None


def test_an_id_is_never_given_out_again(db):
    first = add(db, "one")
    providers.delete(db, first)

    assert add(db, "two") > first


def test_a_fallback_follows_its_provider_to_a_new_slug(db):
    first = add(db, "one")
    second = add(db, "two", fallback="one")

    providers.update(db, first, slug="uno")

    assert providers.get(db, second).fallback == "uno"


def test_a_fallback_ends_with_its_provider(db):
    first = add(db, "one")
    second = add(db, "two", fallback="one")

    providers.delete(db, first)

    assert providers.get(db, second).fallback == ""


def chain(*slugs):
    following = [*slugs[1:], ""]
    return [
        providers.Provider(0, slug, slug, "https://x.example", fallback=fallback)
        for slug, fallback in zip(slugs, following)
    ]


def test_a_chain_of_four_is_allowed():
    listed = [*chain("b", "c", "d"), *chain("a")]

    assert providers.fallback_problem(listed, "a", "b") == ""


def test_a_chain_of_five_is_refused():
    listed = [*chain("b", "c", "d", "e"), *chain("a")]

    assert "at most 4" in providers.fallback_problem(listed, "a", "b")


def test_a_chain_that_grows_too_long_elsewhere_is_refused():
    listed = [*chain("a", "b", "c"), *chain("d", "e")]

    assert "at most 4" in providers.fallback_problem(listed, "c", "d")


@pytest.mark.parametrize("fallback", ["a", "b", "c"])
def test_a_circle_is_refused(fallback):
    listed = [*chain("b", "c"), *chain("a")]
    listed = [p if p.slug != "c" else chain("c", "a")[0] for p in listed]

    assert "circle" in providers.fallback_problem(listed, "a", fallback)


def test_a_new_provider_cannot_fall_back_on_itself():
    assert "circle" in providers.fallback_problem([], "new", "new")


def test_an_unknown_fallback_is_refused():
    assert "no provider" in providers.fallback_problem(chain("a"), "a", "zzz")


def test_the_verdict_of_a_test_is_kept(db):
    provider_id = add(db, "one")

    providers.record_test(
        db, provider_id, kind="ok", message="It works.", latency_ms=900, now=5
    )

    stored = providers.get(db, provider_id)
    assert (stored.tested_at, stored.test_kind, stored.test_latency_ms) == (
        5,
        "ok",
        900,
    )


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ({"name": "x"}, True),
        ({"fallback": ""}, True),
        ({"api_key": "new"}, False),
        ({"endpoint": "https://y.example"}, False),
        ({"model_map": {"a": "b"}}, False),
    ],
)
def test_a_verdict_is_forgotten_when_what_it_tested_changes(db, changes, stays):
    provider_id = add(db, "one")
    providers.record_test(
        db, provider_id, kind="ok", message="It works.", latency_ms=900
    )

    providers.update(db, provider_id, **changes)

    assert (providers.get(db, provider_id).test_kind == "ok") is stays
