"""One client's connection: requests in, answers out in order, and who owns it when.

The main loop owns a channel that has no request running: it reads, flushes and closes
it. From the moment a request is handed to a worker until `finish`, the worker, and
after it the pump, owns the socket; the loop may then flush what is unsent, no more.

waitress' own channel is not used: it reads on after a refused head, closes sockets
from two threads, and keeps answers in temporary files.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from waitress import wasyncore

from aiproxy.errors import ClientGone
from aiproxy.serving.parser import RequestParser
from aiproxy.serving.task import Task

if TYPE_CHECKING:
    from aiproxy.serving.listener import Listener
    from aiproxy.serving.pump import Watch
    from aiproxy.upstream.cancellation import Cancellation

log = logging.getLogger("aiproxy.serving")

RECEIVE_BYTES = 64 * 1024
MAX_UNSENT = 1024 * 1024  # then a worker waits for the client to read
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Channel(wasyncore.dispatcher):
    """A dispatcher of waitress' loop; everything HTTP about it is here."""

    def __init__(
        self, server: Listener, sock: socket.socket, peer: str, map: dict[int, Any]
    ) -> None:
        self.server = server
        self.peer = peer
        self.is_gone = False  # the client, or our interest in it
        self.requests: list[RequestParser] = []  # complete; the first one is running
        self._waiting: list[RequestParser] = []  # for the client to read its answers
        self.unsent = bytearray()
        self.lock = threading.Condition()  # of the two above
        self._request: RequestParser | None = None  # still coming
        self._closes_when_sent = False
        self._was_refused = False
        self._discards_until: float | None = None
        self._cancel: Cancellation | None = None  # of the request that is running
        self._watch: Watch | None = None
        now = time.monotonic()
        self._read_at = now
        self._sent_at = now
        super().__init__(sock, map=map)
        self.connected = True

    def add_channel(self, map: Any = None) -> None:
        super().add_channel(map)
        self.server.channels[self._fileno] = self

    def del_channel(self, map: Any = None) -> None:
        self.server.channels.pop(self._fileno, None)
        super().del_channel(map)

    @property
    def is_busy(self) -> bool:
        """A worker or the pump owns the socket."""
        return bool(self.requests)

    @property
    def is_quiet(self) -> bool:
        """Nothing runs, nothing waits to be sent."""
        return not self.requests and not self.unsent

    # What the main loop asks and tells

    def readable(self) -> bool:
        if self.requests or self.unsent:
            return False
        return not self._closes_when_sent or self._discards_until is not None

    def writable(self) -> bool:
        if self.requests:
            return bool(self.unsent) and not self.is_gone
        return bool(self.unsent) or (
            self._closes_when_sent and self._discards_until is None
        )

    def handle_read(self) -> None:
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.handle_close()
        elif self._discards_until is None:
            self._read_at = time.monotonic()
            self._received(data)

    def handle_write(self) -> None:
        with self.lock:
            if self.unsent and not self._send_some():
                self.handle_close()
                return
            if len(self.unsent) <= MAX_UNSENT // 2:
                self.lock.notify_all()
            if self.unsent or self.requests:
                return
        if self._closes_when_sent:
            self._close_politely()
        else:
            self._run_waiting()

    def handle_expt(self) -> None:
        # Out-of-band data is no part of HTTP, and would wake the loop for ever.
        self.handle_close()

    def handle_close(self) -> None:
        """The client's end, or ours for it; while a worker runs it only hears of it."""
        if self.is_busy:
            self.hang_up()
            return
        self.is_gone = True
        for request in (*self._waiting, self._request):
            if request is not None:
                request.close()
        self._waiting = []
        self.close()

    def _send_some(self) -> bool:
        """Send what the socket takes; false if the client has gone."""
        try:
            sent = self.socket.send(self.unsent)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        del self.unsent[:sent]
        self._sent_at = time.monotonic()
        return True

    def _close_politely(self) -> None:
        # Closing a socket with bytes unread makes the system send a reset, and that
        # may take from the client the very answer which says why it was refused.
        if self._was_refused and not self.is_gone:
            self._was_refused = False
            patience = self.server.context.limits.refused_seconds
            self._discards_until = time.monotonic() + patience
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.handle_close()
        elif self._discards_until is None:
            self.handle_close()

    # Requests in

    def _received(self, data: bytes) -> None:
        """Cut what came into requests; the first that is complete goes to a worker."""
        complete: list[RequestParser] = []
        while data:
            if self._request is None:
                self._request = RequestParser(self.server.context, self.peer)
            taken = self._request.received(data)
            data = data[taken:]
            if self._request.completed:
                complete.append(self._request)
                self._request = None
                if complete[-1].error is not None:
                    break  # what follows a refused head is never a request
        if complete:
            self.requests = complete
            self.server.add_task(self)
        else:
            self._invite_body()

    def _invite_body(self) -> None:
        request = self._request
        if request is not None and request.expects_continue and not self.requests:
            request.expects_continue = False
            with self.lock:
                self.unsent += _CONTINUE
                self._send_some()

    def rejoin(self) -> None:
        """On the main loop: there is something to send, or the answer is complete."""
        if self._fileno is None:
            return
        self._map[self._fileno] = self
        if self.is_gone and not self.is_busy:
            self.handle_close()  # not only once its socket takes something again
            return
        self._run_waiting()
        if self._request is not None and not (self.requests or self._waiting):
            self._request.restart_clock()
            self._invite_body()

    def _run_waiting(self) -> None:
        """On the main loop: the client has read what it was told, so it is told more.

        Until then no worker is spent on its requests: it would wait with them.
        """
        if self._waiting and self.is_quiet:
            self.requests, self._waiting = self._waiting, []
            self.server.add_task(self)

    def leave(self) -> None:
        """On the main loop: the pump has it, do not even look at it."""
        if self.requests:
            self._map.pop(self._fileno, None)

    # A worker answers

    def service(self) -> None:
        """Run the first request; a stream goes to the pump, which ends it."""
        try:
            self._service(self.requests[0])
        except Exception:
            log.exception("%s failed", self.requests[0].request_id)
            self.finish(keeps_alive=False)

    def _service(self, request: RequestParser) -> None:
        self._sent_at = time.monotonic()
        if self.is_gone:
            self.finish(keeps_alive=False)
            return
        task = Task(self, request)
        if request.is_api and request.error is None:
            self._cancel = task.cancel
            self._watch = self.server.pump.watch(self)
        stream = task.run()
        if stream is not None and self._watch is not None:
            watch, self._watch = self._watch, None
            self._cancel = None  # the pump tells its client why it ends
            request.close()
            self.server.pump.park(self, task, stream, watch)
            return
        self.finish(keeps_alive=task.keeps_alive)

    def unwatch(self) -> None:
        """The answer is there: what the client says from now on is no matter."""
        watch, self._watch = self._watch, None
        if watch is not None:
            self.server.pump.unwatch(watch)

    def write_soon(self, data: bytes) -> None:
        """Send, or keep what the client does not take; waits while that is much.

        Raises ClientGone.
        """
        with self.lock:
            if len(self.unsent) > MAX_UNSENT:
                self._wait_for_reader()
            if self.is_gone:
                raise ClientGone
            if not self.unsent:
                try:
                    sent = self.socket.send(data)
                except (BlockingIOError, InterruptedError):
                    sent = 0
                except OSError as exc:
                    self.is_gone = True
                    raise ClientGone from exc
                self._sent_at = time.monotonic()
                if sent == len(data):
                    return
                data = data[sent:]
            self.unsent += data
        self.server.return_to_loop(self)  # which sends it

    def _wait_for_reader(self) -> None:
        """Until the client has read; one too many for the workers is given up."""
        with self.server.workers.waiting_for(self) as may_wait:
            if not may_wait:
                self.hang_up()
            while len(self.unsent) > MAX_UNSENT and not self.is_gone:
                self.lock.wait()

    def finish(self, *, keeps_alive: bool) -> None:
        """The answer is complete: the next request, or back to the main loop."""
        first, rest = self.requests[0], self.requests[1:]
        first.close()
        self.unwatch()
        self._cancel = None
        if not keeps_alive or self.is_gone:
            self._was_refused = first.error is not None
            for request in rest:
                request.close()
            rest = []
            self._closes_when_sent = True
        if rest and self.unsent:
            rest, self._waiting = [], rest
        # From here on the channel may be the main loop's or another worker's.
        self.requests = rest
        if rest:
            self.server.add_task(self)
        else:
            self.server.return_to_loop(self)

    def hang_up(self) -> None:
        """The client has gone while its request runs; whoever runs it will notice."""
        with self.lock:
            self.is_gone = True
            self.unsent.clear()
            self.lock.notify_all()
        cancel = self._cancel
        if cancel is not None:
            cancel.cancel(ClientGone())

    def cancel(self, reason: Any) -> None:
        """Give up what a worker waits for, for a reason that its client is told."""
        cancel = self._cancel
        if cancel is not None:
            cancel.cancel(reason)

    # Time

    def check_clock(self, now: float) -> None:
        """On the main loop, now and then: what has taken too long is closed."""
        limits = self.server.context.limits
        if self._discards_until is not None:
            is_over = now > self._discards_until
        elif self.unsent:
            is_over = now - self._sent_at > limits.unread_seconds
        elif self.requests:
            is_over = False
        elif self._request is not None:
            is_over = self._request.is_late(now)
        else:
            is_over = now - self._read_at > limits.idle_seconds
        if is_over:
            self.handle_close()

    def idle_since(self) -> float | None:
        """When a request came last, if none runs or comes now; None if one does."""
        if self.requests or self.unsent or self._request is not None:
            return None
        return self._read_at
