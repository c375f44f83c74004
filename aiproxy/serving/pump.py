"""Running streams on one thread: a provider's socket in, translator, client's out.

A worker takes a request as far as the first event and parks its channel here; from
then on a stream costs a few sockets' wake-ups and no thread. Nothing on this thread
touches the application or the database, and nothing waits.

The pump also watches the clients of requests that workers run: the end of a client's
connection cancels what its worker waits for.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

from aiproxy.errors import AIProxyError, Unavailable
from aiproxy.serving.hang_up import has_hung_up
from aiproxy.serving.running import Running

if TYPE_CHECKING:
    from aiproxy.serving.channel import Channel
    from aiproxy.serving.limits import Limits
    from aiproxy.serving.task import Task
    from aiproxy.stream import Stream
    from aiproxy.upstream.response import UpstreamResponse

log = logging.getLogger("aiproxy.serving")

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
REST_SECONDS = 2.0  # for the last bytes of a body whose content is complete
REST_BYTES = 64 * 1024

Handler = Callable[[int], None]


class Watch:
    """A client whose request a worker runs; whoever ends it first has ended it."""

    def __init__(self, pump: Pump, channel: Channel) -> None:
        self._pump = pump
        self._channel = channel
        self.sock: socket.socket = channel.socket
        self.is_over = False

    def ready(self, mask: int) -> None:
        """Bytes from the client: the next request, which can wait, or its end."""
        if not self.check():
            self._pump.watch_by_the_clock(self)

    def check(self) -> bool:
        """Whether there is nothing more to watch for."""
        if not self.is_over and has_hung_up(self.sock):
            self._channel.hang_up()
            self._pump.unwatch(self)
        return self.is_over


class Pump:
    """The thread and its selector; `Running` is what happens to one stream."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.streams: set[Running] = set()
        self._rests: dict[Rest, float] = {}
        # Whose clients have sent more: the selector would tell of that for ever.
        self._by_the_clock: set[Watch] = set()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._calls: collections.deque[Callable[[], None]] = collections.deque()
        self._is_stopping = False
        self.is_stopped = False  # nothing is carried any further
        self.ending: AIProxyError | None = None  # why no stream goes on
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.register(self._wake_in, READ, self._run_calls)
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and what still runs on it: nobody is told any more."""
        self._is_stopping = True
        self.call(lambda: None)
        self._thread.join(5.0)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    # From other threads

    def watch(self, channel: Channel) -> Watch:
        """Cancel the channel's request when its client leaves; until `unwatch`."""
        watch = Watch(self, channel)
        self.register(watch.sock, READ, watch.ready)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """After this the channel may go back to the main loop."""
        with self._lock:
            if not watch.is_over:
                watch.is_over = True
                self._unregister(watch.sock)
                self._by_the_clock.discard(watch)

    def watch_by_the_clock(self, watch: Watch) -> None:
        """What its client says from now on is no news; its end still is."""
        with self._lock:
            if not watch.is_over:
                self._unregister(watch.sock)
                self._by_the_clock.add(watch)

    def park(self, channel: Channel, task: Task, stream: Stream, watch: Watch) -> None:
        """Carry this stream to its end, then finish the channel's request."""
        with self._lock:
            watch.is_over = True  # its registration is the stream's now
            self._by_the_clock.discard(watch)
        running = Running(self, channel, task, stream)
        channel.server.forget(channel)
        self.call(running.begin)

    def end_all(self, error: AIProxyError) -> None:
        """Tell every stream's client that it ends here."""

        def end() -> None:
            self.ending = error
            for running in list(self.streams):
                running.fail(error)

        self.call(end)

    def call(self, function: Callable[[], None]) -> None:
        """Have the pump's thread run it, soon; after its end it runs here."""
        self._calls.append(function)
        if self.is_stopped:
            self._run_pending()
            return
        with contextlib.suppress(OSError):  # it is awake already
            self._wake_out.send(b"\0")

    # The selector. Its registrations may change while the thread waits in it: epoll
    # and kqueue allow that, select() sees the change at the next tick. The lock keeps
    # Python's and the system's books of them the same.

    def register(self, sock: socket.socket, mask: int, handler: Handler) -> None:
        with self._lock:
            self._selector.register(sock, mask, handler)

    def modify(self, sock: socket.socket, mask: int, handler: Handler) -> None:
        """Also registers it, if it was not."""
        with self._lock:
            try:
                self._selector.modify(sock, mask, handler)
            except KeyError:
                self._selector.register(sock, mask, handler)

    def unregister(self, sock: socket.socket) -> None:
        """Nothing happens if it is not registered, or closed."""
        with self._lock:
            self._unregister(sock)

    def _unregister(self, sock: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._selector.unregister(sock)

    # The thread

    def _run(self) -> None:
        tick = self.limits.tick_seconds
        next_tick = time.monotonic() + tick
        while not self._is_stopping:
            for key, mask in self._select(tick):
                try:
                    key.data(mask)
                except Exception:
                    log.exception("the pump met what no stream had caught")
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + tick
                self._tick(now)
        self.is_stopped = True
        self._run_pending()
        for running in list(self.streams):
            running.abandon(Unavailable("the server has stopped"))
        for rest in list(self._rests):
            rest.close()

    def _select(self, seconds: float) -> list[tuple[selectors.SelectorKey, int]]:
        try:
            return self._selector.select(seconds)
        except OSError:
            # select() (Windows) fails whole when a socket was closed meanwhile.
            time.sleep(0.01)
            return []

    def _run_calls(self, mask: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_in.recv(4096)
        self._run_pending()

    def _run_pending(self) -> None:
        while True:
            try:
                call = self._calls.popleft()
            except IndexError:
                return
            call()

    def _tick(self, now: float) -> None:
        with self._lock:
            watches = list(self._by_the_clock)
        for watch in watches:
            watch.check()
        for running in list(self.streams):
            running.check_clock(now)
        for rest, deadline in list(self._rests.items()):
            if now >= deadline:
                rest.close()

    # The end of a provider's answer

    def let_go(self, source: UpstreamResponse) -> None:
        """Nothing of it is wanted any more; wait a little for its proper end.

        The last event and the last chunk often come apart, and a connection that
        has not been read to its end cannot be used again.
        """
        try:
            source.payload(source.buffered())
        except AIProxyError:
            source.close()
        if source.done or source.is_closed:
            source.release()
            return
        rest = Rest(self, source)
        self._rests[rest] = time.monotonic() + REST_SECONDS
        source.sock.setblocking(False)
        self.register(source.sock, READ, rest.ready)

    def forget_rest(self, rest: Rest) -> None:
        self._rests.pop(rest, None)


class Rest:
    """The end of a body after the event that completed its content."""

    def __init__(self, pump: Pump, source: UpstreamResponse) -> None:
        self._pump = pump
        self._source = source
        self._sock = source.sock
        self._room = REST_BYTES

    def ready(self, mask: int) -> None:
        try:
            data = self._sock.recv(REST_BYTES)
            self._source.payload(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except (OSError, AIProxyError):
            data = b""
        self._room -= len(data)
        if self._source.done:
            self._end(self._source.release)
        elif not data or self._room <= 0:
            self.close()

    def close(self) -> None:
        self._end(self._source.close)

    def _end(self, last: Callable[[], Any]) -> None:
        self._pump.unregister(self._sock)
        self._pump.forget_rest(self)
        last()


__all__ = ["Pump", "Watch"]
