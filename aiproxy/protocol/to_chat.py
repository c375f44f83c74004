"""A Messages request as a Chat Completions request.

Sends what the target is known to know, invents nothing, and makes the same bytes of
the same input: no clock, no chance, so that the provider's prefix cache hits.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from aiproxy.protocol import effort, history, options, shapes, tools
from aiproxy.protocol.chat_messages import ChatMessages
from aiproxy.protocol.content_blocks import ContentBlocks, text_part
from aiproxy.protocol.messages import without_billing
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.target import Target
from aiproxy.protocol.tools import Tools
from aiproxy.records import dataclass


@dataclass(frozen=True)
class ChatRequest:
    """What goes up, and what the translator of the answer has to know of it."""

    body: dict[str, Any]  # extra_body merged
    headers: Mapping[str, str]
    target: Target
    tool_names: Mapping[str, str]  # upstream's to the client's
    tool_schemas: Mapping[str, Mapping[str, Any]]  # by upstream's name
    seen_tool_ids: frozenset[str]  # in the history, as the client has them
    stop_sequences: Sequence[str]  # all of them: each is enforced on the answer too
    search_query: str | None  # last user text, where web_search was offered
    notes: Sequence[str]  # what was left out or lowered, for the log

    def reply_context(
        self, *, model: str, message_id: str, nonce: str, input_estimate: int
    ) -> ReplyContext:
        """For the answer; `model` is the client's name for it."""
        return ReplyContext(
            model=model,
            message_id=message_id,
            nonce=nonce,
            input_estimate=input_estimate,
            reasoning_key=self.target.reasoning_key,
            dialect=self.target.dialect.name,
            family=self.target.family,
            tool_names=self.tool_names,
            tool_schemas=self.tool_schemas,
            seen_tool_ids=self.seen_tool_ids,
            stop_sequences=tuple(self.stop_sequences),
            search_query=self.search_query,
        )


def build_chat_request(request: Mapping[str, Any], target: Target) -> ChatRequest:
    """Translate; raises InvalidRequest for what cannot be understood."""
    past = history.read(request.get("messages"))
    limit = options.output_limit(request, target)
    wish = effort.wish_of(request, past.effort)
    offered = tools.read(request, past, target)
    stops = options.stop_sequences(request)
    response_format, rule = options.format_fields(request, target)

    translator = ChatMessages(target, offered.names, thinks=not wish.off)
    messages = translator.translate(past.messages)
    if not messages:
        shapes.refuse("messages", "must hold something that can be sent")
    system = _system_message(request, rule, ContentBlocks(target, offered.names))

    body: dict[str, Any] = {"model": target.model, "messages": system + messages}
    body[options.limit_field(target)] = limit
    body.update(options.sampling_fields(request, target))
    body.update(options.stop_fields(stops, target))
    body.update(effort.fields_for(wish, target, limit))
    if offered.definitions:
        body["tools"] = list(offered.definitions)
    body.update(tools.choice_fields(request, offered))
    body.update(response_format)
    body.update(_stream_fields(request))
    headers = _add_conversation_key(body, request, target)
    _merge_extra(body, target.extra_body)
    return ChatRequest(
        body=body,
        headers=headers,
        target=target,
        tool_names=offered.names.as_client_names(),
        tool_schemas=offered.schemas,
        seen_tool_ids=frozenset(past.tool_ids),
        stop_sequences=stops,
        search_query=past.last_user_text if offered.asks_search else None,
        notes=_notes(request, limit, body, offered),
    )


def _system_message(
    request: Mapping[str, Any], rule: str, blocks: ContentBlocks
) -> list[dict[str, Any]]:
    system = without_billing(request.get("system"))
    parts = blocks.parts_of_all(shapes.blocks(system, "system"), "system")
    texts = [part for part in parts if part["type"] == "text"]
    content = blocks.content_of(texts + text_part(rule))
    return [] if content is None else [{"role": "system", "content": content}]


def _stream_fields(request: Mapping[str, Any]) -> dict[str, Any]:
    stream = request.get("stream")
    if stream is not None and not isinstance(stream, bool):
        shapes.refuse("stream", "must be true or false")
    if not stream:
        return {}
    return {"stream": True, "stream_options": {"include_usage": True}}


def _add_conversation_key(
    body: dict[str, Any], request: Mapping[str, Any], target: Target
) -> dict[str, str]:
    key = options.conversation_key(request)
    if key and target.dialect.conversation_field:
        body[target.dialect.conversation_field] = key
    if key and target.dialect.conversation_header:
        return {target.dialect.conversation_header: key}
    return {}


def _merge_extra(body: dict[str, Any], extra: Mapping[str, Any]) -> None:
    """The provider's own settings come last; `null` takes a field of ours away."""
    for name, value in extra.items():
        if value is None:
            body.pop(name, None)
        else:
            body[name] = value
    for name, other in (
        ("max_tokens", "max_completion_tokens"),
        ("max_completion_tokens", "max_tokens"),
    ):
        if extra.get(name) is not None and extra.get(other) is None:
            body.pop(other, None)  # both at once are refused


def _notes(
    request: Mapping[str, Any], limit: int, body: Mapping[str, Any], offered: Tools
) -> tuple[str, ...]:
    notes: list[str] = []
    if limit != request["max_tokens"]:
        notes.append(f"max_tokens lowered to {limit}")
    notes += [
        f"{name} left out"
        for name in ("temperature", "top_p", "top_k")
        if request.get(name) is not None and name not in body
    ]
    return (*notes, *offered.notes)
