"""The end of a client's connection, behind nothing, behind bytes, and no end at all."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Iterator, Tuple

import pytest

from aiproxy.serving.hang_up import has_hung_up
from tests.patience import SECONDS, wait_until

Pair = Tuple[socket.socket, socket.socket]
LINGER = b"\1\0\0\0\0\0\0\0"  # closing resets


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A client's socket and ours."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(listener.getsockname()))
        ours = stack.enter_context(listener.accept()[0])
        ours.setblocking(False)
        yield client, ours


@pytest.mark.parametrize("said", [b"", b"the next request"])
def test_a_client_that_is_there_has_not_hung_up(pair: Pair, said: bytes):
    client, ours = pair
    client.sendall(said)
    if said:
        assert select.select([ours], [], [], SECONDS)[0]

    assert not has_hung_up(ours)


@pytest.mark.parametrize("how", ["close", "reset", "half"])
@pytest.mark.parametrize("said", [b"", b"x", bytes(10_000)])
@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system cannot tell")
def test_its_end_is_seen_and_what_it_said_stays_unread(
    pair: Pair, said: bytes, how: str
):
    client, ours = pair
    client.sendall(said)
    if how == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    if how == "half":
        client.shutdown(socket.SHUT_WR)
    else:
        client.close()

    wait_until(lambda: has_hung_up(ours))
    if how != "reset":
        assert ours.recv(1) == said[:1]


def test_a_socket_that_we_closed_is_no_error(pair: Pair):
    pair[1].close()

    assert has_hung_up(pair[1])
