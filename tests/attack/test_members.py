"""Somebody with an account and bad intentions; every route, every role, every token.

What a member may is written here by hand, as the table of security.md section 5: a
route that is added later is closed to members until somebody adds it here.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from contextlib import closing
from typing import Any, Iterator

import pytest

from aiproxy.web.pages import PAGES
from tests.attack.outsider import Outsider
from tests.patience import wait_until
from tests.real_server import ADMIN_PASSWORD, RealServer, Visitor
from tests.scripted_upstream import Reply, ScriptedUpstream

pytestmark = pytest.mark.once

OPEN = {("GET", "/login"), ("POST", "/login"), ("GET", "/static/<digest>/<name>")}
LOGOUT = {("GET", "/logout"), ("POST", "/logout")}
LOCAL = {("GET", "/metrics")}
MEMBERS = {
    ("GET", "/"),
    ("GET", "/profile"),
    ("POST", "/profile"),
    ("POST", "/profile/keys/new"),
    ("POST", "/profile/keys/revoke/<>"),
    ("POST", "/setup/personal-key"),  # one's own
    ("POST", "/checklist"),  # one's own
    ("GET", "/connect"),
    ("GET", "/help"),
    ("GET", "/providers"),
    ("GET", "/aliases"),
    ("GET", "/logs"),
    ("GET", "/logs/<>"),
    ("GET", "/logs/<>/body/<>"),
    ("GET", "/logs/export"),
    ("GET", "/usage"),
}
ROUTES = sorted(
    {
        (route.method, re.sub(r"<\w+:[^>]*(>|\]\+>)", "<>", route.path))
        for route in PAGES
    }
)
ADMINS = [route for route in ROUTES if route not in MEMBERS | OPEN | LOGOUT | LOCAL]
POSTS = [path for method, path in ROUTES if method == "POST" and path != "/login"]
PASSWORD = "the member's own password"
SECRET_WORD = "word-that-only-the-admin-said"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_every_route_is_known_to_this_test():
    known = {*ADMINS, *MEMBERS, *OPEN, *LOGOUT, *LOCAL}

    assert set(ROUTES) == known
    assert len(ADMINS) > 20
    assert len(POSTS) > 20


class People:
    """An admin and two members, each with a request in the log and a key."""

    def __init__(self, server: RealServer, upstream: ScriptedUpstream) -> None:
        self.server = server
        self.admin = Visitor(server)
        self.admin.log_in("admin", ADMIN_PASSWORD)
        self.keys: dict[str, dict[str, Any]] = {}
        self.logged: dict[str, str] = {}  # request ids
        self.members: dict[str, Visitor] = {}
        server.add_provider(
            name="Scripted",
            slug="scripted",
            endpoint=f"{upstream.url}/v1",
            api_key=upstream.key,
            default_model="scripted-large",
        )
        for name in ("mia", "max"):
            fields = {"username": name, "password": PASSWORD}
            assert server.script("POST", "/user/new", fields).status == 201
            self.members[name] = Visitor(server)
            self.members[name].log_in(name, PASSWORD)
        for name, visitor in {"admin": self.admin, **self.members}.items():
            made = visitor.post("/profile/keys/new", name=f"key of {name}")
            self.keys[name] = made.json()
            message = {"role": "user", "content": f"{SECRET_WORD} by {name}"}
            body = {"model": f"model-{name}", "max_tokens": 9, "messages": [message]}
            head = {"x-api-key": self.keys[name]["key"]}
            raw = json.dumps(body).encode()
            answer = server.request("POST", "/v1/messages/scripted", raw, head)
            assert answer.status == 200
            self.logged[name] = answer.headers["request-id"]
        wait_until(lambda: server.script("GET", "/logs").json()["total"] == 3)

    def number(self, path: str, owner: str) -> str:
        """A route with ids of this owner's in it, where there are such."""
        if path.startswith("/logs"):
            return path.replace("<>", self.logged[owner], 1).replace("<>", "1")
        is_key = "/keys/revoke" in path
        return path.replace("<>", str(self.keys[owner]["id"]) if is_key else "1")

    def state(self) -> list[Any]:
        """All that a forbidden request might change."""
        paths = ("/providers", "/aliases", "/users", "/settings", "/prompt-config")
        found = [self.server.script("GET", path).json() for path in paths]
        for user in found[2]["users"]:
            user.pop("last_login")
        keys = [v.get("/profile", accept="application/json") for v in self.visitors()]
        for answer in keys:
            found.append([key["id"] for key in answer.json()["keys"]])
        return found

    def visitors(self) -> list[Visitor]:
        return [self.admin, *self.members.values()]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("people")
    with ScriptedUpstream(lambda ask: Reply(text="yes")) as upstream, RealServer(
        folder, environ={"LOG_BODIES": "all"}
    ) as server:
        yield People(server, upstream)


