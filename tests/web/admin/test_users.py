"""Users: made, changed, locked, deleted; the last admin stays."""

from __future__ import annotations

import pytest

from tests.support import MEMBER_NAME, MEMBER_PASSWORD

PASSWORD = "a password of many words"


def fields(**changes):
    return {
        "username": "Zoë",
        "password": PASSWORD,
        "role": "member",
        "enabled": True,
        **changes,
    }


def find(script, username):
    for user in script.get("/users").json()["users"]:
        if user["username"] == username:
            return user
    return None


def test_a_new_user_logs_in(site, admin):
    answer = admin.post("/user/new", fields())

    assert (answer.status, answer.location) == (303, "/users")
    assert "Zoë is added." in admin.follow(answer).words
    assert site.browser().log_in("Zoë", PASSWORD).status == 303


def test_a_script_makes_one_and_sees_no_hash(script):
    answer = script.post("/user/new", fields())
    made = answer.json()

    assert answer.status == 201
    assert made["username"] == "Zoë"
    assert made["locked_until"] is None
    assert made["last_login"] is None
    assert "password" not in str(made).replace("must_change_password", "")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"username": ""}, "username"),
        ({"username": "x" * 201}, "username"),
        ({"username": "ADMIN"}, "username"),
        ({"password": ""}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "admin123"}, "password"),
        ({"username": "a name as long", "password": "A name as LONG"}, "password"),
        ({"role": "root"}, "role"),
    ],
)
def test_a_bad_field_is_named_and_the_input_kept(admin, script, changes, name):
    answer = admin.post("/user/new", fields(**changes))
    assert answer.status == 422
    assert f'href="#{name}"' in answer.text
    assert PASSWORD not in answer.text

    in_json = script.post("/user/new", fields(**changes))
    assert in_json.status == 422
    assert list(in_json.json()["error"]["fields"]) == [name]


def test_an_empty_password_keeps_it(site, script):
    script.post(f"/user/edit/{site.member_id}", {"username": "mia m.", "password": ""})

    assert site.browser().log_in("mia m.", MEMBER_PASSWORD).status == 303


def test_a_new_password_ends_the_sessions(site, script, member):
    script.post(f"/user/edit/{site.member_id}", {"password": PASSWORD})

    assert member.get("/profile").status == 302
    assert site.browser().log_in(MEMBER_NAME, PASSWORD).status == 303


def test_an_admins_own_new_password_keeps_the_own_session(site, admin):
    other = site.admin()
    answer = admin.post(
        f"/user/edit/{site.admin_id}",
        {"username": "admin", "password": PASSWORD, "role": "admin", "enabled": True},
    )

    assert answer.status == 303
    assert admin.get("/users").status == 200
    assert other.get("/users").status == 302


def test_a_user_who_is_off_is_out_at_once(site, script, member):
    key = site.make_key(site.member_id)
    script.post(f"/user/edit/{site.member_id}", {"enabled": False})

    assert member.get("/profile").status == 302
    assert key
    assert site.browser().log_in(MEMBER_NAME, MEMBER_PASSWORD).status == 401


def test_a_demoted_admin_is_a_member_at_once(site, script):
    made = script.post("/user/new", fields(role="admin")).json()
    browser = site.browser()
    browser.log_in("Zoë", PASSWORD)
    assert browser.get("/users").status == 200
    script.post(f"/user/edit/{made['id']}", {"role": "member"})

    assert browser.get("/users").status == 302


@pytest.mark.parametrize("changes", [{"role": "member"}, {"enabled": False}])
def test_the_last_admin_stays(site, script, admin, changes):
    answer = script.post(f"/user/edit/{site.admin_id}", changes)
    assert answer.status == 409
    assert script.post(f"/user/delete/{site.admin_id}").status == 409

    sent = {"username": "admin", "role": "admin", "enabled": True, **changes}
    page = admin.post(f"/user/edit/{site.admin_id}", sent)
    assert page.status == 409
    assert "last admin" in page.words


def test_a_deleted_user_is_gone_with_keys_and_sessions(site, script, member):
    site.make_key(site.member_id)
    answer = script.post(f"/user/delete/{site.member_id}")

    assert (answer.status, answer.json()) == (200, {})
    assert member.get("/profile").status == 302
    assert find(script, MEMBER_NAME) is None


def test_a_locked_user_is_shown_and_unlocked(site, admin, script):
    before = site.services.now()
    for _ in range(9):
        site.browser().log_in(MEMBER_NAME, "wrong")
    assert find(script, MEMBER_NAME)["locked_until"] > before
    page = admin.get("/users")
    assert "Locked until" in page.words
    assert "wrong passwords" in page.words
    answer = admin.post(f"/user/unlock/{site.member_id}")

    assert answer.status == 303
    assert find(script, MEMBER_NAME)["locked_until"] is None
    assert site.browser().log_in(MEMBER_NAME, MEMBER_PASSWORD).status == 303


@pytest.mark.parametrize("action", ["edit", "delete", "unlock"])
def test_a_user_who_is_not_there_is_404(script, action):
    assert script.post(f"/user/{action}/999", {"username": "x"}).status == 404


@pytest.mark.parametrize("path", ["/users?edit=x", "/users?edit=999", "/users?edit=-1"])
def test_an_odd_user_to_edit_is_404(admin, path):
    assert admin.get(path).status == 404


def test_a_member_sees_no_users(site, member):
    assert member.get("/users").status == 403
    assert member.post("/user/new", fields()).status == 403
    assert member.post(f"/user/edit/{site.member_id}", {"role": "admin"}).status == 403


def test_without_the_token_nothing_happens(site, admin):
    assert admin.post(f"/user/delete/{site.member_id}", token="x").status == 403
    assert site.member_id in site.services.snapshot.users
