"""One's own password, theme and keys."""

from __future__ import annotations

import pytest

from tests.support import (
    ADMIN_NAME,
    ADMIN_PASSWORD,
    MEMBER_NAME,
    MEMBER_PASSWORD,
    Site,
)

NEW = "another long password"


def change(current=ADMIN_PASSWORD, new=NEW, again=NEW):
    return {
        "current_password": current,
        "new_password": new,
        "confirm_password": again,
    }


def test_a_new_password_logs_in_and_the_old_one_does_not(site, admin):
    answer = admin.post("/profile", change())
    assert (answer.status, answer.location) == (303, "/profile")

    assert site.browser().log_in(ADMIN_NAME, ADMIN_PASSWORD).status == 401
    assert site.browser().log_in(ADMIN_NAME, NEW).status == 303


def test_a_change_ends_all_other_sessions_and_renews_this_one(site, admin):
    other = site.admin()
    before = admin.cookies["aiproxy_session"]
    answer = admin.post("/profile", change())

    assert admin.cookies["aiproxy_session"] != before
    assert "Your password is changed" in admin.follow(answer).words
    assert other.get("/profile").status == 302
    thief = site.browser()
    thief.cookies["aiproxy_session"] = before
    assert thief.get("/profile").status == 302


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        (change(current="wrong"), "current_password", "not your present password"),
        (change(new="short", again="short"), "new_password", "At least 12 characters"),
        (change(again="another one entirely"), "confirm_password", "differ"),
        (change(new="x" * 1025, again="x" * 1025), "new_password", "1024 bytes"),
    ],
)
def test_an_unfit_change_says_why_and_changes_nothing(site, admin, fields, name, words):
    answer = admin.post("/profile", fields)

    assert answer.status == 422
    assert words in answer.words
    assert f'href="#{name}"' in answer.text
    assert "<title>Error: " in answer.text
    assert fields["new_password"] not in answer.text
    assert site.browser().log_in(ADMIN_NAME, ADMIN_PASSWORD).status == 303


def test_a_script_is_told_the_fields(site, script):
    answer = script.post("/profile", change(current="wrong"))

    assert answer.status == 422
    assert set(answer.json()["error"]["fields"]) == {"current_password"}


def test_wrong_guesses_of_the_present_password_are_counted(admin):
    for _ in range(5):
        admin.post("/profile", change(current="wrong"))
    answer = admin.post("/profile", change())

    assert answer.status == 429


def test_the_theme_is_in_the_page_and_the_cookie(admin):
    answer = admin.post("/profile", {"theme": "dark"})
    assert answer.status == 303
    assert 'data-theme="dark"' in admin.follow(answer).text
    admin.post("/logout")

    assert 'data-theme="dark"' in admin.get("/login").text


def test_a_theme_that_is_none_is_refused(script):
    answer = script.post("/profile", {"theme": "pink"})

    assert answer.status == 422
    assert "theme" in answer.json()["error"]["fields"]


def test_nothing_sent_is_a_problem_not_a_success(admin):
    answer = admin.post("/profile", {})

    assert answer.status == 422


def test_json_holds_what_the_page_shows(script, site):
    shown = script.get("/profile").json()

    assert shown["username"] == "admin"
    assert shown["role"] == "admin"
    assert shown["theme"] == "system"
    (key,) = shown["keys"]
    assert key["prefix"] == script.key[:12]
    assert script.key not in str(shown)


def test_a_new_key_is_shown_once_with_the_lines_that_use_it(site, admin):
    answer = admin.post("/profile/keys/new", {"name": "laptop", "expires_in_days": ""})
    page = admin.follow(answer)
    (key,) = set(find_keys(page.text))

    assert f"export ANTHROPIC_AUTH_TOKEN={key}" in page.words
    assert "http://127.0.0.1:8000" in page.words
    assert find_keys(admin.get("/profile").text) == []


def test_a_script_gets_its_key_in_the_answer(script, site):
    answer = script.post("/profile/keys/new", {"name": "ci", "expires_in_days": 7})
    made = answer.json()

    assert answer.status == 201
    assert made["key"].startswith("aip_")
    assert made["prefix"] == made["key"][:12]
    assert made["expires_at"] - site.services.now() <= 7 * 86400
    assert set(made) == {"id", "name", "key", "prefix", "expires_at"}


def test_a_key_without_an_end_never_expires(script):
    answer = script.post("/profile/keys/new", {"name": "x", "expires_in_days": ""})

    assert answer.json()["expires_at"] is None


@pytest.mark.parametrize("days", ["soon", "0", "-1", "4000"])
def test_an_odd_number_of_days_is_refused(admin, days):
    answer = admin.post("/profile/keys/new", {"name": "x", "expires_in_days": days})

    assert answer.status == 422
    assert 'href="#key-days"' in answer.text


def test_a_revoked_key_stops_at_once(site, admin):
    script = site.script()
    key_id = script.get("/profile").json()["keys"][0]["id"]
    answer = admin.post(f"/profile/keys/revoke/{key_id}")

    assert (answer.status, answer.location) == (303, "/profile")
    assert script.get("/profile").status == 401


def test_another_users_key_is_not_found(site, member):
    script = site.script()
    key_id = script.get("/profile").json()["keys"][0]["id"]

    assert member.post(f"/profile/keys/revoke/{key_id}").status == 404
    assert script.get("/profile").status == 200


def test_a_member_has_a_profile_too(member):
    page = member.get("/profile")

    assert page.status == 200
    assert "/providers" not in page.text
    assert "/settings" not in page.text


def test_a_change_without_the_token_is_refused(site, admin):
    assert admin.post("/profile", change(), token="x").status == 403
    assert site.browser().log_in(ADMIN_NAME, ADMIN_PASSWORD).status == 303


def test_the_first_password_is_changed_and_everything_opens(tmp_path):
    site = Site(tmp_path, must_change_password=True)
    browser = site.browser()
    browser.log_in("admin", "admin123")
    assert browser.post("/profile", {}).status == 422
    refused = browser.post("/profile", change("admin123", "admin123", "admin123"))
    assert refused.status == 422
    assert "Choose your own password" in refused.words
    answer = browser.post("/profile", change(current="admin123"))

    assert (answer.status, answer.location) == (303, "/")
    assert browser.get("/providers").status == 200
    assert "admin123" not in site.browser().get("/login").text
    site.close()


def test_a_member_cannot_become_an_admin_by_sending_more(site, member):
    fields = {**change(current=MEMBER_PASSWORD), "role": "admin", "enabled": "1"}
    member.post("/profile", fields)

    assert site.services.snapshot.users[site.member_id].role == "member"
    assert site.browser().log_in(MEMBER_NAME, NEW).status == 303


def find_keys(text: str) -> list[str]:
    import re

    return re.findall(r"aip_[A-Za-z0-9_-]{43}", text)
