"""What a scripted model answers, told once for both formats, and how it misbehaves."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any, Mapping


@dataclass(frozen=True)
class Call:
    """One tool call; `arguments` overrides the JSON of `input` (broken JSON, say)."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""  # empty: one is made
    arguments: str | None = None
    pieces: int = 3  # how many deltas the arguments come in

    def argument_text(self) -> str:
        if self.arguments is not None:
            return self.arguments
        return json.dumps(dict(self.input), ensure_ascii=False)

    def argument_pieces(self) -> list[str]:
        return _cut(self.argument_text(), max(1, self.pieces))


@dataclass(frozen=True)
class Fault:
    """How an answer goes wrong, and after how many of its events."""

    # refuse, html, die, reset, stall, error, short, garbage, silence
    kind: str
    after: int = 0
    status: int = 500
    message: str = "the scripted provider was told to fail"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 100.0
    until: threading.Event | None = None  # when the answer goes on sooner


def refuse(
    status: int,
    message: str = "refused by the script",
    *,
    retry_after: str | None = None,
    body: bytes | None = None,
) -> Fault:
    """An error status instead of an answer; `body` replaces the usual error object."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault("refuse", status=status, message=message, headers=headers, body=body)


def html(status: int = 502) -> Fault:
    """A web page from some box in front of the provider."""
    return Fault("html", status=status)


def die(after: int = 3) -> Fault:
    """The connection ends in the middle of the answer, without a word."""
    return Fault("die", after=after)


def reset(after: int = 3) -> Fault:
    """The connection is reset (RST) in the middle of the answer."""
    return Fault("reset", after=after)


def stall(
    after: int = 3, seconds: float = 100.0, until: threading.Event | None = None
) -> Fault:
    """Nothing more comes for a while, or until the event; then the answer goes on."""
    return Fault("stall", after=after, seconds=seconds, until=until)


def error_event(
    after: int = 3, message: str = "overloaded", status: int = 529
) -> Fault:
    """An error object inside a stream that began well."""
    return Fault("error", after=after, message=message, status=status)


def short() -> Fault:
    """A Content-Length that is longer than the body."""
    return Fault("short")


def garbage(body: bytes = b"this is no answer") -> Fault:
    """A 200 whose body is nothing that the format knows."""
    return Fault("garbage", status=200, body=body)


def silence(seconds: float = 100.0) -> Fault:
    """The request is read and no head comes for a while."""
    return Fault("silence", seconds=seconds)


@dataclass(frozen=True)
class Reply:
    """One answer: thinking, text, tool calls; how it is cut, paced and framed."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    search: tuple[tuple[str, str], ...] = ()  # (title, url) that a search found
    finish: str = ""  # Chat Completions' word; empty: by content
    prompt_tokens: int | None = None  # None: counted from the request
    cached_tokens: int = 0
    interleave: bool = False  # pieces of several calls take turns
    reasoning_style: str = "reasoning_content"  # or reasoning, details, tags
    chunk_chars: int = 24
    pace: float = 0.0  # seconds before each event
    head_delay: float = 0.0
    framing: str = "chunked"  # or length, close
    gzip: bool = False
    comments: bool = True
    packet: int = 0  # cut what is sent into packets of so many bytes; 0: an event each
    fault: Fault | None = None

    def finish_reason(self) -> str:
        return self.finish or ("tool_calls" if self.calls else "stop")

    def completion_tokens(self) -> int:
        letters = len(self.text) + len(self.thinking)
        letters += sum(len(call.argument_text()) + 12 for call in self.calls)
        return max(1, letters // 4)

    def text_pieces(self) -> list[str]:
        return _every(self.text, self.chunk_chars)

    def thinking_pieces(self) -> list[str]:
        return _every(self.thinking, self.chunk_chars)

    def call_order(self) -> list[tuple[int, int, str]]:
        """(call, number of its piece, piece), in the order in which they are sent."""
        pieces = [call.argument_pieces() for call in self.calls]
        order = [
            (i, n, piece)
            for i, all_ in enumerate(pieces)
            for n, piece in enumerate(all_)
        ]
        if self.interleave:
            order.sort(key=lambda entry: (entry[1], entry[0]))
        return order


def _every(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), max(1, size))]


def _cut(text: str, pieces: int) -> list[str]:
    size = max(1, -(-len(text) // pieces))
    return _every(text, size) or [""]
