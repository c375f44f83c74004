"""One connection: heads within their limits, tunnels, handshakes, and a way out."""

from __future__ import annotations

import socket
import threading
import time
from typing import Callable, Iterator

import pytest

from aiproxy.errors import (
    ClientGone,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.connection import (
    Connection,
    Disconnected,
    Origin,
    open_connection,
)
from aiproxy.upstream.head import MAX_HEAD_BYTES, MAX_INTERIM
from aiproxy.upstream.proxies import Proxy
from aiproxy.upstream.tls import TLSContexts
from tests.patience import SECONDS
from tests.raw_peer import RawServer, answering, until_closed

OK = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
Serve = Callable[..., RawServer]


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    yield connection, theirs
    connection.close()
    theirs.close()


def open_to(
    server: RawServer,
    *,
    tls: bool = False,
    host: str = "127.0.0.1",
    ca_file: str = "",
    proxy: Proxy | None = None,
    seconds: float = SECONDS,
    cancel: Cancellation | None = None,
) -> Connection:
    origin = Origin("https" if tls else "http", host, server.port, proxy, ca_file)
    deadline = time.monotonic() + seconds
    return open_connection(origin, TLSContexts(), deadline, cancel or Cancellation())


# Heads


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        (None, 5.0, 5.0),
        (0.0, 5.0, 5.0),  # as the pump leaves it
        (5.0, 4.98, 5.0),
        (5.0, 4.9, 4.9),
        (5.0, 5.01, 5.01),
        (5.0, 600.0, 600.0),
    ],
)
def test_each_wait_has_its_limit_within_a_hundredth(pair, before, wanted, after):
    connection, theirs = pair
    theirs.sendall(b"a")
    connection.sock.settimeout(before)
    connection.receive(wanted)
    assert connection.sock.gettimeout() == after

    connection.sock.settimeout(before)
    connection.send(b"a", wanted)
    assert connection.sock.gettimeout() == after


def test_what_follows_the_head_is_kept(pair):
    connection, theirs = pair
    theirs.sendall(OK + b"body")

    assert connection.read_head(SECONDS).status == 200
    assert connection.buffered == b"body"


def test_a_head_may_come_byte_by_byte(pair):
    connection, theirs = pair
    threading.Thread(
        target=lambda: [theirs.sendall(OK[i : i + 1]) for i in range(len(OK))]
    ).start()

    assert connection.read_head(SECONDS).status == 200


@pytest.mark.parametrize("count", [1, MAX_INTERIM])
def test_interim_answers_are_passed_over(pair, count):
    connection, theirs = pair
    theirs.sendall(CONTINUE * count + OK)

    assert connection.read_head(SECONDS).status == 200


@pytest.mark.parametrize(
    "data",
    [
        CONTINUE * (MAX_INTERIM + 1) + OK,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01",
        b"<html>",
        b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
    ],
    ids=["interim", "switching", "too long", "ssh", "tls", "html", "bare LF"],
)
def test_an_endless_or_foreign_head_is_refused_before_it_ends(pair, data):
    connection, theirs = pair
    theirs.sendall(data)

    with pytest.raises(UpstreamBroken):
        connection.read_head(SECONDS)


def test_a_head_cut_off_is_told_from_no_head_at_all(pair):
    connection, theirs = pair
    theirs.sendall(b"HTTP/1.1 200")
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(UpstreamBroken):
        connection.read_head(SECONDS)

    connection.buffered = b""
    with pytest.raises(Disconnected):
        connection.read_head(SECONDS)


def test_a_dripping_head_has_to_be_complete_in_time(pair):
    connection, theirs = pair
    stop = threading.Event()

    def drip() -> None:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.05):
            theirs.sendall(b"X: 1\r\n")

    dripping = threading.Thread(target=drip)
    dripping.start()
    with pytest.raises((UpstreamTimeout, socket.timeout)):
        connection.read_head(0.3)
    stop.set()
    dripping.join()


