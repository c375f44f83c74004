"""One stream on the pump: what its sockets and the clock make of it, to its one end."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from typing import TYPE_CHECKING, Callable

from aiproxy.errors import (
    AIProxyError,
    ClientGone,
    Unavailable,
    UpstreamBroken,
    UpstreamTimeout,
)
from aiproxy.serving.hang_up import has_hung_up
from aiproxy.serving.task import LAST_CHUNK

if TYPE_CHECKING:
    from aiproxy.serving.channel import Channel
    from aiproxy.serving.pump import Pump
    from aiproxy.serving.task import Task
    from aiproxy.stream import Stream

log = logging.getLogger("aiproxy.serving")

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RECEIVE_BYTES = 64 * 1024
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_NOT_YET = (
    BlockingIOError,
    InterruptedError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)


class Running:
    """All methods run on the pump's thread; `_end` is reached once."""

    __slots__ = (
        "_began_at",
        "_channel",
        "_client",
        "_input_at",
        "_is_chunked",
        "_is_over",
        "_is_paused",
        "_is_watching",
        "_output_at",
        "_pump",
        "_sent_at",
        "_sock",
        "_source",
        "_stream",
        "_task",
        "_translator",
        "_unsent",
    )

    def __init__(
        self, pump: Pump, channel: Channel, task: Task, stream: Stream
    ) -> None:
        self._pump = pump
        self._channel = channel
        self._task = task
        self._stream = stream
        self._source = stream.source
        self._translator = stream.translator
        self._client: socket.socket = channel.socket
        self._sock: socket.socket | None = None
        self._is_chunked = task.is_chunked
        self._unsent = bytearray()
        self._is_paused = False  # the upstream waits for the client
        self._is_watching = True  # the client, for its end
        self._is_over = False
        now = time.monotonic()
        self._began_at = now
        self._input_at = now  # bytes from the upstream
        self._output_at = now  # an event for the client
        self._sent_at = now  # bytes taken by the client

    @property
    def held_bytes(self) -> int:
        """What the client has not taken."""
        return len(self._unsent)

    # Begin

    def begin(self) -> None:
        """Take over both sockets from the worker."""
        if self._pump.is_stopped:
            self.abandon(Unavailable("the server has stopped"))
            return
        self._pump.streams.add(self)
        self._guard(self._begin)
        if self._pump.ending is not None:
            self.fail(self._pump.ending)

    def _begin(self) -> None:
        if self._channel.is_gone:
            self._leave()
            return
        with self._channel.lock:
            # What the client has not taken of the head; ours from now on.
            self._unsent, self._channel.unsent = self._channel.unsent, bytearray()
        self._set_client_interest()
        if self._translator.done:
            self._send(b"", is_last=True)
            return
        sock = self._sock = self._source.sock
        sock.setblocking(False)
        self._pump.register(sock, READ, self.upstream_ready)
        # No event tells of what has been read already.
        raw = self._source.buffered()
        if raw or self._source.more:
            self._take(raw)
        self._take_decrypted()

    def _take_decrypted(self) -> None:
        """No event tells of what TLS has decrypted already, either."""
        sock = self._sock
        if self._is_over or self._is_paused or not isinstance(sock, ssl.SSLSocket):
            return
        if sock.pending():
            self._receive()

    def _guard(self, action: Callable[[], None]) -> None:
        """Whatever goes wrong with a stream ends that stream, and nothing else."""
        if self._is_over:
            return
        try:
            action()
        except Exception as exc:  # noqa: BLE001 - told by `_failed`
            self._failed(exc)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, AIProxyError):
            self.fail(error)
        else:
            log.error("a stream failed", exc_info=error)
            self.abandon(error)

    # The upstream's side

    def upstream_ready(self, mask: int) -> None:
        """Bytes from the upstream, or its end."""
        # As `_guard`, at a call less for each chunk.
        try:
            self._receive()
        except Exception as exc:  # noqa: BLE001 - told by `_failed`
            self._failed(exc)

    def _receive(self) -> None:
        sock = self._sock
        if sock is None or self._is_over:
            return
        try:
            raw = sock.recv(RECEIVE_BYTES)
            if isinstance(sock, ssl.SSLSocket):
                while len(raw) < RECEIVE_BYTES * 4 and sock.pending():
                    raw += sock.recv(RECEIVE_BYTES)
        except _NOT_YET:
            return
        except OSError:
            raise UpstreamBroken("the connection with the provider broke") from None
        if raw:
            self._take(raw)
        elif self._source.at_eof():
            self._send(self._translator.end(), is_last=True)
        else:
            raise UpstreamBroken("the provider's answer was cut off")

    def _take(self, raw: bytes) -> None:
        """Translate what came; gzip may hold more than is good to have at once."""
        source, translator = self._source, self._translator
        self._input_at = time.monotonic()
        while True:
            data = source.payload(raw)
            events = translator.feed(data) if data else b""
            if source.done and not translator.done:
                events += translator.end()
            if events or source.done or translator.done:
                self._send(events, is_last=source.done or translator.done)
            if self._is_over or self._is_paused or not source.more:
                return
            raw = b""

    # The client's side

    def _send(self, events: bytes, *, is_last: bool = False) -> None:
        """Frame and send; what the client does not take waits here."""
        framed = events
        if events:
            self._output_at = self._input_at
            if self._is_chunked:
                framed = b"%x\r\n%b\r\n" % (len(events), events)
        if is_last and self._is_chunked:
            framed += LAST_CHUNK
        if framed and not self._send_raw(framed):
            self._leave()
        elif is_last:
            self._end(None)
        elif len(self._unsent) > self._pump.limits.held_bytes:
            self._pause()

    def _send_raw(self, data: bytes) -> bool:
        """False if the client has gone."""
        if self._unsent:
            self._unsent += data
            return True
        try:
            sent = self._client.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return False
        if sent < len(data):
            self._unsent += data[sent:]
            self._sent_at = time.monotonic()
            self._set_client_interest()
        return True

    def client_ready(self, mask: int) -> None:
        """The client takes bytes, or says something, or has gone."""
        if mask & WRITE and self._unsent:
            self._guard(self._flush)
        if mask & READ:
            self._guard(self._listen)

    def _flush(self) -> None:
        try:
            sent = self._client.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._leave()
            return
        del self._unsent[:sent]
        self._sent_at = time.monotonic()
        if not self._unsent:
            self._set_client_interest()
        if self._is_paused and len(self._unsent) <= self._pump.limits.held_bytes // 2:
            self._resume()

    def _listen(self) -> None:
        if has_hung_up(self._client):
            self._leave()
        else:
            # The next request, which waits in the kernel until this one has ended. A
            # hang-up behind it is seen by the clock.
            self._is_watching = False
            self._set_client_interest()

    def _set_client_interest(self) -> None:
        mask = READ if self._is_watching else 0
        if self._unsent:
            mask |= WRITE
        if mask:
            self._pump.modify(self._client, mask, self.client_ready)
        else:
            self._pump.unregister(self._client)

    def _pause(self) -> None:
        if not self._is_paused and self._sock is not None:
            self._is_paused = True
            self._pump.unregister(self._sock)

    def _resume(self) -> None:
        sock = self._sock
        if sock is None:
            return
        self._is_paused = False
        self._input_at = time.monotonic()
        self._pump.register(sock, READ, self.upstream_ready)
        if self._source.more:
            self._take(b"")
        self._take_decrypted()

    # The clock

    def check_clock(self, now: float) -> None:
        """Every second: silence, slowness and the longest life of a stream."""
        self._guard(lambda: self._check_clock(now))

    def _check_clock(self, now: float) -> None:
        limits = self._pump.limits
        silence = now - self._input_at
        if not self._is_watching and has_hung_up(self._client):
            self._leave()
        elif self._unsent and now - self._sent_at > limits.unread_seconds:
            self.abandon(ClientGone("the client does not read its answer"))
        elif now - self._began_at > limits.stream_seconds:
            self.fail(UpstreamTimeout("the answer took too long"))
        elif self._is_paused:
            return
        elif self._translator.finish_seen and (
            silence > limits.finished_silence_seconds
        ):
            self._send(self._translator.end(), is_last=True)
        elif silence > self._stream.idle_seconds:
            self.fail(UpstreamTimeout("the provider was silent for too long"))
        elif now - self._output_at > limits.ping_seconds and not self._unsent:
            # Between two reads of the upstream only whole events have gone out.
            started = self._translator.started
            events = PING if started else self._translator.begin()
            self._send(events)
            self._output_at = now

    # Endings

    def fail(self, error: AIProxyError) -> None:
        """Tell the client in an `error` event, as far as it still can be told."""
        if self._is_over:
            return
        try:
            last = self._translator.fail(error)
        except Exception as exc:
            log.exception("a stream failed")
            self.abandon(exc)
            return
        # With a finish reason the answer was complete, and its end is a proper one.
        cause = None if self._translator.finish_seen else error
        framed = b"%x\r\n%b\r\n" % (len(last), last) if last else b""
        if not self._send_raw(framed + LAST_CHUNK if self._is_chunked else last):
            self._leave()
        else:
            self._end(cause)

    def abandon(self, error: Exception) -> None:
        """End it without a word: the client sees no last chunk."""
        self._channel.hang_up()
        self._end(error, keeps_alive=False)

    def _leave(self) -> None:
        """Nobody listens: the upstream is closed at once."""
        self.abandon(ClientGone())

    def _end(self, error: Exception | None, *, keeps_alive: bool = True) -> None:
        if self._is_over:
            return
        self._is_over = True
        pump, channel = self._pump, self._channel
        pump.streams.discard(self)
        pump.unregister(self._client)
        if self._sock is not None:
            pump.unregister(self._sock)
        try:
            if error is None:
                pump.let_go(self._source)
            else:
                self._source.close()
            self._stream.on_end(error)
        except Exception:
            log.exception("the end of a stream failed")
        if self._unsent and keeps_alive:
            with channel.lock:
                channel.unsent += self._unsent
        channel.finish(keeps_alive=keeps_alive and self._task.keeps_alive)
