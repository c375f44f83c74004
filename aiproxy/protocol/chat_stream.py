"""A Chat Completions stream as a Messages stream: bytes in, events out.

Every event stream it gives out is whole or ends in one `error` event with its block
left open: Claude Code takes a clean end for success and repeats what was broken.
"""

from __future__ import annotations

from aiproxy.errors import AIProxyError, UpstreamError
from aiproxy.protocol import messages
from aiproxy.protocol.block_writer import EventWriter
from aiproxy.protocol.chat_reader import ChatReader
from aiproxy.protocol.reply import Outcome, ReplyContext


class ChatStreamTranslator:
    """One answer. A failure before its first event is raised, a later one is written.

    Nothing is written after `done`; what still comes from upstream does not count.
    """

    def __init__(self, reply: ReplyContext) -> None:
        self.done = False
        self._writer = EventWriter()
        self._reader = ChatReader(reply, self._writer)

    @property
    def started(self) -> bool:
        """An event has been given out."""
        return self._reader.started

    @property
    def finish_seen(self) -> bool:
        """A finish reason came: the end of the stream is a proper one."""
        return self._reader.finish_seen

    @property
    def outcome(self) -> Outcome:
        """How it ended, and what it has cost so far."""
        if not self.done:
            self._reader.settle_usage()  # it may end here: the client can hang up
        return self._reader.outcome

    def feed(self, data: bytes) -> bytes:
        """Bytes of the upstream's body, cut anywhere; raises UpstreamError."""
        if self.done:
            return b""
        try:
            self._reader.read(data)
        except UpstreamError as error:
            return self._give_up(error)
        self.done = self._reader.done
        return self._writer.take()

    def begin(self) -> bytes:
        """Open the answer although nothing has come yet."""
        self._reader.start()
        return self._writer.take()

    def end(self) -> bytes:
        """The upstream has ended, or is silent after its finish reason."""
        if self.done:
            return b""
        try:
            self._reader.end()
        except UpstreamError as error:
            return self._give_up(error)
        self.done = True
        return self._writer.take()

    def fail(self, error: AIProxyError) -> bytes:
        """The connection broke or a limit was reached; raises `error` if too early."""
        if self.done:
            return b""
        if not self.finish_seen:
            return self._give_up(error)
        # Only the end mark or the usage is missing.
        return self.end()

    def _give_up(self, error: AIProxyError) -> bytes:
        self._reader.settle_usage()
        self.done = True
        self.outcome.error = error
        if not self.started:
            raise error
        return self._writer.take() + messages.error_event(error)
