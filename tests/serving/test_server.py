"""A server's life: binding, serving apart what must not wait, and stopping well."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aiproxy.errors import ConfigError
from aiproxy.serving import server as serving
from aiproxy.serving.server import Server, bind
from tests.patience import SECONDS, wait_until
from tests.raw_peer import RawClient
from tests.serving.conftest import Application, MakeSite, Site

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
API = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Held:
    """An application whose answers under /v1 wait for `release`."""

    def __init__(self, site: Site, *, everywhere: bool = False) -> None:
        self.release = threading.Event()
        self.started = threading.Semaphore(0)
        self._everywhere = everywhere
        site.app.answer = self._answer

    def _answer(self, environ, start_response):
        if self._everywhere or environ["PATH_INFO"].startswith("/v1"):
            self.started.release()
            self.release.wait(SECONDS)
        start_response("200 OK", [])
        return [b"done"]

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.started.acquire(timeout=SECONDS)


# Binding


def test_any_free_port_may_be_asked_for(site: Site):
    assert site.server.host == "127.0.0.1"
    assert site.server.port > 0


def test_a_port_in_use_is_one_line_that_says_what_to_do(site: Site):
    with pytest.raises(ConfigError) as caught:
        Server(Application(), port=site.server.port)

    assert str(site.server.port) in caught.value.message
    assert "--port" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("host", ["no-such-name.invalid", "192.0.2.1", "300.1.1.1"])
def test_an_address_that_is_not_ours_is_one_line(host):
    with pytest.raises(ConfigError) as caught:
        bind(host, 0)

    assert host in caught.value.message


def test_all_addresses_of_a_name_share_a_port():
    sockets = bind("localhost", 0)
    ports = {sock.getsockname()[1] for sock in sockets}
    for sock in sockets:
        sock.close()

    assert len(ports) == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_the_ipv6_wildcard_serves_ipv4_under_its_own_addresses(make_site: MakeSite):
    try:
        site = make_site(host="::")
    except ConfigError:
        pytest.skip("no IPv6 here")
    assert site.ask(GET)[0] == 200

    assert site.app.calls[0]["REMOTE_ADDR"] == "127.0.0.1"


# Load


def test_pages_are_answered_while_every_api_worker_waits(make_site: MakeSite):
    site = make_site(api_workers=8)
    held = Held(site)
    for _ in range(12):
        site.client().send(API)
    held.wait_for(8)

    assert site.ask(HEALTH)[0] == 200
    held.release.set()


def test_the_api_is_answered_while_every_page_worker_waits(make_site: MakeSite):
    site = make_site(page_workers=4)
    held = Held(site, everywhere=True)
    for _ in range(6):
        site.client().send(GET)
    held.wait_for(4)

    site.client().send(API)
    held.wait_for(1)
    held.release.set()


def test_many_requests_that_wait_are_all_answered(site: Site):
    held = Held(site)
    clients = [site.client() for _ in range(100)]
    for client in clients:
        client.send(API)
    held.wait_for(100)
    held.release.set()

    assert [client.answer()[2] for client in clients] == [b"done"] * 100


def test_at_the_limit_an_idle_connection_makes_room(make_site: MakeSite, monkeypatch):
    site = make_site(connections=3)
    idle = [site.client() for _ in range(3)]
    for client in idle:
        client.send(GET)
        client.answer()
    for channel in list(site.server.listeners[0].channels.values()):
        read_at = getattr(channel, "_read_at") - 1.1  # noqa: B009 - time goes by
        monkeypatch.setattr(channel, "_read_at", read_at)

    assert site.ask(GET)[0] == 200
    assert idle[0].is_closed()


def test_beyond_the_limit_a_connection_waits_for_its_turn(make_site: MakeSite):
    tick = threading.Semaphore(0)
    site = make_site(connections=2, housekeeping=tick.release)
    held = Held(site)
    busy = [site.client() for _ in range(2)]
    for client in busy:
        client.send(API.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    held.wait_for(2)
    waiting = site.client()
    waiting.send(GET)
    while tick.acquire(blocking=False):
        pass
    for _ in range(2):  # a whole turn of the loop, and it had every chance
        assert tick.acquire(timeout=SECONDS)
    assert len(site.app.calls) == site.server.open_connections == 2

    held.release.set()
    assert waiting.answer()[0] == 200


# The end


def test_what_runs_is_finished_and_new_work_is_refused_politely(make_site: MakeSite):
    drained = threading.Event()
    site = make_site(on_drain=drained.set)
    held = Held(site)
    running = site.client()
    running.send(API)
    held.wait_for(1)
    site.server.request_stop(grace=SECONDS)
    assert drained.wait(SECONDS)

    status, headers, _ = site.ask(API)
    assert (status, headers["connection"]) == (503, "close")
    assert "retry-after" in headers
    assert site.ask(GET)[0] == 503
    assert site.ask(HEALTH)[0] == 200
    held.release.set()
    assert running.answer()[2] == b"done"
    assert running.is_closed()
    site.server.join()
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset
        RawClient(site.server.port)


def test_a_kept_connection_gets_a_503_too(make_site: MakeSite):
    site = make_site()
    held = Held(site)
    kept = site.client()
    kept.send(GET)
    kept.answer()
    site.client().send(API)
    held.wait_for(1)
    site.server.request_stop(grace=SECONDS)
    wait_until(lambda: site.server.is_draining)
    kept.send(GET)

    assert kept.answer()[0] == 503
    held.release.set()


def test_an_idle_server_stops_at_once(site: Site):
    site.ask(GET)
    began = time.monotonic()
    site.server.stop(grace=100.0)

    assert time.monotonic() - began < SECONDS


def test_when_the_grace_is_over_what_waits_is_told(make_site: MakeSite, monkeypatch):
    monkeypatch.setattr(serving, "FAREWELL_SECONDS", SECONDS)
    site = make_site()
    reasons = []

    def waiting(environ, start_response):
        environ["aiproxy.cancel"].wait(SECONDS)
        reasons.append(environ["aiproxy.cancel"].reason.message)
        start_response("503 Service Unavailable", [])
        return [b"stopping"]

    site.app.answer = waiting
    client = site.client()
    client.send(API)
    assert site.app.called.wait(SECONDS)
    site.server.request_stop(grace=0.2)

    assert client.answer()[2] == b"stopping"
    assert reasons == ["the server is stopping"]


def test_a_second_stop_ends_it_at_once(make_site: MakeSite):
    site = make_site()
    held = Held(site)
    site.client().send(API)
    held.wait_for(1)
    began = time.monotonic()
    site.server.request_stop(grace=100.0)
    site.server.request_stop()
    site.server.join()
    held.release.set()

    assert time.monotonic() - began < SECONDS


def test_housekeeping_is_done_now_and_then(make_site: MakeSite):
    done = threading.Event()
    make_site(housekeeping=done.set)

    assert done.wait(SECONDS)


PROGRAM = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from aiproxy.serving.server import Server
def app(environ, start_response):
    print("called", flush=True)
    if environ["QUERY_STRING"] == "polite":
        drains.wait()
    else:
        environ["aiproxy.cancel"].wait(100.0)
    start_response("200 OK", [])
    return [b"done"]
drains = threading.Event()
def on_drain():
    print("draining", flush=True)
    drains.set()
server = Server(app, port=0, shutdown_grace=lambda: 100.0, on_drain=on_drain)
print(server.port, flush=True)
sys.exit(0 if server.serve_forever() else 3)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("signals", "code"), [(1, 0), (2, 3)])
def test_signals_stop_the_process(number, signals, code):
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, root], stdout=subprocess.PIPE, text=True
    ) as process, contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        assert process.stdout is not None
        with RawClient(int(process.stdout.readline())) as client:
            query = b"polite" if signals == 1 else b"patient"
            client.send(API.replace(b"messages", b"messages?" + query))
            assert process.stdout.readline() == "called\n"
            process.send_signal(number)
            assert process.stdout.readline() == "draining\n"
            if signals == 2:
                process.send_signal(number)
            if signals == 1:
                assert client.answer()[2] == b"done"
            assert process.wait(SECONDS) == code
