"""Secrets of every kind are planted, used and quoted; then every output is searched."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sqlite3
import sys
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.attack.outsider import Outsider
from tests.raw_peer import RawServer, read_request
from tests.real_server import ADMIN_PASSWORD, RealServer, Visitor

pytestmark = pytest.mark.once

ENVIRONMENTS = "password of the environment's proxy"
SECRETS = {
    "provider key": "pk-planted-Zq81/x+y=provider-key-A1",
    "key in a variable": "pk-planted-in-a-variable-B2",
    "key in a file": "pk-planted-in-a-file-C3",
    "custom header": "planted-custom-header-D4",
    "basic key": "planted-user:planted-basic-password-E5",
    "proxy password": "planted-proxy-password-F6",
    ENVIRONMENTS: "planted-proxy-password-of-the-machine-L2",
    "client key": "sk-planted-foreign-client-key-G7",
    "client cookie": "planted-cookie-of-another-site-H8",
    "member's password": "planted password of mia I9",
    "wrong password": "planted wrong password J0",
    "secret_key": "planted-secret-key-of-the-server-K1",
}
MASKED = re.compile("…")
HELLO = {
    "model": "claude-opus-5",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "hello"}],
}
PAGES = (
    "/",
    "/?range=7d",
    "/providers",
    "/provider/new",
    "/provider/edit/{id}",
    "/aliases",
    "/prompt-config",
    "/settings",
    "/users",
    "/users?edit=1",
    "/profile",
    "/connect",
    "/help",
    "/usage?group_by=key,session",
    "/usage?format=csv",
    "/logs",
    "/logs/export?format=csv",
    "/logs/export?format=json",
    "/metrics",
    "/health",
    "/ready",
    "/nothing-here",
)


class Quoting:
    """An upstream that hates us: it says back, everywhere, what it was sent."""

    def __init__(self) -> None:
        self.answers = 0
        self.raw = RawServer(self._talk)

    def _talk(self, sock: Any) -> None:
        request = read_request(sock)
        if not request:
            return
        self.answers += 1
        told = request.decode("latin-1")
        for coded in re.findall(r"Basic ([A-Za-z0-9+/=]+)", told):
            told += " " + base64.b64decode(coded).decode()
        line = told.replace("\r\n", " ").replace("\n", " ")
        bearer = "".join(re.findall(r"(?:Bearer|x-api-key:) (\S+)", told)[:1])
        shape = self.answers % 5
        if shape == 0:
            body = json.dumps({"type": "error", "error": _error(told)}).encode()
        elif shape == 1:
            body = json.dumps({"error": _error(told)}).encode().replace(b"/", b"\\/")
        elif shape == 2:
            body = f"<html><h1>{told}</h1></html>".encode()
        elif shape == 3:
            body = json.dumps(told).replace("-", "\\u002D").encode()
        else:
            body = told.encode()
        status = (400, 401, 429, 500, 200)[(self.answers // 5) % 5]
        head = (
            f"HTTP/1.1 {status} {line}\r\n"
            f"request-id: {bearer}\r\n"
            f"retry-after: {line}\r\n"
            f"anthropic-ratelimit-requests-limit: {line}\r\n"
            f"set-cookie: a={bearer}\r\n"
            f"location: http://127.0.0.1/{bearer}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        )
        sock.sendall(head.encode("latin-1") + b"connection: close\r\n\r\n" + body)


def _basic(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


def _error(message: str) -> dict[str, Any]:
    return {"type": "invalid_request_error", "message": message, "code": message}


class Planted:
    """The server with all secrets in it, and everything that it has ever said."""

    def __init__(self, folder: Path, log_format: str) -> None:
        (folder / "secrets").mkdir()
        key_file = folder / "secrets" / "key"
        key_file.write_text(SECRETS["key in a file"], encoding="utf-8")
        self.folder = folder
        self.key_file = key_file
        self.said: dict[str, str] = {}
        self.quoting = Quoting()
        machines = f"me:{SECRETS[ENVIRONMENTS]}@"
        self.server = RealServer(
            folder,
            environ={
                "HTTP_PROXY": f"http://{machines}127.0.0.1:{self.quoting.raw.port}",
                "PLANTED_KEY": SECRETS["key in a variable"],
                "SECRETS_DIR": str(folder / "secrets"),
                "SECRET_KEY": SECRETS["secret_key"],
                "LOG_FORMAT": log_format,
                "LOG_LEVEL": "DEBUG",
                "LOG_BODIES": "all",
            },
        )
        self.visitor = Visitor(self.server)
        self.provider_ids: list[int] = []

    def hear(self, what: str, answer: Any) -> Any:
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        text = f"{head}\n\n{answer.body.decode('utf-8', 'replace')}"
        self.said[f"{len(self.said)} {what} -> {answer.status}"] = text
        return answer

    def add(self, slug: str, **fields: Any) -> None:
        quoting = f"http://127.0.0.1:{self.quoting.raw.port}"
        usual = {"name": slug, "slug": slug, "endpoint": quoting, "default_model": "m"}
        answer = self.server.script("POST", "/provider/new", {**usual, **fields})
        assert answer.status == 201, answer.text
        self.hear(f"new {slug}", answer)
        self.provider_ids.append(int(answer.json()["id"]))

    def plant(self) -> None:
        header = {"X-Auth-Token": SECRETS["custom header"]}
        self.add("openai", api_key=SECRETS["provider key"], custom_headers=header)
        self.add(
            "anthropic",
            api_key=SECRETS["provider key"],
            api_format="anthropic",
            custom_headers=header,
        )
        self.add("variable", api_key="env:PLANTED_KEY")
        self.add("file", api_key=f"file:{self.key_file}")
        self.add("basic", api_key=SECRETS["basic key"], auth_method="basic")
        self.add("header", api_key=SECRETS["provider key"], auth_method="header")
        proxy = f"127.0.0.1:{self.quoting.raw.port}"
        self.add(
            "proxied",
            api_key=SECRETS["provider key"],
            endpoint="http://proxied.example/v1",
            http_proxy=f"http://me:{SECRETS['proxy password']}@{proxy}",
        )
        self.add(
            "tunnelled",
            api_key=SECRETS["provider key"],
            endpoint="https://tunnelled.example/v1",
            http_proxy=f"http://me:{SECRETS['proxy password']}@{proxy}",
        )
        self.add(
            "inherited",
            api_key=SECRETS["provider key"],
            endpoint="http://inherited.example/v1",
        )
        made = {"username": "mia", "password": SECRETS["member's password"]}
        self.hear("new user", self.server.script("POST", "/user/new", made))

    def use(self) -> None:
        """Make every provider fail in every way, and every client too."""
        server = self.server
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {SECRETS['client key']}",
            "Cookie": f"other={SECRETS['client cookie']}; b=1",
            "anthropic-beta": "x",
        }
        body = {**HELLO, "system": f"my key is {SECRETS['client key']}"}
        for slug in (
            *("openai", "anthropic") * 10,
            *("variable", "file", "basic", "header") * 5,
            *("proxied", "tunnelled", "inherited") * 5,
        ):
            for stream in (False, True):
                sent = json.dumps({**body, "stream": stream}).encode()
                path = f"/v1/messages/{slug}"
                self.hear(path, server.request("POST", path, sent, headers))
        own = {**headers, "Authorization": "x", "x-api-key": server.make_admin_key()}
        for slug in ("openai", "anthropic", "inherited") * 2:
            path = f"/v1/messages/{slug}"
            told = {**HELLO, "system": f"my key is {server.make_admin_key()}"}
            sent = json.dumps(told).encode()
            self.hear(path, server.request("POST", path, sent, own))
        path = "/v1/messages/anthropic/count_tokens"
        sent = json.dumps(body).encode()
        self.hear("tokens", server.request("POST", path, sent, headers))
        for bad in (b'{"a": "' + SECRETS["client key"].encode(), b"\xff"):
            path = "/v1/messages/openai"
            self.hear("broken", server.request("POST", path, bad, headers))
        for number in self.provider_ids:
            self.hear("test", server.script("POST", f"/provider/test/{number}", {}))
            self.hear("list", server.script("GET", f"/provider/models/{number}"))
            for bad in ({"endpoint": "http://127.0.0.1:1"}, {"max_output_tokens": "x"}):
                path = f"/provider/edit/{number}"
                self.hear("refused edit", server.script("POST", path, bad))
        wrong = {"username": "admin", "password": SECRETS["wrong password"]}
        for accept in ("text/html", "application/json"):
            form = f"username=admin&password={quote(wrong['password'])}".encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = server.request("POST", "/login", form, {**kind, "Accept": accept})
            self.hear("wrong password", answer)
        change = {
            "current_password": ADMIN_PASSWORD,
            "new_password": "short",
            "confirm_password": SECRETS["wrong password"],
        }
        self.hear("password change", server.script("POST", "/profile", change))
        weak = {"username": "bob", "password": "admin123"}
        self.hear("weak", server.script("POST", "/user/new", weak))

    def read_everything(self) -> None:
        server = self.server
        self.visitor.log_in("admin", ADMIN_PASSWORD)
        paths = [path for path in PAGES if "{id}" not in path]
        paths += [f"/provider/edit/{number}" for number in self.provider_ids]
        rows = server.script("GET", "/logs?per_page=500").json()["requests"]
        assert len(rows) > 20
        paths += [f"/logs/{row['id']}" for row in rows]
        for path in paths:
            self.hear(path, self.visitor.get(path))
            self.hear(path, server.script("GET", path))

    def everything(self) -> dict[str, str]:
        server, found = self.server, dict(self.said)
        found["terminal"] = "\n".join(server.lines)
        for path in sorted((self.folder / "logs").rglob("*")):
            found[f"log file {path.name}"] = path.read_text(encoding="utf-8")
        with contextlib.suppress(OSError):  # Linux tells it here
            command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
            found["command line"] = command.decode()
        for name, text in dump(self.folder / "app.db").items():
            # The configuration is there in clear, on purpose: mode 0600.
            if name not in ("providers", "settings"):
                found[f"table {name}"] = text
        return found


def dump(path: Path) -> dict[str, str]:
    """Everything in a database, by table; what is compressed as it was before."""
    with closing(sqlite3.connect(path)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: "\n".join(
                _clear(cell)
                for row in db.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - its own
                for cell in row
            )
            for (name,) in names.fetchall()
        }


def _clear(cell: object) -> str:
    if not isinstance(cell, bytes):
        return str(cell)
    with contextlib.suppress(zlib.error):
        cell = zlib.decompress(cell)
    return bytes(cell).decode("utf-8", "replace")


@pytest.fixture(scope="module", params=["text", "json"])
def heard(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], dict[str, str]]:
    """Every output by what it is, and every secret by what it is."""
    planted = Planted(tmp_path_factory.mktemp("planted"), request.param)
    with planted.quoting.raw, planted.server:
        planted.server.make_admin_key()
        planted.plant()
        planted.use()
        planted.read_everything()
        everything = planted.everything()
        session = planted.visitor.session_id
    return (
        everything,
        {
            **SECRETS,
            "ADMIN_PASSWORD": ADMIN_PASSWORD,
            "session": session,
            "admin's key": planted.server.admin_key,
            "proxy header": _basic(f"me:{SECRETS['proxy password']}"),
            "environment's header": _basic(f"me:{SECRETS[ENVIRONMENTS]}"),
            "basic header": "cGxhbnRlZC11c2VyOnBsYW50ZWQtYmFzaWMtcGFzc3dvcmQtRTU=",
        },
    )


def test_no_output_holds_a_secret(heard):
    everything, secrets = heard
    found = [
        f"{name} in {where}"
        for where, text in everything.items()
        for name, secret in secrets.items()
        for spelling in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}
        if spelling in text
    ]

    assert found == []


def test_the_search_would_find_them(heard):
    everything, _ = heard
    text = "\n".join(everything.values())

    assert len(MASKED.findall(text)) > 100  # they were quoted, and masked
    assert "planted" in text
    bodies = everything["table request_bodies"]
    assert "hello" in bodies
    assert "HTTP/1.1" in bodies  # what the upstream quoted, decompressed


@pytest.fixture
def kept(server: RealServer) -> int:
    provider = server.add_provider(
        name="Kept",
        endpoint="https://kept.example:8443/v1",
        api_key=SECRETS["provider key"],
        custom_headers={"X-Secret": SECRETS["custom header"]},
    )
    return int(provider["id"])


@pytest.mark.parametrize(
    "address",
    [
        "http://kept.example:8443/v1",
        "https://kept.example/v1",
        "https://kept.example:8444/v1",
        "https://evil.example:8443/v1",
        "https://kept.example.evil.example:8443/v1",
        "https://kept.example\\@evil.example:8443/v1",
        "https://kept.example:8443@evil.example/v1",
        "https://kept.example%2eevil.example:8443/v1",
        "//evil.example:8443/v1",
    ],
)
@pytest.mark.parametrize("path", ["/provider/edit/{id}", "/provider/test"])
def test_a_stored_key_stays_with_its_host(outsider, server, kept, path, address):
    for key in ({}, {"api_key": ""}, {"api_key": "…y-A1"}):
        fields = {"id": kept, "endpoint": address, "name": "Kept", **key}
        answer = server.script("POST", path.format(id=kept), fields)
        assert answer.status == 422, answer.text
        stored = server.script("GET", f"/provider/edit/{kept}")
        assert "evil" not in stored.text


@pytest.mark.parametrize(
    "reference",
    [
        "env:SECRET_KEY",
        "env:HTTP_PROXY",
        "env:https_proxy",
        "env:ADMIN_PASSWORD",
        "env:DATABASE_PATH",
        "env:secret_key\n",
        "env:",
        "env:A-B",
        "file:/etc/passwd",
        "file:/proc/self/environ",
        "file:../app.db",
        "file:/run/secrets/../../etc/passwd",
        "file:/run/secrets",
        "file:relative",
        "file:",
        "file:///etc/passwd",
    ],
)
def test_a_reference_is_no_way_into_the_machine(outsider, server, reference):
    fields = {"name": "Ref", "endpoint": "http://127.0.0.1:1", "api_key": reference}
    for path in ("/provider/new", "/provider/test"):
        answer = server.script("POST", path, fields)
        assert answer.status == 422, answer.text
        assert "root:" not in answer.text


def test_a_link_below_the_secrets_folder_leads_nowhere_else(tmp_path: Path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "big").write_bytes(b"x" * 9000)
    with RealServer(tmp_path, environ={"SECRETS_DIR": str(folder)}) as server:
        for name, status in (("link", 422), ("big", 201), ("folder/../link", 422)):
            fields = {"name": name.replace("/", "-"), "endpoint": "http://127.0.0.1:1"}
            key = {"api_key": f"file:{folder}/{name}"}
            answer = server.script("POST", "/provider/new", {**fields, **key})
            assert answer.status == status, answer.text
        asked = Outsider(server).post_json("/v1/messages/big", HELLO)
    assert asked.status == 502
    assert "no regular file of up to 8192 bytes" in asked.text
    assert "xxxx" not in asked.text


def test_everything_on_the_disk_is_private(server: RealServer):
    found = [server.folder / "app.db", *server.folder.glob("app.db*")]
    found += list((server.folder / "logs").rglob("*"))

    assert len(found) > 3
    for path in found:
        assert path.stat().st_mode & 0o077 == 0, path
    assert (server.folder / "logs").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it")
def test_a_file_that_nobody_thought_of_would_be_private_too(server: RealServer):
    status = Path(f"/proc/{server.process.pid}/status").read_text()

    assert re.search(r"^Umask:\s*0077$", status, re.MULTILINE)
