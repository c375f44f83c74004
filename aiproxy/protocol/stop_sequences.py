"""Stop sequences, enforced on the text as it streams.

Providers refuse `stop`, take four at most or overlook it; the client's contract is
that the text ends before the sequence and that the answer says which one it was.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Sequence


class _Pattern:
    """One sequence and how far the text has come in it (Knuth, Morris, Pratt)."""

    def __init__(self, sequence: str) -> None:
        self.sequence = sequence
        self._fallback = _fallbacks(sequence)

    def next_length(self, matched: int, char: str) -> int:
        """How much of the sequence the text ends with, once `char` is added."""
        while matched and self.sequence[matched] != char:
            matched = self._fallback[matched - 1]
        return matched + 1 if self.sequence[matched] == char else 0


def _fallbacks(sequence: str) -> list[int]:
    fallback = [0] * len(sequence)
    matched = 0
    for at in range(1, len(sequence)):
        while matched and sequence[at] != sequence[matched]:
            matched = fallback[matched - 1]
        if sequence[at] == sequence[matched]:
            matched += 1
        fallback[at] = matched
    return fallback


class StopSequenceFilter:
    """Pass text on up to the first sequence that is complete in it.

    Held back is the longest tail that may still become a match. Time is linear in
    the text, whatever the sequences are.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self.matched: str | None = None
        self._by_first: dict[str, list[_Pattern]] = {}
        for sequence in dict.fromkeys(sequences):
            if sequence:
                pattern = _Pattern(sequence)
                self._by_first.setdefault(sequence[0], []).append(pattern)
        firsts = "".join(re.escape(first) for first in self._by_first)
        self._first = re.compile(f"[{firsts}]") if firsts else None
        self._begun: dict[_Pattern, int] = {}
        self._held: deque[str] = deque()
        self._held_chars = 0
        self._offset = 0  # what of the first held piece has been given out

    @property
    def is_holding(self) -> bool:
        """Text waits for its decision."""
        return self._held_chars > 0

    def feed(self, text: str) -> str:
        """What of the text is certain to stand before any match."""
        if self.matched is not None or self._first is None:
            return text if self.matched is None else ""
        self._held.append(text)
        self._held_chars += len(text)
        at = 0
        while at < len(text):
            if not self._begun:
                found = self._first.search(text, at)
                if not found:
                    break
                at = found.start()
            self._step(text[at])
            at += 1
            if self.matched is not None:
                return self._release(len(self.matched) + len(text) - at)
        return self._release(max(self._begun.values(), default=0))

    def flush(self) -> str:
        """The rest: the text is over, or something else comes between."""
        self._begun = {}
        return "" if self.matched is not None else self._release(0)

    def _step(self, char: str) -> None:
        begun: dict[_Pattern, int] = {}
        for pattern, matched in self._begun.items():
            length = pattern.next_length(matched, char)
            if length:
                begun[pattern] = length
        for pattern in self._by_first.get(char, ()):
            begun.setdefault(pattern, 1)
        complete = [
            pattern.sequence
            for pattern, matched in begun.items()
            if matched == len(pattern.sequence)
        ]
        if complete:
            # Two that end together: the longer one, so that neither is seen.
            self.matched = max(complete, key=len)
        self._begun = begun

    def _release(self, keep: int) -> str:
        out: list[str] = []
        excess = self._held_chars - keep
        self._held_chars = keep
        while excess > 0:
            piece = self._held[0]
            end = min(len(piece), self._offset + excess)
            out.append(piece[self._offset : end])
            excess -= end - self._offset
            self._offset = end
            if end == len(piece):
                self._held.popleft()
                self._offset = 0
        return "".join(out)
