"""The program itself as a process of its own, and a small client for its pages.

Nothing is faked: `python -m aiproxy serve` on a free loopback port, with a database
and a log folder in a folder of the test's.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from tests.patience import SECONDS, wait_until

ROOT = Path(__file__).resolve().parent.parent
ADMIN_PASSWORD = "a password of the tests"
START_SECONDS = 90.0
_LISTENING = re.compile(r"(http://\S+)")
_CSRF = re.compile(r'name="csrf_token"\s+value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class RealServer:
    """Started by `start()`, told to stop by `stop()`; `admin_key` is an admin's."""

    def __init__(
        self,
        folder: Path,
        *,
        environ: Mapping[str, str] | None = None,
        args: tuple[str, ...] = (),
        program: tuple[str, ...] = (sys.executable, "-m", "aiproxy"),
    ) -> None:
        self.folder = folder
        self.environ = dict(environ or {})
        self.args = args
        self.program = program
        self.url = ""
        self.admin_key = ""
        self.lines: list[str] = []  # what it printed
        self._printed: queue.Queue[str] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> RealServer:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_PATH": str(self.folder / "app.db"),
            "LOG_DIR": str(self.folder / "logs"),
            "ADMIN_PASSWORD": ADMIN_PASSWORD,
            **self.environ,
        }
        self._process = subprocess.Popen(
            [*self.program, "serve", "--port", "0", *self.args],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_address()
        return self

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.url).port or 80

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._printed.put(line)

    def line_with(self, words: str) -> str:
        """The line that it prints, or is about to print."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [line for line in self.lines if words in line]
            return bool(found)

        wait_until(is_there)
        return found[0]

    def _wait_for_address(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                line = self._printed.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None:
                    break
                continue
            found = _LISTENING.search(line)
            if found:
                return found.group(1).rstrip("/")
        self.stop()
        raise AssertionError("the server did not start:\n" + "\n".join(self.lines))

    def stop(self, *, seconds: float = 40.0) -> int:
        """Ask it to stop as a service manager would; its exit code."""
        process = self.process
        if process.poll() is None:
            process.terminate()
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(
                "the server did not stop:\n" + "\n".join(self.lines[-20:])
            ) from None
        self._reader.join(SECONDS)  # it has read all that was printed
        if process.stdout is not None:
            process.stdout.close()
        return code

    def __enter__(self) -> RealServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # Requests

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 30.0,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            cookies = tuple(response.headers.get_all("set-cookie") or ())
            return Answer(response.status, fields, response.read(), cookies)
        finally:
            connection.close()

    def script(
        self, method: str, path: str, value: Any = None, *, key: str = ""
    ) -> Answer:
        """A request as an administrator's script sends it."""
        headers = {
            "Authorization": f"Bearer {key or self.make_admin_key()}",
            "Accept": "application/json",
        }
        body = None
        if value is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(value).encode()
        return self.request(method, path, body, headers)

    def make_admin_key(self) -> str:
        """An admin's personal key, made on the pages as a person would."""
        if not self.admin_key:
            visitor = Visitor(self)
            visitor.log_in("admin", ADMIN_PASSWORD)
            made = visitor.post("/profile/keys/new", name="tests")
            self.admin_key = str(made.json()["key"])
        return self.admin_key

    def add_provider(self, **fields: Any) -> Mapping[str, Any]:
        """Save a provider; the object that the server answers with."""
        answer = self.script("POST", "/provider/new", fields)
        assert answer.status in (200, 201), answer.text
        return dict(answer.json())


class Visitor:
    """A browser without a screen: one cookie, and the form's token."""

    def __init__(self, server: RealServer) -> None:
        self._server = server
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    @property
    def session_id(self) -> str:
        """What its session's cookie holds."""
        return self._cookies["aiproxy_session"]

    @property
    def csrf_token(self) -> str:
        """The token of the last form that it saw."""
        return self._csrf

    def get(self, path: str, *, accept: str = "text/html") -> Answer:
        return self._send("GET", path, None, {"Accept": accept})

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form, asking for the JSON twin of the answer."""
        form = urllib.parse.urlencode({"csrf_token": self._csrf, **fields})
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self._send("POST", path, form.encode(), headers)

    def log_in(self, username: str, password: str) -> None:
        self.get("/login")
        answer = self.post("/login", username=username, password=password)
        assert answer.status < 400, answer.text
        self.get("/profile")

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        if self._cookies:
            pairs = (f"{name}={value}" for name, value in self._cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        answer = self._server.request(method, path, body, headers)
        for cookie in answer.cookies:
            name, _, value = cookie.split(";", 1)[0].partition("=")
            self._cookies[name] = value
        token = _CSRF.search(answer.body.decode("utf-8", "replace"))
        if token:
            self._csrf = token.group(1)
        return answer
