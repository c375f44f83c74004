"""As many as the server takes, and one more: it says so, and serves everyone else."""

from __future__ import annotations

import platform
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Iterator

import pytest

from aiproxy.serving.limits import raise_open_files
from tests.altered_server import altered
from tests.attack.holding import HoldingUpstream
from tests.attack.outsider import Outsider
from tests.attack.watching import has_read_all, open_files, resident_mib
from tests.patience import SECONDS, wait_until
from tests.raw_peer import RawClient, RawServer, read_request
from tests.real_server import ADMIN_PASSWORD, RealServer, Visitor

MIB = 1 << 20
BODY = (
    b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user",'
    b'"content":"hi"}]}'
)


def message(slug: str, body: bytes = BODY) -> bytes:
    head = f"POST /v1/messages/{slug} HTTP/1.1\r\nHost: localhost\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def needs_files(number: int) -> None:
    """Of this process; the server's are its own."""
    if raise_open_files(number + 200) < number + 200:
        pytest.skip(f"the system allows fewer than {number} open files")


@pytest.fixture
def upstream() -> Iterator[HoldingUpstream]:
    with HoldingUpstream() as holding:
        yield holding


@pytest.fixture
def server(tmp_path: Path, upstream: HoldingUpstream) -> Iterator[RealServer]:
    """A fresh one each: what one crowd takes, the next would miss.

    It is patient: on a machine that does much else a crowd takes long to gather.
    """
    limits = {"idle_seconds": 200.0, "head_seconds": 200.0, "body_seconds": 200.0}
    limits["body_silence_seconds"] = 200.0
    environ = {"RATE_LIMIT_REQUESTS": "100000"}
    with altered(tmp_path, limits=limits, environ=environ) as running:
        add(running, "held", upstream.url)
        yield running


def add(server: RealServer, slug: str, url: str) -> None:
    server.add_provider(
        name=slug,
        slug=slug,
        endpoint=f"{url}/v1",
        api_key="sk-0123456789ab",
        default_model="m",
    )


def assert_pages_answer(server: RealServer) -> None:
    for path in ("/health", "/ready", "/login", "/v1/models"):
        assert server.request("GET", path, timeout=SECONDS).status == 200


def test_request_1025_is_told_at_once_that_there_are_too_many(server, upstream):
    needs_files(2 * 1024)
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.port)) for _ in range(1024)]
        for number, client in enumerate(clients):
            # Every tenth one holds a worker, the others a place on the pump.
            is_whole = number % 10 == 0
            body = BODY.replace(b'"stream":true,', b"") if is_whole else BODY
            client.send(message("held", body))
        wait_until(lambda: upstream.held == 1024, 100)

        for body in (BODY, BODY.replace(b"true", b"false")):
            with RawClient(server.port) as late:
                late.send(message("held", body))
                status, headers, said = late.answer()
            assert (status, headers["retry-after"]) == (529, "5")
            assert b'"overloaded_error"' in said
        assert upstream.held == 1024
        assert_pages_answer(server)

        # No queue, and no lasting harm: a place that comes free is taken.
        clients[1].close()
        wait_until(lambda: upstream.held == 1023)
        with RawClient(server.port) as next_one:
            next_one.send(message("held"))
            assert b" 200 OK" in next_one.until(b"\r\n")
    wait_until(lambda: upstream.held == 0, 100)
    Outsider(server).assert_unharmed()


def test_where_files_are_few_so_are_the_places(tmp_path: Path, upstream):
    few = ("sh", "-c", 'ulimit -n 150 && exec "$@"', "sh")
    program = (*few, sys.executable, "-m", "aiproxy")
    places = (150 - 96) // 3
    with RealServer(tmp_path, program=program) as server, ExitStack() as stack:
        add(server, "held", upstream.url)
        for number in range(places):
            client = stack.enter_context(RawClient(server.port))
            client.send(message("held"))
            wait_until(lambda number=number: upstream.held > number)
        with RawClient(server.port) as late:
            late.send(message("held"))
            assert late.answer()[0] == 529
        assert_pages_answer(server)


def test_connection_4097_waits_until_another_has_gone(server):
    needs_files(4096)
    before = open_files(server)
    half = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
    with ExitStack() as stack:
        clients = []
        for _ in range(4096):
            clients.append(stack.enter_context(RawClient(server.port)))
            clients[-1].send(half)  # such a one is not closed for another
        wait_until(lambda: open_files(server) >= before + 4096, 100)
        with RawClient(server.port) as late:
            late.send(half + b"\r\n")
            late.sock.settimeout(0.5)
            with pytest.raises(socket.timeout):
                late.sock.recv(1)
            clients[7].close()
            late.sock.settimeout(SECONDS)
            assert late.answer()[0] == 200
        for client in (clients[8], clients[4095]):
            client.sock.settimeout(SECONDS)
            client.send(b"\r\n")
            assert client.answer()[0] == 200
    Outsider(server).assert_unharmed()


