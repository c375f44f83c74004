"""Memory that was freed goes back to the system after a load.

glibc keeps it for the next one: after a crowd of large requests hundreds of megabytes
would stay with a server that does nothing. Elsewhere there is nothing to do.
"""

from __future__ import annotations

import os
import sys
from typing import Callable

FEW_ARENAS = 2
_M_ARENA_MAX = -8  # malloc.h
MUCH_BYTES = 96 * 1024 * 1024  # below this it is not worth the look


def keep_few_arenas() -> bool:
    """Before any thread is there: of glibc's own, one a thread, each grows by itself.

    After 10,000 agents' requests 46 MiB instead of 53, and no longer growing.
    """
    mallopt = _of_libc("mallopt")
    return mallopt is not None and mallopt(_M_ARENA_MAX, FEW_ARENAS) == 1


def give_back() -> bool:
    """Whether there was so much that it was tried; takes a few milliseconds then."""
    if resident_bytes() < MUCH_BYTES:
        return False
    trim = _of_libc("malloc_trim")
    if trim is None:
        return False
    trim(0)
    return True


def _of_libc(name: str) -> Callable[..., int] | None:
    """A function of glibc's; None where the system has another library."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # noqa: PLC0415 - some builds of Python lack it

        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (ImportError, OSError, AttributeError):
        return None
    return function


def resident_bytes() -> int:
    """What the process has in memory; 0 where the system does not tell (Linux does)."""
    if sys.platform != "linux":
        return 0
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
