"""The application without a socket: a whole set of services, a browser, a script.

`Site` is real but for the network: a database in a folder of the test's, every route,
every check. `Browser` keeps cookies and sends what a browser sends; `Script` has an
admin's key.
"""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import urlencode, urlsplit

from aiproxy.protocol import presets
from aiproxy.security import tokens
from aiproxy.security.login_guard import LoginGuard
from aiproxy.security.passwords import Passwords
from aiproxy.services import Services
from aiproxy.store import api_keys, providers, settings, users
from aiproxy.store.database import Database
from aiproxy.web.app import Application

ADMIN_NAME = "admin"
ADMIN_PASSWORD = "correct horse battery"
MEMBER_NAME = "mia"
MEMBER_PASSWORD = "a member's own password"
HOST = "127.0.0.1:8000"

_TOKEN = re.compile(r'name="csrf_token" value="([^"]*)"')


class Answer:
    """One answer: status, headers by lower-case name, body."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes):
        self.status = status
        self.header_list = headers
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def words(self) -> str:
        """What a reader sees: without tags, spaces collapsed."""
        visible = re.sub(
            r"<(style|script|noscript)\b.*?</\1>", "", self.text, flags=re.S
        )
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", visible)).split())

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.location or self.text[:300]!r}>"


class Site:
    """Services over a fresh database, and the application over them."""

    def __init__(
        self,
        folder: Path,
        *,
        saved: Mapping[str, Any] | None = None,
        fixed: Mapping[str, settings.Fixed] | None = None,
        must_change_password: bool = False,
    ) -> None:
        database = Database(str(folder / "app.db")).open()
        with database.transaction() as db:
            settings.save(db, {"secret_key": tokens.make_secret_key(), **(saved or {})})
        self.services = Services(database=database, fixed=fixed)
        # The real thing at a cost that tests can pay.
        self.services.passwords = Passwords(4, min_cost=4)
        # A first lock lasts a second: it must not end while a test is held up.
        self.services.login_guard = LoginGuard(clock=lambda: 1000.0)
        self.app = Application(self.services)
        self._seed(must_change_password=must_change_password)

    def _seed(self, *, must_change_password: bool) -> None:
        password = "admin123" if must_change_password else ADMIN_PASSWORD
        hashed = self.services.passwords.hash
        with self.services.transaction() as db:
            self.admin_id = users.insert(
                db,
                username=ADMIN_NAME,
                password_hash=hashed(password),
                role="admin",
                must_change_password=must_change_password,
            )
            self.member_id = users.insert(
                db, username=MEMBER_NAME, password_hash=hashed(MEMBER_PASSWORD)
            )
            for preset in presets.SEEDED:
                providers.insert(
                    db, name=preset.name, slug=preset.slug, endpoint=preset.endpoint
                )

    def close(self) -> None:
        self.services.close()

    def make_key(self, user_id: int, **fields: Any) -> str:
        """A personal key of this user's."""
        key = tokens.make_api_key()
        with self.services.transaction() as db:
            api_keys.insert(
                db,
                user_id=user_id,
                name="test",
                prefix=tokens.shown_prefix(key),
                digest=tokens.digest(key),
                **fields,
            )
        return key

    def provider(self, slug: str) -> providers.Provider:
        found = self.services.snapshot.find_provider(slug)
        assert found is not None, f"no provider {slug}"
        return found

    def browser(self, **options: Any) -> Browser:
        return Browser(self.app, **options)

    def admin(self) -> Browser:
        """A browser where the admin is logged in."""
        browser = self.browser()
        browser.log_in(ADMIN_NAME, ADMIN_PASSWORD)
        return browser

    def member(self) -> Browser:
        browser = self.browser()
        browser.log_in(MEMBER_NAME, MEMBER_PASSWORD)
        return browser

    def script(self) -> Script:
        return Script(self.app, self.make_key(self.admin_id))


def call(
    app: Any,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    peer: str = "127.0.0.1",
) -> Answer:
    """One request through the WSGI interface."""
    parts = urlsplit(target)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path.encode().decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": peer,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        plain = name.upper().replace("-", "_")
        key = plain if plain in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + plain
        environ[key] = value
    started: dict[str, Any] = {}

    def start_response(status: str, fields: list[tuple[str, str]], _exc: Any = None):
        started["status"] = int(status.split(maxsplit=1)[0])
        started["headers"] = fields

    chunks = app(environ, start_response)
    content = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    return Answer(started["status"], started["headers"], content)


class Browser:
    """Sends cookies back, fills in the token of the last page it saw."""

    def __init__(self, app: Any, *, host: str = HOST, peer: str = "127.0.0.1"):
        self._app = app
        self.host = host
        self.peer = peer
        self.cookies: dict[str, str] = {}
        self.csrf_token = ""

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._send("GET", path, headers or {}, b"")

    def get_json(self, path: str) -> Any:
        return self.get(path, {"Accept": "application/json"}).json()

    def post(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """A form as the page would send it: names of checked boxes only."""
        sent = {
            name: "1" if value is True else str(value)
            for name, value in (fields or {}).items()
            if value is not False
        }
        sent["csrf_token"] = self.csrf_token if token is None else token
        form = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{self.host}",
            "Sec-Fetch-Site": "same-origin",
            **(headers or {}),
        }
        return self._send("POST", path, form, urlencode(sent).encode())

    def follow(self, answer: Answer) -> Answer:
        """The page that a redirect leads to."""
        assert answer.status in (302, 303), answer
        return self.get(answer.location.partition("#")[0])

    def log_in(self, username: str, password: str) -> Answer:
        fields = {"username": username, "password": password}
        answer = self.post("/login", fields)
        if answer.status == 303:
            self.get("/profile")  # for its token
        return answer

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        sent = {
            "Host": self.host,
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            **headers,
        }
        if self.cookies:
            pairs = [f"{name}={value}" for name, value in self.cookies.items()]
            sent["Cookie"] = "; ".join(pairs)
        answer = call(self._app, method, path, headers=sent, body=body, peer=self.peer)
        for name, value in answer.header_list:
            if name.lower() == "set-cookie":
                self._keep_cookie(value)
        found = _TOKEN.search(answer.body.decode("utf-8", "replace"))
        if found:
            self.csrf_token = unescape(found.group(1))
        return answer

    def _keep_cookie(self, line: str) -> None:
        name, _, value = line.partition(";")[0].partition("=")
        if "max-age=0" in line.lower():
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


class Script:
    """A program with a personal key: JSON in, JSON out."""

    def __init__(self, app: Any, key: str):
        self._app = app
        self.key = key

    def get(self, path: str) -> Answer:
        return call(self._app, "GET", path, headers=self._headers())

    def post(self, path: str, fields: Mapping[str, Any] | None = None) -> Answer:
        body = json.dumps(fields or {}).encode()
        headers = {**self._headers(), "Content-Type": "application/json"}
        return call(self._app, "POST", path, headers=headers, body=body)

    def _headers(self) -> dict[str, str]:
        return {
            "Host": HOST,
            "Accept": "application/json",
            "Authorization": f"Bearer {self.key}",
        }
