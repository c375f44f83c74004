"""Accepting: IPv4 looks like itself, and a system short of files is no busy loop."""

from __future__ import annotations

import errno
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from aiproxy.serving import listener as listening
from tests.patience import SECONDS, wait_until
from tests.serving.conftest import MakeSite, Site

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        (("127.0.0.1", 5), "127.0.0.1"),
        (("::1", 5, 0, 0), "::1"),
        (("::ffff:127.0.0.1", 5, 0, 0), "127.0.0.1"),
        (("::ffff:1:2", 5, 0, 0), "::ffff:1:2"),
    ],
)
def test_an_address_is_spelled_in_one_way(address, peer):
    assert listening.peer_of(address) == peer


def test_many_connections_at_once_are_all_accepted(site: Site):
    clients = [site.client() for _ in range(100)]
    for client in clients:
        client.send(GET)

    assert [client.answer()[0] for client in clients] == [200] * 100


class Full:
    """A listening socket whose system has no file left for a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.asked = 0

    def accept(self):
        self.asked += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def __getattr__(self, name: str):
        return getattr(self._sock, name)


def test_without_files_it_waits_before_it_accepts_again(
    make_site: MakeSite, caplog, monkeypatch
):
    tick = threading.Semaphore(0)
    site = make_site(housekeeping=tick.release)
    stopped = time.monotonic()
    monkeypatch.setattr(listening, "time", SimpleNamespace(monotonic=lambda: stopped))
    listener = site.server.listeners[0]
    real = listener.socket
    listener.socket = full = Full(real)
    client = site.client()
    client.send(GET)
    wait_until(lambda: full.asked)
    while tick.acquire(blocking=False):
        pass
    for _ in range(2):  # a whole turn of the loop
        assert tick.acquire(timeout=SECONDS)

    assert full.asked == 1
    assert "no connection can be accepted" in caplog.text
    listener.socket = real
    monkeypatch.undo()
    assert client.answer()[0] == 200