@pytest.fixture
def unchanged(people: People) -> Iterator[None]:
    before, outsider = people.state(), Outsider(people.server)
    yield
    assert people.state() == before
    outsider.assert_unharmed()


@pytest.mark.usefixtures("unchanged")
def test_what_is_the_admins_is_closed_to_everybody_else(people: People):
    server, mia = people.server, people.members["mia"]
    key = {"x-api-key": people.keys["mia"]["key"]}
    for method, path in ADMINS:
        address = people.number(path, "admin")
        for accept, status in (("text/html", 302), ("application/json", 401)):
            sent = {"Accept": accept}
            answer = server.request(
                method, address, b"" if method == "POST" else None, sent
            )
            assert answer.status == status, (address, answer.status)
            answer = server.request(method, address, None, {**sent, **key})
            assert answer.status == 403, (address, answer.status)
            if method == "GET":
                assert mia.get(address, accept=accept).status == 403, address
        if method == "POST":
            # With a token that is good, and every field that could do harm.
            harm = {"role": "admin", "enabled": "1", "username": "mia", "name": "x"}
            harm.update(password="another fine password", endpoint="http://127.0.0.1:9")
            assert mia.post(address, **harm).status == 403, address


@pytest.mark.usefixtures("unchanged")
def test_no_post_does_anything_without_this_sessions_token(people: People):
    mia, max_ = people.members["mia"], people.members["max"]
    for path in POSTS:
        address = people.number(path, "admin")
        for visitor, foreign in ((people.admin, mia), (mia, max_)):
            cookie = {"Cookie": f"aiproxy_session={visitor.session_id}"}
            for token in ("", "0" * 64, foreign.csrf_token):
                for headers, body in (
                    (FORM, f"csrf_token={token}".encode()),
                    ({"Content-Type": "application/json"}, b"{}"),
                    ({"X-CSRF-Token": token, **FORM}, b"name=x"),
                    ({**FORM, "Origin": "null"}, b""),
                ):
                    sent = {**cookie, **headers}
                    answer = people.server.request("POST", address, body, sent)
                    assert answer.status == 403, (address, answer.status)


@pytest.mark.usefixtures("unchanged")
def test_nothing_of_others_is_there_for_a_member(people: People):
    mia = people.members["mia"]
    for owner in ("admin", "max"):
        for path in ("/logs/<>", "/logs/<>/body/<>"):
            for body in ("", "?view=raw&body=2", "?view=beside"):
                answer = mia.get(people.number(path, owner) + body)
                assert answer.status == 404, path
        revoke = people.number("/profile/keys/revoke/<>", owner)
        assert mia.post(revoke).status == 404
    own = mia.get(people.number("/logs/<>/body/<>", "mia"))
    assert own.status == 200
    assert f"{SECRET_WORD} by mia" in own.text


QUERIES = (
    "",
    "range=all",
    "range=all&user=admin",
    "range=all&user=max",
    "range=all&user_id=1",
    "range=all&q=" + SECRET_WORD,
    "range=all&model=model-admin",
    "range=all&key={key}",
    "range=all&since=0&per_page=500",
    "range=all&group_by=user,key,model,session,provider,day",
    "range=all&user=mia&user=admin",
    "range=all&part=live&after=0",
)


