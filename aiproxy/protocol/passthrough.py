"""A request for an upstream that speaks Messages itself: as it came, but for a little.

Changed are the model, a capped max_tokens, the client's billing line, and our own
thinking envelopes, which mean nothing to anybody else. Signed blocks, unknown fields
and the order of keys stay. A strict upstream also gets no betas: see `compat.py`.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import compat, reasoning
from aiproxy.protocol.messages import blocks_of, without_billing
from aiproxy.protocol.passthrough_answer import Answer, translate_answer
from aiproxy.protocol.passthrough_stream import PassthroughStream
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.target import Target
from aiproxy.records import dataclass

__all__ = [
    "Answer",
    "PassthroughRequest",
    "PassthroughStream",
    "build_request",
    "translate_answer",
]

Body = Dict[str, Any]


@dataclass(frozen=True)
class PassthroughRequest:
    """What goes up, and what the answer's reader must know of it."""

    body: Body
    notes: tuple[str, ...] = ()
    dropped_betas: tuple[str, ...] = ()
    stop_sequences: tuple[str, ...] = ()

    def reply_context(
        self, *, model: str, message_id: str, nonce: str, input_estimate: int
    ) -> ReplyContext:
        """For the stream or the answer; `model` as the client asked."""
        return ReplyContext(
            model=model,
            message_id=message_id,
            nonce=nonce,
            input_estimate=input_estimate,
            stop_sequences=self.stop_sequences,
        )


def build_request(request: Mapping[str, Any], target: Target) -> PassthroughRequest:
    """The body for a Messages upstream; raises InvalidRequest where we must read it."""
    if not isinstance(request.get("messages"), list):
        raise InvalidRequest("messages: must be a list of messages")
    body: Body = {**request, "model": target.model}
    body, notes = _capped(body, target.max_output_tokens), []
    if body.get("max_tokens") != request.get("max_tokens"):
        notes.append(f"max_tokens lowered to {target.max_output_tokens}")
    body = _without_billing(body)
    body = _without_envelopes(body)
    if not target.full_compat:
        body, changes = compat.strict(body)
        notes += changes
    return PassthroughRequest(
        body=_with_extra(body, target.extra_body),
        notes=tuple(notes),
        stop_sequences=_stop_sequences(request),
    )


def _capped(body: Body, maximum: int | None) -> Body:
    limit = body.get("max_tokens")
    if maximum is None or not isinstance(limit, int) or limit <= maximum:
        return body
    return compat.with_fitting_budget({**body, "max_tokens": maximum})


def _without_billing(body: Body) -> Body:
    kept = without_billing(body.get("system"))
    if kept == body.get("system"):
        return body
    if kept:
        return {**body, "system": kept}
    return {key: value for key, value in body.items() if key != "system"}


def _without_envelopes(body: Body) -> Body:
    """Without thoughts that we made of another provider's: signed by nobody else."""
    if not any(_holds_envelope(message) for message in body["messages"]):
        return body
    messages: list[Any] = []
    is_gap = False  # a turn has vanished: its neighbours become one
    for message in body["messages"]:
        kept = message
        if _holds_envelope(message):
            blocks = [block for block in message["content"] if not _is_envelope(block)]
            if not blocks:
                is_gap = True
                continue
            kept = {**message, "content": blocks}
        if is_gap and messages and _role(messages[-1]) == _role(kept):
            messages[-1] = _joined(messages[-1], kept)
        else:
            messages.append(kept)
        is_gap = False
    return {**body, "messages": messages}


def _holds_envelope(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(map(_is_envelope, content))


def _is_envelope(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    if block.get("type") == "thinking":
        return reasoning.is_ours(block.get("signature"))
    return block.get("type") == "redacted_thinking" and reasoning.is_ours(
        block.get("data")
    )


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> Mapping[str, Any]:
    blocks = [*blocks_of(first.get("content")), *blocks_of(second.get("content"))]
    return {**first, "content": blocks}


def _with_extra(body: Body, extra: Mapping[str, Any]) -> Body:
    """`extra_body` comes last; a null there takes a field away."""
    merged = {**body, **extra}
    return {
        key: value
        for key, value in merged.items()
        if value is not None or key not in extra
    }


def _stop_sequences(request: Mapping[str, Any]) -> tuple[str, ...]:
    sequences = request.get("stop_sequences")
    return tuple(
        sequence
        for sequence in (sequences if isinstance(sequences, list) else [])
        if isinstance(sequence, str) and sequence.strip()
    )
