"""Short ways to translate a request in a test, and what such requests look like."""

from __future__ import annotations

import base64
from typing import Any

from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import ChatRequest, build_chat_request

# A picture of one white point, and the smallest thing that calls itself a PDF.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJ"
    "RU5ErkJggg=="
)
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type /Page>>endobj\n%%EOF\n").decode()


def target(model: str = "some-model", dialect: str = "generic", **more: Any) -> Target:
    endpoint = more.pop("endpoint", "https://llm.example/v1")
    return Target.of(endpoint=endpoint, model=model, dialect=dialect, **more)


def request(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Messages request; without messages the user says hello."""
    return {
        "model": "claude-opus-5-5",
        "max_tokens": 32000,
        "messages": list(messages) or [user("hello")],
        **fields,
    }


def chat(
    *messages: dict[str, Any], to: Target | None = None, **fields: Any
) -> ChatRequest:
    return build_chat_request(request(*messages, **fields), to or target())


def body(
    *messages: dict[str, Any], to: Target | None = None, **fields: Any
) -> dict[str, Any]:
    return chat(*messages, to=to, **fields).body


def translated(
    *messages: dict[str, Any], to: Target | None = None, **fields: Any
) -> list[dict[str, Any]]:
    """The messages of the translated request."""
    result: list[dict[str, Any]] = body(*messages, to=to, **fields)["messages"]
    return result


def user(*content: Any) -> dict[str, Any]:
    return _message("user", content)


def assistant(*content: Any) -> dict[str, Any]:
    return _message("assistant", content)


def system(*content: Any, **fields: Any) -> dict[str, Any]:
    return {**_message("system", content), **fields}


def _message(role: str, content: tuple[Any, ...]) -> dict[str, Any]:
    if len(content) == 1 and (content[0] is None or isinstance(content[0], str)):
        return {"role": role, "content": content[0]}
    blocks = [text(item) if isinstance(item, str) else item for item in content]
    return {"role": role, "content": blocks}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def call(tool_id: str, name: str = "Bash", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": tool_id, "name": name, "input": given}


def result(tool_id: str, *content: Any, **more: Any) -> dict[str, Any]:
    """Without content the field is missing; one string stays a string."""
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": tool_id, **more}
    if content:
        single = len(content) == 1 and not isinstance(content[0], dict)
        block["content"] = content[0] if single else list(content)
    return block


def image(**more: Any) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    return {"type": "image", "source": source, **more}


def pdf(**more: Any) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    return {"type": "document", "source": source, **more}


def tool(name: str = "Bash", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}}
    return {"name": name, "description": f"{name}!", "input_schema": schema, **more}


def tool_names(body: dict[str, Any]) -> list[str]:
    return [entry["function"]["name"] for entry in body.get("tools", [])]
