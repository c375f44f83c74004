"""A provider for measurements, in a process of its own: `python -m bench.provider`.

What it does is in the model's name: `stream-<chunks a second>-<chunks>` (0 a second: as
fast as the sockets take them), `silent` (one chunk, then nothing), `json` (no stream).
Each chunk is 250 bytes with 24 characters of text, which are the moment it was sent.
"""

from __future__ import annotations

import heapq
import json
import re
import selectors
import socket
import time
from typing import Callable

CHUNK_BYTES = 250
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
HIGH_WATER = 256 * 1024

_MODEL = re.compile(rb'"model": ?"([a-z]+)(?:-(\d+)-(\d+))?"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    value = {
        "id": "chatcmpl-123456789012345678901234",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "measured",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_PADDING = CHUNK_BYTES - len(_event({"content": "x" * 24}))
_TEMPLATE = _event({"content": "%MOMENT%"}).replace(
    b'"measured"', b'"measured' + b"x" * max(0, _PADDING) + b'"'
)
_FIRST = _framed(_event({"role": "assistant", "content": ""}))
_END = (
    _framed(_event({}, "stop"))
    + _framed(
        b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":19000,'
        b'"completion_tokens":100,"total_tokens":19100}}\n\n'
    )
    + _framed(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)
_ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "measured",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "A short answer. " * 16},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 19000, "completion_tokens": 64},
    }
).encode()


def text_chunk() -> bytes:
    """One chunk of a stream, with the present moment as its text."""
    moment = f"{time.monotonic():.6f}".rjust(23) + " "
    return _framed(_TEMPLATE.replace(b"%MOMENT%", moment.encode()))


class Peer:
    """One connection, and the answer that is on its way over it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        self.unsent = bytearray()
        self.pause = 0.0
        self.left = 0  # chunks still to be sent
        self.due = 0.0
        self.is_open = True


class Provider:
    """One thread, one selector, a heap of who is due next."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._listener.setblocking(False)
        self._selector.register(self._listener, READ, self._accept)
        self._due: list[tuple[float, int, Peer]] = []
        self._number = 0
        self._closed_at: list[float] = []
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            timeout = None
            if self._due:
                timeout = max(0.0, self._due[0][0] - time.monotonic())
            for key, _ in self._selector.select(timeout):
                callback: Callable[[], None] = key.data
                callback()
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._continue(heapq.heappop(self._due)[2])

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
        if peer.unsent:
            self._flush(peer)
            if not peer.unsent and peer.left and not peer.pause:
                self._continue(peer)
            return
        try:
            data = peer.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(peer)
            return
        peer.received += data
        self._answer(peer)

    def _answer(self, peer: Peer) -> None:
        head, separator, body = peer.received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length.group(1)) if length else 0
        if not separator or len(body) < size:
            return
        peer.received = body[size:]
        if head.startswith(b"GET"):
            answer = json.dumps(self._closed_at).encode()
            self._send(peer, _whole(answer))
            return
        found = _MODEL.search(body)
        kind, rate, count = found.groups() if found else (b"json", None, None)
        if kind == b"json":
            self._send(peer, _whole(_ANSWER))
            return
        peer.left = int(count or 0)
        peer.pause = 1 / int(rate) if rate and int(rate) else 0.0
        if kind == b"silent":
            self._send(peer, _STREAM_HEAD + _FIRST + text_chunk())
            return
        self._send(peer, _STREAM_HEAD + _FIRST)
        peer.due = time.monotonic()
        self._continue(peer)

    def _continue(self, peer: Peer) -> None:
        if not peer.is_open:
            return
        if not peer.pause:
            while peer.left and len(peer.unsent) < HIGH_WATER:
                burst = min(peer.left, 50)
                peer.left -= burst
                self._send(peer, b"".join(text_chunk() for _ in range(burst)))
            if not peer.left:
                self._send(peer, _END)
            return
        if not peer.left:
            self._send(peer, _END)
            return
        self._send(peer, text_chunk())
        peer.left -= 1
        peer.due += peer.pause
        self._number += 1
        heapq.heappush(self._due, (peer.due, self._number, peer))

    def _send(self, peer: Peer, data: bytes) -> None:
        peer.unsent += data
        self._flush(peer)

    def _flush(self, peer: Peer) -> None:
        if not peer.is_open:
            return
        try:
            sent = peer.sock.send(peer.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(peer)
            return
        was_full = bool(peer.unsent[sent:])
        del peer.unsent[:sent]
        mask = READ | WRITE if was_full else READ
        self._selector.modify(peer.sock, mask, lambda: self._ready(peer))

    def _close(self, peer: Peer) -> None:
        if peer.is_open:
            peer.is_open = False
            self._closed_at.append(time.monotonic())
            self._selector.unregister(peer.sock)
            peer.sock.close()


def _whole(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


if __name__ == "__main__":
    provider = Provider()
    print(provider.port, flush=True)
    provider.run()
