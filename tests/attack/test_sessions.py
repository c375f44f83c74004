"""Passwords, cookies and tokens: guessed, stolen, forged, damaged, replayed."""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Iterator
from urllib.parse import urlencode

import pytest

from tests.attack.outsider import Outsider
from tests.attack.watching import cpu_seconds
from tests.patience import SECONDS
from tests.real_server import ADMIN_PASSWORD, Answer, RealServer, Visitor

pytestmark = pytest.mark.once

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MEMBER = ("mia", "the member's own password")


def log_in(server: RealServer, name: str, password: str, **headers: str) -> Answer:
    form = urlencode({"username": name, "password": password}).encode()
    sent = {**FORM, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return server.request("POST", "/login", form, sent)


def logged_in(server: RealServer) -> Visitor:
    browser = Visitor(server)
    browser.log_in("admin", ADMIN_PASSWORD)
    return browser


@pytest.fixture(scope="module")
def visitor(server: RealServer) -> Visitor:
    return logged_in(server)


@pytest.fixture(scope="module")
def foreign_token(server: RealServer) -> str:
    """The token of another session of the same user."""
    page = logged_in(server).get("/users").text
    found = re.search(r'csrf_token" value="([0-9a-f]+)"', page)
    assert found is not None
    return found.group(1)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """Believes us to be its reverse proxy: every guess may come from elsewhere."""
    folder = tmp_path_factory.mktemp("proxied")
    environ = {"TRUSTED_PROXIES": "127.0.0.0/8"}
    with RealServer(folder, environ=environ) as running:
        yield running


def get(server: RealServer, cookie: str, path: str = "/profile") -> Answer:
    headers = {"Cookie": cookie, "Accept": "text/html"}
    return server.request("GET", path, headers=headers)


# Passwords


@pytest.mark.parametrize(
    "password",
    [
        "",
        "x",
        "admin123",
        "a" * 1025,
        "a" * 100_000,
        "p\0" + "a" * 20,
        ADMIN_PASSWORD + "\0",
        ADMIN_PASSWORD + " ",
        ADMIN_PASSWORD.upper(),
    ],
)
def test_every_wrong_password_looks_the_same(proxied: RealServer, password):
    address = f"203.0.113.{len(password) % 250}"
    known = log_in(proxied, "admin", password, X_Forwarded_For=address)
    unknown = log_in(proxied, "nobody", password, X_Forwarded_For=address)

    assert (known.status, unknown.status) == (401, 401)
    assert _without_ids(known) == _without_ids(unknown)
    assert not known.cookies


def _without_ids(answer: Answer) -> str:
    text = re.sub(r'value="(admin|nobody)"', "", answer.text)
    return re.sub(r"req_[0-9a-f]{24}", "", text)


def test_only_the_first_72_bytes_are_not_enough(outsider: Outsider, server):
    long = "correct horse " * 8 + "battery"
    server.script("POST", "/user/new", {"username": "long", "password": long})

    assert log_in(server, "long", long[:-1] + "X").status == 401
    assert log_in(server, "long", long).status == 303


@pytest.mark.parametrize("password", ["short", "admin123", "Nobody-Here-1", "x" * 1025])
def test_a_password_that_is_no_good_is_not_taken(outsider, server, password):
    made = {"username": "nobody-here-1", "password": password}
    answer = server.script("POST", "/user/new", made)

    assert answer.status == 422
    assert list(answer.json()["error"]["fields"]) == ["password"]


def test_guessing_is_slowed_down_for_that_name_and_for_nobody_else(tmp_path: Path):
    with RealServer(tmp_path) as server:
        open_session = Visitor(server)
        open_session.log_in("admin", ADMIN_PASSWORD)
        said = [log_in(server, "root", f"guess number {n}") for n in range(12)]
        assert {answer.status for answer in said[:5]} == {401}
        limited = [answer for answer in said if answer.status == 429]
        assert limited
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in limited)
        # The open session, the proxy side and the admin's own login notice nothing.
        assert open_session.get("/profile").status == 200
        assert server.request("GET", "/v1/models").status == 200
        assert log_in(server, "admin", ADMIN_PASSWORD).status == 303


def test_a_flood_of_logins_delays_nobody(proxied: RealServer):
    """Hashes are slow on purpose; 4 run, 20 wait, the rest is told to come back."""
    said: list[int] = []

    def guess(n: int) -> None:
        headers = {"X_Forwarded_For": f"10.0.{n}.1"}
        said.append(log_in(proxied, f"u{n}", "a wrong password", **headers).status)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for path in ("/health", "/v1/models", "/login"):
        assert proxied.request("GET", path, timeout=SECONDS).status == 200
    for thread in threads:
        thread.join(SECONDS * 3)
    assert len(said) == 60
    assert set(said) <= {401, 429}