def test_bodies_in_memory_have_one_limit_for_all(server):
    """Five of 32 MiB fill it; one more is refused, and there is room again later."""
    size = 32 * MIB
    head = b"POST /v1/messages/held HTTP/1.1\r\nHost: localhost\r\n"
    head += b"Content-Length: %d\r\n\r\n" % size
    piece = b" " * MIB
    before = resident_mib(server)
    with ExitStack() as stack:
        for _ in range(5):
            client = stack.enter_context(RawClient(server.port))
            client.sock.settimeout(SECONDS)
            client.send(head)
            for _ in range(31):
                client.send(piece)
            client.send(piece[:-1000])  # the end is missing: it stays in memory
        wait_until(lambda: has_read_all(server))
        assert resident_mib(server) - before > 155
        with RawClient(server.port) as sixth:
            sixth.send(head)
            sixth.sock.settimeout(SECONDS)
            sixth.send(piece)
            status, headers, said = sixth.answer()
        assert (status, headers["retry-after"]) == (503, "5")
        assert b'"api_error"' in said
        # What needs no such room is served; so is the next body once one has gone.
        assert_pages_answer(server)
        assert resident_mib(server) - before < 256 + 96
        client.close()
        wait_until(lambda: whole_request(server) == 400)
    wait_until(lambda: resident_mib(server) - before < 100)


def page_body(size: int, path: str, *lines: str) -> bytes:
    named = [f"POST {path} HTTP/1.1", "Host: localhost", *lines]
    return "\r\n".join([*named, f"Content-Length: {size}", "", ""]).encode()


def test_strangers_with_slow_bodies_hold_off_neither_logins_nor_saves(tmp_path):
    """Few who send much, many who send little; nobody of them comes to an end."""
    small = 16 * 1024
    room = {"page_bodies_bytes": MIB, "other_bodies_bytes": MIB}
    with altered(tmp_path, limits=room) as server, ExitStack() as stack:
        key = server.make_admin_key()

        def hold(size: int, path: str, sent: int, *lines: str) -> RawClient:
            client = stack.enter_context(RawClient(server.port))
            client.sock.settimeout(SECONDS)
            client.send(page_body(size, path, *lines) + b" " * sent)
            return client

        hold(2 * MIB, "/login", MIB)
        hold(2 * MIB, "/nothing", small)
        wait_until(lambda: has_read_all(server))
        assert hold(2 * MIB, "/settings", 3 * small).answer()[0] == 503
        for number in range(4 * MIB // small):
            hold(small, ("/login", "/settings")[number % 2], small - 1)
        wait_until(lambda: has_read_all(server))

        visitor = Visitor(server)
        visitor.log_in("admin", ADMIN_PASSWORD)
        saved = visitor.post("/prompt-config", prompt_template="x" * 500_000)
        assert saved.status == 200, saved.text
        assert whole_request(server) == 400
        # What admins send has its limit, too.
        lines = (f"Authorization: Bearer {key}", "Accept: application/json")
        sent = MIB + small + 1
        assert hold(2 * MIB, "/settings", sent, *lines).answer()[0] == 503
        Outsider(server).assert_unharmed()


def whole_request(server: RealServer) -> int:
    """The status of a small one; 400 is for its odd JSON: it was read."""
    return server.request("POST", "/v1/messages/held", b"{" * 50).status


def test_a_slow_reader_costs_a_megabyte_and_its_upstream_waits(server):
    sent: dict[int, int] = {}
    is_over = threading.Event()

    def flood(sock: socket.socket) -> None:
        read_request(sock)
        sock.settimeout(0.5)
        event = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n'
        data = event % (b"x" * 65_000)
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        deadline = time.monotonic() + SECONDS
        while sent.get(id(sock), 0) < 64 * MIB and time.monotonic() < deadline:
            try:
                sent[id(sock)] = sent.get(id(sock), 0) + sock.send(data)
            except socket.timeout:
                break  # nothing more is taken: the upstream waits
        is_over.wait(100)

    readers = 30
    with RawServer(flood) as upstream, ExitStack() as stack:
        stack.callback(is_over.set)
        add(server, "flood", upstream.url)
        before = resident_mib(server)
        for _ in range(readers):
            client = RawClient(server.port, receive_buffer=4096)
            stack.enter_context(client).send(message("flood"))
        wait_until(lambda: len(sent) == readers)
        total = -1
        while total != sum(sent.values()):
            total = sum(sent.values())
            time.sleep(1.0)

        assert max(sent.values()) < 32 * MIB  # a few of them are the kernel's
        assert resident_mib(server) - before < readers + 16
        assert_pages_answer(server)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc keeps memory")
def test_what_runs_holds_no_body_and_afterwards_memory_is_free(tmp_path, upstream):
    constants = {"aiproxy.housekeeping:IDLE_SECONDS": 0.2}
    body = BODY.replace(b'"hi"', b'"' + b"word " * (8 * MIB // 5) + b'"')
    crowd = 4
    little = crowd * 8 * 2  # mebibytes; while it is needed it is more than thrice
    with altered(tmp_path, constants=constants) as server, ExitStack() as stack:
        add(server, "held", upstream.url)
        before = resident_mib(server)

        def send(data: bytes) -> None:
            client = stack.enter_context(RawClient(server.port))
            client.sock.settimeout(SECONDS)
            client.send(message("held", data))

        for _ in range(crowd):
            send(body)
        wait_until(lambda: upstream.held == crowd, 100)
        # Their streams go on for hours, perhaps; what was asked is of no use to them.
        wait_until(lambda: resident_mib(server) - before < little)

        for _ in range(crowd):
            send(body.replace(b'"stream":true,', b""))
        wait_until(lambda: upstream.held == 2 * crowd, 100)
        assert resident_mib(server) - before > little  # given back, below
        stack.close()
        wait_until(lambda: upstream.held == 0)
        wait_until(lambda: resident_mib(server) - before < little)
