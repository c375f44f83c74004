"""An answer being read: its payload, its limits, its silence, and who gets the rest."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from typing import Callable, Iterator

import pytest

from aiproxy.errors import ClientGone, UpstreamBroken, UpstreamTimeout
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.connection import Connection
from aiproxy.upstream.head import ResponseHead
from aiproxy.upstream.response import UpstreamResponse
from tests.patience import SECONDS

CHUNKED = {"transfer-encoding": "chunked"}
GZIPPED = {**CHUNKED, "content-encoding": "gzip"}


class Exchange:
    """An answer whose head has been read, and the provider's end of its connection."""

    def __init__(self) -> None:
        ours, self.upstream = socket.socketpair()
        self.connection = Connection(ours)
        self.cancel = Cancellation()
        self.given_back: list[Connection] = []

    def answer(
        self,
        headers: dict[str, str],
        *,
        buffered: bytes = b"",
        read_timeout: float = SECONDS,
        method: str = "POST",
    ) -> UpstreamResponse:
        self.connection.buffered = buffered
        self.cancel.attach(self.connection.interrupt)
        return UpstreamResponse(
            self.connection,
            ResponseHead(200, headers),
            method=method,
            read_timeout=read_timeout,
            cancel=self.cancel,
            give_back=self.given_back.append,
        )

    def is_closed(self) -> bool:
        return self.connection.sock.fileno() == -1


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.connection.close()
    made.upstream.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# Reading on a worker

BODIES: dict[str, tuple[dict[str, str], bytes]] = {
    "chunks": (CHUNKED, chunk(b"hel") + chunk(b"lo") + chunk(b"")),
    "a length": ({"content-length": "5"}, b"hello"),
    "until the end": ({}, b"hello"),
    "gzip": (GZIPPED, chunk(gzip.compress(b"hello")) + chunk(b"")),
}


@pytest.mark.parametrize("early", [0, 3, 999])
@pytest.mark.parametrize(("headers", "raw"), BODIES.values(), ids=BODIES)
def test_the_payload_does_not_depend_on_framing_or_timing(
    exchange, headers, raw, early
):
    exchange.upstream.sendall(raw[early:])
    exchange.upstream.shutdown(socket.SHUT_WR)

    answer = exchange.answer(headers, buffered=raw[:early])

    assert answer.read_all(100) == b"hello"
    assert answer.done
    assert answer.read_some() == b""


def test_what_is_there_is_given_at_once(exchange):
    answer = exchange.answer(CHUNKED)
    exchange.upstream.sendall(chunk(b"first"))
    assert answer.read_some() == b"first"

    exchange.upstream.sendall(chunk(b"second"))
    assert answer.read_some() == b"second"


def test_silence_is_a_timeout_after_which_reading_may_go_on(exchange):
    answer = exchange.answer(CHUNKED)
    with pytest.raises(UpstreamTimeout):
        answer.read_some(timeout=0.05)

    exchange.upstream.sendall(chunk(b"late"))
    assert answer.read_some() == b"late"


def test_a_dripping_chunk_header_is_silence(exchange):
    answer = exchange.answer(CHUNKED)
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.02):
            exchange.upstream.sendall(b"0")

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    with pytest.raises((UpstreamTimeout, UpstreamBroken)):
        answer.read_some(timeout=0.3)
    stop.set()
    dripping.join()

    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("headers", [CHUNKED, {"content-length": "9"}, GZIPPED])
def test_a_body_cut_off_is_broken(exchange, headers):
    exchange.upstream.sendall(b"5")
    exchange.upstream.shutdown(socket.SHUT_WR)

    with pytest.raises(UpstreamBroken):
        exchange.answer(headers).read_all(100)


def test_gzip_cut_off_is_broken_though_its_chunks_are_complete(exchange):
    raw = chunk(gzip.compress(b"hello")[:-4]) + chunk(b"")

    with pytest.raises(UpstreamBroken):
        exchange.answer(GZIPPED, buffered=raw).read_all(100)


def test_a_body_over_the_limit_is_broken(exchange):
    with pytest.raises(UpstreamBroken):
        exchange.answer({"content-length": "11"}, buffered=b"x" * 11).read_all(10)


def test_a_bomb_is_stopped_at_the_limit(exchange):
    raw = gzip.compress(bytes(20 << 20))
    headers = {"content-encoding": "gzip", "content-length": str(len(raw))}

    with pytest.raises(UpstreamBroken):
        exchange.answer(headers, buffered=raw).read_all(1 << 20)


def test_reading_can_be_cancelled(exchange):
    answer = exchange.answer(CHUNKED, read_timeout=100.0)
    threading.Timer(0.1, exchange.cancel.cancel).start()
    began = time.monotonic()

    with pytest.raises(ClientGone):
        answer.read_some()

    assert time.monotonic() - began < SECONDS
    assert exchange.upstream.recv(1) == b""


# Reading on the pump


def test_the_pump_gets_what_was_read_too_early_once(exchange):
    answer = exchange.answer(CHUNKED, buffered=chunk(b"early"))

    assert answer.payload(answer.buffered()) == b"early"
    assert answer.buffered() == b""


def test_the_pump_learns_the_end_from_the_payload(exchange):
    answer = exchange.answer(CHUNKED)

    assert answer.payload(chunk(b"all") + chunk(b"")) == b"all"
    assert answer.done


def test_a_bomb_reaches_the_pump_in_pieces(exchange):
    answer = exchange.answer({"content-encoding": "gzip"})
    first = answer.payload(gzip.compress(bytes(1 << 20)))
    assert answer.more

    size = len(first)
    while answer.more:
        piece = answer.payload(b"")
        assert len(piece) <= len(first)
        size += len(piece)
    assert size == 1 << 20


@pytest.mark.parametrize(
    ("headers", "is_proper"), [({}, True), (CHUNKED, False), (GZIPPED, False)]
)
def test_the_end_of_the_connection_is_proper_or_not(exchange, headers, is_proper):
    assert exchange.answer(headers).at_eof() is is_proper


# Afterwards


def test_a_clean_connection_is_given_back(exchange):
    answer = exchange.answer({"content-length": "0"})
    answer.release()

    assert exchange.given_back == [exchange.connection]
    assert answer.is_closed


RELEASES: dict[str, tuple[Callable[[UpstreamResponse], object], dict[str, str]]] = {
    "not read to its end": (lambda answer: answer.payload(chunk(b"some")), CHUNKED),
    "more came than announced": (
        lambda answer: answer.payload(b"surplus"),
        {"content-length": "1"},
    ),
    "the provider closes": (
        lambda answer: answer.read_all(9),
        {"content-length": "0", "connection": "close"},
    ),
    "nothing told the end": (lambda answer: answer.at_eof(), {}),
}


@pytest.mark.parametrize(("read", "headers"), RELEASES.values(), ids=RELEASES)
def test_any_other_connection_is_closed(exchange, read, headers):
    answer = exchange.answer(headers)
    read(answer)
    answer.release()

    assert exchange.given_back == []
    assert exchange.is_closed()


def test_closing_tells_the_provider(exchange):
    exchange.answer(CHUNKED).close()

    assert exchange.upstream.recv(1) == b""


def test_a_cancelled_connection_is_never_used_again(exchange):
    answer = exchange.answer({"content-length": "0"})
    exchange.cancel.cancel()
    answer.release()

    assert exchange.given_back == []
    assert exchange.is_closed()


def test_after_its_end_an_answer_cannot_be_read(exchange):
    answer = exchange.answer(CHUNKED)
    answer.close()
    answer.close()

    with pytest.raises(UpstreamBroken):
        answer.read_some()
