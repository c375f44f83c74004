"""How a request reaches a provider: one call out, an answer back, nothing in between.

Redirects are not followed, bodies not decoded, failures not retried, but for one
case: no byte of an answer had come, and either nothing had been sent or the
connection was an old one that the provider had closed meanwhile.

The standard library's sockets serve here, not an HTTP library: what matters is
how a wait ends (cancelled, timed out, too large), and that a running answer can be
handed to the pump, which no library's public interface offers.
"""

from __future__ import annotations

import os
import re
import socket
import time
from typing import Mapping
from urllib.parse import quote, urlsplit

from aiproxy.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from aiproxy.protocol.endpoint import is_refused_host
from aiproxy.records import dataclass, field
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.connection import (
    SEND_BYTES,
    Connection,
    Disconnected,
    Origin,
    open_connection,
)
from aiproxy.upstream.dial import refused_address
from aiproxy.upstream.head import ResponseHead
from aiproxy.upstream.pool import Pool
from aiproxy.upstream.proxies import ProxyChoice, secrets_in
from aiproxy.upstream.response import UpstreamResponse
from aiproxy.upstream.tls import TLSContexts

RETRY_PAUSE = 0.2  # seconds before a failed connection is tried once more
EARLY_ANSWER_SECONDS = 5.0  # for an answer to a body that was not taken to its end
LONGEST_SECONDS = 6 * 3600.0  # for an answer, as for a stream
SMALL_BODY_BYTES = SEND_BYTES  # goes out in one piece with the head

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
# Framing and routing are ours alone, whatever the caller's headers say.
_OURS = frozenset(
    (
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
    )
)


@dataclass(frozen=True)
class UpstreamCall:
    """One request to a provider; seconds are floats, headers complete but for ours."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"
    connect_timeout: float = 10.0
    read_timeout: float = 600.0  # of silence
    total_timeout: float = LONGEST_SECONDS  # until a worker has read it all
    http_proxy: str = ""  # "": as the environment says; "none"; a URL
    ca_file: str = ""
    cancel: Cancellation = field(default_factory=Cancellation, repr=False)


class Transport:
    """Shared by all threads: kept connections, TLS contexts, the choice of a proxy."""

    def __init__(
        self,
        *,
        pool: Pool | None = None,
        proxies: ProxyChoice | None = None,
    ) -> None:
        self._pool = pool or Pool()
        self._proxies = proxies or ProxyChoice()
        self._contexts = TLSContexts()
        self.secrets = secrets_in(os.environ)  # never to be quoted

    def send(self, call: UpstreamCall) -> UpstreamResponse:
        """Send the request and wait for the head of its answer, whatever its status.

        Raises UpstreamUnreachable, UpstreamTimeout, UpstreamBroken, or the reason of
        the call's cancellation.
        """
        call.cancel.raise_if_cancelled()
        origin, target = self._route(call)
        head = _head_bytes(call, origin, target)
        deadline = time.monotonic() + call.total_timeout
        connection = self._pool.take(origin)
        if connection is not None:
            try:
                return self._ask(connection, origin, head, call, deadline)
            except Disconnected:
                call.cancel.raise_if_cancelled()
        try:
            return self._ask(self._open(origin, call), origin, head, call, deadline)
        except Disconnected as exc:
            call.cancel.raise_if_cancelled()
            raise UpstreamBroken(
                "the provider closed the connection without an answer"
            ) from exc

    def close_idle(self) -> None:
        """Close kept connections that have grown old; to be called now and then."""
        self._pool.close_idle()

    def close(self) -> None:
        """Close the kept connections; running answers are not touched."""
        self._pool.close()

    def _route(self, call: UpstreamCall) -> tuple[Origin, str]:
        try:
            parts = urlsplit(call.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise UpstreamUnreachable("the provider's address is not usable")
        if not host.isascii():
            try:
                host = host.encode("idna").decode("ascii")
            except UnicodeError:
                raise UpstreamUnreachable(
                    "the provider's address is not usable"
                ) from None
        if is_refused_host(host):
            # Where a proxy resolves the name, no socket of ours will show it.
            raise refused_address(host)
        port = port or (443 if parts.scheme == "https" else 80)
        proxy = self._proxies.find(parts.scheme, host, port, call.http_proxy)
        origin = Origin(parts.scheme, host, port, proxy, call.ca_file)
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
        target = f"{path}?{query}" if query else path
        if proxy is not None and origin.scheme == "http":
            target = f"http://{origin.authority}{target}"
        return origin, target

    def _open(self, origin: Origin, call: UpstreamCall) -> Connection:
        deadline = time.monotonic() + call.connect_timeout
        try:
            return open_connection(origin, self._contexts, deadline, call.cancel)
        except UpstreamUnreachable as exc:
            # A certificate does not get better, nor does an address we refuse.
            if exc.kind not in ("connect", "dns"):
                raise
            if time.monotonic() + RETRY_PAUSE >= deadline:
                raise
        call.cancel.wait(RETRY_PAUSE)
        call.cancel.raise_if_cancelled()
        return open_connection(origin, self._contexts, deadline, call.cancel)

    def _ask(
        self,
        connection: Connection,
        origin: Origin,
        head: bytes,
        call: UpstreamCall,
        deadline: float,
    ) -> UpstreamResponse:
        try:
            call.cancel.attach(connection.interrupt)
            answer = _exchange(connection, head, call, deadline)
            return UpstreamResponse(
                connection,
                answer,
                method=call.method,
                read_timeout=call.read_timeout,
                deadline=deadline,
                cancel=call.cancel,
                give_back=lambda clean: self._pool.give(origin, clean),
            )
        except BaseException as exc:
            call.cancel.detach()
            connection.close()
            if isinstance(exc, OSError):
                call.cancel.raise_if_cancelled()
                raise UpstreamBroken("the connection with the provider broke") from exc
            if isinstance(exc, (UpstreamBroken, UpstreamTimeout)):
                call.cancel.raise_if_cancelled()
            raise


def _exchange(
    connection: Connection, head: bytes, call: UpstreamCall, deadline: float
) -> ResponseHead:
    """Send the request, wait for the answer's head."""
    try:
        if len(call.body) <= SMALL_BODY_BYTES:
            connection.send(head + call.body, call.read_timeout, deadline)
        else:
            connection.send(head, call.read_timeout, deadline)
            connection.send(call.body, call.read_timeout, deadline)
    except socket.timeout as exc:
        raise UpstreamTimeout("the provider did not take the request in time") from exc
    except OSError:
        # It may have answered before it closed: a body too large, a bad key.
        connection.is_dirty = True
        patience = min(EARLY_ANSWER_SECONDS, call.read_timeout)
        return connection.read_head(patience, deadline)
    try:
        return connection.read_head(call.read_timeout, deadline)
    except socket.timeout as exc:
        raise UpstreamTimeout("the provider did not answer in time") from exc


def _head_bytes(call: UpstreamCall, origin: Origin, target: str) -> bytes:
    lines: list[str] = [
        f"{call.method} {target} HTTP/1.1",
        f"Host: {origin.authority}",
        "Accept-Encoding: identity",
    ]
    if call.body or call.method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(call.body)}")
    if origin.scheme == "http" and origin.proxy and origin.proxy.authorization:
        lines.append(f"Proxy-Authorization: {origin.proxy.authorization}")
    for name, value in call.headers.items():
        if name.lower() in _OURS:
            continue
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise UpstreamUnreachable(
                f"the header {name[:40]!r} holds characters that cannot be sent"
            )
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")
