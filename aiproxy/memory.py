"""Memory that was freed goes back to the system after a load.

glibc keeps it for the next one: after a crowd of large requests hundreds of megabytes
would stay with a server that does nothing. Elsewhere there is nothing to do.
"""

from __future__ import annotations

import os
import sys

MUCH_BYTES = 96 * 1024 * 1024  # below this it is not worth the look


def give_back() -> bool:
    """Whether there was so much that it was tried; takes a few milliseconds then."""
    if resident_bytes() < MUCH_BYTES:
        return False
    # Imported where it is needed: it costs more than most servers ever give back.
    import ctypes  # noqa: PLC0415

    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return False  # another C library
    trim(0)
    return True


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
