"""From a host name to a connected socket: in time, cancellable, never to a refused one.

Addresses are tried as RFC 8305 says: the next one starts when the last has failed or
said nothing for a quarter of a second, so that a dead IPv6 route costs no timeout.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import socket
import threading
import time
from typing import Any, List, Tuple

from aiproxy.errors import UpstreamUnreachable
from aiproxy.protocol.endpoint import is_refused_address
from aiproxy.upstream.cancellation import Cancellation

HEAD_START = 0.25  # seconds until the next address is tried beside the last
SLICE = 0.2  # seconds between two looks at the cancellation

Address = Tuple[Any, ...]
Found = List[Tuple[socket.AddressFamily, Address]]


def dial(host: str, port: int, deadline: float, cancel: Cancellation) -> socket.socket:
    """A connected, non-blocking socket; UpstreamUnreachable or the cancellation."""
    addresses = resolve(host, port, deadline, cancel)
    usable = [found for found in addresses if not is_refused_address(found[1][0])]
    if not usable:
        raise refused_address(host)
    sock = _Race(host, port, usable).run(deadline, cancel)
    try:
        check_peer(sock, host)
    except BaseException:
        sock.close()
        raise
    return sock


def check_peer(sock: socket.socket, host: str) -> None:
    """The names were judged before; what counts is where the socket has arrived."""
    try:
        peer = sock.getpeername()[0]
    except OSError as exc:
        raise _unreachable(host, exc) from exc
    if is_refused_address(peer):
        raise refused_address(host)


def refused_address(host: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(
        f"{host} is link-local or a cloud's metadata service: no provider may be there",
        kind="refused",
    )


def resolve(host: str, port: int, deadline: float, cancel: Cancellation) -> Found:
    """All addresses of a host. The system's resolver knows no timeout, so for a name
    it runs on a thread of its own, which is left behind if it takes too long.
    """
    try:
        return _lookup(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass
    answers: queue.SimpleQueue[Found | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_lookup(host, port))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    answer = _wait_for(answers, deadline, cancel)
    if answer is None:
        raise UpstreamUnreachable(
            f"the name {host} was not resolved in time", kind="dns"
        )
    if isinstance(answer, Exception):
        raise UpstreamUnreachable(
            f"the name {host} has no address: {_reason(answer)}", kind="dns"
        ) from answer
    return answer


def _lookup(host: str, port: int, flags: int = 0) -> Found:
    found = socket.getaddrinfo(as_name(host), port, 0, socket.SOCK_STREAM, 0, flags)
    return [(family, address) for family, _, _, _, address in found]


def as_name(host: str) -> bytes | str:
    """For getaddrinfo(): text goes through IDNA, whose tables take 1 ms and stay."""
    return host.encode("ascii") if host.isascii() else host


def _wait_for(
    answers: queue.SimpleQueue[Found | Exception],
    deadline: float,
    cancel: Cancellation,
) -> Found | Exception | None:
    while True:
        cancel.raise_if_cancelled()
        left = deadline - time.monotonic()
        try:
            return answers.get(timeout=max(0.0, min(left, SLICE)))
        except queue.Empty:
            if left <= 0:
                return None


class _Race:
    """Connection attempts to the addresses of one host; the first to arrive wins."""

    def __init__(self, host: str, port: int, addresses: Found) -> None:
        self._host, self._port = host, port
        self._addresses = addresses
        self._running: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._failure: OSError | None = None

    def run(self, deadline: float, cancel: Cancellation) -> socket.socket:
        try:
            winner = self._run(deadline, cancel)
            self._running.remove(winner)
            return winner
        finally:
            self._selector.close()
            for sock in self._running:
                sock.close()

    def _run(self, deadline: float, cancel: Cancellation) -> socket.socket:
        next_start = time.monotonic()
        while True:
            cancel.raise_if_cancelled()
            now = time.monotonic()
            if self._addresses and (now >= next_start or not self._running):
                next_start = now + HEAD_START
                self._start(*self._addresses.pop(0))
            elif not self._running:
                failure = self._failure or OSError("no address")
                raise _unreachable(f"{self._host}:{self._port}", failure)
            if now >= deadline:
                raise UpstreamUnreachable(
                    f"no connection with {self._host}:{self._port} in time"
                )
            winner = self._wait(min(deadline - now, SLICE))
            if winner is not None:
                return winner

    def _start(self, family: socket.AddressFamily, address: Address) -> None:
        sock = None
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(address)
        except OSError as exc:
            self._failure = exc
            if sock is not None:
                sock.close()
            return
        self._running.append(sock)
        self._selector.register(sock, selectors.EVENT_WRITE)

    def _wait(self, seconds: float) -> socket.socket | None:
        if not self._running:
            return None
        for key, _ in self._selector.select(seconds):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)  # noqa: S101 - nothing else is in it
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error:
                return sock
            self._failure = OSError(error, os.strerror(error))
            self._selector.unregister(sock)
            self._running.remove(sock)
            sock.close()
        return None


def _unreachable(where: str, exc: OSError) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"no connection with {where}: {_reason(exc)}")


def _reason(exc: Exception) -> str:
    return str(getattr(exc, "strerror", None) or exc).lower()
