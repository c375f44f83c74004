"""Settings: shown, saved, fixed by the environment, waiting for a restart."""

from __future__ import annotations

import pytest

from aiproxy.store.setting_types import BOOLEAN, CHOICE, LIST
from aiproxy.store.settings import SETTINGS, Fixed
from aiproxy.web.admin import settings
from tests.support import Site

SHOWN = [
    name for column in settings.COLUMNS for group in column for name in group.names
]


def sent_by_form(services, **changes):
    """What the page sends when nothing but `changes` is touched."""
    fields = {}
    for name in SHOWN:
        value = getattr(services.settings, name)
        kind = SETTINGS[name].kind
        fields[name] = "\n".join(value) if kind == LIST else value
        if kind == BOOLEAN:
            fields[name] = bool(value)
    return {**fields, **changes}


def test_the_page_shows_every_setting_but_the_secret():
    assert sorted(SHOWN) == sorted(set(SETTINGS) - {"secret_key"})
    assert set(settings.LABELS) == set(SHOWN)


def test_json_holds_every_setting_but_the_secret(script, site):
    answer = script.get("/settings")
    shown = answer.json()

    assert set(shown) == {"settings", "fixed", "restart_required"}
    assert set(shown["settings"]) == {*SHOWN, "enable_full_logging"}
    assert site.services.settings.secret_key not in answer.text
    assert shown["restart_required"] is False


def test_a_form_that_changes_nothing_changes_nothing(site, admin):
    before = site.services.settings
    answer = admin.post("/settings", sent_by_form(site.services))

    assert answer.status == 303
    assert site.services.settings == before


def test_a_saved_setting_is_in_effect(site, admin):
    answer = admin.post(
        "/settings",
        sent_by_form(site.services, request_timeout="120", enable_streaming=False),
    )

    assert (answer.status, answer.location) == (303, "/settings")
    assert site.services.settings.request_timeout == 120
    assert site.services.settings.enable_streaming is False
    assert "saved and in effect" in admin.follow(answer).words


def test_a_script_changes_only_what_it_names(script, site):
    answer = script.post("/settings", {"request_timeout": 90})

    assert answer.status == 200
    assert answer.json()["settings"]["request_timeout"] == 90
    assert site.services.settings.enable_streaming is True


def test_full_logging_is_short_for_all_bodies(script):
    shown = script.post("/settings", {"enable_full_logging": True}).json()["settings"]
    assert (shown["log_bodies"], shown["enable_full_logging"]) == ("all", True)

    shown = script.post("/settings", {"enable_full_logging": False}).json()["settings"]
    assert (shown["log_bodies"], shown["enable_full_logging"]) == ("none", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server_port", "http"),
        ("server_port", "70000"),
        ("request_timeout", "0"),
        ("proxy_auth", "sometimes"),
        ("trusted_proxies", "everybody"),
        ("allowed_hosts", "a b/c"),
        ("public_url", "ftp://x"),
        ("base_path", "/a b"),
    ],
)
def test_a_bad_value_is_named_and_kept_in_the_form(site, admin, script, name, value):
    answer = admin.post("/settings", sent_by_form(site.services, **{name: value}))
    assert answer.status == 422
    assert f'href="#{name}"' in answer.text
    if SETTINGS[name].kind != CHOICE:
        assert value in answer.text

    in_json = script.post("/settings", {name: value})
    assert in_json.status == 422
    assert list(in_json.json()["error"]["fields"]) == [name]


def test_an_unknown_setting_is_refused(script):
    answer = script.post("/settings", {"colour": "blue"})

    assert answer.status == 422
    assert list(answer.json()["error"]["fields"]) == ["colour"]


def test_a_form_sets_nothing_that_it_does_not_show(site, admin):
    before = site.services.settings.secret_key
    admin.post("/settings", sent_by_form(site.services, secret_key="x" * 40))

    assert site.services.settings.secret_key == before


def test_a_setting_that_waits_for_a_restart_says_so(site, admin, script):
    answer = admin.post("/settings", sent_by_form(site.services, server_port="9000"))
    page = admin.follow(answer)

    assert "Saved. The port changes at the next restart." in page.words
    assert "http://127.0.0.1:9000/" in page.text
    assert script.get("/settings").json()["restart_required"] is True
    admin.post("/settings", sent_by_form(site.services, server_port="8000"))
    assert script.get("/settings").json()["restart_required"] is False


def test_the_restart_is_offered_where_it_is_possible(site, admin):
    admin.post("/settings", sent_by_form(site.services, server_port="9000"))
    assert "Restart now" not in admin.get("/settings").words
    site.services.restart = lambda: None

    page = admin.get("/settings")
    assert "Restart now" in page.words
    assert 'action="/restart"' in page.text


@pytest.fixture
def fixed_site(tmp_path):
    with_services = Site(
        tmp_path,
        fixed={
            "server_port": Fixed(8000, "SERVER_PORT"),
            "enable_streaming": Fixed(True, "ENABLE_STREAMING"),
        },
    )
    yield with_services
    with_services.close()


def test_what_the_environment_fixes_is_shown_as_fixed(fixed_site):
    admin = fixed_site.admin()
    page = admin.get("/settings")

    assert "Set by SERVER_PORT. Change it there." in page.words
    assert "Set by ENABLE_STREAMING. Change it there." in page.words
    assert fixed_site.script().get("/settings").json()["fixed"] == {
        "server_port": "SERVER_PORT",
        "enable_streaming": "ENABLE_STREAMING",
    }


def test_another_value_for_what_is_fixed_is_refused(fixed_site):
    answer = fixed_site.script().post("/settings", {"server_port": 9000})

    assert answer.status == 422
    assert "Set by SERVER_PORT" in answer.json()["error"]["fields"]["server_port"]


def test_the_form_saves_around_what_is_fixed(fixed_site):
    fields = sent_by_form(fixed_site.services, request_timeout="99")
    # A browser sends no disabled field.
    for name in ("server_port", "enable_streaming"):
        del fields[name]
    answer = fixed_site.admin().post("/settings", fields)

    assert answer.status == 303
    assert fixed_site.services.settings.request_timeout == 99
    assert fixed_site.services.settings.enable_streaming is True


def test_a_member_sees_no_settings(member):
    assert member.get("/settings").status == 403
    assert member.post("/settings", {"request_timeout": "1"}).status == 403


def test_without_the_token_nothing_is_saved(admin, site):
    fields = sent_by_form(site.services, request_timeout="1")

    assert admin.post("/settings", fields, token="").status == 403
    assert site.services.settings.request_timeout == 600
