"""What a load left behind is given back to the system, where that needs asking."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from aiproxy import memory

MIB = 1 << 20
ROOT = Path(__file__).resolve().parent.parent
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc has them alone")
def test_many_threads_share_few_arenas():
    code = """
import re, sys, threading
from aiproxy import memory
assert sys.argv[1] == "many" or memory.keep_few_arenas()
kept, gate = [], threading.Barrier(17)
def work():
    kept.append([bytearray(50_000) for _ in range(20)])
    gate.wait()
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
[thread.start() for thread in threads]
gate.wait()
# An arena lies at a multiple of 64 MiB, readable at first, the rest of it not.
maps = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ rw-p", open("/proc/self/maps").read(), re.M)
print(len([start for start in maps if int(start, 16) % (64 << 20) == 0]))
gate.wait()
"""

    def arenas(how_many: str) -> int:
        made = subprocess.run(
            [sys.executable, "-c", code, how_many],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return int(made.stdout)

    assert arenas("few") < memory.FEW_ARENAS + 1 < arenas("many")
