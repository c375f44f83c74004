"""The twin of native/upstream.c, for machines without a C compiler.

`python -m bench.python_upstream` prints its port; what it answers is told there.
"""

from __future__ import annotations

import heapq
import json
import re
import selectors
import socket
import time
from typing import Callable

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
BATCH_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 4 * 1024 * 1024

_SCRIPT = re.compile(rb"GET /script\?rate=(\d+)&chunks=(\d+)&hold=(\d+)")
_LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\ntransfer-encoding:", re.IGNORECASE)
_STREAM = re.compile(rb'"stream" *: *true')
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_NAMES = {
    "id": "chatcmpl-123456789012345678901234",
    "object": "chat.completion.chunk",
    "created": 1700000000,
    "model": "measured-model-2026-11-25-0",
}
_USAGE = {"prompt_tokens": 19000, "completion_tokens": 100, "total_tokens": 19100}


def _framed(value: object) -> bytes:
    data = b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def _chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _framed({**_NAMES, "choices": [choice]})


_FIRST = _chunk({"role": "assistant", "content": ""})
_TEXT = _chunk({"content": "[000000:000000000000000]"})
_END = (
    _chunk({}, "stop")
    + _framed({**_NAMES, "choices": [], "usage": _USAGE})
    + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
)
_WHOLE = (
    '{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,'
    '"model":"measured-model-2026-11-25-0","choices":[{"index":0,"message":{"role":"assistant",'
    '"content":"[000000:%015d] A short answer of some words, as an agent gets them'
    ' between two calls of its tools."},"logprobs":null,"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":19000,"completion_tokens":64,"total_tokens":19064}}'
)
_MODELS = b'{"object":"list","data":[{"id":"measured","object":"model"}]}'


def _now() -> int:
    return time.monotonic_ns() // 1000


class Peer:
    """One connection, and the answer that is on its way over it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        self.unsent = bytearray()
        self.rate = self.chunks = self.hold = 0
        self.number = 0  # of the next chunk
        self.due = 0
        self.streams = False
        self.is_open = True

    @property
    def has_more(self) -> bool:
        return self.streams and self.number < self.chunks

    def add_chunk(self, moment: int) -> None:
        text = b"[%06d:%015d]" % (self.number, moment)
        self.unsent += _TEXT.replace(b"[000000:000000000000000]", text)
        self.number += 1
        if self.number >= self.chunks and not self.hold:
            self.unsent += _END
            self.streams = False


class Upstream:
    """One thread, one selector, a heap of who is due next."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._listener.setblocking(False)
        self._selector.register(self._listener, READ, self._accept)
        self._due: list[tuple[int, int, Peer]] = []
        self._count = 0
        self._script = (200, 5, 0)
        self._requests = self._bad = self._cut = self._cut_at = 0
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            wait = max(0.0, (self._due[0][0] - _now()) / 1e6) if self._due else None
            for key, _ in self._selector.select(wait):
                ready: Callable[[], None] = key.data
                ready()
            now = _now()
            while self._due and self._due[0][0] <= now:
                self._send_due(heapq.heappop(self._due)[2])

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock)
        self._selector.register(sock, READ, lambda: self._ready(peer))

    def _ready(self, peer: Peer) -> None:
        if peer.unsent or (peer.has_more and not peer.rate):
            self._go_on(peer)
        try:
            data = peer.sock.recv(1 << 18) if peer.is_open else b"-"
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(peer)
        elif peer.is_open:
            peer.received += data
            self._answer_all(peer)

    def _answer_all(self, peer: Peer) -> None:
        while peer.is_open and not peer.streams:
            head, separator, rest = peer.received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            size = int(length.group(1)) if length else 0
            if _CHUNKED.search(head):
                size = len(rest) if rest.endswith(b"0\r\n\r\n") else len(rest) + 1
            if not separator or len(rest) < size:
                break
            peer.received = rest[size:]
            self._answer(peer, head, rest[:size])
        self._go_on(peer)

    def _answer(self, peer: Peer, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            peer.unsent += _json(self._told(head))
        elif not head.startswith(b"POST "):
            self._bad += 1
            self._close(peer)
        elif not _STREAM.search(body):
            self._requests += 1
            peer.unsent += _json((_WHOLE % _now()).encode())
        else:
            self._requests += 1
            peer.rate, peer.chunks, peer.hold = self._script
            peer.number = 0
            peer.streams = True
            peer.unsent += _STREAM_HEAD + _FIRST
            if peer.rate:
                peer.due = _now()
                self._push(peer)

    def _told(self, head: bytes) -> bytes:
        script = _SCRIPT.match(head)
        if script:
            rate, chunks, hold = map(int, script.groups())
            self._script = (rate, chunks, hold)
        elif not head.startswith(b"GET /stats"):
            return _MODELS
        rate, chunks, hold = self._script
        stats = {
            "requests": self._requests,
            "cut": self._cut,
            "cut_at": self._cut_at,
            "bad": self._bad,
            "rate": rate,
            "chunks": chunks,
            "hold": hold,
            "now": _now(),
        }
        return json.dumps(stats).encode()

    def _push(self, peer: Peer) -> None:
        self._count += 1
        heapq.heappush(self._due, (peer.due, self._count, peer))

    def _send_due(self, peer: Peer) -> None:
        if not peer.is_open:
            return
        peer.add_chunk(peer.due)
        if len(peer.unsent) > MAX_UNREAD_BYTES:
            self._close(peer)  # some gateways leave a stream unread for ever
            return
        if peer.has_more:
            peer.due += 1_000_000 // peer.rate
            self._push(peer)
        self._answer_all(peer)

    def _go_on(self, peer: Peer) -> None:
        """Send what waits; a stream without a rate gets its next batch."""
        if not peer.is_open:
            return
        moment = _now()
        while peer.has_more and not peer.rate and len(peer.unsent) < BATCH_BYTES:
            peer.add_chunk(moment)
        try:
            sent = peer.sock.send(peer.unsent) if peer.unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(peer)
            return
        del peer.unsent[:sent]
        wants_more = bool(peer.unsent) or (peer.has_more and not peer.rate)
        mask = READ | WRITE if wants_more else READ
        self._selector.modify(peer.sock, mask, lambda: self._ready(peer))

    def _close(self, peer: Peer) -> None:
        if peer.is_open:
            peer.is_open = False
            if peer.streams:
                self._cut += 1
                self._cut_at = _now()
            self._selector.unregister(peer.sock)
            peer.sock.close()


def _json(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


if __name__ == "__main__":
    upstream = Upstream()
    print(upstream.port, flush=True)
    upstream.run()