@pytest.mark.skipif(sys.platform != "linux", reason="its clock of another process")
def test_a_name_that_exists_takes_no_longer_than_one_that_does_not(proxied: RealServer):
    """In the server's own CPU time, as others use the machine too."""
    fields = {"username": "off", "password": "a fine long password"}
    number = proxied.script("POST", "/user/new", fields).json()["id"]
    proxied.script("POST", f"/user/edit/{number}", {"enabled": False})
    spent: dict[str, list[float]] = {"admin": [], "nobody": [], "off": []}
    for attempt in range(3):
        for name, times in spent.items():
            address = f"198.51.100.{len(times)}"
            before = cpu_seconds(proxied)
            answer = log_in(proxied, name, f"wrong {attempt}", X_Forwarded_For=address)
            times.append(cpu_seconds(proxied) - before)
            assert answer.status == 401
    usual = {name: statistics.median(times) for name, times in spent.items()}

    assert min(usual.values()) > 0.01, usual  # a hash was computed each time
    assert max(usual.values()) / min(usual.values()) < 1.3, usual


# Sessions


def test_an_id_is_new_at_login_and_none_is_adopted(outsider: Outsider, server):
    planted = "A" * 43
    answer = log_in(
        server, "admin", ADMIN_PASSWORD, Cookie=f"aiproxy_session={planted}"
    )

    assert answer.status == 303
    assert planted not in "".join(answer.cookies)
    assert get(server, f"aiproxy_session={planted}").status == 302


def test_the_cookie_says_all_that_it_should(outsider: Outsider, server):
    cookie = log_in(server, "admin", ADMIN_PASSWORD).cookies[0]

    assert re.fullmatch(
        r"aiproxy_session=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie
    )


def test_the_id_is_nowhere_but_in_the_cookie(outsider: Outsider, server, visitor):
    address = f"file:{server.folder / 'app.db'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as db:
        dump = "\n".join(db.iterdump())

    assert visitor.session_id not in dump
    for path in ("/", "/profile", "/users", "/settings"):
        assert visitor.session_id not in visitor.get(path).text


@pytest.mark.parametrize(
    "cookie",
    [
        "aiproxy_session=",
        "aiproxy_session=x",
        "aiproxy_session={id}x",
        "aiproxy_session={id}; aiproxy_session={id}",
        "aiproxy_session={id}; aiproxy_session=x",
        'aiproxy_session="{id}"',
        "AIPROXY_SESSION={id}",
        "__Host-aiproxy_session={id}",
        "aiproxy_session={id}\xff",
        "aiproxy_session=%00",
        "aiproxy_session={id}; x=" + "y" * 5000,
        "a,b@c=d; $Version=1; expires=1; =; ;;; aiproxy_session",
        "aiproxy_theme=<script>; a(b)=c",
        "aiproxy_session=' OR 1=1 --",
    ],
)
def test_a_damaged_cookie_is_no_session(outsider: Outsider, server, visitor, cookie):
    cookie = cookie.replace("{id}", visitor.session_id)
    headers = f"Cookie: {cookie}"

    assert outsider.ask("GET", "/profile", headers, "Accept: text/html").status == 302
    assert outsider.ask("GET", "/login", headers).status == 200


def test_a_logout_ends_the_session_for_good(outsider: Outsider, server):
    visitor = logged_in(server)
    stolen = f"aiproxy_session={visitor.session_id}"
    assert get(server, stolen).status == 200

    visitor.post("/logout")

    assert get(server, stolen).status == 302


def test_another_sites_link_logs_nobody_out(outsider: Outsider, server, visitor):
    cookie = f"aiproxy_session={visitor.session_id}"
    for site in ("cross-site", "same-site"):
        for method in ("GET", "HEAD"):
            headers = {"Cookie": cookie, "Sec-Fetch-Site": site, "Accept": "text/html"}
            assert server.request(method, "/logout", headers=headers).status == 200
    assert get(server, cookie).status == 200


def test_no_get_changes_anything(outsider: Outsider, server, visitor):
    before = server.script("GET", "/providers").json()
    for path in (
        "/provider/delete/1",
        "/provider/activate/1",
        "/provider/test/1",
        "/alias/new?alias=x",
        "/user/new?username=x",
        "/user/delete/1",
        "/profile/keys/new",
        "/restart",
    ):
        for method in ("GET", "HEAD"):
            headers = {"Cookie": f"aiproxy_session={visitor.session_id}"}
            assert server.request(method, path, headers=headers).status in (404, 405)
    assert server.script("GET", "/providers").json() == before


# Tokens

