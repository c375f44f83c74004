"""Clients that take their time: each is closed at its limit, and not before.

The limits of security.md section 8, shortened; the process is whole. All that is slow
is slow at once, so that the whole takes no longer than the slowest.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Callable, Iterator

import pytest

from aiproxy.records import fields
from aiproxy.serving.limits import Limits
from tests.altered_server import altered
from tests.attack.outsider import Outsider
from tests.attack.watching import holds
from tests.patience import SECONDS, wait_until
from tests.raw_peer import RawClient, RawServer, read_request
from tests.real_server import RealServer

pytestmark = pytest.mark.once

SHORT = {
    "head_seconds": 1.0,
    "body_silence_seconds": 1.0,
    "body_seconds": 2.0,
    "idle_seconds": 1.0,
    "unread_seconds": 0.5,
    "refused_seconds": 1.0,
    "stream_seconds": 2.0,
    "tick_seconds": 0.1,
}
PROMISED = {
    "head_seconds": 20,
    "body_silence_seconds": 30,
    "body_seconds": 300,
    "idle_seconds": 60,
    "unread_seconds": 120,
    "stream_seconds": 6 * 3600,
}
PATIENCE = SECONDS
CHUNK = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n'
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def test_the_numbers_are_the_promised_ones():
    given = {field.name: field.default for field in fields(Limits)}

    assert {name: given[name] for name in PROMISED} == PROMISED


def flood(sock: socket.socket) -> None:
    """More than any buffer on the way takes."""
    read_request(sock)
    sock.settimeout(PATIENCE * 2)
    sock.sendall(SSE)
    for _ in range(2000):
        sock.sendall(CHUNK % (b"x" * 32_000))


def drip(sock: socket.socket) -> None:
    """A stream that would never end."""
    read_request(sock)
    sock.sendall(SSE)
    while True:
        sock.sendall(CHUNK % b"x")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with altered(
        tmp_path_factory.mktemp("impatient"),
        limits=SHORT,
        constants={"aiproxy.attempt:LONGEST_SECONDS": 1.0},
    ) as running, RawServer(flood) as flooding, RawServer(drip) as dripping:
        for slug, upstream in (("flood", flooding), ("drip", dripping)):
            running.add_provider(
                name=slug,
                slug=slug,
                endpoint=f"{upstream.url}/v1",
                api_key="sk-0123456789ab",
                default_model="m",
            )
        yield running


class HeldUp(Exception):
    """This machine was busy, and its client slower than it was to be."""


class Slow:
    """A client of one kind, on a thread of its own: when was it shown the door?"""

    def __init__(self, server: RealServer, act: Callable[[RawClient], None]) -> None:
        self.seconds: float | None = None
        self._port = server.port
        self._thread = threading.Thread(target=self._run, args=(act,), daemon=True)
        self._thread.start()

    def _run(self, act: Callable[[RawClient], None]) -> None:
        while self.seconds is None:
            began = time.monotonic()
            with RawClient(self._port, receive_buffer=4096) as client:
                try:
                    act(client)
                    client.rest()
                except HeldUp:
                    continue
                except socket.timeout:
                    return
                except OSError:
                    pass  # closed while we sent: that is what was to happen
                self.seconds = time.monotonic() - began

    def join(self) -> None:
        self._thread.join(PATIENCE * 3)


def dripping(data: bytes, pause: float = 0.1) -> Callable[[RawClient], None]:
    """Say a byte at a time, for ever: no silence is long."""

    def act(client: RawClient) -> None:
        client.send(data)
        said_at = began = time.monotonic()
        while said_at < began + PATIENCE:
            client.send(b"a")
            time.sleep(pause)
            before, said_at = said_at, time.monotonic()
            if said_at - before > 0.5:
                raise HeldUp
        raise socket.timeout

    return act


def saying(data: bytes) -> Callable[[RawClient], None]:
    return lambda client: client.send(data)


def after_a_request(client: RawClient) -> None:
    """An answered request, and then nothing."""
    began = time.monotonic()
    try:
        client.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.answer()[0] == 200
    except (AssertionError, OSError):
        assert time.monotonic() - began > 0.5
        raise HeldUp from None


def message(slug: str) -> bytes:
    body = b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user",'
    body += b'"content":"hi"}]}'
    head = b"POST /v1/messages/%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d"
    return head % (slug.encode(), len(body)) + b"\r\n\r\n" + body


HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
KINDS = {
    "nothing at all": (saying(b""), 1.0),
    "half a head": (saying(b"GET / HTTP/1.1\r\nHost:"), 1.0),
    "a head that drips": (dripping(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "), 1.0),
    "a body that does not come": (saying(HEAD + b"Content-Length: 9\r\n\r\n"), 1.0),
    "half a body": (saying(HEAD + b"Content-Length: 9\r\n\r\n{"), 1.0),
    "half a chunk": (
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{"),
        1.0,
    ),
    "a body that drips": (dripping(HEAD + b"Content-Length: 9999\r\n\r\n"), 2.0),
    "a connection kept for nothing": (after_a_request, 1.0),
    "a body that was refused": (
        dripping(b"GET / HTTP/1.1\r\nContent-Length: 999999\r\n\r\n"),
        1.0,
    ),
}


def is_served_though_slow(server: RealServer) -> bool:
    """False if this machine made it slower than it wanted to be."""
    began = time.monotonic()
    with RawClient(server.port) as careful:
        try:
            for piece in (b"GET /health HT", b"TP/1.1\r\nHost: loc", b"alhost\r\n\r\n"):
                careful.send(piece)
                time.sleep(0.15)
            return careful.answer()[0] == 200
        except (AssertionError, OSError):
            assert time.monotonic() - began > 0.6
            return False


def test_each_is_closed_at_its_limit_and_others_are_served(server: RealServer):
    slow = {kind: Slow(server, act) for kind, (act, _) in KINDS.items()}
    # Meanwhile somebody who is as slow as allowed, and everyone else, is served.
    wait_until(lambda: is_served_though_slow(server))
    assert server.request("GET", "/health").status == 200
    for client in slow.values():
        client.join()

    for kind, client in slow.items():
        assert client.seconds is not None, f"{kind}: never closed"
        assert client.seconds > KINDS[kind][1] * 0.9, f"{kind}: closed too early"
    Outsider(server).assert_unharmed()


def asking(server: RealServer, request: bytes) -> RawClient:
    """A client that the server has begun to answer; it was not too late for that."""
    while True:
        client = RawClient(server.port, receive_buffer=4096)
        try:
            client.send(request)
            client.read = client.until(b"HTTP/1.1 ") + client.read
        except (AssertionError, OSError):
            client.close()
        else:
            return client


def logged(server: RealServer, slug: str, number: int) -> list[dict[str, object]]:
    """The log's rows of a provider; they are written a moment after the end."""

    def rows() -> list[dict[str, object]]:
        found = server.script("GET", f"/logs?provider={slug}").json()["requests"]
        return list(found)

    wait_until(lambda: len(rows()) >= number)
    return rows()


