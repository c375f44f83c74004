"""A listening socket on waitress' main loop, and its channels."""

from __future__ import annotations

import errno
import logging
import socket
import time
from typing import TYPE_CHECKING, Any, Callable, Iterable

from waitress.server import TcpWSGIServer

from aiproxy.serving.channel import Channel

if TYPE_CHECKING:
    from waitress.adjustments import Adjustments

    from aiproxy.serving.parser import ParserContext
    from aiproxy.serving.pump import Pump
    from aiproxy.serving.workers import Workers

log = logging.getLogger("aiproxy.serving")

ACCEPTS_AT_ONCE = 32
_NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Application = Callable[..., Iterable[bytes]]


class Listener(TcpWSGIServer):
    """Accepts; its channels find here what they share."""

    def __init__(
        self,
        application: Application,
        sock: socket.socket,
        *,
        context: ParserContext,
        workers: Workers,
        pump: Pump,
        channels: dict[int, Channel],
        map: dict[int, Any],
        adj: Adjustments,
    ) -> None:
        self.context = context
        self.workers = workers
        self.pump = pump
        self.channels = channels
        self.base_path = context.base_path
        self.is_draining = False
        self._accepts_from = 0.0
        super().__init__(
            application,
            map,
            False,
            sock,
            dispatcher=workers,
            adj=adj,
            bind_socket=False,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
        )

    def readable(self) -> bool:
        if not self.accepting or time.monotonic() < self._accepts_from:
            return False
        return len(self.channels) < self.context.limits.connections

    def make_room(self) -> None:
        """At the limit, close the connection that has been idle longest.

        Between two polls: within one, the next connection could get its number, and
        would be closed for what the poll says of the old one.
        """
        if len(self.channels) < self.context.limits.connections or not self.accepting:
            return
        idle = [
            (since, channel)
            for channel in self.channels.values()
            for since in [channel.idle_since()]
            if since is not None and time.monotonic() - since > 1.0
        ]
        if idle:
            min(idle, key=lambda entry: entry[0])[1].handle_close()

    def handle_accept(self) -> None:
        room = self.context.limits.connections - len(self.channels)
        for _ in range(min(room, ACCEPTS_AT_ONCE)):
            try:
                sock, address = self.socket.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno in _NO_FILES:
                    # Trying again at once would keep the loop busy with failing.
                    self._accepts_from = time.monotonic() + 1.0
                    log.exception("no connection can be accepted: %s", exc.strerror)
                return
            Channel(self, sock, peer_of(address), self._map)

    def add_task(self, task: Channel) -> None:
        self.workers.add_task(task)

    def return_to_loop(self, channel: Channel) -> None:
        """From any thread: the channel's answer is complete."""
        self.trigger.pull_trigger(channel.rejoin)

    def forget(self, channel: Channel) -> None:
        """From any thread: the pump has it. Happens when the loop wakes next."""
        with self.trigger.lock:
            self.trigger.thunks.append(channel.leave)


def peer_of(address: Any) -> str:
    """The client's address; IPv4 on an IPv6 socket looks like itself."""
    host = str(address[0])
    return host[7:] if host.startswith("::ffff:") and "." in host else host
