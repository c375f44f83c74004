"""Streams on the pump: a real upstream, a real client, and every way it may end."""

from __future__ import annotations

import contextlib
import gzip
import select
import socket
import threading
import time
from typing import Any, Callable, Iterator

import pytest

from aiproxy.errors import (
    AIProxyError,
    ClientGone,
    Unavailable,
    UpstreamBroken,
    UpstreamTimeout,
)
from aiproxy.protocol.reply import Outcome
from aiproxy.serving import pump, running
from aiproxy.serving import server as serving
from aiproxy.serving.hang_up import has_hung_up
from aiproxy.stream import Stream
from aiproxy.upstream.connection import Connection, Origin
from aiproxy.upstream.pool import Pool
from aiproxy.upstream.transport import Transport, UpstreamCall
from tests.patience import SECONDS, wait_until
from tests.raw_peer import RawClient, RawServer, read_request, until_closed
from tests.serving.conftest import MakeSite, Site

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"
LAST = b"0\r\n\r\n"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'

Talk = Callable[[socket.socket], None]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Verbatim:
    """A translator that passes everything on and knows three words."""

    def __init__(self) -> None:
        self.started = True
        self.done = False
        self.finish_seen = False
        self.outcome = Outcome()

    def feed(self, data: bytes) -> bytes:
        if b"<mistake>" in data:
            raise RuntimeError("a mistake")
        self.finish_seen = self.finish_seen or b"<finish>" in data
        self.done = self.done or b"<done>" in data
        return data

    def begin(self) -> bytes:
        self.started = True
        return b"<begin>"

    def end(self) -> bytes:
        self.done = True
        return b"<end>"

    def fail(self, error: AIProxyError) -> bytes:
        self.done = True
        return b"<end>" if self.finish_seen else b"<error %d>" % error.status


class Waiting(Verbatim):
    """Has not begun: the upstream has said nothing yet."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False


class CountingPool(Pool):
    """Tells how many connections were given back."""

    given = 0

    def give(self, origin: Origin, connection: Connection) -> None:
        super().give(origin, connection)
        self.given += 1


class Relay:
    """The application: asks the upstream and leaves the stream to the pump."""

    def __init__(self, site: Site, upstream: RawServer) -> None:
        self.ends: list[BaseException | None] = []
        self.ended = threading.Event()
        self.pool = CountingPool()
        self.transport = Transport(pool=self.pool)
        self.idle_seconds = 30.0
        self.translator: Callable[[], Any] = Verbatim
        self.ca_file = ""
        self.ends_badly = False
        self._url = upstream.url
        site.app.answer = self._answer

    def _answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        call = UpstreamCall(
            self._url, {}, b"{}", cancel=environ["aiproxy.cancel"], ca_file=self.ca_file
        )
        environ["aiproxy.stream"] = Stream(
            source=self.transport.send(call),
            translator=self.translator(),
            first=b"<first>",
            idle_seconds=self.idle_seconds,
            on_end=self._on_end,
        )
        headers = [("Content-Type", "text/event-stream"), ("Content-Length", "0")]
        start_response("200 OK", headers)
        return [b""]

    def _on_end(self, error: BaseException | None) -> None:
        self.ends.append(error)
        self.ended.set()
        if self.ends_badly:
            raise RuntimeError("a mistake")

    def end(self) -> BaseException | None:
        """How the stream ended; it must have done so once."""
        assert self.ended.wait(SECONDS), "the stream did not end"
        assert len(self.ends) == 1
        return self.ends[0]


class Scene:
    """Client, server and upstream; made anew for each test."""

    def __init__(self, make_site: MakeSite) -> None:
        self._make_site = make_site
        self._upstreams: list[RawServer] = []
        self._relays: list[Relay] = []
        self.site: Site
        self.upstream: RawServer

    def stream(self, talk: Talk, tls: Any = None, **limits: Any) -> Relay:
        def after_request(sock: socket.socket) -> None:
            while read_request(sock):
                talk(sock)

        context = tls.server_context() if tls else None
        self.upstream = RawServer(after_request, context)
        self._upstreams.append(self.upstream)
        self.site = self._make_site(**limits)
        relay = Relay(self.site, self.upstream)
        relay.ca_file = str(tls.cert) if tls else ""
        self._relays.append(relay)
        return relay

    def client(self, **options: Any) -> RawClient:
        client = self.site.client(**options)
        client.send(POST)
        return client

    def body(self) -> bytes:
        return self.client().answer()[2]

    def wait_until_idle(self) -> None:
        wait_until(lambda: not self.site.server.open_streams)

    def held_bytes(self) -> int:
        return sum(stream.held_bytes for stream in self.site.server.pump.streams)

    def wait_until_held(self) -> None:
        """Until a client has left so much unread that its upstream has to wait."""
        limit = self.site.server.limits.held_bytes
        wait_until(lambda: self.held_bytes() > limit)

    def close(self) -> None:
        for relay in self._relays:
            relay.transport.close()
        for upstream in self._upstreams:
            upstream.close()


@pytest.fixture
def scene(make_site: MakeSite) -> Iterator[Scene]:
    made = Scene(make_site)
    yield made
    made.close()


def saying(*pieces: bytes) -> Talk:
    """A talk of a head and pieces, a moment apart so that each is read alone."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD)
        for piece in pieces:
            time.sleep(0.02)
            sock.sendall(piece)

    return talk