POSTS = (
    "/provider/new",
    "/provider/delete/1",
    "/settings",
    "/prompt-config",
    "/user/new",
    "/profile",
    "/profile/keys/new",
    "/logout",
    "/restart",
)


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_our_token_is_refused(
    outsider, server, visitor, foreign_token, path
):
    cookie = {"Cookie": f"aiproxy_session={visitor.session_id}"}
    part = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--'
    own = visitor.csrf_token
    near = (own[:1], own[:-1], own + "0", own.upper(), own[::-1])
    for token in ("", "x", "0" * 64, foreign_token, "\xff", "\u2603", "\ud800", *near):
        fields = {"csrf_token": token, "name": "x", "username": "x"}
        raw = json.dumps(fields).encode()
        form = urlencode(fields, errors="replace").encode()
        for headers, body in (
            (FORM, form),
            ({"Content-Type": "application/json"}, raw),
            ({"Content-Type": "text/plain"}, raw),
            ({"Content-Type": "multipart/form-data; boundary=b"}, part),
            ({}, b""),
        ):
            answer = server.request("POST", path, body, {**cookie, **headers})
            assert answer.status == 403, answer.text
    assert visitor.get("/profile").status == 200


@pytest.mark.parametrize(
    "credential",
    [
        {"Authorization": "Bearer aip_" + "x" * 43},
        {"Authorization": "Bearer something"},
        {"Authorization": ""},
        {"x-api-key": "x"},
        {"x-api-key": ""},
    ],
)
def test_a_made_up_key_replaces_no_token(outsider, server, visitor, credential):
    headers = {"Cookie": f"aiproxy_session={visitor.session_id}", **FORM, **credential}
    answer = server.request("POST", "/user/new", b"username=x", headers)

    assert answer.status in (401, 403)
    # Nor a session: whoever shows a key is a script, and its cookie is ignored.
    for path in ("/", "/profile", "/users", "/logs/export"):
        assert server.request("GET", path, headers=headers).status == 401


def test_the_cookie_is_secure_where_a_trusted_proxy_speaks_tls(proxied: RealServer):
    tls = {"X_Forwarded_Proto": "https", "X_Forwarded_For": "203.0.113.9"}
    secure = log_in(proxied, "admin", ADMIN_PASSWORD, **tls)
    plain = log_in(proxied, "admin", ADMIN_PASSWORD)

    assert secure.cookies[0].startswith("__Host-aiproxy_session=")
    assert secure.cookies[0].endswith("; Secure")
    assert plain.cookies[0].startswith("aiproxy_session=")


def test_under_a_base_path_cookies_and_redirects_stay_below_it(tmp_path: Path):
    environ = {"BASE_PATH": "/proxy", "TRUSTED_PROXIES": "127.0.0.1"}
    with RealServer(tmp_path, environ=environ) as server:
        form = urlencode({"username": "admin", "password": ADMIN_PASSWORD}).encode()
        for scheme, start in (("http", ""), ("https", "__Secure-")):
            sent = {"X-Forwarded-Proto": scheme, "X-Forwarded-For": "203.0.113.9"}
            answer = server.request("POST", "/proxy/login", form, {**FORM, **sent})
            assert answer.status == 303
            assert answer.headers["location"] == "/proxy/"
            session = answer.cookies[0]
            assert session.startswith(f"{start}aiproxy_session=")
            assert "; Path=/proxy;" in session
            assert ("Secure" in session.split(";")[-1]) is bool(start)
            # The name of the other scheme is no session: nobody can plant one.
            value = session.partition(";")[0].partition("=")[2]
            for name in ("aiproxy_session", "__Secure-aiproxy_session"):
                status = 200 if name == f"{start}aiproxy_session" else 302
                cookie = {**sent, "Cookie": f"{name}={value}", "Accept": "text/html"}
                page = server.request("GET", "/proxy/profile", headers=cookie)
                assert page.status == status
        for path in ("/proxy/profile", "/proxy//evil.example", "/proxy/\\evil.example"):
            answer = Outsider(server).ask("GET", path, "Accept: text/html")
            assert answer.headers.get("location", "/proxy/x").startswith("/proxy/")
        for target in ("//evil.example", "/\\evil.example", "http://evil.example"):
            form = urlencode(
                {"username": "admin", "password": ADMIN_PASSWORD, "next": target}
            ).encode()
            answer = server.request("POST", "/proxy/login", form, FORM)
            assert answer.headers["location"] == "/proxy/"


def test_forwarded_headers_of_a_stranger_make_nothing_secure(outsider, server):
    claims = {
        "X_Forwarded_Proto": "https",
        "X_Forwarded_For": "127.0.0.1",
        "X_Forwarded_Host": "evil.example",
    }
    answer = log_in(server, "admin", ADMIN_PASSWORD, **claims)

    assert answer.status == 303
    assert "Secure" not in answer.cookies[0]
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "X-Forwarded-For", "X-Forwarded-Anything", "X-Real-IP", "Via"],
)
def test_what_was_forwarded_is_not_local(outsider: Outsider, header):
    line = f"{header}: 127.0.0.1"

    assert outsider.ask("GET", "/v1/models", line).status == 401
    assert outsider.ask("GET", "/metrics", line).status in (302, 401)
    assert outsider.ask("GET", "/v1/models").status == 200


