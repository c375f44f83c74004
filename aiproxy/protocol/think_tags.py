"""Thoughts that a model wrote into its text: `<think>…</think>` at its head.

Only as the first visible characters do they open a thought; whitespace around the
tags goes, later tags are text, and without a closing tag all is thought.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

OPENING_TAGS = ("<think>", "<thinking>", "<thought>")


class Run(NamedTuple):
    """A run of text, either thought or said."""

    is_thought: bool
    text: str


class _State(enum.Enum):
    HEAD = "nothing visible yet, or what may become a tag"
    THOUGHT_HEAD = "after the opening tag, nothing visible yet"
    THOUGHT = "within the tags"
    TEXT_HEAD = "after the closing tag, nothing visible yet"
    TEXT = "all that follows is text"


class ThinkTagSplitter:
    """Cut running text into thought and text, holding back what is undecided."""

    def __init__(self) -> None:
        self.field = ""  # the opening tag, once there was one
        self._state = _State.HEAD
        self._blank: list[str] = []  # whitespace that may stand beside a tag
        self._partial = ""  # may become a tag

    @property
    def is_decided(self) -> bool:
        """All that comes is text, and nothing is held."""
        return self._state is _State.TEXT and not self._blank

    def ignore_tags(self) -> None:
        """A reasoning field came: tags are text, unless one is open already."""
        if self._state is _State.HEAD:
            self._state = _State.TEXT

    def feed(self, text: str) -> list[Run]:
        """What is decided with this text."""
        runs: list[Run] = []
        if self._state is _State.HEAD:
            text = self._take_head(self._partial + text)
        if self._state in {_State.THOUGHT_HEAD, _State.THOUGHT}:
            text = self._take_thought(self._partial + text, runs)
        if self._state is _State.TEXT_HEAD:
            text = text.lstrip()
            if text:
                self._state = _State.TEXT
        if self._state is _State.TEXT and (text or self._partial):
            runs.append(Run(False, self._take_blank() + self._take_partial() + text))
        return runs

    def flush(self) -> list[Run]:
        """What is held cannot become a tag any more: something else comes now."""
        partial = self._take_partial()
        if not partial:
            return []
        if self._state is _State.HEAD:
            self._state = _State.TEXT
        is_thought = self._state is not _State.TEXT
        if is_thought:
            self._state = _State.THOUGHT
        return [Run(is_thought, self._take_blank() + partial)]

    def _take_head(self, text: str) -> str:
        self._partial = ""
        visible = text.lstrip()
        self._blank.append(text[: len(text) - len(visible)])
        for tag in OPENING_TAGS:
            if visible.startswith(tag):
                self.field = tag
                self._closing = "</" + tag[1:]
                self._state = _State.THOUGHT_HEAD
                self._blank = []
                return visible[len(tag) :]
        if any(tag.startswith(visible) for tag in OPENING_TAGS):
            self._partial = visible  # an empty one too: nothing visible yet
            return ""
        self._state = _State.TEXT
        return visible

    def _take_thought(self, text: str, runs: list[Run]) -> str:
        self._partial = ""
        end = text.find(self._closing)
        thought = text if end < 0 else text[:end]
        if end < 0:
            held = _longest_start(thought, self._closing)
            if held:
                thought, self._partial = thought[:-held], thought[-held:]
        if self._state is _State.THOUGHT_HEAD:
            thought = thought.lstrip()
        visible = thought.rstrip()
        if visible:
            self._state = _State.THOUGHT
            runs.append(Run(True, self._take_blank() + visible))
        self._blank.append(thought[len(visible) :])
        if end < 0:
            return ""
        self._blank = []
        self._state = _State.TEXT_HEAD
        return text[end + len(self._closing) :]

    def _take_blank(self) -> str:
        blank, self._blank = "".join(self._blank), []
        return blank

    def _take_partial(self) -> str:
        partial, self._partial = self._partial, ""
        return partial

    _closing = ""


def _longest_start(text: str, tag: str) -> int:
    """How many characters at the end of the text may begin the tag."""
    start = text.rfind("<", max(0, len(text) - len(tag) + 1))
    return len(text) - start if start >= 0 and tag.startswith(text[start:]) else 0
