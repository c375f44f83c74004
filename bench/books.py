"""What Linux has in its books of a gateway: all its processes, their CPU and memory."""

from __future__ import annotations

import contextlib
import os
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


class Others:
    """What the rest of the machine did meanwhile: a measurement wants it idle."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _busy_seconds() - _own_seconds()

    def share(self) -> float:
        """The part of all cores that neither this process nor a child of it used."""
        spent = _busy_seconds() - _own_seconds() - self._before
        passed = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(0.0, spent / passed)


def _busy_seconds() -> float:
    """CPU time of the whole machine, with what its host took from it."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("cpu "):
            user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
            ticks = user + nice + system + irq + softirq + steal
            return ticks / os.sysconf("SC_CLK_TCK")
    return 0.0


def _own_seconds() -> float:
    """CPU time of this process and all below it, the ended ones too."""
    times = os.times()
    return cpu_seconds(os.getpid()) + times.children_user + times.children_system
