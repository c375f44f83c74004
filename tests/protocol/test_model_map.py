"""Which model answers: the first of the rules that fits."""

from __future__ import annotations

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol.model_map import alias_in, tier_of, upstream_model

MAP = {
    "claude-opus-5-5": "exact",
    "Mixed-Case": "insensitive",
    "claude-*": "wild",
    "claude-sonnet-*": "wilder",
    "*-mini": "mini",
}
TIERS = {"haiku": "h", "sonnet": "s", "opus": "o"}
OFFERED = ("openai/gpt-5.1", "claude-offered")


def model_for(name, **fields):
    given = {
        "model_map": MAP,
        "tiers": TIERS,
        "default_model": "default",
        "offered": OFFERED,
        **fields,
    }
    return upstream_model(name, **given)


def test_the_aliass_model_wins_over_all():
    assert model_for("claude-opus-5-5", alias_model="mine") == "mine"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude-opus-5-5", "exact"),
        ("claude-opus-5-5[1m]", "exact"),
        ("CLAUDE-opus-5-5", "exact"),
        ("mixed-case", "insensitive"),
        ("mixed-case[1m]", "insensitive"),
        ("claude-haiku-9", "wild"),
        ("claude-sonnet-5-5", "wilder"),
        ("Claude-Sonnet-5-5[1m]", "wilder"),
        ("gpt-mini", "mini"),
    ],
)
def test_the_map_is_asked_next(name, model):
    assert model_for(name) == model


def test_a_key_with_the_mark_wins_over_the_key_without():
    model_map = {"a": "plain", "a[1m]": "long"}

    assert model_for("a[1m]", model_map=model_map) == "long"


def test_the_very_name_without_its_mark_wins_over_another_case():
    model_map = {"CLAUDE-X": "loose", "claude-x": "exact"}

    assert model_for("claude-x[1m]", model_map=model_map) == "exact"


def test_a_key_with_a_mark_is_found_in_any_case():
    assert model_for("a[1m]", model_map={"A[1M]": "long"}) == "long"


@pytest.mark.parametrize("key", ["claude-x", "CLAUDE-X"])
def test_a_key_without_a_model_maps_nothing(key):
    assert model_for("claude-x", model_map={key: "", "claude-*": "wild"}) == "wild"


def test_stars_are_no_literal_characters():
    model_map = {"***ab": "stars", "abc*": "letters"}

    assert model_for("abcab", model_map=model_map) == "letters"


def test_a_pattern_fits_in_any_case():
    assert model_for("gpt-5", model_map={"GPT-*": "hit"}) == "hit"


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a*b*b*c", "abXc", False),
        ("*", "anything", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "acb", False),
        ("a*a", "a", False),
        ("*x*", "y", False),
        ("a.c*", "abc", False),
        ("**b", "ab", True),
    ],
)
def test_a_star_stands_for_any_run_and_nothing_else_is_special(pattern, name, fits):
    model = upstream_model(name, model_map={pattern: "hit"})

    assert model == ("hit" if fits else name)


def test_many_stars_on_a_long_name_take_no_time():
    model_map = {"*a" * 50 + "*b": "hit"}

    assert upstream_model("a" * 100_000, model_map=model_map) == "a" * 100_000


@pytest.mark.parametrize("name", ["openai/gpt-5.1", "openai/gpt-5.1[1m]"])
def test_what_our_list_offered_is_taken_as_it_is(name):
    assert model_for(name, model_map={}) == "openai/gpt-5.1"


def test_the_map_wins_over_what_our_list_offered():
    assert model_for("claude-offered") == "wild"


def test_an_offered_name_may_have_a_mark():
    assert model_for("claude-offered[1m]", model_map={}) == "claude-offered"


def test_an_offered_name_wins_over_its_tier():
    offered = ("anthropic/claude-sonnet-4",)

    assert model_for(offered[0], model_map={}, offered=offered) == offered[0]


TIER_NAMES = [
    ("haiku", "haiku"),
    ("Sonnet", "sonnet"),
    ("opus[1m]", "opus"),
    ("fable", "opus"),
    ("claude-haiku-4-5-20251001", "haiku"),
    ("claude-3-5-haiku-latest", "haiku"),
    ("claude-3-7-sonnet-20250219", "sonnet"),
    ("claude-sonnet-5-5[1m]", "sonnet"),
    ("claude-opus-5-5", "opus"),
    ("claude-fable-5-2", "opus"),
    ("anthropic/claude-opus-4.5", "opus"),
    ("ANTHROPIC/Claude-Haiku", "haiku"),
    ("claude-3", ""),
    ("grok-4", ""),
    ("my-sonnet", ""),
    ("sonnets", ""),
    ("claude-via-my-opus", ""),
    ("", ""),
]


@pytest.mark.parametrize(("name", "tier"), TIER_NAMES)
def test_a_tier_is_found_by_its_word(name, tier):
    assert tier_of(name) == tier


@pytest.mark.parametrize(("name", "tier"), TIER_NAMES[:12])
def test_a_tier_has_its_model(name, tier):
    assert model_for(name, model_map={}) == TIERS[tier]


@pytest.mark.parametrize("name", ["opus", "claude-opus-5", "claude-3", "", None, "  "])
def test_the_default_serves_claude_names_and_none(name):
    assert model_for(name, model_map={}, tiers={"opus": ""}) == "default"


@pytest.mark.parametrize("name", ["grok-4", "hf:org/model", "grok-4[1m]", "a[b]c"])
def test_other_names_go_as_typed(name):
    assert model_for(name, model_map={}) == name.replace("[1m]", "")


def test_a_claude_name_goes_as_typed_where_nothing_is_set():
    assert upstream_model("claude-opus-5-5[1m]") == "claude-opus-5-5"


@pytest.mark.parametrize("name", ["claude-via-grok", "Claude-Via-Grok[1m]"])
def test_an_aliass_name_never_goes_up(name):
    assert model_for(name, model_map={}) == "default"
    assert model_for(name, model_map={}, default_model="", offered=(name,)) == "s"


@pytest.mark.parametrize("name", ["", None, "claude-via-x"])
def test_with_no_model_at_all_it_says_what_is_missing(name):
    with pytest.raises(InvalidRequest, match="model"):
        upstream_model(name)


@pytest.mark.parametrize(
    ("name", "alias"),
    [("claude-via-Fast[1m]", "fast"), ("CLAUDE-VIA-x", "x"), ("claude-3", "")],
)
def test_an_alias_is_read_from_a_models_name(name, alias):
    assert alias_in(name) == alias
