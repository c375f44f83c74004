"""The twin of native/client.c, for machines without a C compiler.

    python -m bench.python_client PORT REQUEST CONNECTIONS RAMP PATIENCE SECONDS PIECES

Its protocol, its checks and its figures are those told there.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import selectors
import socket
import sys
import time
from pathlib import Path

_PIECE = re.compile(rb"\[(\d{6}):(\d{15})\]")
_PIECE_BYTES = 24
_PAUSE = 0.05  # seconds, after a failure


class _Kept(io.BytesIO):
    """What the standard library reads an answer from, when all of it is there."""

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return self


class Link:
    """One connection and the answer on its way over it."""

    def __init__(self, opens: float) -> None:
        self.sock: socket.socket | None = None
        self.opens = opens
        self.has_begun = False
        self.begin(0.0)

    def begin(self, now: float) -> None:
        self.asked = now
        self.data = bytearray()
        self.scanned = self.pieces = self.lost = 0


class Clients:
    """All connections of a run, on one selector."""

    def __init__(self, port: int, request: bytes, count: int, ramp: float) -> None:
        self._port = port
        self._request = request
        self._selector = selectors.DefaultSelector()
        start = time.monotonic()
        self.links = [Link(start + ramp * at / count) for at in range(count)]
        self.wanted = 0
        self.counting = False
        self.begun = self.answers = self.pieces = self.bytes = 0
        self.lost = self.failed = 0
        self.reason = ""
        self.first: list[float] = []
        self.whole: list[float] = []
        self.late: list[float] = []

    def run(self, until: float, *, until_begun: bool) -> None:
        """Serve the connections until then, or until all have begun."""
        while True:
            now = time.monotonic()
            if now >= until or (until_begun and self.begun == len(self.links)):
                return
            next_open = until
            for link in self.links:
                if link.sock is None and link.opens <= now:
                    self._open(link)
                elif link.sock is None:
                    next_open = min(next_open, link.opens)
            for key, _ in self._selector.select(max(0.0, next_open - now)):
                self._read(key.data)

    def _open(self, link: Link) -> None:
        try:
            link.sock = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        except OSError as exc:
            self._fail(link, str(exc))
            return
        link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(link.sock, selectors.EVENT_READ, link)
        self._ask(link)

    def _ask(self, link: Link) -> None:
        assert link.sock is not None
        link.begin(time.monotonic())
        try:
            link.sock.settimeout(10)
            link.sock.sendall(self._request)
            link.sock.setblocking(False)
        except OSError as exc:
            self._fail(link, str(exc))

    def _hang_up(self, link: Link, pause: float = 0.0) -> None:
        if link.sock is not None:
            self._selector.unregister(link.sock)
            link.sock.close()
            link.sock = None
        link.opens = time.monotonic() + pause

    def _fail(self, link: Link, problem: str) -> None:
        self.failed += 1
        body = bytes(link.data).partition(b"\r\n\r\n")[2][-256:].decode("latin-1")
        self.reason = self.reason or f"{problem} {body}"
        self._hang_up(link, _PAUSE)

    def _read(self, link: Link) -> None:
        assert link.sock is not None
        try:
            data = link.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as exc:
            self._fail(link, str(exc))
            return
        link.data += data
        self.bytes += len(data) if self.counting else 0
        self._scan(link)
        if not data or self._may_end(link):
            self._end(link, is_closed=not data)

    def _scan(self, link: Link) -> None:
        now = time.monotonic()
        for found in _PIECE.finditer(link.data, link.scanned):
            link.scanned = found.end()
            number, moment = int(found.group(1)), int(found.group(2)) / 1e6
            self.begun += not link.has_begun
            link.has_begun = True
            if self.counting:
                self.pieces += 1
                self.late.append(now - moment)
                if link.pieces == 0:
                    self.first.append(now - link.asked)
            link.lost += number != link.pieces
            link.pieces = number + 1
        link.scanned = max(link.scanned, len(link.data) - _PIECE_BYTES + 1)

    @staticmethod
    def _may_end(link: Link) -> bool:
        if link.data.endswith(b"0\r\n\r\n"):
            return True
        head, separator, _ = bytes(link.data[:1024]).partition(b"\r\n\r\n")
        length = re.search(rb"\ncontent-length: *(\d+)", head, re.IGNORECASE)
        whole = len(head) + len(separator)
        return bool(length and len(link.data) >= whole + int(length.group(1)))

    def _end(self, link: Link, *, is_closed: bool) -> None:
        self.lost += link.lost
        if not link.data:
            self._fail(link, "closed without an answer")
            return
        answer = http.client.HTTPResponse(_Kept(bytes(link.data)))  # type: ignore[arg-type]
        try:
            answer.begin()
            body = answer.read()
        except (http.client.HTTPException, ValueError) as exc:
            self._fail(link, f"cut short: {exc!r}")
            return
        if answer.status != 200:
            self._fail(link, f"{answer.status}:")
        elif not self._is_complete(link, answer, body):
            self._fail(link, f"ended after {link.pieces} of {self.wanted} pieces:")
        else:
            if self.counting:
                self.answers += 1
                self.whole.append(time.monotonic() - link.asked)
            if is_closed or answer.will_close:
                self._hang_up(link)
            else:
                self._ask(link)

    def _is_complete(
        self, link: Link, answer: http.client.HTTPResponse, body: bytes
    ) -> bool:
        if not link.pieces or (self.wanted and link.pieces != self.wanted):
            return False
        if answer.headers.get_content_type() == "text/event-stream":
            return b"message_stop" in body[-512:] or b"[DONE]" in body[-512:]
        return body.rstrip().endswith(b"}")


def quantiles(values: list[float]) -> list[float] | None:
    """Median and 99th percentile, in milliseconds."""
    if not values:
        return None
    values.sort()
    last = len(values) - 1
    return [round(values[int(last * part)] * 1000, 3) for part in (0.5, 0.99)]


def main(arguments: list[str]) -> None:
    port, path, count, ramp, patience, seconds, wanted = arguments
    clients = Clients(int(port), Path(path).read_bytes(), int(count), float(ramp))
    clients.wanted = int(wanted)
    clients.run(time.monotonic() + float(patience), until_begun=True)
    print("begin", flush=True)
    cpu, began = time.process_time(), time.monotonic()
    clients.counting = True
    clients.run(began + float(seconds), until_begun=False)
    took = time.monotonic() - began
    print("end", flush=True)
    seen = {
        "connections": int(count),
        **{
            name: getattr(clients, name)
            for name in ("begun", "answers", "pieces", "bytes", "failed", "reason")
        },
        "lost": clients.lost + sum(link.lost for link in clients.links if link.sock),
        "seconds": round(took, 3),
        "client_cpu": round(time.process_time() - cpu, 3),
        "first_ms": quantiles(clients.first),
        "whole_ms": quantiles(clients.whole),
        "late_ms": quantiles(clients.late),
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1:])