def test_without_login_only_a_local_request_is_an_admin(tmp_path: Path):
    environ = {"REQUIRE_AUTHENTICATION": "false"}
    with RealServer(tmp_path, environ=environ) as server:
        outsider = Outsider(server)
        assert outsider.ask("GET", "/users", "Accept: text/html").status == 200
        forwarded = ("Via: 1.1 proxy", "Accept: text/html")
        assert outsider.ask("GET", "/users", *forwarded).status == 302
        # And a page elsewhere still cannot act: it has no token.
        assert outsider.ask("POST", "/user/new", *forwarded).status in (302, 401, 403)
        assert outsider.ask("POST", "/user/new").status == 403
        outsider.assert_unharmed()


# Roles


@pytest.fixture(scope="module")
def member(server: RealServer) -> Visitor:
    name, password = MEMBER
    server.script("POST", "/user/new", {"username": name, "password": password})
    browser = Visitor(server)
    browser.log_in(name, password)
    return browser


@pytest.mark.parametrize(
    "more",
    [
        {"role": "admin"},
        {"is_admin": "1", "admin": "true", "user_id": "1", "id": "1"},
        {"username": "root", "enabled": "1", "must_change_password": "0"},
        {"password_hash": "x", "theme": "dark", "secret_key": "x"},
    ],
)
def test_no_field_that_a_form_does_not_show_is_set(outsider, server, member, more):
    member.post("/profile", **{"theme": "dark", **more})
    key = member.post("/profile/keys/new", name="mine", **more).json()

    users = {u["username"]: u for u in server.script("GET", "/users").json()["users"]}
    assert users["mia"]["role"] == "member"
    assert "root" not in users
    assert member.get("/users").status == 403
    assert server.script("GET", "/users", key=key["key"]).status == 403
    headers = {"x-api-key": key["key"]}
    assert server.request("GET", "/v1/models", headers=headers).status == 200


def test_others_objects_are_not_there(outsider, server, member):
    keys = server.script("GET", "/profile").json()["keys"]
    for number in [key["id"] for key in keys] + [0, 999]:
        assert member.post(f"/profile/keys/revoke/{number}").status == 404
    sent = {"model": "m", "messages": []}
    headers = {"x-api-key": server.admin_key}
    own = server.request("POST", "/v1/messages", json.dumps(sent).encode(), headers)
    foreign = own.headers["request-id"]
    assert member.get(f"/logs/{foreign}").status == 404
    logged = member.get("/logs?range=all&user=admin", accept="application/json").json()
    assert logged["total"] == 0
    for path in ("/logs/export?format=json&user=admin", "/usage?group_by=user"):
        assert "admin" not in member.get(path, accept="application/json").text


@pytest.mark.parametrize(
    "path",
    ["/settings", "/users", "/prompt-config", "/provider/edit/1", "/provider/new",
     "/provider/models/1"],
)  # fmt: skip
def test_a_member_reads_nothing_of_the_admins(outsider, server, member, path):
    assert member.get(path).status == 403


def test_a_member_sees_no_key_and_no_address(outsider, server, member):
    server.add_provider(
        name="Hidden",
        endpoint="https://hidden.example/v1",
        api_key="sk-hidden-0123456789",
        custom_headers={"X-Hidden": "header-of-the-hidden"},
    )
    for path in ("/providers", "/aliases", "/", "/connect"):
        for accept in ("text/html", "application/json"):
            text = member.get(path, accept=accept).text
            assert "hidden.example" not in text
            assert "6789" not in text
            assert "header-of-the-hidden" not in text


def test_a_demotion_holds_at_the_next_request(outsider, server):
    made = {"username": "temp", "password": "a temporary password", "role": "admin"}
    number = server.script("POST", "/user/new", made).json()["id"]
    browser = Visitor(server)
    browser.log_in("temp", "a temporary password")
    key = browser.post("/profile/keys/new", name="k").json()["key"]
    assert server.script("GET", "/users", key=key).status == 200

    server.script("POST", f"/user/edit/{number}", {"role": "member"})
    assert browser.get("/users").status in (302, 403)
    assert server.script("GET", "/users", key=key).status == 403

    server.script("POST", f"/user/edit/{number}", {"enabled": False})
    assert browser.get("/profile").status == 302
    headers = {"x-api-key": key}
    assert server.request("GET", "/v1/models", headers=headers).status == 401


def test_the_last_admin_stays(outsider, server):
    for change in ({"role": "member"}, {"enabled": False}):
        assert server.script("POST", "/user/edit/1", change).status == 409
    assert server.script("POST", "/user/delete/1", {}).status == 409
