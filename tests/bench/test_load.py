"""The measurements' own programs: they speak properly, and see what is wrong.

Both the compiled ones and their twins in Python, against our own server and against
answers that are damaged on purpose.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import Callable, Iterator, TypeVar

import pytest

from bench import load, payload, programs
from bench.cases import Bench, Failed, Figures, Plan
from bench.gateways.ours import Checkout
from bench.load import ENDLESS, Script, Upstream
from tests.patience import SECONDS, wait_until

T = TypeVar("T")

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not hasattr(time, "clock_gettime") or not Path("/proc/self/stat").exists(),
        reason="reads Linux' books",
    ),
]


@pytest.fixture(params=["compiled", "python"])
def kind(request, monkeypatch) -> str:
    """Which of the two programs is under test."""
    if request.param == "python":
        monkeypatch.setattr(programs, "compiler", lambda: None)
    elif programs.compiler() is None:
        pytest.skip("no C compiler")
    return str(request.param)


@pytest.fixture
def upstream(kind) -> Iterator[Upstream]:
    with Upstream() as found:
        yield found


@pytest.fixture
def gateway(tmp_path, upstream) -> Iterator[Checkout]:
    found = Checkout(tmp_path, upstream.port)
    try:
        found.start()
        found.prepare()
        yield found
    finally:
        found.stop()


def ask(port: int, *, stream: bool, pieces: int, connections: int = 4) -> load.Seen:
    body = payload.chat(stream=stream, is_agents=True)
    request = payload.request(body, "/v1/chat/completions")
    return load.run(
        port,
        request,
        connections=connections,
        seconds=0.5,
        pieces=pieces,
        patience=SECONDS,
    )


def again(measure: Callable[[], T], fits: Callable[[T], bool]) -> T:
    """What is measured; once more where a busy machine gave it no time."""
    deadline = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(Failed):
            found = measure()
            if fits(found) or time.monotonic() > deadline:
                return found
        assert time.monotonic() < deadline, "nothing could be measured"


def test_the_provider_and_the_clients_agree(upstream):
    upstream.follow(Script(rate=0, chunks=1000))

    whole = again(
        lambda: ask(upstream.port, stream=False, pieces=1),
        lambda seen: seen.answers > 0,
    )
    streamed = again(
        lambda: ask(upstream.port, stream=True, pieces=1000),
        lambda seen: seen.answers > 0,
    )

    assert (whole.problem, streamed.problem) == ("", "")
    assert whole.answers == whole.pieces > 0
    assert streamed.answers > 0
    assert streamed.pieces >= 1000
    assert upstream.stats()["bad"] == 0


def test_a_stream_has_the_pace_that_it_was_given(upstream):
    upstream.follow(Script(rate=50, chunks=ENDLESS))

    def has_pace(seen: load.Seen) -> bool:
        return seen.pieces == pytest.approx(8 * 50 * seen.seconds, rel=0.5)

    seen = again(
        lambda: ask(upstream.port, stream=True, pieces=0, connections=8), has_pace
    )
    assert seen.problem == ""
    assert has_pace(seen)


def test_too_few_pieces_are_seen(upstream):
    upstream.follow(Script(rate=0, chunks=4))

    seen = again(
        lambda: ask(upstream.port, stream=True, pieces=5), lambda seen: seen.failed > 0
    )

    assert seen.answers == 0
    assert "ended after 4 of 5 pieces" in seen.problem


def test_a_stream_that_its_reader_leaves_is_counted(upstream):
    upstream.follow(Script(rate=200, chunks=1, hold=True))
    before = upstream.stats()

    ask(upstream.port, stream=True, pieces=0, connections=3)
    wait_until(lambda: upstream.stats()["cut"] >= before["cut"] + 3)


def test_a_stream_that_nobody_reads_is_given_up(upstream):
    upstream.follow(Script(rate=50_000, chunks=ENDLESS))
    request = payload.request(
        payload.chat(stream=True, is_agents=False), "/v1/chat/completions", {}
    )
    with socket.create_connection(("127.0.0.1", upstream.port)) as sock:
        sock.sendall(request)
        wait_until(lambda: upstream.stats()["cut"])


FIRST = b"[000000:000000000000001]"
THIRD = b"[000002:000000000000003]"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
DAMAGED = {
    "a piece lost": (HEAD + b"\r\n" + FIRST + THIRD + b"[DONE]", "lost "),
    "no end": (HEAD + b"\r\n" + FIRST, "ended after 1"),
    "half a body": (HEAD + b"Content-Length: 999\r\n\r\n" + FIRST, "cut short"),
    "no last chunk": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n18\r\n" + FIRST + b"\r\n",
        "cut short",
    ),
    "an error": (
        b"HTTP/1.1 529 Overloaded\r\nContent-Length: 8\r\n\r\ntoo many",
        "529: too many",
    ),
    "nothing": (b"", "closed without an answer"),
}


@pytest.mark.parametrize(("answer", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_answer_is_seen(kind, answer, problem):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                sock.recv(65536)
                sock.sendall(answer)
                sock.close()

        threading.Thread(target=serve, daemon=True).start()
        body = payload.chat(stream=True, is_agents=False)
        for seconds in (0.3, 3.0, SECONDS):
            seen = load.run(
                listener.getsockname()[1],
                payload.request(body, "/v1/chat/completions"),
                connections=1,
                seconds=seconds,
                patience=seconds,
            )
            if seen.failed or seen.lost:
                break  # else a busy machine gave it no time
        listener.shutdown(socket.SHUT_RDWR)

    assert problem in seen.problem
    assert seen.answers == 0 or seen.lost


def test_our_own_server_is_measured(gateway, upstream):
    plan = Plan(agent_seconds=0.5, stream_seconds=0.5, hang_ups=1, patience=SECONDS)
    bench = Bench(plan, upstream)
    cases: list[Callable[[], Figures]] = [
        lambda: bench.agent(gateway, "whole.2", 2, stream=False),
        lambda: bench.agent(gateway, "streamed.2", 2, stream=True),
        lambda: bench.streams(gateway, 16),
        lambda: bench.backlog(gateway),
        lambda: bench.hang_up(gateway),
        lambda: bench.memory(gateway, 8),
    ]
    for case in cases:
        figures = again(case, lambda found: all(value > 0 for value in found.values()))

        assert figures
        assert all(value > 0 for value in figures.values()), figures


def test_the_agents_request_is_as_large_as_it_is_said_to_be():
    body = payload.message(stream=True, is_agents=True)

    assert len(body["tools"]) == 24
    assert 75_000 < len(payload.request(body, "/v1/messages")) < 78_000


def test_the_sources_are_free_of_warnings(tmp_path, monkeypatch):
    if programs.compiler() is None:
        pytest.skip("no C compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(programs, "FLAGS", (*programs.FLAGS, "-Werror"))

    for name in ("client", "upstream"):
        assert Path(programs.command(name)[0]).exists()
