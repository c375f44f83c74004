"""HTTP/1.1 by hand for a scripted provider: any byte, late, or not at all."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import struct
import threading
import time
import zlib
from dataclasses import dataclass, field
from typing import Any, Mapping

MAX_HEAD = 256 * 1024
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class HungUp(Exception):
    """The other side closed the connection."""


@dataclass
class Received:
    """One request as it came; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    arrived_at: float = field(default_factory=time.monotonic)
    hung_up_at: float | None = None  # the caller left before the answer's end
    finished_at: float | None = None

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    def json(self) -> Any:
        return json.loads(self.body)


def _is_readable(sock: socket.socket, seconds: float) -> bool:
    # Not select(): a load test has more than 1,024 files open.
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(max(0.0, seconds)))


class Connection:
    """One accepted socket: requests in, hand-made responses out."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._pending = b""

    def read_request(self) -> Received | None:
        """The next request; None when the caller closed instead."""
        while b"\r\n\r\n" not in self._pending:
            if not self._fill():
                return None
            if len(self._pending) > MAX_HEAD:
                raise HungUp
        head, self._pending = self._pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in lines[1:])
        headers = {name.lower(): value.strip() for name, value in pairs}
        return Received(method, target, headers, self._read_body(headers))

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunked()
        return self._take(int(headers.get("content-length", "0")))

    def _read_chunked(self) -> bytes:
        parts = []
        while True:
            while b"\r\n" not in self._pending:
                self._need()
            size, self._pending = self._pending.split(b"\r\n", 1)
            part = self._take(int(size.split(b";")[0], 16))
            self._take(2)
            if not part:
                return b"".join(parts)
            parts.append(part)

    def _take(self, size: int) -> bytes:
        while len(self._pending) < size:
            self._need()
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken

    def _need(self) -> None:
        if not self._fill():
            raise HungUp

    def _fill(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except OSError:
            return False
        self._pending += data
        return bool(data)

    def send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError as exc:
            raise HungUp from exc

    def wait(self, seconds: float, until: threading.Event | None = None) -> None:
        """Sleep, or wait for an event, but notice at once when the caller hangs up."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0 or (until is not None and until.is_set()):
                return
            try:
                if not _is_readable(self.sock, left if until is None else 0.01):
                    continue
                gone = not self.sock.recv(1, socket.MSG_PEEK)
            except (OSError, ValueError):  # or closed by `close`
                gone = True
            if gone:
                raise HungUp
            time.sleep(min(left, 0.05))  # a pipelined request: it waits its turn

    def close(self) -> None:
        with contextlib.suppress(OSError):  # gone already
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """Close with RST, as a crashed or firewalled host would."""
        linger = struct.pack("ii", 1, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.sock.close()


def response_head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Body:
    """A response body in the framing and coding that the script asks for."""

    def __init__(
        self, connection: Connection, *, framing: str, gzip: bool, packet: int = 0
    ) -> None:
        self._connection = connection
        self._framing = framing
        self._packet = packet
        self._gzip = zlib.compressobj(wbits=31) if gzip else None

    def write(self, data: bytes) -> None:
        if self._gzip:
            data = self._gzip.compress(data) + self._gzip.flush(zlib.Z_SYNC_FLUSH)
        if self._framing == "chunked":
            data = b"%x\r\n%s\r\n" % (len(data), data)
        size = self._packet or len(data) or 1
        for start in range(0, len(data), size):
            self._connection.send(data[start : start + size])

    def end(self) -> None:
        rest = self._gzip.flush() if self._gzip else b""
        if self._framing == "chunked":
            chunk = b"%x\r\n%s\r\n" % (len(rest), rest) if rest else b""
            self._connection.send(chunk + b"0\r\n\r\n")
        elif rest:
            self._connection.send(rest)
