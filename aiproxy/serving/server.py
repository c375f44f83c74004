"""The server: sockets, threads and signals around a WSGI application.

Starts listening at once, serves until told to stop, then lets what runs come to its
end while new work is answered 503 (security.md section 11).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import sys
import threading
import time
from typing import Any, Callable

from waitress import wasyncore
from waitress.adjustments import Adjustments

from aiproxy.errors import AIProxyError, ConfigError, Unavailable
from aiproxy.head import RequestHead
from aiproxy.serving.bodies import BodyBudget
from aiproxy.serving.channel import Channel
from aiproxy.serving.limits import Limits, raise_open_files
from aiproxy.serving.listener import Application, Listener
from aiproxy.serving.parser import HeadJudge, ParserContext
from aiproxy.serving.pump import Pump
from aiproxy.serving.workers import Workers
from aiproxy.upstream.dial import as_name

log = logging.getLogger("aiproxy.serving")

# Python's own need: deeply nested JSON in a thread with a small stack (1 MiB on
# Alpine, 512 KiB on macOS) ends the process without an exception.
STACK_BYTES = 4 * 1024 * 1024
FAREWELL_SECONDS = 2.0  # after the grace: for the error events to be sent
WORKERS_END_SECONDS = 0.2  # for what they wait for to be given up
DEFAULT_GRACE = 30.0
BACKLOG = 1024
_ALWAYS_ANSWERED = "/health"


class Server:
    """`serve_forever` in the main thread of a process; `start` and `stop` in a test."""

    def __init__(
        self,
        application: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        base_path: str = "",
        judge: HeadJudge | None = None,
        shows_admin: Callable[[RequestHead], bool] | None = None,
        shutdown_grace: Callable[[], float] = lambda: DEFAULT_GRACE,
        limits: Limits | None = None,
        on_drain: Callable[[], None] | None = None,
        housekeeping: Callable[[], None] | None = None,
    ) -> None:
        """Binds the address: raises ConfigError, one line, if that cannot be done.

        `on_drain` is called once when a stop has been asked for, `housekeeping` every
        second; both on the main loop, so they must be quick.
        """
        sockets = bind(host, port)
        with contextlib.suppress(ValueError, RuntimeError):
            threading.stack_size(STACK_BYTES)
        self.limits = (limits or Limits()).fitted_to(raise_open_files())
        self._judge_head = judge
        self._shows_admin = shows_admin
        self._shutdown_grace = shutdown_grace
        self._on_drain = on_drain
        self._housekeeping = housekeeping
        self._map: dict[int, Any] = {}
        self._channels: dict[int, Channel] = {}
        self._stop_asked: float | None = None  # how many seconds of grace
        self._is_forced = False
        self._grace_ends: float | None = None
        self._end_at: float | None = None
        self._thread: threading.Thread | None = None
        self.is_draining = False
        self.was_signalled = False  # someone outside wants it to end
        self.pump = Pump(self.limits)
        self.workers = Workers(
            api_workers=self.limits.api_workers, page_workers=self.limits.page_workers
        )
        self.listeners = self._listen(application, sockets, base_path.rstrip("/"))
        for listener in self.listeners:
            listener.accept_connections()

    def _listen(
        self, application: Application, sockets: list[socket.socket], base_path: str
    ) -> list[Listener]:
        context = ParserContext(
            limits=self.limits,
            base_path=base_path,
            judge=self._judge,
            shows_admin=self._shows_admin,
            api_budget=BodyBudget(self.limits.api_bodies_bytes),
            page_budget=BodyBudget(self.limits.page_bodies_bytes),
            other_budget=BodyBudget(self.limits.other_bodies_bytes),
        )
        adj = Adjustments(
            ident=None,
            clear_untrusted_proxy_headers=False,
            backlog=BACKLOG,
            listen="",  # its own default would be looked up as a name
        )
        return [
            Listener(
                application,
                sock,
                context=context,
                workers=self.workers,
                pump=self.pump,
                channels=self._channels,
                map=self._map,
                adj=adj,
            )
            for sock in sockets
        ]

    @property
    def host(self) -> str:
        return str(self.listeners[0].effective_host)

    @property
    def port(self) -> int:
        """The port that is bound, also where any was asked for."""
        return int(self.listeners[0].effective_port)

    @property
    def open_connections(self) -> int:
        return len(self._channels)

    @property
    def open_streams(self) -> int:
        return len(self.pump.streams)

    # Run

    def serve_forever(self, *, handles_signals: bool = True) -> bool:
        """Serve until a stop; true if all that ran came to its own end."""
        if handles_signals:
            self.handle_signals()
        self.pump.start()
        try:
            return self._loop()
        finally:
            self._close()

    def handle_signals(self) -> None:
        """From now on a signal asks for a stop, also before serving has begun."""
        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    def start(self) -> Server:
        """Serve on a thread of its own."""
        self._thread = threading.Thread(
            target=self.serve_forever,
            kwargs={"handles_signals": False},
            name="serving",
            daemon=True,
        )
        self._thread.start()
        return self

    def request_stop(self, grace: float | None = None) -> None:
        """From any thread: begin to drain. A second call ends the server at once."""
        if self._stop_asked is not None:
            self._is_forced = True
        self._stop_asked = self._shutdown_grace() if grace is None else grace
        self._wake()

    def stop(self, grace: float = 0.0) -> None:
        """Drain and wait for the end; for a server that `start` started."""
        self.request_stop(grace)
        self.join()

    def join(self) -> None:
        """Wait for the end of a server that `start` started."""
        if self._thread is not None:
            self._thread.join()

    def _on_signal(self, number: int, frame: Any) -> None:
        # The first one during a restart lets that drain go on.
        if self.was_signalled or self._stop_asked is None:
            self.request_stop()
        self.was_signalled = True

    def _wake(self) -> None:
        # Without a thunk, this takes no lock: a signal handler may do it.
        # After the end there is nobody to wake.
        with contextlib.suppress(OSError, IndexError):
            for listener in self.listeners:
                listener.pull_trigger()

    def _loop(self) -> bool:
        next_tick = 0.0
        tick = min(1.0, self.limits.tick_seconds)
        while True:
            for listener in self.listeners:
                listener.make_room()
            wasyncore.loop(timeout=tick, use_poll=True, map=self._map, count=1)
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + tick
                self._tick(now)
            if self._stop_asked is not None:
                is_over = self._drain(now, self._stop_asked)
                if is_over is not None:
                    return is_over

    def _tick(self, now: float) -> None:
        for channel in list(self._channels.values()):
            channel.check_clock(now)
        if self._housekeeping is not None:
            self._housekeeping()

    # The end

    def _drain(self, now: float, grace: float) -> bool | None:
        """None while there is something to wait for, else whether it ended well."""
        if not self.is_draining:
            self._begin_draining(now, grace)
        if self._is_forced:
            return False
        if all(channel.is_quiet for channel in self._channels.values()):
            return self._end_at is None
        if self._end_at is not None:
            return False if now >= self._end_at else None
        if self._grace_ends is not None and now >= self._grace_ends:
            self._end_at = now + FAREWELL_SECONDS
            stopping = Unavailable("the server is stopping")
            self.pump.end_all(stopping)
            for channel in list(self._channels.values()):
                channel.cancel(stopping)
        return None

    def _begin_draining(self, now: float, grace: float) -> None:
        log.info("stopping: %d streams run on for up to %g s", self.open_streams, grace)
        self._grace_ends = now + grace
        self.is_draining = True
        for listener in self.listeners:
            listener.is_draining = True
        if self._on_drain is not None:
            self._on_drain()

    def _judge(self, head: RequestHead, request_id: str) -> AIProxyError | None:
        if self.is_draining and head.path != _ALWAYS_ANSWERED:
            raise Unavailable("the server is stopping", headers={"retry-after": "5"})
        if self._judge_head is None:
            return None
        return self._judge_head(head, request_id)

    def _close(self) -> None:
        channels = list(self._channels.values())
        for channel in channels:
            channel.cancel(Unavailable("the server has stopped"))
        self.workers.stop(WORKERS_END_SECONDS)
        self.pump.stop()
        for channel in channels:
            channel.close()
        for listener in self.listeners:
            listener.close()


def bind(host: str, port: int) -> list[socket.socket]:
    """One socket for each address of the host; all on one port, also on port 0."""
    try:
        found = socket.getaddrinfo(
            as_name(host) or None, port, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
        )
    except (OSError, UnicodeError, OverflowError) as exc:
        raise ConfigError(
            f"the address {host!r} to listen on cannot be resolved: {exc};"
            " choose another with SERVER_HOST"
        ) from exc
    sockets: list[socket.socket] = []
    for family, kind, proto, _, address in dict.fromkeys(found):
        wanted = (address[0], port, *address[2:])
        try:
            sockets.append(_bind_one(family, kind, proto, wanted))
        except OSError as exc:
            if _has_no_such_family(exc) and len(found) > 1:
                continue
            for sock in sockets:
                sock.close()
            raise ConfigError(_why_not(host, port, exc)) from exc
        port = sockets[-1].getsockname()[1]
    if not sockets:
        raise ConfigError(f"the address {host!r} is none of this machine's")
    return sockets


def _bind_one(family: int, kind: int, proto: int, address: Any) -> socket.socket:
    sock = socket.socket(family, kind, proto)
    try:
        if sys.platform == "win32":
            # There, SO_REUSEADDR would let two servers share a port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` means every address of the machine, IPv4 too.
            is_one = 0 if address[0] == "::" else 1
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, is_one)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _has_no_such_family(exc: OSError) -> bool:
    return exc.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def _why_not(host: str, port: int, exc: OSError) -> str:
    where = f"port {port} on {host}"
    if exc.errno == errno.EADDRINUSE:
        return f"{where} is in use; stop what uses it or choose another with --port"
    if exc.errno == errno.EACCES:
        return f"{where} may not be used by this account; choose one from 1024 up"
    return f"{where} cannot be used: {exc.strerror or exc}"
