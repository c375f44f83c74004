"""Turns of a conversation: what the model said, and all before it spoke again.

Messages are many and may be empty; turns alternate. Equal neighbours merge, what is
left of nothing vanishes, and a reminder finds its place between them.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Union

from aiproxy.protocol import shapes
from aiproxy.protocol.content_blocks import Part
from aiproxy.protocol.history import Message
from aiproxy.protocol.reasoning import Thought
from aiproxy.records import dataclass, field


@dataclass(frozen=True)
class Call:
    """A tool use on its way up."""

    client_id: str
    name: str  # the upstream's
    arguments: str


@dataclass
class Result:
    """A tool_result, which may find its call."""

    block: Mapping[str, Any]
    where: str
    used: bool = False

    @property
    def client_id(self) -> str:
        return shapes.id_of(self.block, "tool_use_id")


@dataclass
class AssistantTurn:
    """What one or several assistant messages hold."""

    texts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    thoughts: list[Thought] = field(default_factory=list)
    answered_at: int = -1  # number of the last message with a result for a call

    @property
    def is_empty(self) -> bool:
        """Thoughts alone are no answer: nobody takes a message of them."""
        return not self.texts and not self.calls

    def extend(self, other: AssistantTurn) -> None:
        self.texts += other.texts
        self.calls += other.calls
        self.thoughts += other.thoughts
        self.answered_at = max(self.answered_at, other.answered_at)


@dataclass
class UserTurn:
    """All user and system messages up to the next answer of the model."""

    items: list[Result | list[Part]] = field(default_factory=list)


Turn = Union[AssistantTurn, UserTurn]


class TurnBuilder:
    """Takes messages in order and puts turns together."""

    def __init__(self, messages: Sequence[Message]) -> None:
        """The messages are only looked at for where their results stand."""
        self._turns: list[Turn] = []
        # Reminders behind an answer wait for the next user turn.
        self._held: list[Part] = []
        self._last_results = _last_results(messages)

    def add_answer(self, answer: AssistantTurn, at: int) -> None:
        """What the assistant message number `at` holds."""
        if answer.is_empty:
            return
        answer.answered_at = self._last_results.get(at, -1)
        last = self._turns[-1] if self._turns else None
        if self._held and isinstance(last, AssistantTurn) and last.answered_at < at:
            # The model has answered to the reminder: it is a turn of its own. Where
            # results are still to come it must not part them from their calls.
            self.add_user([])
            last = None
        if isinstance(last, AssistantTurn):
            last.extend(answer)
        else:
            self._turns.append(answer)

    def add_user(self, items: Sequence[Result | list[Part]]) -> None:
        """What a user message holds."""
        held: list[list[Part]] = [self._held] if self._held else []
        if not items and not held:
            return
        self._held = []
        last = self._turns[-1] if self._turns else None
        if isinstance(last, UserTurn):
            last.items += [*held, *items]
        else:
            self._turns.append(UserTurn([*held, *items]))

    def add_reminder(self, parts: list[Part]) -> None:
        """What a system message holds: it ends a user turn, or begins the next."""
        if self._turns and isinstance(self._turns[-1], AssistantTurn):
            self._held += parts
        elif parts:
            self.add_user([parts])

    def finish(self) -> list[Turn]:
        """All turns; a reminder at the very end is a user turn."""
        if self._held:
            self.add_user([])
        return self._turns


def _last_results(messages: Sequence[Message]) -> dict[int, int]:
    """For each assistant message the last user message that answers its calls."""
    called_at: dict[str, int] = {}
    last: dict[int, int] = {}
    for number, message in enumerate(messages):
        for block in message.blocks:
            kind = shapes.type_of(block)
            if message.role == "assistant" and kind == "tool_use":
                called_at[shapes.id_of(block, "id")] = number
            elif message.role == "user" and kind == "tool_result":
                called = called_at.get(shapes.id_of(block, "tool_use_id"))
                if called is not None:
                    last[called] = number
    return last
