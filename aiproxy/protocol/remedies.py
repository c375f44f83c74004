"""What a refusal teaches, and what it changes in the requests that follow.

Applied to the body as it would go up, `extra_body` included. What is changed is
copied: the body that came in stays as it is, for the next provider of the chain.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Sequence

from aiproxy.protocol import compat, schemas
from aiproxy.protocol.target import Target
from aiproxy.records import dataclass, field

Body = Dict[str, Any]

# Kinds of lessons; `name` and `value` mean what the function beside each says.
DROP = "drop"
RENAME = "rename"
LIMIT = "limit"
EFFORT = "effort"
KEEP_THINKING = "keep thinking"
THINK_NOT_WHEN_FORCED = "think not when forced"
NO_CACHE_CONTROL = "no cache_control"
NO_REASONING_HISTORY = "no reasoning in history"
NEED_REASONING_HISTORY = "reasoning needed in history"
CLEAN_SCHEMAS = "clean schemas"
NO_IMAGES = "no images"
NO_SYSTEM_ROLE = "no system role"
BUDGET = "budget"
NO_SERVER_TOOL = "no server tool"

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens")
REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
IMAGE_NOTE = "[An image was here. This model cannot see images.]"

# Betas that ask for a field; with the field gone they would be half a pair.
_BETAS: Mapping[str, tuple[str, ...]] = {
    "context_management": ("context-management-",),
    "output_config": ("effort-", "structured-outputs-"),
    "output_config.effort": ("effort-",),
    "messages.output_config": ("per-turn-control-",),
}


@dataclass(frozen=True)
class Lesson:
    """One thing that a provider and model refused, and what helps."""

    kind: str
    name: str = ""
    value: Any = None
    note: str = field(default="", compare=False)  # for the request log
    remember: bool = True

    @property
    def dropped_betas(self) -> tuple[str, ...]:
        """Beta names, or their beginnings, that go with what is dropped."""
        if self.kind == NO_SYSTEM_ROLE:
            return ("mid-conversation-system-", "per-turn-control-")
        return _BETAS.get(self.name, ()) if self.kind == DROP else ()


def apply(body: Body, lessons: Sequence[Lesson], target: Target) -> Body:
    """The body with all that was learnt of its provider and model."""
    for lesson in lessons:
        body = _REMEDIES[lesson.kind](dict(body), lesson, target)
    return body


def dropped_betas(lessons: Sequence[Lesson]) -> tuple[str, ...]:
    """What must leave the `anthropic-beta` header, for `headers.upstream_headers`."""
    return tuple(beta for lesson in lessons for beta in lesson.dropped_betas)


def output_limit(body: Mapping[str, Any]) -> int | None:
    """The tokens that the answer may have, under either of its names."""
    for name in OUTPUT_LIMITS:
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _drop(body: Body, lesson: Lesson, _: Target) -> Body:
    """`name`: a field of the body, or one inside of `output_config` or messages."""
    config = body.get("output_config")
    if lesson.name == "output_config.effort" and isinstance(config, dict):
        kept = _without(config, "effort")
        return (
            {**body, "output_config": kept} if kept else _without(body, "output_config")
        )
    if lesson.name == "messages.output_config":
        return _each_message(body, lambda message: _without(message, "output_config"))
    body.pop(lesson.name, None)
    return body


def _rename(body: Body, lesson: Lesson, _: Target) -> Body:
    """`name` goes up as `value`, at the same place."""
    if lesson.value in body:
        body.pop(lesson.name, None)
        return body
    return {lesson.value if key == lesson.name else key: body[key] for key in body}


def _limit(body: Body, lesson: Lesson, _: Target) -> Body:
    """At most `value` tokens of output, and budgets of thought below that."""
    for name in OUTPUT_LIMITS:
        limit = body.get(name)
        if isinstance(limit, int) and limit > lesson.value:
            body[name] = lesson.value
    reasoning = body.get("reasoning")
    budget = reasoning.get("max_tokens") if isinstance(reasoning, dict) else None
    if isinstance(budget, int) and budget >= lesson.value:
        body["reasoning"] = {**body["reasoning"], "max_tokens": lesson.value // 2}
    return compat.with_fitting_budget(body)


def _lower_effort(body: Body, lesson: Lesson, _: Target) -> Body:
    """`value` lists the levels that are known there, separated by spaces."""
    levels = [level for level in LEVELS if level in lesson.value.split()]
    if isinstance(body.get("reasoning_effort"), str):
        body["reasoning_effort"] = _next_lower(body["reasoning_effort"], levels)
    for holder in ("reasoning", "output_config"):
        value = body.get(holder)
        if isinstance(value, dict) and isinstance(value.get("effort"), str):
            body[holder] = {**value, "effort": _next_lower(value["effort"], levels)}
    return body


def _next_lower(level: str, levels: Sequence[str]) -> str:
    if level not in LEVELS:
        return level
    height = LEVELS.index(level)
    lower = [known for known in levels if LEVELS.index(known) <= height]
    return lower[-1] if lower else levels[0]


def _keep_thinking(body: Body, _lesson: Lesson, _: Target) -> Body:
    """Reasoning that cannot be switched off is left alone."""
    for name in ("reasoning", "thinking", "reasoning_effort"):
        if is_off_switch(name, body.get(name)):
            del body[name]
    return body


def is_off_switch(name: str, value: Any) -> bool:
    """A field that asks a model not to think."""
    if name == "reasoning_effort":
        return bool(value == "none")
    if not isinstance(value, dict):
        return False
    return bool(value.get("enabled") is False or value.get("type") == "disabled")


def _think_not_when_forced(body: Body, lesson: Lesson, target: Target) -> Body:
    """A forced tool choice stays, thinking goes: Kimi and DeepSeek refuse both."""
    if not compat.is_forced(body.get("tool_choice")):
        return body
    for name in ("reasoning", "reasoning_effort"):
        body.pop(name, None)
    if "thinking" in body or target.dialect.takes_thinking_off:
        body["thinking"] = {"type": "disabled"}
    return body


def _without_cache_control(body: Body, _lesson: Lesson, _: Target) -> Body:
    for name in ("system", "messages", "tools", "cache_control"):
        if name in body:
            body[name] = _stripped(body[name], "cache_control")
    body.pop("cache_control", None)
    return body


def _stripped(value: Any, key: str) -> Any:
    """Without this key in blocks, messages and tools; schemas and inputs stay."""
    if isinstance(value, list):
        return [_stripped(item, key) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _stripped(inner, key) if name in {"content", "function"} else inner
        for name, inner in value.items()
        if name != key
    }


def _without_reasoning_history(body: Body, _lesson: Lesson, _: Target) -> Body:
    return _each_message(body, lambda message: _without(message, *REASONING_FIELDS))


def _with_reasoning_history(body: Body, _lesson: Lesson, target: Target) -> Body:
    """Calls need a thought beside them, even an empty one; for Kimi a space."""
    blank = " " if target.family == "kimi" else ""
    return _each_message(
        body,
        lambda message: (
            {**message, "reasoning_content": blank}
            if is_call_without_thought(message)
            else message
        ),
    )


def is_call_without_thought(message: Any) -> bool:
    """An assistant's message with calls and no `reasoning_content`."""
    return (
        isinstance(message, dict)
        and bool(message.get("tool_calls"))
        and message.get("reasoning_content") is None
    )


