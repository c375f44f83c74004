"""Who may do what: one check for browser and script, on every route."""

import json

import pytest

from aiproxy.head import RequestHead
from aiproxy.security import tokens
from aiproxy.security.known_sessions import KnownSessions
from aiproxy.services import Services
from aiproxy.store import api_keys, settings, users
from aiproxy.web import guard
from aiproxy.web.pages import PAGES
from aiproxy.web.routing import ADMIN, OPEN
from tests.support import HOST, call

JSON = {"Accept": "application/json"}


def concrete(path):
    for name in (
        "<provider_id:int>",
        "<alias_id:int>",
        "<user_id:int>",
        "<key_id:int>",
    ):
        path = path.replace(f"<{name}_id:int>", "1")
    parts = [part if "<" not in part else "1" for part in path.split("/")]
    return "/".join(parts)


CLOSED = [route for route in PAGES if route.access != OPEN]
ADMINS_ONLY = [route for route in PAGES if route.access == ADMIN]


def ids(routes):
    return [f"{route.method} {route.path}" for route in routes]


@pytest.mark.parametrize("route", CLOSED, ids=ids(CLOSED))
def test_nobody_is_let_in_without_login(site, route):
    headers = {"Host": "nas.example" if route.path == "/metrics" else HOST}
    site.services.is_local = lambda head: False
    answer = call(site.app, route.method, concrete(route.path), headers=headers)
    if answer.status == 302:
        assert answer.location.startswith("/login")
    else:
        assert answer.status in (401, 403)
    script = call(
        site.app, route.method, concrete(route.path), headers={**headers, **JSON}
    )
    assert script.status in (401, 403)
    assert script.json()["error"]["message"]


@pytest.mark.parametrize("route", ADMINS_ONLY, ids=ids(ADMINS_ONLY))
def test_a_member_is_refused_what_is_the_admins(site, route):
    member = site.member()
    path = concrete(route.path)
    answer = member.get(path) if route.method == "GET" else member.post(path)

    assert answer.status == 403


@pytest.mark.parametrize(
    "path", ["/", "/profile", "/connect", "/help", "/logs", "/usage"]
)
def test_a_member_has_pages_of_their_own(site, path):
    assert site.member().get(path).status == 200


@pytest.mark.parametrize("path", ["/", "/providers", "/logs", "/settings"])
def test_a_members_key_is_for_the_proxy_alone(site, path):
    key = site.make_key(site.member_id)
    headers = {"Host": HOST, "Authorization": f"Bearer {key}", **JSON}

    assert call(site.app, "GET", path, headers=headers).status == 403
    assert call(site.app, "GET", "/v1/models", headers=headers).status == 200


def test_one_bad_key_among_several_opens_no_page(site):
    good, bad = site.make_key(site.admin_id), "aip_" + "u" * 43
    for first, second in ((good, bad), (bad, good)):
        headers = {"Host": HOST, "Authorization": f"Bearer {first}", **JSON}
        assert call(site.app, "GET", "/users", headers=headers).status == (
            200 if first == good else 401
        )
        both = {**headers, "x-api-key": second}
        assert call(site.app, "GET", "/users", headers=both).status == 401


POSTS = [route for route in PAGES if route.method == "POST" and route.path != "/login"]


@pytest.mark.parametrize("route", POSTS, ids=ids(POSTS))
@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_form_without_our_token_changes_nothing(site, route, token):
    answer = site.admin().post(concrete(route.path), token=token)

    assert answer.status == 403


@pytest.mark.parametrize("path", ["/settings", "/user/delete/1", "/user/edit/99"])
def test_the_token_is_wanted_before_the_role_and_the_object(site, path):
    for browser in (site.member(), site.admin()):
        answer = browser.post(path, token="wrong", headers=JSON)

        assert answer.status == 403
        assert "no longer valid" in answer.json()["error"]["message"]


def test_the_token_counts_in_a_header_too(site):
    admin = site.admin()
    token = admin.csrf_token
    answer = admin.post(
        "/alias/new",
        {"alias": "work", "provider_id": "1", "prompt": "standard"},
        token="",
        headers={"X-CSRF-Token": token},
    )

    assert answer.status == 303


def test_another_sessions_token_is_wrong(site):
    one, other = site.admin(), site.admin()

    assert one.csrf_token != other.csrf_token
    assert one.post("/logout", token=other.csrf_token).status == 403


