"""Whether a client has left, also behind bytes of the next request that nobody reads.

Those bytes stay in the kernel until the answer has ended, and hide the end of the
connection from `recv`. Reading them here would mean to hold what a stranger sends; the
kernel can be asked for the end alone, on Linux and macOS. Elsewhere, and where the
unread bytes fill the socket's buffer, the next write tells.
"""

from __future__ import annotations

import select
import socket

# Linux has a word for it; macOS says POLLHUP of a connection that the other side ended.
_HUNG_UP = 0
if hasattr(select, "poll"):
    _HUNG_UP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


def has_hung_up(sock: socket.socket) -> bool:
    """Whether the client has closed its side; one that only half closed has left."""
    try:
        if not sock.recv(1, socket.MSG_PEEK):
            return True
        return _has_ended_unread(sock)
    except (BlockingIOError, InterruptedError):
        return False
    except (OSError, ValueError):  # reset, or closed on our side
        return True


def _has_ended_unread(sock: socket.socket) -> bool:
    if not _HUNG_UP:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN | _HUNG_UP)
    return any(events & _HUNG_UP for _, events in poll.poll(0))
