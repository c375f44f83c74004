"""Somebody hostile with a bare socket: sends exactly these bytes, reads what comes."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Mapping

from tests.raw_peer import RawClient
from tests.real_server import Answer, RealServer

TRACEBACK = re.compile(r"Traceback \(most recent call last\)")


class Outsider:
    """Knows the port, and nothing else unless it is given."""

    def __init__(self, server: RealServer) -> None:
        self.server = server
        self._lines = len(server.lines)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def head(
        self, method: str, target: str, *lines: str, host: str | None = None
    ) -> bytes:
        """A request head; `host` "" leaves the header out."""
        named = self.host if host is None else host
        head = [f"{method} {target} HTTP/1.1", *([f"Host: {named}"] if named else [])]
        return "\r\n".join([*head, *lines, "", ""]).encode("latin-1")

    def send(self, data: bytes) -> bytes:
        """All that the server says to these bytes until it, or we, must close."""
        with RawClient(self.server.port) as client:
            with contextlib.suppress(OSError):
                client.send(data)
            return client.rest()

    def ask(
        self, method: str, target: str, *lines: str, host: str | None = None
    ) -> Answer:
        """A request without a body; the connection closes behind it."""
        head = self.head(method, target, *lines, "Connection: close", host=host)
        return answers(self.send(head))[0]

    def post_json(
        self, target: str, value: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.server.request("POST", target, body, sent)

    def assert_unharmed(self) -> None:
        """It answers, and nothing that it met was a mistake of its own."""
        assert self.server.request("GET", "/health").status == 200
        new = self.server.lines[self._lines :]
        assert not [line for line in new if TRACEBACK.search(line)], new


def answers(data: bytes) -> list[Answer]:
    """Every answer in what a server sent; only those with a length."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"half a head: {head!r}"
        status_line, *lines = head.decode("latin-1").split("\r\n")
        assert status_line.startswith("HTTP/1.1 "), status_line
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", len(data)))
        found.append(Answer(int(status_line[9:12]), headers, data[:length]))
        data = data[length:]
    return found
