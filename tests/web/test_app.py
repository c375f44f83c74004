"""What every answer carries, and what happens where nothing is."""

import pytest

from aiproxy.head import RequestHead
from aiproxy.security import tokens
from aiproxy.security.known_sessions import KnownSessions
from aiproxy.services import Services
from aiproxy.store import settings, users
from aiproxy.web.app import large_body_judge
from aiproxy.web.pages import PAGES
from tests.support import HOST, Site, call


@pytest.mark.parametrize("path", ["/", "/providers", "/login", "/nothing", "/health"])
def test_every_answer_forbids_guessing_its_type(site, path):
    answer = site.admin().get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/login", "/profile", "/nothing", "/logs"])
def test_pages_run_nothing_from_elsewhere_and_are_not_kept(site, path):
    answer = site.admin().get(path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/providers/",
        "/provider//edit/1",
        "/Providers",
        "/providers.json",
        "/./providers",
        "/providers;x",
        "/provider/edit/1/",
        "/provider/edit/x",
        "/provider/edit/-1",
        "/provider/edit/01",
        "/provider/edit/\u0661",
        "/provider/edit/" + "9" * 19,
        "/provider/edit/" + "9" * 5000,
        "/static/../app.db",
        "/static/x/app.css/..",
        "/aiproxy/cli.py",
    ],
)
def test_a_path_is_matched_exactly_or_not_at_all(site, path):
    answer = site.admin().get(path)

    assert answer.status == 404
    assert "There is nothing here" in answer.text


def test_a_missing_page_gives_a_script_json(site):
    answer = site.script().get("/nothing")

    assert answer.status == 404
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "CONNECT", "PATCH"])
def test_other_methods_are_not_taken(site, method):
    answer = call(site.app, method, "/providers", headers={"Host": HOST})

    assert answer.status in (404, 405)


def test_a_rebinding_page_is_told_how_to_allow_the_name(site):
    answer = call(site.app, "GET", "/login", headers={"Host": "evil.example"})

    assert answer.status == 403
    assert "ALLOWED_HOSTS" in answer.text


def test_a_failure_shows_a_sentence_and_an_id_but_no_cause(site, caplog):
    site.services.passwords = None
    answer = site.browser().post("/login", {"username": "admin", "password": "x" * 12})

    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text
    assert answer.headers["request-id"] in caplog.text
    assert answer.headers["request-id"] in answer.text


def test_each_route_is_declared_once():
    declared = [(route.method, route.path) for route in PAGES]

    assert len(declared) == len(set(declared))


# Who may send a page much


def judged(services, path="/prompt-config", *, peer="127.0.0.1", **headers):
    """The status of the refusal, or None."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = RequestHead("POST", path, {"host": HOST, **named}, peer)
    refusal = large_body_judge(services)(head, "req_1")
    return refusal and refusal.status


def cookie_of(browser):
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def test_only_an_admin_may_send_a_page_much(site):
    admin, member = cookie_of(site.admin()), cookie_of(site.member())
    made_up = f"aiproxy_session={tokens.make_session_id()}"
    key = "Bearer " + site.make_key(site.admin_id)
    services = site.services

    assert judged(services, cookie=admin) is None
    assert judged(services, authorization=key) is None
    assert judged(services, cookie=member) == 413
    for cookie in ("", made_up, "aiproxy_session=\xff"):
        assert judged(services, cookie=cookie) == 401
        assert judged(services, cookie=cookie, accept="text/html, */*") == 302
        assert judged(services, "/login", cookie=cookie) == 413
    # A made-up key replaces no session, and a member's none of an admin's.
    assert judged(services, authorization="Bearer x", cookie=admin) == 401
    member_key = site.make_key(site.member_id)
    assert judged(services, x_api_key=member_key, cookie=admin) == 403


def test_a_browser_without_a_session_is_shown_the_login(tmp_path):
    site = Site(tmp_path, saved={"base_path": "/a"})
    head = RequestHead("POST", "/settings", {"host": HOST, "accept": "text/html"})
    refusal = large_body_judge(site.services)(head, "req_1")
    site.close()

    assert refusal is not None
    assert (refusal.status, refusal.headers) == (302, {"location": "/a/login"})


def test_who_is_no_admin_any_more_may_send_no_page_much(site):
    cookie = cookie_of(site.admin())
    with site.services.transaction() as db:
        users.insert(db, username="another", role="admin")
    for change, status in (({"role": "member"}, 413), ({"enabled": False}, 401)):
        with site.services.transaction() as db:
            users.update(db, site.admin_id, **change)

        assert judged(site.services, cookie=cookie) == status


def test_a_session_from_before_a_restart_may_still_send_much(site):
    cookie = cookie_of(site.admin())
    site.services.known_sessions = KnownSessions()
    assert judged(site.services, cookie=cookie) == 401

    again = Services(database=site.services.database)
    assert judged(again, cookie=cookie) is None


def test_a_session_in_use_is_not_forgotten(site):
    admin = site.admin()
    site.services.known_sessions = KnownSessions()
    admin.get("/profile")

    assert judged(site.services, cookie=cookie_of(admin)) is None


def test_without_required_login_only_a_local_visitor_may_send_much(site):
    with site.services.transaction() as db:
        settings.save(db, {"require_authentication": False})

    assert judged(site.services) is None
    assert judged(site.services, peer="10.0.0.9") == 401
    assert judged(site.services, via="1.1 x") == 401