# The way through


def test_a_stream_reaches_the_client_and_ends_with_the_upstreams_end(scene: Scene):
    relay = scene.stream(saying(chunk(b"a"), chunk(b"b"), chunk(b"c") + LAST))

    assert scene.body() == b"<first>abc<end>"
    assert relay.end() is None


def test_every_piece_is_passed_on_at_once(scene: Scene):
    go_on = threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"early"))
        go_on.wait(SECONDS)
        sock.sendall(chunk(b"late") + LAST)

    scene.stream(talk)
    client = scene.client()
    client.until(b"early")
    go_on.set()
    client.until(b"late")
    client.until(LAST)


def test_a_stream_that_is_done_ends_before_the_upstream_does(scene: Scene):
    hold = threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"all<done>"))
        hold.wait(SECONDS)

    relay = scene.stream(talk)

    assert scene.body() == b"<first>all<done>"
    assert relay.end() is None
    hold.set()


def test_an_old_client_gets_the_stream_until_the_close(scene: Scene):
    scene.stream(saying(chunk(b"a"), LAST))
    client = scene.site.client()
    client.send(POST.replace(b"HTTP/1.1", b"HTTP/1.0"))
    head, _, body = client.rest().partition(b"\r\n\r\n")

    assert body == b"<first>a<end>"
    assert b"chunked" not in head


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Transfer-Encoding: chunked\r\n", chunk(b"hello") + LAST),
        (b"Content-Length: 5\r\n", b"hello"),
        (b"", b"hello"),
        (b"Content-Encoding: gzip\r\n", gzip.compress(b"hello")),
    ],
    ids=["chunks", "length", "until the close", "gzip"],
)
def test_the_upstreams_framing_makes_no_difference(scene: Scene, head, body):
    def talk(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)
        sock.shutdown(socket.SHUT_WR)

    relay = scene.stream(talk)

    assert scene.body() == b"<first>hello<end>"
    assert relay.end() is None


def test_a_stream_over_tls(scene: Scene, certificate):
    big = bytes(range(256)) * 1024
    relay = scene.stream(saying(chunk(big), chunk(b"x") + LAST), tls=certificate)

    assert scene.body() == b"<first>" + big + b"x<end>"
    assert relay.end() is None


def test_many_streams_at_once(scene: Scene):
    pieces = [chunk(b"%04d" % number) for number in range(20)]
    scene.stream(saying(*pieces, LAST))
    clients = [scene.client() for _ in range(50)]
    expected = b"<first>" + b"".join(b"%04d" % n for n in range(20)) + b"<end>"

    assert [client.answer()[2] for client in clients] == [expected] * 50
    scene.wait_until_idle()


# Connections afterwards


