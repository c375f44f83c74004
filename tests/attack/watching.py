"""What the system tells of a server's process, and waiting for what must happen."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.raw_peer import RawClient
from tests.real_server import RealServer


def has_read_all(server: RealServer) -> bool:
    """Whether nothing is on its way to the server, nor waits there to be read."""
    for line in _book(server, "net/tcp").read_text().splitlines()[1:]:
        _, here, there, _, queues = line.split()[:5]
        unsent, unread = (int(number, 16) for number in queues.split(":"))
        if int(here.rpartition(":")[2], 16) == server.port and unread:
            return False
        if int(there.rpartition(":")[2], 16) == server.port and unsent:
            return False
    return True


def resident_mib(server: RealServer) -> float:
    """What the process has in memory."""
    status = _book(server, "status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def cpu_seconds(server: RealServer) -> float:
    """CPU time of all threads of the process, whatever else the machine does."""
    # time.h calls the clock of another process by ~pid << 3 | 2 (Linux).
    return time.clock_gettime((~server.process.pid << 3) | 2)


def open_files(server: RealServer) -> int:
    """How many files the process has open; most are its clients'."""
    return sum(1 for _ in _book(server, "fd").iterdir())


def holds(server: RealServer, client: RawClient) -> bool:
    """Whether the process still has its end of this connection."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("only Linux tells this of a connection")
    ports = (server.port, client.sock.getsockname()[1])
    for line in table.read_text().split("\n")[1:-1]:
        words = line.split()
        ends = tuple(int(word.rpartition(":")[2], 16) for word in words[1:3])
        if ends == ports:
            return words[9] != "0"  # the inode: none once nobody has it open
    return False


def _book(server: RealServer, name: str) -> Path:
    path = Path(f"/proc/{server.process.pid}/{name}")
    if not path.exists():
        pytest.skip("only Linux tells this of a process")
    return path
