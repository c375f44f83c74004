"""A running answer: what the relay hands to the pump, and how it ends."""

from __future__ import annotations

from typing import Callable, Protocol

from aiproxy.errors import AIProxyError
from aiproxy.protocol.reply import Outcome
from aiproxy.records import dataclass
from aiproxy.upstream.response import UpstreamResponse


class StreamTranslator(Protocol):
    """Upstream body bytes in, whole server-sent events for the client out."""

    @property
    def started(self) -> bool:
        """An event has been given out."""

    @property
    def done(self) -> bool:
        """Nothing after this counts; the upstream may be let go."""

    @property
    def finish_seen(self) -> bool:
        """A finish reason came: EOF or 10 s of silence end the answer well."""

    @property
    def outcome(self) -> Outcome:
        """Usage, stop reason and error so far."""

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
    on_end: Callable[[BaseException | None], None]


@dataclass
class Reply:
    """What goes to the client: a whole body, or a stream for the pump."""

    headers: dict[str, str]
    body: bytes = b""
    stream: Stream | None = None
