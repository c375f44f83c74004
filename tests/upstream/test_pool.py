"""Kept connections: only clean ones, only young ones, only for the same origin."""

from __future__ import annotations

import socket
from typing import Callable, Iterator

import pytest

from aiproxy.upstream.connection import Connection, Origin
from aiproxy.upstream.pool import Pool

ORIGIN = Origin("http", "127.0.0.1", 80)
Pair = Callable[[], "tuple[Connection, socket.socket]"]


@pytest.fixture
def pair() -> Iterator[Pair]:
    opened: list[socket.socket] = []

    def make() -> tuple[Connection, socket.socket]:
        ours, theirs = socket.socketpair()
        opened.extend((ours, theirs))
        return Connection(ours), theirs

    yield make
    for sock in opened:
        sock.close()


def is_closed(connection: Connection) -> bool:
    return connection.sock.fileno() == -1


def test_a_clean_connection_is_used_again(pair):
    pool, (connection, _) = Pool(), pair()
    pool.give(ORIGIN, connection)

    assert pool.take(ORIGIN) is connection
    assert pool.take(ORIGIN) is None


def test_the_one_used_last_comes_first(pair):
    pool, (old, _), (young, _) = Pool(), pair(), pair()
    pool.give(ORIGIN, old)
    pool.give(ORIGIN, young)

    assert pool.take(ORIGIN) is young


@pytest.mark.parametrize(
    "other",
    [
        Origin("https", "127.0.0.1", 80),
        Origin("http", "127.0.0.2", 80),
        Origin("http", "127.0.0.1", 81),
        Origin("http", "127.0.0.1", 80, ca_file="ca.pem"),
    ],
)
def test_another_origin_gets_another_connection(pair, other):
    pool, (connection, _) = Pool(), pair()
    pool.give(ORIGIN, connection)

    assert pool.take(other) is None


def test_a_connection_with_bytes_waiting_is_not_kept(pair):
    pool, (connection, theirs) = Pool(), pair()
    theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    pool.give(ORIGIN, connection)

    assert pool.take(ORIGIN) is None
    assert is_closed(connection)


def test_a_connection_with_bytes_left_over_is_not_kept(pair):
    pool, (connection, _) = Pool(), pair()
    connection.buffered = b"x"
    pool.give(ORIGIN, connection)

    assert is_closed(connection)


def test_a_dirty_connection_is_not_kept(pair):
    pool, (connection, _) = Pool(), pair()
    connection.is_dirty = True
    pool.give(ORIGIN, connection)

    assert is_closed(connection)


@pytest.mark.parametrize("late", [b"", b"late"])
def test_what_happened_meanwhile_is_noticed(pair, late):
    pool, (connection, theirs) = Pool(), pair()
    pool.give(ORIGIN, connection)
    theirs.sendall(late)
    theirs.close()

    assert pool.take(ORIGIN) is None
    assert is_closed(connection)


def test_an_old_connection_is_not_used(pair):
    pool, (connection, _) = Pool(idle_seconds=0.0), pair()
    pool.give(ORIGIN, connection)

    assert pool.take(ORIGIN) is None
    assert is_closed(connection)


def test_old_connections_are_closed_when_somebody_looks(pair):
    pool, (connection, _) = Pool(idle_seconds=0.0), pair()
    pool.give(ORIGIN, connection)
    pool.close_idle()

    assert is_closed(connection)


def test_there_are_never_more_than_the_limit(pair):
    pool, (first, _), (second, _) = Pool(max_kept=1), pair(), pair()
    pool.give(ORIGIN, first)
    pool.give(ORIGIN, second)

    assert is_closed(second)
    assert pool.take(ORIGIN) is first


def test_closing_closes_all(pair):
    pool, (connection, _) = Pool(), pair()
    pool.give(ORIGIN, connection)
    pool.close()

    assert is_closed(connection)
    assert pool.take(ORIGIN) is None


def test_after_closing_nothing_is_kept(pair):
    pool, (connection, _) = Pool(), pair()
    pool.close()
    pool.give(ORIGIN, connection)

    assert is_closed(connection)
