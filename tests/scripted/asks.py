"""A request in either format, read for what a scripted model must decide on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

from tests.scripted.wire import Received


@dataclass(frozen=True)
class Ask:
    """What was asked, whatever the format."""

    api_format: str  # "openai" or "anthropic"
    body: Mapping[str, Any]
    received: Received

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        return list(self.body.get("messages") or [])

    @property
    def tools(self) -> list[str]:
        """Names of the offered tools."""
        declared = self.body.get("tools") or []
        functions = [tool.get("function") or tool for tool in declared]
        return [str(tool.get("name", tool.get("type", ""))) for tool in functions]

    @property
    def system(self) -> str:
        if self.api_format == "anthropic":
            return _text(self.body.get("system"))
        systems = [m for m in self.messages if m.get("role") in ("system", "developer")]
        return "\n".join(_text(message.get("content")) for message in systems)

    @property
    def everything(self) -> str:
        """The whole body as text: for markers that a scenario plants."""
        return json.dumps(self.body, ensure_ascii=False)

    @property
    def last_user_text(self) -> str:
        """The text of the user messages after the model's last turn."""
        texts = []
        for message in reversed(self.messages):
            if message.get("role") == "assistant":
                break
            if message.get("role") == "user":
                texts.append(_text(message.get("content")))
        return "\n".join(reversed(texts))

    @property
    def tool_results(self) -> list[tuple[str, str]]:
        """(tool id, text) of the results that came since the model's last turn."""
        results: list[tuple[str, str]] = []
        for message in reversed(self.messages):
            if message.get("role") == "assistant":
                break
            results = _results_of(message) + results
        return results

    @property
    def all_results(self) -> list[tuple[str, str]]:
        return [result for message in self.messages for result in _results_of(message)]

    @property
    def turns(self) -> int:
        """How often the model has spoken in this conversation."""
        return sum(1 for message in self.messages if message.get("role") == "assistant")

    @property
    def tokens(self) -> int:
        """A provider's count, near enough: pictures and files count little."""
        return max(1, len(_without_files(self.body)) // 4)


def _results_of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    if message.get("role") == "tool":
        return [(str(message.get("tool_call_id")), _text(message.get("content")))]
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    return [
        (str(block.get("tool_use_id")), _text(block.get("content")))
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "tool_result"
    ]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block["text"]) for block in blocks if block.get("text"))


def _without_files(body: Mapping[str, Any]) -> str:
    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("type") == "base64":
                return "[file]"
            return {key: strip(item) for key, item in value.items()}
        if isinstance(value, list):
            return [strip(item) for item in value]
        if isinstance(value, str) and value.startswith("data:"):
            return "[file]"
        return value

    kept = {
        key: strip(body[key]) for key in ("system", "messages", "tools") if key in body
    }
    return json.dumps(kept, ensure_ascii=False)
