"""What is wrong is said once, with its next step, and no longer than it is wrong."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple

import pytest

from aiproxy.store import providers, settings
from tests.web import rows


@pytest.fixture
def with_key(site):
    provider = site.provider("chutes")
    long_ago = site.services.now() - 90_000
    with site.services.transaction() as db:
        providers.update(db, provider.id, api_key="a-secret-key-7741", now=long_ago)
    return site.provider("chutes")


def warnings(script):
    return script.get("/").json()["warnings"]


def test_all_well_is_no_warning(script):
    assert warnings(script) == []


def test_a_refused_key_is_said_with_since_when_and_how_often(
    site, with_key, admin, script
):
    rows.add(site, 1, ago=700, provider="chutes")
    rows.add(site, 2, ago=600, provider="chutes", status=401)
    rows.add(site, 3, ago=500, provider="chutes", status=401)

    page = admin.get("/")
    assert "Chutes refuses its key since" in page.words
    assert "(401, 2 requests failed)." in page.words
    assert f'href="/provider/edit/{with_key.id}">Change the key' in page.text
    assert 'href="/logs?provider=chutes&amp;status=failed"' in page.text
    assert "1 failing" in page.words
    (warning,) = warnings(script)
    assert warning.startswith("Chutes refuses its key since")


def test_one_hiccup_is_no_problem_but_one_refused_key_is(site, with_key, script):
    rows.add(site, 1, provider="chutes", status=502)
    assert warnings(script) == []

    rows.add(site, 2, provider="chutes", status=401)
    assert len(warnings(script)) == 1


def test_an_answer_ends_it(site, with_key, script):
    rows.add(site, 1, provider="chutes", status=401)
    rows.add(site, 2, provider="chutes")

    assert warnings(script) == []


def test_a_change_of_the_provider_ends_it(site, with_key, script):
    rows.add(site, 1, ago=20, provider="chutes", status=401)
    with site.services.transaction() as db:
        providers.update(db, with_key.id, api_key="another-secret-key-1", now=2**33)

    assert warnings(script) == []


def test_yesterdays_failures_are_history(site, with_key, script):
    rows.add(site, 1, ago=90_000, provider="chutes", status=401)

    assert warnings(script) == []


def test_no_active_provider_is_said_once_there_is_a_key(site, with_key, script):
    with site.services.transaction() as db:
        db.execute("UPDATE providers SET active = 0")

    assert "No provider is active" in warnings(script)[0]


def test_an_active_provider_that_is_off_is_said(site, with_key, script):
    with site.services.transaction() as db:
        providers.activate(db, with_key.id)
        providers.update(db, with_key.id, enabled=False)

    assert warnings(script) == ["Chutes is the active provider, but it is off."]


def test_settings_that_wait_for_a_restart_are_said(site, admin, script):
    with site.services.transaction() as db:
        settings.save(db, {"server_port": 8123})

    assert "Saved settings wait for a restart." in warnings(script)
    assert "Restart now" not in admin.get("/").words
    site.services.restart = lambda: None
    assert "Restart now" in admin.get("/").words


def test_a_full_disk_is_said(monkeypatch, script):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 90_000_000))

    (warning,) = warnings(script)
    assert "The disk is nearly full: 90 MB free." in warning


def test_lost_rows_are_said(site, script):
    site.services.log_writer.dropped = 3

    assert "3 rows of the request log" in warnings(script)[0]


def test_members_are_told_nothing_that_they_cannot_mend(site, with_key, member):
    rows.add(site, 1, provider="chutes", status=401)

    assert member.get_json("/")["warnings"] == []


@pytest.mark.skipif(os.name == "nt", reason="an open file stays in its place there")
def test_a_database_that_is_gone_is_said(site, script):
    os.rename(site.services.database.path, site.services.database.path + ".moved")

    (warning,) = warnings(script)
    assert "moved, deleted or replaced" in warning
