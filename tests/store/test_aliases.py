"""Aliases: stored, looked up without case, never two of one name."""

import pytest

from aiproxy.errors import NotFound, SlugTaken
from aiproxy.store import aliases, providers


@pytest.fixture
def provider_id(db):
    return providers.insert(db, name="Grok", slug="grok", endpoint="https://x.example")


def test_a_stored_alias_reads_back_equal(db, provider_id):
    alias_id = aliases.insert(
        db,
        alias="Fast",
        provider_id=provider_id,
        prompt="custom",
        model="grok-4",
        now=1000,
    )

    assert aliases.get(db, alias_id) == aliases.Alias(
        alias_id, "fast", provider_id, "custom", "grok-4", 1000, 1000
    )


def test_a_name_is_found_whatever_its_case(db):
    alias_id = aliases.insert(db, alias="fast")

    assert aliases.find_by_name(db, " FAST").id == alias_id


def test_an_update_changes_the_named_fields_alone(db, provider_id):
    alias_id = aliases.insert(db, alias="fast", provider_id=provider_id, model="m")

    aliases.update(db, alias_id, prompt="custom", now=2000)

    stored = aliases.get(db, alias_id)
    assert (stored.provider_id, stored.prompt, stored.model) == (
        provider_id,
        "custom",
        "m",
    )
    assert stored.updated_at == 2000


def test_an_alias_may_come_to_follow_the_active_provider(db, provider_id):
    alias_id = aliases.insert(db, alias="fast", provider_id=provider_id)

    aliases.update(db, alias_id, provider_id=None)

    assert aliases.get(db, alias_id).provider_id is None


def test_two_aliases_of_one_name_are_refused(db):
    aliases.insert(db, alias="fast")
    other = aliases.insert(db, alias="slow")

    with pytest.raises(SlugTaken):
        aliases.insert(db, alias="FAST")
    with pytest.raises(SlugTaken):
        aliases.update(db, other, alias="Fast")


def test_an_alias_may_take_over_a_providers_name(db, provider_id):
    alias_id = aliases.insert(db, alias="grok", provider_id=provider_id, model="m")

    assert aliases.get(db, alias_id).alias == "grok"


def test_an_alias_of_an_unknown_provider_is_refused(db):
    with pytest.raises(NotFound):
        aliases.insert(db, alias="fast", provider_id=99)


def test_a_deleted_alias_is_gone(db):
    alias_id = aliases.insert(db, alias="fast")

    aliases.delete(db, alias_id)

    with pytest.raises(NotFound):
        aliases.get(db, alias_id)
    with pytest.raises(NotFound):
        aliases.delete(db, alias_id)
