"""What a load left behind is given back to the system, where that needs asking."""

from __future__ import annotations

import platform
import sys

import pytest

from aiproxy import memory

MIB = 1 << 20
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it alone")


@on_linux
def test_the_system_tells_how_much_there_is():
    before = memory.resident_bytes()
    ballast = bytearray(b"x") * (64 * MIB)

    assert memory.resident_bytes() - before > 60 * MIB
    del ballast


def test_a_little_is_not_worth_a_look(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "MUCH_BYTES", 1 << 60)

    assert memory.give_back() is False


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc keeps it alone")
def test_much_is_given_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "MUCH_BYTES", 1)
    # Pieces too small to be mapped one by one; the last keeps the end of the heap.
    ballast = [bytearray(60_000) for _ in range(2000)]
    full = memory.resident_bytes()
    last = ballast.pop()
    ballast.clear()

    assert memory.give_back() is True
    assert full - memory.resident_bytes() > 80 * MIB
    assert len(last) == 60_000
