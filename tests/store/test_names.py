"""Names in paths: what may be one, and how a slug is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.store import names


@pytest.mark.parametrize("name", ["a", "0", "grok-direct", "a.b_c-d", "a" * 64])
def test_plain_names_are_allowed(name):
    assert names.problem(name) == ""


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "_a", "A", "a b", "a/b", "é", "a" * 65, "a\n", "a%2f"]
)
def test_names_that_could_not_stand_in_a_path_are_refused(name):
    assert names.problem(name)


@pytest.mark.parametrize("name", sorted(names.RESERVED))
def test_reserved_words_are_refused(name):
    assert "meaning" in names.problem(name)


def test_case_and_surrounding_spaces_do_not_matter():
    assert names.normalise("  Fast ") == "fast"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("OpenRouter", "openrouter"),
        ("AI/ML API", "ai-ml-api"),
        ("Café  Zürich!", "cafe-zurich"),
        ("日本", "provider"),
        ("v1", "v1-2"),
        ("Grok custom", "grok-custom-2"),
    ],
)
def test_a_slug_is_made_from_a_display_name(name, slug):
    assert names.slugify(name) == slug


def test_a_slug_that_is_taken_gets_a_number():
    assert names.slugify("Grok", taken={"grok", "grok-2"}) == "grok-3"


@given(st.text(max_size=200), st.sets(st.sampled_from(["provider", "a", "a-2"])))
def test_every_display_name_gives_a_free_and_usable_slug(name, taken):
    slug = names.slugify(name, taken=taken)

    assert names.problem(slug) == ""
    assert slug not in taken
