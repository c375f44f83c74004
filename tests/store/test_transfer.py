"""Configuration moves to another machine; keys only when they are asked for."""

import json

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.store import aliases, prompts, providers, settings, transfer

KEY = "sk-secret-key-0001"


@pytest.fixture
def filled(database):
    with database.transaction() as db:
        first = providers.insert(
            db,
            name="One",
            slug="one",
            endpoint="https://one.example/v1",
            api_key=KEY,
            custom_headers={"X-Team": "blue", "X-Api-Token": "hush-token"},
            http_proxy="http://user:hush-proxy@proxy.example:3128",
            model_map={"claude-*": "m"},
            extra_body={"seed": 1},
            fallback="",
        )
        providers.insert(
            db,
            name="Two",
            slug="two",
            endpoint="https://two.example/v1",
            api_key="env:TWO_KEY",
            http_proxy="http://proxy.example:3128",
            fallback="one",
        )
        aliases.insert(db, alias="fast", provider_id=first, prompt="custom", model="m")
        aliases.insert(db, alias="follower")
        prompts.save(db, system_name="Helper", use_custom_prompt=True)
        settings.save(db, {"log_max_mb": 7, "secret_key": "hush-secret-key-16"})
    return database.connection()


@pytest.fixture
def other(tmp_path):
    from aiproxy.store.database import Database

    opened = Database(str(tmp_path / "other.db")).open()
    yield opened
    opened.close()


def bring_in(database, exported):
    exported = json.loads(json.dumps(exported))
    with database.transaction() as db:
        return transfer.import_object(db, exported, now=5000)


def comparable(provider):
    own = {"id", "created_at", "updated_at"}
    return {name: value for name, value in vars(provider).items() if name not in own}


def test_no_secret_is_exported_unless_asked_for(filled):
    text = json.dumps(transfer.export_object(filled))

    assert KEY not in text
    assert "hush" not in text
    assert "env:TWO_KEY" in text


def test_with_keys_everything_but_the_servers_own_secret_moves(filled, other):
    exported = transfer.export_object(filled, with_keys=True)

    assert bring_in(other, exported) == []

    db = other.connection()
    assert [comparable(p) for p in providers.list_all(db)] == [
        comparable(p) for p in providers.list_all(filled)
    ]
    assert [(a.alias, a.prompt, a.model) for a in aliases.list_all(db)] == [
        ("fast", "custom", "m"),
        ("follower", "standard", ""),
    ]
    assert aliases.find_by_name(db, "follower").provider_id is None
    assert prompts.load(db) == prompts.load(filled)
    assert settings.load(db).log_max_mb == 7
    assert "hush-secret" not in json.dumps(exported)


def test_a_setting_that_was_not_saved_is_not_exported(filled):
    assert transfer.export_object(filled)["settings"] == {"log_max_mb": 7}


def test_an_import_without_keys_keeps_the_stored_ones(filled, database):
    exported = transfer.export_object(filled)
    exported["providers"][0]["name"] = "Uno"

    assert bring_in(database, exported) == []

    stored = providers.find_by_slug(filled, "one")
    assert (stored.name, stored.api_key) == ("Uno", KEY)
    assert stored.custom_headers["X-Api-Token"] == "hush-token"
    assert "hush-proxy" in stored.http_proxy


@pytest.mark.parametrize(
    "endpoint",
    ["https://evil.example/v1", "http://one.example/v1", "https://one.example:444/v1"],
)
def test_a_stored_key_never_goes_to_another_host(filled, database, endpoint):
    exported = transfer.export_object(filled)
    exported["providers"][0]["endpoint"] = endpoint

    notes = bring_in(database, exported)

    stored = providers.find_by_slug(filled, "one")
    assert stored.api_key == ""
    assert stored.custom_headers == {"X-Team": "blue"}
    assert "one has a new address" in notes[0]


def test_a_stored_key_stays_behind_even_where_the_file_names_no_headers(
    filled, database
):
    entry = {"name": "One", "slug": "one", "endpoint": "https://evil.example/v1"}

    bring_in(database, {"format": transfer.FORMAT, "version": 1, "providers": [entry]})

    stored = providers.find_by_slug(filled, "one")
    assert stored.api_key == ""
    assert stored.custom_headers == {}


def test_an_import_adds_to_what_is_there(filled, other):
    with other.transaction() as db:
        providers.insert(db, name="Mine", slug="mine", endpoint="https://m.example")

    bring_in(other, transfer.export_object(filled))

    slugs = {p.slug for p in providers.list_all(other.connection())}
    assert slugs == {"mine", "one", "two"}


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.update(format="something"),
        lambda e: e.update(version=2),
        lambda e: e.update(users=[]),
        lambda e: e.update(providers={}),
        lambda e: e["providers"][1].update(slug="one-custom"),
        lambda e: e["providers"][0].update(fallback="two"),
        lambda e: e["providers"][1].update(fallback="nobody"),
        lambda e: e["aliases"][0].update(provider="nobody"),
        lambda e: e["prompt"].update(system_name=5),
        lambda e: e["prompt"].update(colour="red"),
        lambda e: e["prompt"].update(prompt_template="x" * 600_000),
        lambda e: e["settings"].update(secret_key="s" * 40),
        lambda e: e["settings"].update(log_max_mb="lots"),
        lambda e: e["settings"].update(colour="red"),
    ],
)
def test_one_unusable_part_leaves_everything_as_it_was(filled, other, change):
    exported = json.loads(json.dumps(transfer.export_object(filled)))
    change(exported)

    with pytest.raises(InvalidRequest):
        bring_in(other, exported)

    assert providers.list_all(other.connection()) == []


@pytest.mark.parametrize("exported", [None, [], {}, "x", {"format": 5}])
def test_what_is_no_export_is_refused(other, exported):
    with pytest.raises(InvalidRequest):
        bring_in(other, exported)
