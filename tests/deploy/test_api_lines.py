"""Every line of docs/api.md, run by a shell with curl against a real server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.deploy import daemons, pages
from tests.real_server import ADMIN_PASSWORD, ROOT, RealServer
from tests.scripted_upstream import ScriptedUpstream

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
LINES = re.findall(r"`((?:aip|curl) [^`]*\$URL[^`]*)`", API)
# What takes away something that others need: the last made goes first.
AWAY = re.compile(r"/delete/|/revoke/")
LAST = re.compile(r"current_password|/restart")
HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hello"}],
}


class Terminal:
    """A shell that has read the page's first block; it remembers what was made."""

    def __init__(self, folder: Path, server: RealServer, upstream: str) -> None:
        [block] = pages.commands("docs/api.md")
        self._folder = folder
        self._start = block.replace("http://127.0.0.1:8000", server.url)
        self._start = self._start.replace("aip_…", server.make_admin_key())
        self._upstream = upstream
        self._made: dict[str, Any] = {}
        self._request_id = ""
        (folder / ".curlrc").write_text('write-out = "\\n%{http_code}"\n')

    def ask_something(self, server: RealServer) -> None:
        headers = {"x-api-key": server.make_admin_key()}
        body = json.dumps(HELLO).encode()
        answer = server.request("POST", "/v1/messages", body, headers)
        self._request_id = answer.headers["request-id"]

    def type(self, line: str) -> str:
        """The answer's body; an unexpected status fails."""
        done = subprocess.run(
            ["sh", "-euc", f"{self._start}\n{self._filled(line)}"],
            check=False,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env={"PATH": pages.PATH, "HOME": str(self._folder)},
        )
        body, _, status = done.stdout.rpartition("\n")
        expected = ("202",) if "/restart" in line else ("200", "201")
        assert status in expected, f"{line}\n{done.stdout}\n{done.stderr}"
        if "/keys/new" in line:
            owner = "user" if "/user/" in line else "profile"
            self._made[owner] = json.loads(body)["id"]
        return body

    def _filled(self, line: str) -> str:
        """With what a reader puts in the place of the examples."""
        for owner, key in self._made.items():
            line = line.replace(
                f"/{owner}/keys/revoke/5", f"/{owner}/keys/revoke/{key}"
            )
        line = line.replace("http://10.0.0.5:8001", self._upstream)
        line = line.replace("req_…", self._request_id)
        line = line.replace(
            '"current_password": "…"', f'"current_password": "{ADMIN_PASSWORD}"'
        )
        return line.replace('_password": "…"', '_password": "quite another one"')


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    daemons.find("curl")
    folder = tmp_path_factory.mktemp("api")
    with ScriptedUpstream() as upstream, RealServer(folder) as server:
        pages.point_at(server, upstream)
        terminal = Terminal(folder, server, upstream.url)
        terminal.ask_something(server)
        yield terminal


def in_order() -> list[str]:
    kept = [line for line in LINES if not AWAY.search(line) and not LAST.search(line)]
    away = [line for line in reversed(LINES) if AWAY.search(line)]
    return [*kept, *away, *(line for line in LINES if LAST.search(line))]


@pytest.mark.parametrize("line", in_order())
def test_a_line_for_scripts_works(terminal: Terminal, line: str) -> None:
    body = terminal.type(line)

    if "metrics" in line:
        assert "aiproxy_requests_total" in body
    elif "requests.csv" not in line:
        assert "error" not in json.loads(body)
