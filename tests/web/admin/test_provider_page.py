"""What surrounds the form: the cards, the key's state, the consequences of a delete."""

from __future__ import annotations

import pytest

from aiproxy.protocol import presets
from aiproxy.store import aliases, providers, request_log
from aiproxy.store.request_log import LogEntry
from aiproxy.web.admin import provider_form, provider_page
from aiproxy.web.admin.provider_secrets import Kept
from aiproxy.web.routing import Visitor

VISITOR = Visitor(user=None, base_url="http://here:8000")


def context(site, provider, **options):
    return provider_page.form_context(
        site.services, VISITOR, provider, provider_form.shown(provider), **options
    )


def test_a_new_providers_address_is_made_from_its_name(site):
    new = providers.Provider(id=0, name="My Server", slug="", endpoint="")

    assert context(site, new)["base_url"] == "http://here:8000/v1/messages/my-server"


def test_a_preset_is_known_by_the_address(site):
    assert context(site, site.provider("chutes"))["preset"].slug == "chutes"


def test_the_chosen_card_stays_while_the_address_is_wrong(site):
    new = providers.Provider(id=0, name="", slug="", endpoint="ftp://x")
    chosen = context(site, new, preset=presets.find("mistral"))["cards"]

    assert [c["preset"].slug for c in chosen if c["is_chosen"]] == ["mistral"]


def test_a_stored_provider_has_no_cards(site):
    assert context(site, site.provider("chutes"))["cards"] == []


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (Kept(), "Stored: …7741. Leave empty to keep it."),
        (Kept(api_key="sk-typed-just-now"), "Kept: …-now. Leave empty to use it."),
    ],
)
def test_the_keys_state_is_a_mask(site, kept, words):
    with site.services.transaction() as db:
        chutes = site.provider("chutes").id
        providers.update(db, chutes, api_key="cpk_abcdefgh7741")

    assert context(site, site.provider("chutes"), kept=kept)["key_state"] == words


def test_without_a_key_nothing_is_said_of_it(site):
    assert context(site, site.provider("chutes"))["key_state"] == ""


def test_nothing_else_uses_it(site):
    found = context(site, site.provider("chutes"))["consequences"]

    assert found == "Nothing else uses it."


def test_the_consequences_of_a_delete_are_counted(site):
    chutes = site.provider("chutes")
    with site.services.transaction() as db:
        for name in ("a", "b", "c"):
            aliases.insert(db, alias=name, provider_id=chutes.id)
        providers.update(db, site.provider("aiml").id, fallback="chutes")
        providers.activate(db, chutes.id)
    db = site.services.database.connection()
    with site.services.database.writing(db):
        request_log.add_many(
            db, [LogEntry(id=f"req_{n}", time=n, provider="chutes") for n in (1, 2)]
        )

    assert context(site, site.provider("chutes"))["consequences"] == (
        "The aliases a, b and c stop working. AI/ML API then falls back on nobody."
        " No provider is active until you activate another."
        " Its 2 requests stay in the log."
    )
