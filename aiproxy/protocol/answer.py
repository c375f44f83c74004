"""The answer as it grows: deltas in, blocks out in order, nothing lost.

A tool call that has begun keeps its turn until its object is closed: other calls,
text and thoughts that come meanwhile wait behind it.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Callable

from aiproxy.errors import UpstreamBroken, UpstreamError
from aiproxy.protocol import chat
from aiproxy.protocol.block_writer import BlockWriter
from aiproxy.protocol.blocks import Blocks
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.tool_calls import Call, CallTable

MAX_HELD_CHARS = 16 << 20


class Answer:
    """Takes deltas (or one whole message) and writes blocks."""

    def __init__(self, reply: ReplyContext, writer: BlockWriter) -> None:
        self.refused = False
        self.has_tool_use = False
        self._reply = reply
        self._blocks = Blocks(reply, writer)
        self._calls = CallTable(reply)
        self._call: Call | None = None  # whose turn it is
        self._waiting: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._waiting_chars = 0
        self._quiet_chars = 0  # read since something was last written

    @property
    def stop_sequence(self) -> str | None:
        """The stop sequence that is complete: nothing after it counts."""
        return self._blocks.stop_sequence

    @property
    def searches(self) -> int:
        """How many searches the answer shows."""
        return self._blocks.searches

    @property
    def plain_field(self) -> str:
        """The field of a delta that only adds to the open block; empty for none."""
        return self._blocks.plain_field if self._is_free else ""

    def think_on(self, field: str, text: str) -> None:
        """More of the open thought, which the reader writes itself."""
        self._blocks.think_on(field, text)

    @property
    def _is_free(self) -> bool:
        return not self._waiting and (self._call is None or self._call.is_over)

    def take(self, delta: chat.Chunk, *, size: int = 0, is_whole: bool = False) -> None:
        """What one delta adds, or one whole message; `size` in characters."""
        before = self._blocks.written
        found = chat.thoughts_of(delta)
        details = chat.details_of(delta)
        if found or details:
            self._put(self._blocks.think, found, details, is_whole)
        if self._reply.search_query is not None:
            self._blocks.cite(chat.citations_of(delta))
        for kind, text in chat.contents_of(delta):
            self._put(self._content, kind, text)
        for piece in chat.calls_of(delta):
            self._take_call(piece, is_whole=is_whole)
        self._limit(size, has_written=self._blocks.written != before)

    def _limit(self, size: int, *, has_written: bool) -> None:
        self._quiet_chars = 0 if has_written else self._quiet_chars + size
        self._waiting_chars = self._waiting_chars + size if self._waiting else 0
        if max(self._quiet_chars, self._waiting_chars) > MAX_HELD_CHARS:
            raise UpstreamBroken("the provider sent more than can be held back")

    def finish(self, *, cut: bool, is_certain: bool) -> None:
        """The end: all that was held goes out, every block is closed.

        `cut`: by the token limit. Without a certain end, arguments that are not
        complete are an error. Raises UpstreamError.
        """
        while self.stop_sequence is None:
            if self._call is not None and not self._call.is_over:
                self._end_call(self._call, cut=cut, is_certain=is_certain)
            self._call = None
            if not self._waiting:
                break
            self._take_waiting()
        self._blocks.finish()

    # -- turns

    def _put(self, act: Callable[..., None], *values: Any) -> None:
        """Now, if nobody else has the turn, else later."""
        if self.stop_sequence is not None:
            return
        if self._is_free:
            act(*values)
        else:
            self._waiting.append((act, values))

    def _take_waiting(self) -> None:
        act, values = self._waiting.popleft()
        if self.stop_sequence is None:
            act(*values)

    def _content(self, kind: str, text: str) -> None:
        if kind == chat.THINKING:
            self._blocks.thinking_part(text)
            return
        self.refused = self.refused or kind == chat.REFUSAL
        self._blocks.text(text)

    # -- calls

    def _take_call(self, piece: chat.CallPiece, *, is_whole: bool) -> None:
        is_empty = not (piece.id or piece.name or piece.arguments or piece.extra)
        if self.stop_sequence is not None or is_empty:
            return
        call, is_new = self._calls.place(piece, is_whole=is_whole)
        if piece.extra and call.opened:
            self._put(self._blocks.keep_for_call, call.client_id, piece.extra)
        else:
            call.extra.update(piece.extra)
        call.add_arguments(piece.arguments)
        if is_new:
            self._put(self._begin_call, call)
        elif call is self._call:
            self._pass_on(call)
        while self._waiting and (self._call is None or self._call.is_over):
            self._take_waiting()

    def _begin_call(self, call: Call) -> None:
        # The client shows a block when it closes; the arguments may take a while.
        self._blocks.end_text()
        if self.stop_sequence is not None:
            return
        self._blocks.close()
        self._call = call
        self._pass_on(call)

    def _pass_on(self, call: Call) -> None:
        if not call.opened and not call.can_open:
            return
        self._open(call)
        ready = call.take_ready()
        if ready:
            self._blocks.write(ready)

    def _open(self, call: Call) -> None:
        if call.opened:
            return
        call.opened = True
        call.client_id = self._calls.client_id(call)
        self._blocks.open_call(
            self._calls.client_name(call), call.client_id, call.extra
        )
        self.has_tool_use = True

    def _end_call(self, call: Call, *, cut: bool, is_certain: bool) -> None:
        # Only what came last was cut by a limit; an earlier call without arguments
        # has none.
        is_cut = cut and (call is self._calls.latest or not call.arguments.is_blank)
        rest = call.finish_arguments(cut=is_cut)
        if call.arguments.incomplete and not is_certain:
            raise UpstreamError(
                "the provider's answer ended within the arguments of a tool call",
                retryable=True,
            )
        if not call.name:
            call.name = self._calls.find_name(rest)
        self._open(call)
        if rest:
            self._blocks.write(rest)
