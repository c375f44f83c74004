"""Connecting: in time, cancellable, to whoever answers, never to a refused address."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Iterator

import pytest

from aiproxy.errors import ClientGone, UpstreamUnreachable
from aiproxy.upstream import dial as dialing
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.dial import dial, resolve
from tests.patience import SECONDS
from tests.raw_peer import refusing_port


def within(seconds: float) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes no further connection and does not refuse one either."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket())
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(sock.getsockname())
        yield sock.getsockname()[1]


def test_a_listening_port_is_reached(listener):
    with dial(
        "127.0.0.1", listener.getsockname()[1], within(SECONDS), Cancellation()
    ) as sock:
        assert sock.getpeername() == listener.getsockname()


def test_the_addresses_of_a_name_are_tried_in_turn(listener):
    # `localhost` is ::1 on most machines, where nobody listens on this port.
    port = listener.getsockname()[1]
    with dial("localhost", port, within(SECONDS), Cancellation()) as sock:
        assert sock.getpeername()[1] == port


def test_an_address_that_says_nothing_does_not_hold_up_the_next(
    listener, silent_port, monkeypatch
):
    addresses = [("127.0.0.1", silent_port), listener.getsockname()]
    monkeypatch.setattr(
        dialing, "resolve", lambda *_: [(socket.AF_INET, a) for a in addresses]
    )
    began = time.monotonic()

    with dial("two.example.com", 1, within(100), Cancellation()) as sock:
        assert sock.getpeername() == listener.getsockname()
    assert time.monotonic() - began < SECONDS


def test_a_refusal_is_said_at_once():
    with refusing_port() as port, pytest.raises(
        UpstreamUnreachable, match="refused"
    ) as caught:
        dial("127.0.0.1", port, within(SECONDS), Cancellation())

    assert caught.value.kind == "connect"


def test_silence_ends_at_the_deadline(silent_port):
    began = time.monotonic()

    with pytest.raises(UpstreamUnreachable, match="in time"):
        dial("127.0.0.1", silent_port, within(0.3), Cancellation())

    assert 0.2 < time.monotonic() - began < SECONDS


def test_the_wait_for_a_connection_can_be_cancelled(silent_port):
    cancel = Cancellation()
    threading.Timer(0.1, cancel.cancel).start()
    began = time.monotonic()

    with pytest.raises(ClientGone):
        dial("127.0.0.1", silent_port, within(100), cancel)

    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "0xA9FEA9FE",
        "2852039166",
        "0251.0376.0251.0376",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
def test_link_local_and_metadata_addresses_are_refused_however_spelled(host):
    with pytest.raises(UpstreamUnreachable) as caught:
        dial(host, 80, within(SECONDS), Cancellation())

    assert caught.value.kind == "refused"


def test_a_name_that_leads_to_a_refused_address_is_refused(monkeypatch):
    found = [(socket.AF_INET, ("169.254.169.254", 80))]
    monkeypatch.setattr(dialing, "resolve", lambda *_: found)

    with pytest.raises(UpstreamUnreachable) as caught:
        dial("harmless.example.com", 80, within(SECONDS), Cancellation())

    assert caught.value.kind == "refused"


def test_where_the_socket_arrived_is_what_counts(listener, monkeypatch):
    monkeypatch.setattr(dialing, "is_refused_address", lambda ip: ip == "127.0.0.1")
    found = [(socket.AF_INET, ("127.1", listener.getsockname()[1]))]
    monkeypatch.setattr(dialing, "resolve", lambda *_: found)

    with pytest.raises(UpstreamUnreachable) as caught:
        dial("spelled.example.com", 80, within(SECONDS), Cancellation())

    assert caught.value.kind == "refused"


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".example.com"])
def test_a_name_without_an_address_is_a_dns_failure(host):
    with pytest.raises(UpstreamUnreachable) as caught:
        resolve(host, 80, within(SECONDS), Cancellation())

    assert caught.value.kind == "dns"


@pytest.mark.parametrize(
    ("host", "name"),
    [("api.example.com", b"api.example.com"), ("::1", b"::1"), ("b\u00fc", "b\u00fc")],
)
def test_only_a_name_with_other_letters_goes_through_idna(host, name):
    assert dialing.as_name(host) == name


def test_a_resolver_that_takes_too_long_is_not_waited_for(monkeypatch):
    answered = threading.Event()

    def slow(host, port, flags=0):
        if flags:
            raise OSError
        answered.wait(SECONDS)
        return []

    monkeypatch.setattr(dialing, "_lookup", slow)
    with pytest.raises(UpstreamUnreachable, match="in time") as caught:
        resolve("slow.example.com", 80, within(0.2), Cancellation())
    answered.set()

    assert caught.value.kind == "dns"