def test_a_connection_is_quiet_until_something_comes(pair):
    connection, theirs = pair
    assert connection.is_quiet()

    theirs.sendall(b"x")
    assert not connection.is_quiet()


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin("https", "api.example.com", 443), "api.example.com"),
        (Origin("http", "api.example.com", 80), "api.example.com"),
        (Origin("http", "api.example.com", 8080), "api.example.com:8080"),
        (Origin("https", "::1", 80), "[::1]:80"),
    ],
)
def test_the_host_header_is_as_short_as_it_may_be(origin, authority):
    assert origin.authority == authority


# TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_known_authority_is_trusted(serve: Serve, certificate, host):
    server = serve(answering(OK), tls=certificate)
    connection = open_to(server, tls=True, host=host, ca_file=str(certificate.cert))
    connection.send(b"GET / HTTP/1.1\r\n\r\n", SECONDS)

    assert connection.read_head(SECONDS).status == 200
    connection.close()


def test_an_unknown_authority_is_not_trusted(serve: Serve, certificate):
    server = serve(answering(OK), tls=certificate)

    with pytest.raises(UpstreamUnreachable, match="SSL_CERT_FILE") as caught:
        open_to(server, tls=True)

    assert caught.value.kind == "tls"


def test_a_certificate_for_another_name_is_not_trusted(serve: Serve, tmp_path):
    from tests.certificates import make_certificate

    other = make_certificate(tmp_path, names="DNS:other.example.com")
    server = serve(answering(OK), tls=other)

    with pytest.raises(UpstreamUnreachable) as caught:
        open_to(server, tls=True, ca_file=str(other.cert))

    assert caught.value.kind == "tls"


def test_a_server_that_speaks_no_tls_is_a_tls_failure(serve: Serve):
    server = serve(lambda sock: sock.sendall(OK))

    with pytest.raises(UpstreamUnreachable) as caught:
        open_to(server, tls=True)

    assert caught.value.kind == "tls"


def test_a_handshake_has_to_be_complete_in_time(serve: Serve):
    server = serve(until_closed)
    began = time.monotonic()

    with pytest.raises(UpstreamUnreachable, match="in time"):
        open_to(server, tls=True, seconds=0.3)

    assert time.monotonic() - began < SECONDS


def test_a_handshake_can_be_cancelled(serve: Serve):
    cancel = Cancellation()

    def talk(sock: socket.socket) -> None:
        sock.recv(1)  # it has begun
        cancel.cancel()
        until_closed(sock)

    server = serve(talk)
    began = time.monotonic()

    with pytest.raises(ClientGone):
        open_to(server, tls=True, seconds=100.0, cancel=cancel)

    assert time.monotonic() - began < SECONDS  # of the 100 it would wait
    assert server.finished.wait(SECONDS)


# Tunnels


def test_https_goes_through_a_proxys_tunnel(serve: Serve, certificate):
    target = serve(answering(OK), tls=certificate)
    heads: list[bytes] = []

    def tunnel(sock: socket.socket) -> None:
        heads.append(sock.recv(65536))
        with socket.create_connection(("127.0.0.1", target.port)) as beyond:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(beyond, sock))
            back.start()
            _copy(sock, beyond)
            back.join()

    proxy = Proxy("127.0.0.1", serve(tunnel).port, "Basic QWxhZGRpbg==")
    connection = open_to(
        target, tls=True, proxy=proxy, ca_file=str(certificate.cert), host="localhost"
    )
    connection.send(b"GET / HTTP/1.1\r\n\r\n", SECONDS)

    assert connection.read_head(SECONDS).status == 200
    connection.close()
    assert heads[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % target.port)
    assert b"Proxy-Authorization: Basic QWxhZGRpbg==\r\n" in heads[0]


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nsurplus",
        b"garbage",
        b"",
    ],
    ids=["credentials", "failure", "surplus", "garbage", "nothing"],
)
def test_a_proxy_that_gives_no_tunnel_is_unreachable(serve: Serve, answer):
    proxy = Proxy("127.0.0.1", serve(answering(answer)).port)

    with pytest.raises(UpstreamUnreachable, match="proxy"):
        open_to(serve(answering(OK)), tls=True, proxy=proxy)