def done_before(go_on: threading.Semaphore, *end: bytes, scene: Scene) -> Talk:
    """A talk whose content is complete before the end comes, piece by piece."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"<done>"))
        assert go_on.acquire(timeout=SECONDS)
        for piece in end:
            sock.sendall(piece)
            scene.site.wait_for_the_pump()

    return talk


def test_the_client_may_go_on_after_a_stream(scene: Scene):
    scene.stream(saying(chunk(b"a"), LAST))
    client = scene.client()
    for _ in range(3):
        assert client.answer()[2] == b"<first>a<end>"
        client.send(POST)
    client.answer()


def test_requests_sent_during_a_stream_are_answered_after_it(scene: Scene):
    scene.stream(saying(chunk(b"a"), LAST))
    client = scene.client()
    client.until(b"<first>")
    client.send(POST + POST)

    client.until(LAST)
    assert client.answer()[2] == b"<first>a<end>"
    assert client.answer()[2] == b"<first>a<end>"


def test_requests_sent_with_the_first_are_answered_in_order(scene: Scene):
    scene.stream(saying(chunk(b"a"), LAST))
    client = scene.site.client()
    client.send(POST * 3)

    assert [client.answer()[2] for _ in range(3)] == [b"<first>a<end>"] * 3


@pytest.mark.parametrize(
    "end", [(LAST,), (LAST[:3], LAST[3:]), (chunk(b": bye"), LAST)]
)
def test_the_upstreams_connection_is_used_again_once_it_was_read_to_its_end(
    scene: Scene, end, monkeypatch
):
    monkeypatch.setattr(pump, "REST_SECONDS", SECONDS)
    go_on = threading.Semaphore(0)
    relay = scene.stream(done_before(go_on, *end, scene=scene))
    for count in range(3):
        assert scene.body() == b"<first><done>"
        go_on.release()
        wait_until(lambda so_far=count: relay.pool.given > so_far)

    assert scene.upstream.connections == 1
    assert relay.ends == [None] * 3


@pytest.mark.parametrize(
    "end", [LAST + b"surplus", chunk(bytes(1 << 20)), b"malformed\r\n"]
)
def test_an_upstreams_connection_in_doubt_is_closed(scene: Scene, end):
    go_on = threading.Semaphore(0)
    scene.stream(done_before(go_on, end, scene=scene))
    for _ in range(2):
        assert scene.body() == b"<first><done>"
        go_on.release()
        assert scene.upstream.finished.wait(SECONDS)
        scene.upstream.finished.clear()

    assert scene.upstream.connections == 2


# Hang-ups


@pytest.mark.parametrize("how", ["close", "reset", "half"])
def test_the_upstream_is_closed_when_the_client_leaves_a_silent_stream(
    scene: Scene, how
):
    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"a"))
        until_closed(sock)

    relay = scene.stream(talk)
    client = scene.client()
    client.until(b"a")
    if how == "half":
        client.sock.shutdown(socket.SHUT_WR)
    else:
        if how == "reset":
            client.sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
        client.close()

    assert scene.upstream.finished.wait(SECONDS)
    assert isinstance(relay.end(), ClientGone)


@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system cannot tell")
@pytest.mark.parametrize("more", [b"x", POST], ids=["byte", "request"])
def test_a_client_that_leaves_behind_more_bytes_is_noticed_in_silence(
    scene: Scene, more: bytes
):
    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"a"))
        until_closed(sock)

    relay = scene.stream(talk)
    client = scene.client()
    client.until(b"a")
    client.send(more)
    scene.site.wait_for_the_pump()
    assert not relay.ended.is_set()
    client.close()

    assert scene.upstream.finished.wait(SECONDS)
    assert isinstance(relay.end(), ClientGone)


def test_a_request_behind_a_stream_is_answered_after_it(scene: Scene, monkeypatch):
    go_on, looks = threading.Event(), threading.Semaphore(0)

    def look(sock: socket.socket) -> bool:
        looks.release()
        return has_hung_up(sock)

    monkeypatch.setattr(running, "has_hung_up", look)

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"a"))
        go_on.wait(SECONDS)
        sock.sendall(LAST)

    scene.stream(talk)
    client = scene.client()
    client.until(b"a")
    client.send(POST)
    for _ in range(3):  # the first at the request, then by the clock
        assert looks.acquire(timeout=SECONDS)
    go_on.set()

    assert client.until(b"0\r\n\r\n")
    assert client.answer()[0] == 200


def test_clients_that_leave_harm_no_other_stream(scene: Scene):
    pieces = [chunk(b"%04d" % number) for number in range(30)]
    scene.stream(saying(*pieces, LAST))
    stayers = [scene.client() for _ in range(10)]
    leavers = [scene.client() for _ in range(30)]
    for count, leaver in enumerate(leavers):
        if count % 3:
            leaver.until(b"%04d" % (count % 10))
        leaver.close()
    expected = b"<first>" + b"".join(b"%04d" % n for n in range(30)) + b"<end>"

    assert [client.answer()[2] for client in stayers] == [expected] * 10
    scene.wait_until_idle()


# Slow readers


def test_the_upstream_waits_for_a_client_that_does_not_read(scene: Scene):
    sent = [0]
    total = 32 << 20

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD)
        piece = chunk(bytes(1 << 16))
        while sent[0] < total:
            sock.sendall(piece)
            sent[0] += 1 << 16
        sock.sendall(LAST)

    relay = scene.stream(talk)
    client = scene.client(receive_buffer=65536)
    scene.wait_until_held()
    before = -1
    while before < sent[0]:  # the system's own buffers have yet to be filled
        before = sent[0]
        time.sleep(0.1)
    assert sent[0] < total

    assert len(client.answer()[2]) == total + len(b"<first><end>")
    assert relay.end() is None


def test_a_bomb_is_held_compressed_while_the_client_does_not_read(scene: Scene):
    bomb = gzip.compress(bytes(64 << 20))

    def talk(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n")
        sock.sendall(b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb)
        until_closed(sock)

    relay = scene.stream(talk)
    client = scene.client(receive_buffer=65536)
    scene.wait_until_held()
    scene.site.wait_for_the_pump()
    assert scene.held_bytes() < 1 << 20

    assert len(client.answer()[2]) == (64 << 20) + len(b"<first><end>")
    assert relay.end() is None


def test_a_client_that_never_reads_is_given_up(scene: Scene):
    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD)
        while True:
            sock.sendall(chunk(bytes(1 << 16)))

    relay = scene.stream(talk, unread_seconds=0.3)
    scene.client(receive_buffer=4096)

    assert isinstance(relay.end(), ClientGone)
    assert scene.upstream.finished.wait(SECONDS)


# Silence


def silent_after(*pieces: bytes) -> Talk:
    def talk(sock: socket.socket) -> None:
        saying(*pieces)(sock)
        until_closed(sock)

    return talk


def test_silence_is_filled_with_pings(scene: Scene):
    scene.stream(
        silent_after(chunk(b"a")), ping_seconds=0.1, finished_silence_seconds=0.05
    )
    client = scene.client()
    client.until(b"a")

    client.until(PING)
    client.until(PING)


class Holding(Verbatim):
    """Reads on, and has nothing to say until it is over."""

    def feed(self, data: bytes) -> bytes:
        super().feed(data)
        return b""


def test_bytes_that_say_nothing_keep_no_ping_away(scene: Scene):
    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD)
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(chunk(b"a"))
                time.sleep(0.02)

    relay = scene.stream(talk, ping_seconds=0.3)
    relay.translator = Holding

    scene.client().until(PING)


def test_a_ping_is_as_good_as_an_event(scene: Scene):
    scene.stream(silent_after(chunk(b"a")), ping_seconds=0.2, tick_seconds=0.01)
    began = time.monotonic()
    client = scene.client()
    for _ in range(3):
        client.until(PING)

    assert time.monotonic() - began > 0.55


def test_a_stream_that_has_not_begun_begins_instead_of_the_first_ping(scene: Scene):
    relay = scene.stream(silent_after(), ping_seconds=0.1)
    relay.translator = Waiting
    client = scene.client()

    client.until(b"<begin>")
    client.until(PING)


def test_silence_after_a_finish_reason_is_the_end(scene: Scene):
    relay = scene.stream(silent_after(chunk(b"<finish>")), finished_silence_seconds=0.1)

    assert scene.body() == b"<first><finish><end>"
    assert relay.end() is None


def test_silence_for_too_long_is_an_error_event(scene: Scene):
    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"a"))
        until_closed(sock)

    relay = scene.stream(talk)
    relay.idle_seconds = 0.2

    assert scene.body() == b"<first>a<error 504>"
    assert isinstance(relay.end(), UpstreamTimeout)
    assert scene.upstream.finished.wait(SECONDS)


def test_no_stream_lives_for_ever(scene: Scene):
    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD)
        while True:
            sock.sendall(chunk(b"a"))
            time.sleep(0.02)

    relay = scene.stream(talk, stream_seconds=0.3)

    assert scene.body().endswith(b"<error 504>")
    assert isinstance(relay.end(), UpstreamTimeout)


# Failures


CUTS: dict[str, tuple[bytes, ...]] = {
    "between chunks": (chunk(b"a"),),
    "within a chunk": (chunk(b"a"), b"5\r\nhe"),
    "malformed": (chunk(b"a"), b"-1\r\n"),
}


@pytest.mark.parametrize("pieces", CUTS.values(), ids=CUTS)
def test_a_stream_cut_off_ends_with_an_error_event(scene: Scene, pieces):
    go_on = threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + pieces[0])
        assert go_on.wait(SECONDS)
        sock.sendall(b"".join(pieces[1:]))
        sock.shutdown(socket.SHUT_WR)

    relay = scene.stream(talk)
    client = scene.client()
    client.until(pieces[0])
    go_on.set()

    client.until(b"<error 502>\r\n" + LAST)
    assert isinstance(relay.end(), UpstreamBroken)


def test_a_reset_is_an_error_event(scene: Scene):
    go_on = threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"a"))
        assert go_on.wait(SECONDS)  # a reset takes what has not been read
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()

    relay = scene.stream(talk)
    client = scene.client()
    client.until(chunk(b"a"))
    go_on.set()

    client.until(b"<error 502>\r\n" + LAST)
    assert isinstance(relay.end(), UpstreamBroken)


def test_a_cut_after_a_finish_reason_is_no_failure(scene: Scene):
    def talk(sock: socket.socket) -> None:
        saying(chunk(b"<finish>"))(sock)
        sock.shutdown(socket.SHUT_WR)

    relay = scene.stream(talk)

    assert scene.body() == b"<first><finish><end>"
    assert relay.end() is None


def test_a_translators_mistake_ends_its_stream_and_no_other(scene: Scene, caplog):
    go_on = threading.Event()

    def talk(sock: socket.socket) -> None:
        saying(chunk(b"a"))(sock)
        assert go_on.wait(SECONDS)
        sock.sendall(chunk(b"<mistake>"))

    relay = scene.stream(talk)
    client = scene.client()
    client.until(chunk(b"a"))
    go_on.set()

    assert client.rest() == b""
    assert isinstance(relay.end(), RuntimeError)
    assert "a stream failed" in caplog.text
    assert scene.client().until(b"<first>")


def test_an_end_that_fails_is_logged_and_the_client_served(scene: Scene, caplog):
    relay = scene.stream(saying(LAST))
    relay.ends_badly = True

    assert scene.body() == b"<first><end>"
    assert relay.end() is None
    scene.wait_until_idle()
    assert scene.body() == b"<first><end>"
    assert "the end of a stream failed" in caplog.text


# The server's end


def test_a_running_stream_may_end_while_the_server_stops(scene: Scene):
    go_on = threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"<a>"))
        assert go_on.wait(SECONDS)
        sock.sendall(chunk(b"<a>") * 19 + LAST)

    relay = scene.stream(talk)
    client = scene.client()
    client.until(b"<a>\r\n")
    scene.site.server.request_stop(grace=SECONDS)
    wait_until(lambda: scene.site.server.is_draining)
    go_on.set()

    assert b"".join(client.chunks()) == b"<a>" * 19 + b"<end>"
    assert relay.end() is None
    scene.site.server.join()


def test_after_the_grace_a_busy_pump_gives_the_same_reason(scene: Scene, monkeypatch):
    monkeypatch.setattr(serving, "FAREWELL_SECONDS", SECONDS)
    tick, go_on = threading.Semaphore(0), threading.Event()
    held, let_go = threading.Event(), threading.Event()

    class Held(Verbatim):
        def feed(self, data: bytes) -> bytes:
            if b"<held>" in data:
                held.set()
                assert let_go.wait(SECONDS)
            return super().feed(data)

    def talk(sock: socket.socket) -> None:
        sock.sendall(HEAD + chunk(b"a"))
        assert go_on.wait(SECONDS)
        sock.sendall(chunk(b"<held>"))
        until_closed(sock)

    relay = scene.stream(talk, housekeeping=tick.release)
    relay.translator = Held
    client = scene.client()
    client.until(b"a")
    go_on.set()
    assert held.wait(SECONDS)
    scene.site.server.request_stop(grace=0.0)
    wait_until(lambda: scene.site.server.is_draining)
    while tick.acquire(blocking=False):
        pass
    for _ in range(2):  # the grace is over
        assert tick.acquire(timeout=SECONDS)
    let_go.set()

    client.until(b"<error 503>\r\n" + LAST)
    assert isinstance(relay.end(), Unavailable)


def test_after_the_grace_a_stream_ends_with_an_error_event(scene: Scene, monkeypatch):
    monkeypatch.setattr(serving, "FAREWELL_SECONDS", SECONDS)
    relay = scene.stream(silent_after(chunk(b"a")))
    client = scene.client()
    client.until(b"a")
    scene.site.server.request_stop(grace=0.2)

    client.until(b"<error 503>\r\n" + LAST)
    assert isinstance(relay.end(), Unavailable)
    scene.site.server.join()
