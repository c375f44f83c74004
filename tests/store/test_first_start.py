"""The first start makes the presets, the admin and the secret key, once."""

import pytest

from aiproxy.store import first_start, providers, settings, users
from aiproxy.store.first_start import FirstAdmin

PRESETS = {
    "grok-direct": "https://api.x.ai/v1",
    "grok-openai": "https://api.x.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "chutes": "https://llm.chutes.ai/v1",
    "synthetic": "https://api.synthetic.new/openai/v1",
    "aiml": "https://api.aimlapi.com/v1",
}


@pytest.fixture
def filled(database):
    with database.transaction() as db:
        admin = FirstAdmin("hash", must_change_password=True)
        first_start.fill(db, admin, secret_key="s" * 43, now=1000)
    return database.connection()


def test_it_is_due_until_there_is_a_user(database, filled):
    assert not first_start.is_due(filled)


def test_it_is_due_in_an_empty_database(db):
    assert first_start.is_due(db)


def test_six_presets_are_there_without_keys_or_models(filled):
    listed = providers.list_all(filled)

    assert {p.slug: p.endpoint for p in listed} == PRESETS
    assert {p.api_format for p in listed} == {"openai"}
    assert not any(p.api_key or p.active for p in listed)
    assert not any(p.model_haiku or p.default_model or p.model_map for p in listed)


def test_the_admin_must_change_the_password(filled):
    [admin] = users.list_all(filled)

    assert (admin.username, admin.role, admin.enabled) == ("admin", "admin", True)
    assert admin.must_change_password
    assert admin.password_hash == "hash"


def test_the_secret_key_is_stored(filled):
    assert settings.load(filled).secret_key == "s" * 43


def test_a_provider_that_is_there_already_stays(database):
    with database.transaction() as db:
        providers.insert(
            db, name="Mine", slug="openrouter", endpoint="https://x.example"
        )
        admin = FirstAdmin("hash", must_change_password=False)
        first_start.fill(db, admin, secret_key="s" * 43, now=1000)

    db = database.connection()
    assert providers.find_by_slug(db, "openrouter").name == "Mine"
    assert len(providers.list_all(db)) == len(PRESETS)