def test_a_reader_that_stalls_is_given_up(server: RealServer):
    statuses: list[object] = []
    while 499 not in statuses:
        # Once more where the flood itself was held up, and so for too long.
        assert set(statuses) <= {504}
        began = time.monotonic()
        with asking(server, message("flood")):
            rows = logged(server, "flood", len(statuses) + 1)
            assert time.monotonic() - began > 0.45
        statuses = [row["status"] for row in rows]


def test_a_page_that_nobody_reads_is_given_up(server: RealServer):
    """Also where a worker waits for the client to take the next piece."""
    one = b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"
    # More than the buffers of any system hold.
    with asking(server, one * 6000) as client:
        wait_until(lambda: not holds(server, client))
        assert client.rest().count(b"HTTP/1.1 ") < 6000


def test_a_stream_that_drips_for_ever_has_an_end(server: RealServer):
    with asking(server, message("drip")) as client:
        said = client.until(b"0\r\n\r\n")

    assert b"event: error" in said
    assert b"took too long" in said


def test_an_answer_in_one_piece_that_drips_for_ever_has_an_end(server: RealServer):
    request = message("drip").replace(b'"stream":true', b'"stream":null')
    request = request.replace(b"localhost\r\n", b"localhost\r\nConnection: close\r\n")
    with asking(server, request) as client:
        said = client.rest()

    assert said.startswith(b"HTTP/1.1 504 ")
    assert b"the answer took too long" in said or b"did not answer in time" in said
