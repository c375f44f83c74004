"""One HTTP/1.1 connection to a provider, directly or through a proxy.

It bears limits and checks that a general client library has no place for: the size of
a head, the number of 1xx answers, the address reached before a byte is sent, and that
every wait can be ended from another thread.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import ssl
import time
from math import inf

from aiproxy.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from aiproxy.records import dataclass
from aiproxy.upstream import tls
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.dial import dial
from aiproxy.upstream.head import (
    HEAD_END,
    MAX_HEAD_BYTES,
    MAX_INTERIM,
    ResponseHead,
    parse_head,
)
from aiproxy.upstream.proxies import Proxy

RECEIVE_BYTES = 64 * 1024
SEND_BYTES = 256 * 1024


class Disconnected(Exception):
    """The connection ended before any byte of the answer came."""


@dataclass(frozen=True)
class Origin:
    """What a connection is good for; requests that differ in it never share one."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None
    ca_file: str = ""

    @property
    def authority(self) -> str:
        """The Host header: brackets around IPv6, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == (443 if self.scheme == "https" else 80)
        return host if is_default else f"{host}:{self.port}"


class Connection:
    """A connected socket and the bytes read from it too early."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffered = b""
        self.is_dirty = False  # must not carry another request

    def interrupt(self) -> None:
        """End a wait in another thread: its next read finds the connection's end."""
        # Not SSLSocket's own method: that drops the session under the reader's feet.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()

    def is_quiet(self) -> bool:
        """True if nothing waits to be read: no late bytes, and no end."""
        if self.buffered or (
            isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        ):
            return False
        return not _is_readable(self.sock)

    def send(self, data: bytes, timeout: float, deadline: float = inf) -> None:
        """Raises OSError; `timeout` is for each piece, `deadline` for the whole."""
        with memoryview(data) as view:
            sent = 0
            while sent < len(view):
                self._wait_at_most(min(timeout, _left(deadline)))
                sent += self.sock.send(view[sent : sent + SEND_BYTES])

    def receive(self, timeout: float) -> bytes:
        """What is there, at least a byte; b"" at the end. Raises OSError."""
        self._wait_at_most(timeout)
        return self.sock.recv(RECEIVE_BYTES)

    def _wait_at_most(self, seconds: float) -> None:
        # Each change tells the system, and hands the interpreter to another thread: a
        # hundredth is not worth that.
        known = self.sock.gettimeout()
        if known is None or not seconds <= known <= 1.01 * seconds:
            self.sock.settimeout(seconds)

    def read_head(self, timeout: float, deadline: float = inf) -> ResponseHead:
        """The head of the answer, after the 1xx that may come before it.

        `timeout` is for each of them, `deadline` for all. Raises Disconnected,
        UpstreamBroken, UpstreamTimeout or OSError.
        """
        for _ in range(MAX_INTERIM + 1):
            head = parse_head(
                self._read_head_bytes(min(time.monotonic() + timeout, deadline))
            )
            if head.status >= 200:
                return head
            if head.status == 101:
                break
        raise UpstreamBroken("the provider sends 1xx answers and no real one")

    def _read_head_bytes(self, deadline: float) -> bytes:
        data = self.buffered
        while True:
            end = HEAD_END.search(data, 0, MAX_HEAD_BYTES)
            if end:
                self.buffered = data[end.end() :]
                return data[: end.start()]
            if len(data) >= MAX_HEAD_BYTES:
                raise UpstreamBroken("the head of the provider's answer is too long")
            if not b"HTTP/1."[: len(data)] == data[:7]:
                raise UpstreamBroken("the provider does not answer in HTTP/1.1")
            left = deadline - time.monotonic()
            if left <= 0:
                raise UpstreamTimeout("the provider's answer did not begin in time")
            try:
                more = self.receive(left)
            except ConnectionError as exc:
                if data:
                    raise
                raise Disconnected from exc
            if not more:
                if data:
                    raise UpstreamBroken("the provider's answer was cut off")
                raise Disconnected
            data += more


def _is_readable(sock: socket.socket) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def open_connection(
    origin: Origin, contexts: tls.TLSContexts, deadline: float, cancel: Cancellation
) -> Connection:
    """Connect and, for https, shake hands; `cancel` can end the wait at every stage.

    Raises UpstreamUnreachable or the cancellation's reason.
    """
    context = contexts.get(origin.ca_file) if origin.scheme == "https" else None
    proxy = origin.proxy
    first = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
    try:
        connection = Connection(dial(*first, deadline, cancel))
    except UpstreamUnreachable as exc:
        if proxy is None:
            raise
        raise UpstreamUnreachable(
            f"the HTTP proxy does not answer: {exc.message}", kind=exc.kind
        ) from exc
    try:
        cancel.attach(connection.interrupt)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            if proxy is not None:
                _open_tunnel(connection, origin, proxy, deadline)
            _shake_hands(connection, context, origin.host, deadline, cancel)
    except BaseException:
        cancel.detach()
        connection.close()
        cancel.raise_if_cancelled()
        raise
    return connection


def _open_tunnel(
    connection: Connection, origin: Origin, proxy: Proxy, deadline: float
) -> None:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    request = "\r\n".join([*lines, "", ""]).encode("latin-1")
    where = f"the proxy {proxy.host}:{proxy.port}"
    try:
        connection.send(request, _left(deadline))
        head = connection.read_head(_left(deadline))
    except (OSError, Disconnected, UpstreamBroken, UpstreamTimeout) as exc:
        raise UpstreamUnreachable(f"{where} gives no connection to {target}") from exc
    if not 200 <= head.status < 300:
        raise UpstreamUnreachable(
            f"{where} refused a connection to {target} with status {head.status}"
        )
    if connection.buffered:
        raise UpstreamUnreachable(f"{where} sent more than its answer")


def _shake_hands(
    connection: Connection,
    context: ssl.SSLContext,
    host: str,
    deadline: float,
    cancel: Cancellation,
) -> None:
    connection.sock.settimeout(_left(deadline))
    try:
        # Without the handshake first: wrapping gives the socket a new owner, which
        # the cancellation must know before there is anything to wait for.
        cancel.detach()
        connection.sock = context.wrap_socket(
            connection.sock, server_hostname=host, do_handshake_on_connect=False
        )
        cancel.attach(connection.interrupt)
        connection.sock.settimeout(_left(deadline))
        connection.sock.do_handshake()
    except socket.timeout as exc:
        raise UpstreamUnreachable(
            f"no TLS connection with {host} in time", kind="tls"
        ) from exc
    except (OSError, ValueError) as exc:
        failure = exc if isinstance(exc, OSError) else OSError(0, str(exc))
        raise UpstreamUnreachable(
            tls.describe_failure(host, failure), kind="tls"
        ) from exc


def _left(deadline: float) -> float:
    # Zero would make the socket non-blocking.
    return max(0.001, deadline - time.monotonic())
