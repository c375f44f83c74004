"""Clients for measurements: many connections on one thread that does little else."""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import Iterator

READ = selectors.EVENT_READ

_MOMENT = re.compile(rb'"text":" *(\d+\.\d+) "')
_END = b"0\r\n\r\n"


def message(model: str, *, stream: bool, is_agents: bool = False) -> bytes:
    """A Messages request; an agent's is of 76 KB, most of it its tools."""
    body: dict[str, object] = {
        "model": model,
        "max_tokens": 4096,
        "stream": stream,
        "system": "You are a coding agent.",
        "messages": [{"role": "user", "content": "Say something."}],
    }
    if is_agents:
        body["system"] = [{"type": "text", "text": "Rules for an agent's work. " * 500}]
        body["tools"] = [_tool(number) for number in range(18)]
        body["messages"] = _conversation(turns=6)
    return json.dumps(body).encode()


def _tool(number: int) -> dict[str, object]:
    names = ("path", "pattern", "content", "options", "limit", "offset")
    return {
        "name": f"tool_{number}",
        "description": "Reads and writes files of the project. " * 52,
        "input_schema": {
            "type": "object",
            "properties": {
                name: {"type": "string", "description": "A path, or a pattern. " * 4}
                for name in names
            },
            "required": ["path"],
            "additionalProperties": False,
        },
    }


def _conversation(turns: int) -> list[dict[str, object]]:
    text = "def f(x):\n    return x + 1  # the result\n" * 32
    messages: list[dict[str, object]] = [{"role": "user", "content": "Go on."}]
    for number in range(turns):
        call = f"toolu_{number:024d}"
        use = {"type": "tool_use", "id": call, "name": "tool_1", "input": {"path": "a"}}
        result = {"type": "tool_result", "tool_use_id": call, "content": text}
        messages.append({"role": "assistant", "content": [use]})
        messages.append({"role": "user", "content": [result]})
    return messages


def request(body: bytes, path: str = "/v1/messages") -> bytes:
    """The request as bytes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"anthropic-version: 2023-06-01\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@dataclass
class Seen:
    """What the clients of a run have received."""

    chunks: int = 0
    answers: int = 0
    failures: int = 0
    late: list[float] = field(default_factory=list)  # seconds, of each chunk


class Clients:
    """Keep so many connections open, and read whatever comes."""

    def __init__(self, port: int, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.seen = Seen()
        self.socks: list[socket.socket] = []
        self._tails: dict[socket.socket, bytes] = {}
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socks.append(sock)
            self._selector.register(sock, READ)

    def send(self, data: bytes, *, spread: float = 0.0) -> None:
        """The same request on every connection, spread over so many seconds."""
        for sock in self.socks:
            sock.setblocking(True)
            sock.sendall(data)
            sock.setblocking(False)
            self._tails[sock] = b""
            if spread:
                self.read_for(spread / len(self.socks))

    def read_for(self, seconds: float) -> None:
        """Read until then, or until every answer has ended."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            for sock in self._ready(left):
                self._read(sock)

    def read_answers(self, count: int, again: bytes = b"", total: int = 0) -> None:
        """Read so many whole answers; send `again` after each until `total`."""
        sent = len(self.socks)
        while self.seen.answers + self.seen.failures < count:
            for sock in self._ready(10.0):
                if self._read(sock) and sent < total:
                    sent += 1
                    self._tails[sock] = b""
                    sock.setblocking(True)
                    sock.sendall(again)
                    sock.setblocking(False)

    def _ready(self, seconds: float) -> Iterator[socket.socket]:
        for key, _ in self._selector.select(seconds):
            assert isinstance(key.fileobj, socket.socket)
            yield key.fileobj

    def _read(self, sock: socket.socket) -> bool:
        """True if this was the end of an answer."""
        try:
            data = sock.recv(1 << 18)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(sock)
            self.seen.failures += 1
            return True
        now = time.monotonic()
        for moment in _MOMENT.findall(data):
            self.seen.chunks += 1
            self.seen.late.append(now - float(moment))
        tail = (self._tails[sock] + data)[-65536:]
        self._tails[sock] = tail[-4096:] if b"chunked" in tail[:400] else tail
        if _is_whole(tail):
            self.seen.answers += 1
            self.seen.failures += b"HTTP/1.1 200" not in tail and b"event:" not in tail
            return True
        return False

    def close(self) -> None:
        for sock in self.socks:
            sock.close()
        self._selector.close()


def _is_whole(tail: bytes) -> bool:
    if tail.endswith(_END):
        return True
    head, separator, body = tail.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"HTTP/1.1"):
        return False
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return False