def test_a_made_up_key_replaces_no_token(site):
    admin = site.admin()
    answer = admin.post("/logout", token="", headers={"Authorization": "Bearer aip_x"})

    assert answer.status == 401
    assert admin.get("/profile").status == 200


def test_a_script_with_a_key_has_no_use_for_its_cookie(site):
    admin = site.admin()
    key = site.make_key(site.member_id)
    headers = {"Authorization": f"Bearer {key}", **JSON}

    assert admin.get("/providers", headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"X-Api-Key": "sk-other"},
        {"Authorization": "Bearer aip_" + "x" * 43},
    ],
)
def test_a_script_needs_a_key_of_ours(site, headers):
    answer = call(site.app, "GET", "/providers", headers={"Host": HOST, **headers})

    assert answer.status == 401
    assert "error" in answer.json()


def test_one_bad_key_among_several_is_refused(site):
    good = site.make_key(site.admin_id)
    bad = "aip_" + "b" * 43
    for headers in (
        {"Authorization": f"Bearer {good}", "x-api-key": bad},
        {"Authorization": f"Bearer {bad}", "x-api-key": good},
        {"Authorization": f"Bearer {good}, Bearer {bad}"},
        {"Authorization": f"Bearer {bad} {good}"},
        {"Authorization": f"Bearer {bad} and-more"},
    ):
        answer = call(site.app, "GET", "/v1/models", headers={"Host": HOST, **headers})
        assert answer.status == 401
        assert answer.headers["x-should-retry"] == "false"
        assert bad not in answer.text


@pytest.mark.parametrize(
    ("policy", "is_local", "status"),
    [
        ("auto", True, 200),
        ("auto", False, 401),
        ("required", True, 401),
        ("off", True, 200),
    ],
)
def test_the_policy_says_who_needs_a_key(site, policy, is_local, status):
    save(site, proxy_auth=policy)
    headers = {"Host": HOST}
    if not is_local:
        headers["X-Forwarded-For"] = "10.0.0.9"
    answer = call(site.app, "GET", "/v1/models", headers=headers)

    assert answer.status == status


@pytest.mark.parametrize("policy", ["auto", "required", "off"])
@pytest.mark.parametrize("make", ["unknown", "expired", "revoked", "disabled"])
def test_a_key_that_no_longer_holds_is_refused_everywhere(site, policy, make):
    save(site, proxy_auth=policy)
    key = unfit_key(site, make)
    headers = {"Host": HOST, "x-api-key": key}
    answer = call(site.app, "GET", "/v1/models", headers=headers)

    assert answer.status == 401
    assert answer.json()["error"]["type"] == "authentication_error"


def unfit_key(site, make):
    if make == "unknown":
        return "aip_" + "u" * 43
    if make == "expired":
        return site.make_key(site.member_id, expires_at=site.services.now() - 1)
    key = site.make_key(site.member_id)
    with site.services.transaction() as db:
        if make == "revoked":
            api_keys.revoke(db, 1)
        else:
            users.update(db, site.member_id, enabled=False)
    return key


def save(site, **values):
    with site.services.transaction() as db:
        settings.save(db, values)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/"),
        ("HEAD", "/api/hello"),
        ("GET", "/api/hello"),
        ("HEAD", "/v1/messages/openrouter"),
        ("HEAD", "/v1/messages/nobody-at-all"),
        ("HEAD", "/v1/messages/openrouter/api/hello"),
        ("GET", "/v1/messages/openrouter/api/hello"),
    ],
)
def test_the_clients_probe_needs_no_key(site, method, path):
    save(site, proxy_auth="required")
    answer = call(site.app, method, path, headers={"Host": HOST})

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/messages/openrouter/v1/models"])
def test_head_opens_nothing_else(site, path):
    save(site, proxy_auth="required")

    assert call(site.app, "HEAD", path, headers={"Host": HOST}).status == 401


def test_until_the_first_password_is_changed_nothing_else_opens(fresh_site):
    admin = fresh_site.browser()
    admin.log_in("admin", "admin123")

    for path in ("/", "/providers", "/logs", "/users"):
        assert admin.get(path).location == "/profile"
    script = admin.get("/providers", JSON)
    assert script.status == 403
    assert admin.get("/profile").status == 200
    assert admin.post("/provider/activate/1").status in (302, 403)


def test_the_first_password_earns_nothing_from_elsewhere(fresh_site):
    for options in ({"peer": "10.0.0.9"}, {}):
        visitor = fresh_site.browser(**options)
        headers = {} if options else {"X-Forwarded-For": "10.0.0.9"}
        answer = visitor.post(
            "/login", {"username": "admin", "password": "admin123"}, headers=headers
        )
        assert answer.status == 403
        assert "set-cookie" not in answer.headers


