"""A running answer: what the relay hands to the pump, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Protocol

from aiproxy.errors import AIProxyError
from aiproxy.protocol.reply import Outcome
from aiproxy.upstream.transport import UpstreamResponse


class StreamTranslator(Protocol):
    """Upstream body bytes in, the client's server-sent events out; whole events only."""

    started: bool  # an event has been given out
    done: bool  # nothing after this counts; the upstream may be let go
    finish_seen: bool  # a finish reason came: EOF or 10 s of silence end it well
    outcome: Outcome

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamError for an error that comes before the first event."""

    def begin(self) -> bytes:
        """Open the answer although the upstream has said nothing yet."""

    def end(self) -> bytes:
        """The upstream's end: a proper close, or an error event."""

    def fail(self, error: AIProxyError) -> bytes:
        """The connection broke or a limit was reached: an error event."""


@dataclass
class Stream:
    """One answer on its way; belongs to the pump once the route has returned it."""

    source: UpstreamResponse
    translator: StreamTranslator
    first: bytes  # translated already; goes out before anything else
    idle_seconds: float  # the longest silence of the upstream
    # Called once, on the pump's thread: None, or why the stream was given up.
    on_end: Callable[[Optional[BaseException]], None]
