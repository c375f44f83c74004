"""A snapshot is one moment of the configuration, and stays that."""

import pytest

from aiproxy.store import aliases, api_keys, providers, settings, snapshot, users
from aiproxy.store.settings import Fixed


@pytest.fixture
def filled(database):
    with database.transaction() as db:
        provider_id = providers.insert(
            db, name="Grok", slug="grok", endpoint="https://x.example", api_key="k"
        )
        aliases.insert(db, alias="fast", provider_id=provider_id)
        user_id = users.insert(db, username="ada", role="admin", enabled=False)
        user_id = users.insert(db, username="admin", role="admin")
        api_keys.insert(db, user_id=user_id, name="k", prefix="aip_", digest="d1")
        settings.save(db, {"log_max_mb": 7})
    return database


def test_everything_is_found_as_requests_look_for_it(filled):
    found = snapshot.load(filled.connection())

    provider = found.find_provider("grok")
    assert found.providers[provider.id] is provider
    assert found.active_provider is provider
    assert found.find_alias("fast").provider_id == provider.id
    assert found.keys["d1"].user_id in found.users
    assert found.settings.log_max_mb == 7
    assert found.find_provider("zzz") is None
    assert found.find_alias("zzz") is None


def test_the_first_admin_is_one_who_may_log_in(filled):
    assert snapshot.load(filled.connection()).first_admin().username == "admin"


def test_fixed_settings_are_told_with_their_variable(filled):
    fixed = {"log_max_mb": Fixed(9, "LOG_MAX_MB")}

    found = snapshot.load(filled.connection(), fixed)

    assert found.settings.log_max_mb == 9
    assert found.fixed == {"log_max_mb": "LOG_MAX_MB"}


def test_a_snapshot_does_not_change_with_the_database(filled):
    before = snapshot.load(filled.connection())

    with filled.transaction() as db:
        providers.update(db, before.active_provider.id, name="Other")

    assert before.active_provider.name == "Grok"
    assert snapshot.load(filled.connection()).active_provider.name == "Other"


def test_a_snapshot_cannot_be_changed(filled):
    found = snapshot.load(filled.connection())

    with pytest.raises(AttributeError):
        found.revision = 0


def test_a_snapshot_read_inside_a_transaction_leaves_it_open(filled):
    with filled.transaction() as db:
        snapshot.load(db)
        assert db.in_transaction


def test_digests_stay_out_of_repr(filled):
    assert "d1" not in repr(snapshot.load(filled.connection()))
