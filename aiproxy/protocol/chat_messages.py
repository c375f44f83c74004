"""A conversation as Chat Completions messages, in the order that those demand.

An assistant message with calls is followed at once by one tool message per call, in
the calls' order, then by all else of that user turn. What the client's history lacks
or has twice is repaired; nothing the model should see is lost. A longer conversation
begins with the messages of the shorter one, byte for byte.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Mapping, Sequence

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec, reasoning, shapes, tool_results
from aiproxy.protocol.content_blocks import ContentBlocks, Part, is_text, text_part
from aiproxy.protocol.history import Message
from aiproxy.protocol.reasoning import Thought
from aiproxy.protocol.target import Target
from aiproxy.protocol.tool_ids import UpstreamIds
from aiproxy.protocol.tools import ToolNames
from aiproxy.protocol.turns import (
    AssistantTurn,
    Call,
    Result,
    Turn,
    TurnBuilder,
    UserTurn,
)

# Mistral refuses a user message right behind a tool message [avante#2562].
BETWEEN = "OK."
# Gemini refuses a turn whose first call has no signature, as calls that another
# model made have none; this value switches the check off [Google docs].
SKIP_SIGNATURE = "skip_thought_signature_validator"


class ChatMessages:
    """Translates the messages of one request."""

    def __init__(self, target: Target, names: ToolNames, *, thinks: bool) -> None:
        """`thinks`: the model may think in this request, so its family may insist."""
        self._target = target
        self._names = names
        self._thinks = thinks
        self._blocks = ContentBlocks(target, names)
        self._ids = UpstreamIds(dialect=target.dialect.name, family=target.family)

    def translate(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """The messages behind the system message."""
        turns = self._turns(messages)
        translated: list[dict[str, Any]] = []
        media: list[Part] = []  # from tool results, for the user message after them
        for number, turn in enumerate(turns):
            if isinstance(turn, UserTurn):
                translated += self._user_message(turn, media, translated)
                continue
            following = turns[number + 1] if number + 1 < len(turns) else None
            results = following.items if isinstance(following, UserTurn) else []
            answer, media = self._assistant_messages(turn, results)
            translated += answer
        if self._target.dialect.strict_turns and _is_prefill(translated):
            translated[-1]["prefix"] = True
        return translated

    def _turns(self, messages: Sequence[Message]) -> list[Turn]:
        turns = TurnBuilder(messages)
        for number, message in enumerate(messages):
            if message.role == "assistant":
                turns.add_answer(self._assistant_turn(message), number)
            elif message.role == "user":
                turns.add_user(self._user_items(message))
            else:
                turns.add_reminder(self._reminder(message))
        return turns.finish()

    def _assistant_turn(self, message: Message) -> AssistantTurn:
        turn = AssistantTurn()
        for number, block in enumerate(message.blocks):
            where = f"{message.where}.{number}"
            kind = shapes.type_of(block)
            if kind == "tool_use":
                turn.calls.append(self._call(block, where))
            elif kind in ("thinking", "redacted_thinking"):
                thought = self._thought(block)
                if thought:
                    turn.thoughts.append(thought)
            elif kind == "tool_result":  # out of place, but the model saw it
                parts = tool_results.stray(block, self._blocks, where)
                turn.texts += _texts(parts)
            else:
                turn.texts += _texts(self._blocks.parts_of(block, where))
        return turn

    def _call(self, block: Mapping[str, Any], where: str) -> Call:
        name = shapes.required_text(block.get("name"), f"{where}.name")
        return Call(
            shapes.id_of(block, "id"),
            self._names.upstream(name),
            json_codec.encode_text(_as_object(block.get("input"))),
        )

    def _thought(self, block: Mapping[str, Any]) -> Thought | None:
        text = block.get("thinking")
        sealed = block.get("signature") or block.get("data")
        return reasoning.unpack(
            sealed,
            self._target.reasoning_key,
            text=text if isinstance(text, str) else "",
        )

    def _user_items(self, message: Message) -> list[Result | list[Part]]:
        items: list[Result | list[Part]] = []
        for number, block in enumerate(message.blocks):
            where = f"{message.where}.{number}"
            if shapes.type_of(block) == "tool_result":
                items.append(Result(block, where))
                continue
            parts = self._blocks.parts_of(block, where)
            if parts:
                items.append(parts)
        return items

    def _reminder(self, message: Message) -> list[Part]:
        """A system message in its place, as the client itself would write it.

        Not hoisted, which would change the cached prefix; not a system message,
        because many chat templates allow only the first.
        """
        parts = self._blocks.parts_of_all(message.blocks, message.where)
        texts = [part for part in parts if is_text(part)]
        text = "\n\n".join(part["text"] for part in texts)
        reminder = text_part(text)
        if reminder:
            reminder[0]["text"] = f"<system-reminder>\n{text}\n</system-reminder>"
            marks = [part["cache_control"] for part in texts if "cache_control" in part]
            self._blocks.mark(reminder, marks[-1] if marks else None)
        return reminder + [part for part in parts if not is_text(part)]

    def _assistant_messages(
        self, turn: AssistantTurn, items: Sequence[Result | list[Part]]
    ) -> tuple[list[dict[str, Any]], list[Part]]:
        """The assistant message, its tool messages, and what those could not hold."""
        self._ids.start_turn()
        ids = [self._ids.take(call.client_id, call.name) for call in turn.calls]
        messages = [self._assistant_message(turn, ids)]
        waiting: dict[str, deque[Result]] = {}
        for item in items:
            if isinstance(item, Result):
                waiting.setdefault(item.client_id, deque()).append(item)
        media: list[Part] = []
        for call, tool_id in zip(turn.calls, ids):
            queue = waiting.get(call.client_id)
            content = tool_results.interrupted(self._blocks)
            if queue:
                found = queue.popleft()
                found.used = True
                label = f"{call.name} ({tool_id})"
                result = tool_results.render(
                    found.block, self._blocks, call=label, where=found.where
                )
                content = result.content
                media += result.media
            messages.append(
                {"role": "tool", "tool_call_id": tool_id, "content": content}
            )
        return messages, media

    def _assistant_message(
        self, turn: AssistantTurn, ids: Sequence[str]
    ) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "\n\n".join(turn.texts) or None,
        }
        calls = [
            {
                "id": tool_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call, tool_id in zip(turn.calls, ids)
        ]
        if calls:
            message["tool_calls"] = calls
            self._add_extra_content(calls, turn)
        reasoning.give_back(message, turn.thoughts, self._target)
        if self._thinks:
            reasoning.fill(message, self._target)
        return message

    def _add_extra_content(
        self, calls: list[dict[str, Any]], turn: AssistantTurn
    ) -> None:
        own: dict[str, Any] = {}
        for thought in turn.thoughts:
            own.update(thought.calls)
        for sent, call in zip(calls, turn.calls):
            if call.client_id in own:
                sent["extra_content"] = own[call.client_id]
        if self._target.dialect.needs_call_signature:
            extra = calls[0].get("extra_content") or {}
            if not _is_signed(extra):
                held = extra.get("google")
                google = dict(held) if isinstance(held, dict) else {}
                google["thought_signature"] = SKIP_SIGNATURE
                calls[0]["extra_content"] = {**extra, "google": google}

    def _user_message(
        self,
        turn: UserTurn,
        media: Sequence[Part],
        before: Sequence[Mapping[str, Any]],
    ) -> list[dict[str, Any]]:
        parts = list(media)
        for item in turn.items:
            if not isinstance(item, Result):
                parts += item
            elif not item.used:
                parts += tool_results.stray(item.block, self._blocks, item.where)
        content = self._blocks.content_of(parts)
        if content is None:
            return []
        message = {"role": "user", "content": content}
        follows_tool = bool(before) and before[-1]["role"] == "tool"
        if follows_tool and "mistral" in (
            self._target.family,
            self._target.dialect.name,
        ):
            return [{"role": "assistant", "content": BETWEEN}, message]
        return [message]


def _texts(parts: list[Part]) -> list[str]:
    """An assistant message holds text alone; pictures in one are only mentioned."""
    return [
        part["text"] if is_text(part) else f"[{part['type'].replace('_url', '')}]"
        for part in parts
    ]


def _as_object(value: Any) -> dict[str, Any]:
    """The input of a tool use as the object that arguments have to be.

    Clients have been seen to keep arguments that they could not parse as a string;
    refusing them would end the conversation for good.
    """
    if value is None:
        return {}
    if isinstance(value, str):
        try:
            parsed = json_codec.decode_text(value) if value.strip() else {}
        except InvalidRequest:
            parsed = None
        if isinstance(parsed, dict):
            return parsed
        return {"_invalid_arguments": value}
    if isinstance(value, dict):
        return value
    return {"_invalid_arguments": json_codec.encode_text(value)}


def _is_signed(extra_content: Mapping[str, Any]) -> bool:
    for maker in ("google", "vertex"):
        held = extra_content.get(maker)
        if isinstance(held, dict) and held.get("thought_signature"):
            return True
    return False


def _is_prefill(messages: Sequence[Mapping[str, Any]]) -> bool:
    return bool(messages) and messages[-1]["role"] == "assistant"
