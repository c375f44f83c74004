"""How much the server takes, and how long it waits (security.md section 8).

All of it in one value, so that a test can be quick: each number is an argument.
"""

from __future__ import annotations

import contextlib
import select

from aiproxy.records import dataclass, replace

MIB = 1024 * 1024

# Files that are neither a client's nor a provider's: database, logs, pipes.
_OTHER_FILES = 96
# select() alone (Windows) takes 512 sockets; a stream needs two in the pump.
_SELECT_CONNECTIONS = 400
_SELECT_STREAMS = 200


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    # What a client may send
    head_bytes: int = 64 * 1024
    target_bytes: int = 8 * 1024
    api_body_bytes: int = 32 * MIB  # under /v1
    page_body_bytes: int = 2 * MIB
    # So much of a page's body is not counted (4,096 connections of it are 64 MiB), so
    # that a login always has room.
    small_body_bytes: int = 16 * 1024
    # Of all requests that have not been answered; with the 64 MiB, 256 in all. Apart,
    # so that strangers use up nobody's room but their own.
    api_bodies_bytes: int = 160 * MIB
    page_bodies_bytes: int = 16 * MIB  # of admins
    other_bodies_bytes: int = 16 * MIB  # of everybody else, on the pages

    # How long it may take
    head_seconds: float = 20.0
    body_silence_seconds: float = 30.0
    body_seconds: float = 300.0
    idle_seconds: float = 60.0  # between requests
    unread_seconds: float = 120.0  # with an answer waiting that it does not read
    refused_seconds: float = 30.0  # still sending a body that was refused

    # How many
    connections: int = 4096
    streams: int = 1024
    api_workers: int = 1032  # eight more than streams, to say that there are too many
    page_workers: int = 64

    # Streams
    held_bytes: int = 256 * 1024  # unsent: from here on the upstream waits
    ping_seconds: float = 15.0  # without output
    finished_silence_seconds: float = 10.0  # after a finish reason: that was the end
    stream_seconds: float = 6 * 3600.0
    tick_seconds: float = 1.0  # how often the times above are looked at

    def fitted_to(self, open_files: int) -> Limits:
        """The same, or fewer connections and streams where files are short.

        A stream takes two: the client's socket, counted as a connection, and the
        provider's.
        """
        room = max(16, open_files - _OTHER_FILES)
        fitted = replace(
            self,
            streams=min(self.streams, room // 3),
            connections=min(self.connections, room - room // 3),
        )
        if hasattr(select, "poll"):
            return fitted
        return replace(
            fitted,
            streams=min(fitted.streams, _SELECT_STREAMS),
            connections=min(fitted.connections, _SELECT_CONNECTIONS),
        )


def raise_open_files(wanted: int = 16384) -> int:
    """Raise the soft limit on open files as far as `wanted`; the limit that holds."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # macOS refuses more than its kernel's own limit, whatever "hard" says.
        for attempt in (target, min(target, 10240)):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (attempt, hard))
                break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