def test_without_required_login_a_local_visitor_is_an_admin_with_a_session(site):
    save(site, require_authentication=False)
    visitor = site.browser()

    assert visitor.get("/providers").status == 200
    assert visitor.cookies
    assert visitor.post("/logout", token="wrong").status == 403
    far = site.browser(peer="10.0.0.9")
    assert far.get("/providers").status == 302


@pytest.mark.parametrize(
    "cookie",
    [
        "aiproxy_session=",
        "aiproxy_session=short",
        "aiproxy_session=" + "x" * 43,
        "aiproxy_session=" + "x" * 8000,
        "aiproxy_session={id}; aiproxy_session={id}",
        'aiproxy_session="{id}"',
        "=; ;;; aiproxy_session",
        "aiproxy_session=\xff\xfe",
    ],
)
def test_a_damaged_cookie_is_no_session(site, cookie):
    admin = site.admin()
    cookie = cookie.replace("{id}", admin.cookies["aiproxy_session"])
    answer = call(site.app, "GET", "/profile", headers={"Host": HOST, "Cookie": cookie})

    assert answer.status == 302


def test_a_disabled_user_is_out_at_the_next_request(site):
    member = site.member()
    assert member.get("/profile").status == 200
    with site.services.transaction() as db:
        users.update(db, site.member_id, enabled=False)

    assert member.get("/profile").status == 302


def test_a_lost_session_leads_back_to_the_page(site):
    answer = site.browser().get("/logs?status=failed")

    assert answer.location == "/login?next=%2Flogs%3Fstatus%3Dfailed"


def test_a_refused_message_is_in_the_log(site):
    headers = {"Host": HOST, "x-api-key": "aip_" + "u" * 43}
    body = json.dumps({"messages": []}).encode()
    answer = call(site.app, "POST", "/v1/messages/work", headers=headers, body=body)
    site.services.log_writer.flush()

    [entry] = site.script().get("/logs").json()["requests"]
    assert entry["id"] == answer.headers["request-id"]
    assert (entry["status"], entry["alias"]) == (401, "work")


# Whose a body is, before it is read


def shows_admin(services, *, peer="127.0.0.1", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = RequestHead("POST", "/prompt-config", {"host": HOST, **named}, peer)
    return guard.shows_admin(services, head)


def cookie_of(browser):
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def test_an_admin_is_known_by_the_head_and_nobody_else_is(site):
    admin, member = cookie_of(site.admin()), cookie_of(site.member())
    key = "Bearer " + site.make_key(site.admin_id)
    services = site.services

    assert shows_admin(services, cookie=admin)
    assert shows_admin(services, authorization=key)
    made_up = f"aiproxy_session={tokens.make_session_id()}"
    for cookie in ("", member, made_up, "aiproxy_session=\xff"):
        assert not shows_admin(services, cookie=cookie)
    # A made-up key replaces no session, and a member's none of an admin's.
    assert not shows_admin(services, authorization="Bearer x", cookie=admin)
    member_key = site.make_key(site.member_id)
    assert not shows_admin(services, x_api_key=member_key, cookie=admin)


@pytest.mark.parametrize("change", [{"role": "member"}, {"enabled": False}])
def test_who_is_no_admin_any_more_is_not_taken_for_one(site, change):
    cookie = cookie_of(site.admin())
    with site.services.transaction() as db:
        users.insert(db, username="another", role="admin")
        users.update(db, site.admin_id, **change)

    assert not shows_admin(site.services, cookie=cookie)


def test_a_session_from_before_a_restart_is_known(site):
    cookie = cookie_of(site.admin())
    site.services.known_sessions = KnownSessions()
    assert not shows_admin(site.services, cookie=cookie)

    again = Services(database=site.services.database)
    assert shows_admin(again, cookie=cookie)


def test_a_session_in_use_is_known(site):
    admin = site.admin()
    site.services.known_sessions = KnownSessions()
    admin.get("/profile")

    assert shows_admin(site.services, cookie=cookie_of(admin))


def test_without_required_login_a_local_visitor_is_known(site):
    save(site, require_authentication=False)

    assert shows_admin(site.services)
    assert not shows_admin(site.services, peer="10.0.0.9")
    assert not shows_admin(site.services, via="1.1 x")
