"""What Linux has in its books of a gateway: all its processes, their CPU and memory."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

_CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED: time.h calls such a clock by ~pid << 3 | 2


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # Behind the name, which may hold anything: state, then the parent.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of the tree.

    From each process' own clock, whose unit is a nanosecond: that of /proc/PID/stat
    is 10 ms, as long as a short measurement takes.
    """
    total = 0.0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~each << 3) | _CPU_OF_PROCESS)
    return total


def resident_mib(pid: int) -> float:
    """What the tree has in memory; pages that its processes share count in each."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
    return total / 1024
