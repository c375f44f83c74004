"""Logging in and out: what a stranger, a browser and a script are told."""

from __future__ import annotations

import pytest

from aiproxy.web.admin.login import safe_next
from tests.support import (
    ADMIN_NAME,
    ADMIN_PASSWORD,
    HOST,
    MEMBER_NAME,
    MEMBER_PASSWORD,
    Browser,
    Site,
)


def test_a_stranger_is_sent_to_the_login_page(site):
    answer = site.browser().get("/providers")

    assert (answer.status, answer.location) == (302, "/login?next=%2Fproviders")


def test_the_right_password_goes_on_to_the_page_that_was_asked_for(site):
    browser = site.browser()
    fields = {"username": ADMIN_NAME, "password": ADMIN_PASSWORD, "next": "/aliases"}
    answer = browser.post("/login", fields)

    assert (answer.status, answer.location) == (303, "/aliases")
    assert browser.get("/aliases").status == 200


def test_the_name_may_be_typed_in_any_case(site):
    assert site.browser().log_in(" ADMIN", ADMIN_PASSWORD).status == 303


@pytest.mark.parametrize(
    ("username", "password"),
    [(ADMIN_NAME, "wrong"), ("nobody", ADMIN_PASSWORD), ("", ""), (ADMIN_NAME, "")],
)
def test_wrong_is_wrong_whatever_is_wrong(site, username, password):
    browser = site.browser()
    answer = browser.log_in(username, password)

    assert answer.status == 401
    assert "Wrong name or password." in answer.words
    assert "aiproxy_session" not in browser.cookies


def test_a_disabled_user_is_told_the_same(site):
    script = site.script()
    script.post(f"/user/edit/{site.member_id}", {"enabled": False})
    answer = site.browser().log_in(MEMBER_NAME, MEMBER_PASSWORD)

    assert answer.status == 401
    assert "Wrong name or password." in answer.words


def test_the_typed_name_stays_and_the_password_never_comes_back(site):
    answer = site.browser().log_in("ada <b>", "my secret password")

    assert 'value="ada &lt;b&gt;"' in answer.text
    assert "my secret password" not in answer.text


def test_too_many_attempts_have_to_wait(site):
    for _ in range(5):
        site.browser().log_in(ADMIN_NAME, "wrong")
    answer = site.browser().log_in(ADMIN_NAME, ADMIN_PASSWORD)

    assert answer.status == 429
    assert "Too many attempts. Try again in 1 second." in answer.words
    assert answer.headers["retry-after"] == "1"


def test_a_script_that_logs_in_is_told_who_it_is(site):
    answer = site.browser().post(
        "/login",
        {"username": ADMIN_NAME, "password": ADMIN_PASSWORD},
        headers={"Accept": "application/json"},
    )

    assert answer.status == 200
    assert answer.json() == {"username": "admin", "role": "admin"}


def test_a_script_that_may_not_log_in_is_told_in_json(site):
    answer = site.browser().post(
        "/login", {"username": "x"}, headers={"Accept": "application/json"}
    )

    assert answer.status == 401
    assert answer.json() == {"error": {"message": "Wrong name or password."}}


def test_the_cookie_is_for_this_server_alone(site):
    answer = site.browser().log_in(ADMIN_NAME, ADMIN_PASSWORD)
    (line,) = [
        value
        for name, value in answer.header_list
        if name.lower() == "set-cookie" and value.startswith("aiproxy_session=")
    ]

    assert line.endswith("; Path=/; HttpOnly; SameSite=Lax")


def test_every_login_has_a_session_of_its_own(site):
    first, second = site.browser(), site.browser()
    second.cookies["aiproxy_session"] = "A" * 43
    first.log_in(ADMIN_NAME, ADMIN_PASSWORD)
    second.log_in(ADMIN_NAME, ADMIN_PASSWORD)

    assert (
        len({first.cookies["aiproxy_session"], second.cookies["aiproxy_session"]}) == 2
    )
    assert second.cookies["aiproxy_session"] != "A" * 43


def test_a_login_is_noted(site):
    site.admin()

    assert site.services.snapshot.users[site.admin_id].last_login is not None


def test_whoever_is_logged_in_goes_on(admin):
    answer = admin.get("/login?next=/users")

    assert (answer.status, answer.location) == (302, "/users")


def test_a_logout_ends_the_session(site, admin):
    cookie = dict(admin.cookies)
    answer = admin.post("/logout")
    assert (answer.status, answer.location) == (303, "/login")

    thief = site.browser()
    thief.cookies.update(cookie)
    assert thief.get("/providers").status == 302


def test_a_link_logs_out_too(admin):
    assert admin.get("/logout").status == 303
    assert admin.get("/providers").status == 302


def test_a_link_of_another_site_only_asks(admin):
    answer = admin.get("/logout", {"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 200
    assert "Log out?" in answer.words
    assert admin.get("/providers").status == 200


def test_a_logout_without_the_token_is_refused(admin):
    assert admin.post("/logout", token="").status == 403


def test_a_logout_without_a_session_is_no_error(site):
    assert site.browser().post("/logout").status == 303


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/x\r\nSet-Cookie: a=b",
        "",
        "x",
        "/" + "x" * 3000,
    ],
)
def test_nobody_is_sent_elsewhere(path):
    assert safe_next(path) == "/"


@pytest.mark.parametrize("path", ["/", "/logs?status=429&q=a%20b", "/provider/edit/3"])
def test_paths_of_ours_are_kept(path):
    assert safe_next(path) == path


@pytest.fixture
def fresh(tmp_path):
    with_services = Site(tmp_path, must_change_password=True)
    yield with_services
    with_services.close()


def test_a_first_start_says_how_to_log_in(fresh):
    assert "log in as admin with admin123" in fresh.browser().get("/login").words


def test_only_a_local_visitor_is_told(fresh):
    distant = fresh.browser()
    answer = distant.get("/login", {"X-Forwarded-For": "192.0.2.1"})

    assert answer.status == 200
    assert "admin123" not in answer.text


def test_the_first_password_earns_no_session_from_elsewhere(fresh):
    browser = fresh.browser()
    answer = browser.post(
        "/login",
        {"username": "admin", "password": "admin123"},
        headers={"X-Forwarded-For": "192.0.2.1"},
    )

    assert answer.status == 403
    assert browser.cookies == {}


def test_the_first_password_opens_the_change_form_and_nothing_else(fresh):
    browser = fresh.browser()
    answer = browser.log_in("admin", "admin123")
    assert (answer.status, answer.location) == (303, "/profile")

    assert "Choose your own password" in browser.get("/profile").words
    for path in ("/", "/providers", "/users", "/help", "/connect"):
        assert browser.get(path).location == "/profile"
    json_answer = browser.get("/providers", {"Accept": "application/json"})
    assert json_answer.status == 403


def test_a_form_of_another_site_logs_nobody_in(site):
    browser = Browser(site.app)
    answer = browser.post(
        "/login",
        {"username": ADMIN_NAME, "password": ADMIN_PASSWORD},
        headers={"Origin": "http://evil.example"},
    )

    assert answer.status == 403
    assert browser.cookies == {}


def test_the_frame_of_the_login_page_shows_no_pages(site):
    answer = Browser(site.app, host=HOST).get("/login")

    assert "<nav" not in answer.text