def _clean_schemas(body: Body, _lesson: Lesson, _: Target) -> Body:
    """The part of JSON Schema that the strictest of them takes."""
    tools = body.get("tools")
    if isinstance(tools, list):
        body["tools"] = [_with_clean_schema(tool) for tool in tools]
    return body


def _with_clean_schema(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    if isinstance(tool.get("input_schema"), dict):
        return {**tool, "input_schema": schemas.for_gemini(tool["input_schema"])}
    function = tool.get("function")
    if isinstance(function, dict) and isinstance(function.get("parameters"), Mapping):
        cleaned = schemas.for_gemini(function["parameters"])
        return {**tool, "function": {**function, "parameters": cleaned}}
    return tool


def _without_images(body: Body, _lesson: Lesson, _: Target) -> Body:
    """A note in place of each image, so that an old one does not end a conversation."""
    return _each_message(body, _seen_blindly)


def _seen_blindly(holder: Any) -> Any:
    content = holder.get("content") if isinstance(holder, dict) else None
    if not isinstance(content, list):
        return holder
    parts = [_seen_blindly(_note_for(part)) for part in content]
    if parts == content:
        return holder
    is_chat = any(is_image(part) and part["type"] == "image_url" for part in content)
    if is_chat and all(set(part) == {"type", "text"} for part in parts):
        # Models without eyes often take no list of parts at all.
        return {**holder, "content": "\n\n".join(part["text"] for part in parts)}
    return {**holder, "content": parts}


def _note_for(part: Any) -> Any:
    return {"type": "text", "text": IMAGE_NOTE} if is_image(part) else part


def is_image(part: Any) -> bool:
    """An image in either format."""
    return isinstance(part, dict) and part.get("type") in ("image", "image_url")


def _without_system_role(body: Body, _lesson: Lesson, _: Target) -> Body:
    return compat.without_system_role(body)


def _budget(body: Body, _lesson: Lesson, _: Target) -> Body:
    return compat.thinking_as_budget(body)


def _without_server_tool(body: Body, lesson: Lesson, _: Target) -> Body:
    """`name` is the tool's type."""
    tools = body.get("tools")
    if not isinstance(tools, list):
        return body
    kept = [tool for tool in tools if _type_of(tool) != lesson.name]
    dropped = [tool.get("name") for tool in tools if _type_of(tool) == lesson.name]
    choice = body.get("tool_choice")
    if not kept or (isinstance(choice, dict) and choice.get("name") in dropped):
        body.pop("tool_choice", None)
    if kept:
        body["tools"] = kept
    else:
        del body["tools"]
    return body


def _type_of(tool: Any) -> Any:
    return tool.get("type") if isinstance(tool, dict) else None


def _each_message(body: Body, change: Callable[[Any], Any]) -> Body:
    if isinstance(body.get("messages"), list):
        body["messages"] = [change(message) for message in body["messages"]]
    return body


def _without(message: Any, *names: str) -> Any:
    if not isinstance(message, dict):
        return message
    return {key: value for key, value in message.items() if key not in names}


_REMEDIES: Mapping[str, Callable[[Body, Lesson, Target], Body]] = {
    DROP: _drop,
    RENAME: _rename,
    LIMIT: _limit,
    EFFORT: _lower_effort,
    KEEP_THINKING: _keep_thinking,
    THINK_NOT_WHEN_FORCED: _think_not_when_forced,
    NO_CACHE_CONTROL: _without_cache_control,
    NO_REASONING_HISTORY: _without_reasoning_history,
    NEED_REASONING_HISTORY: _with_reasoning_history,
    CLEAN_SCHEMAS: _clean_schemas,
    NO_IMAGES: _without_images,
    NO_SYSTEM_ROLE: _without_system_role,
    BUDGET: _budget,
    NO_SERVER_TOOL: _without_server_tool,
}