def test_no_query_shows_a_member_what_others_did(people: People):
    mia = people.members["mia"]
    key = people.keys["admin"]["prefix"]
    pages = ("/", "/logs", "/usage", "/logs/export?format=csv", "/connect", "/profile")
    pages += ("/logs/export?format=json", "/usage?format=csv", "/providers", "/aliases")
    for page in pages:
        for query in QUERIES:
            joint = "&" if "?" in page else "?"
            address = f"{page}{joint}{query.format(key=key)}"
            for accept in ("text/html", "application/json"):
                text = mia.get(address, accept=accept).text
                for owner in ("admin", "max"):
                    assert people.logged[owner] not in text, address
                    assert f"by {owner}" not in text, address
                    if f"model-{owner}" not in address:  # the filter's own field
                        assert f"model-{owner}" not in text, address
                    if "key=" not in address:
                        assert people.keys[owner]["prefix"] not in text, address
    shown = mia.get("/logs?range=all", accept="application/json").json()
    assert [row["id"] for row in shown["requests"]] == [people.logged["mia"]]


def test_a_members_key_opens_nothing_but_the_api(people: People):
    key = people.keys["mia"]["key"]
    for method, path in ROUTES:
        if (method, path) in OPEN | LOCAL:
            continue
        address = people.number(path, "mia")
        answer = people.server.script(method, address, key=key)
        assert answer.status in (401, 403) or (method, path) in LOGOUT, address
    headers = {"x-api-key": key}
    assert people.server.request("GET", "/v1/models", headers=headers).status == 200


def test_a_cookie_opens_no_api_where_a_key_is_needed(people: People):
    server = people.server
    server.script("POST", "/settings", {"proxy_auth": "required"})
    try:
        for visitor in people.visitors():
            headers = {"Cookie": f"aiproxy_session={visitor.session_id}"}
            assert server.request("GET", "/v1/models", headers=headers).status == 401
    finally:
        server.script("POST", "/settings", {"proxy_auth": "auto"})


def test_a_password_change_ends_the_sessions_that_were_stolen(people: People):
    server = people.server
    fields = {"username": "eve", "password": PASSWORD}
    assert server.script("POST", "/user/new", fields).status == 201
    thief, owner = Visitor(server), Visitor(server)
    for visitor in (thief, owner):
        visitor.log_in("eve", PASSWORD)
    before = owner.session_id
    change = {"new_password": "another fine password"}
    change["confirm_password"] = change["new_password"]
    # Whoever has the session but not the password can change nothing.
    refused = thief.post("/profile", current_password="a guess at it", **change)
    assert refused.status == 422
    assert thief.post("/profile", **change).status == 422

    assert owner.post("/profile", current_password=PASSWORD, **change).status == 200

    assert owner.session_id != before
    for stolen in (thief.session_id, before):
        headers = {"Cookie": f"aiproxy_session={stolen}", "Accept": "text/html"}
        assert server.request("GET", "/profile", headers=headers).status == 302
    assert owner.get("/profile").status == 200


def test_admins_who_demote_each_other_at_once_leave_one(people: People):
    server = people.server
    fields = {"username": "ada", "password": PASSWORD, "role": "admin"}
    ada = server.script("POST", "/user/new", fields).json()["id"]
    made = server.script("POST", f"/user/keys/new/{ada}", {"name": "k"}).json()
    # Each demotes the other, as the other's key may be gone by then.
    pairs = ((ada, server.admin_key), (1, made["key"]))
    for _ in range(5):
        barrier = threading.Barrier(2)

        def demote(number: int, key: str, barrier=barrier) -> None:
            barrier.wait()
            server.script("POST", f"/user/edit/{number}", {"role": "member"}, key=key)

        threads = [threading.Thread(target=demote, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        path = f"file:{server.folder / 'app.db'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as db:
            admins = db.execute("SELECT id FROM users WHERE role = 'admin'").fetchall()
        assert admins
        survivor = server.admin_key if (1,) in admins else made["key"]
        for number in (1, ada):
            back = {"role": "admin"}
            path = f"/user/edit/{number}"
            assert server.script("POST", path, back, key=survivor).status == 200
