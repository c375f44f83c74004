"""Requests as Claude Code sends them, and what each kind of provider gets of them.

`python -m tests.protocol.golden_requests` writes the expectations anew; the diff is
what a change of the translation does, and is to be read as such.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import ChatRequest, build_chat_request

FOLDER = Path(__file__).parent.parent / "golden_requests"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
TARGETS = {
    "generic": ("some-model", {}),
    "openai": ("gpt-5.2", {}),
    "openrouter": ("anthropic/claude-opus-4.5", {}),
    "xai": ("grok-4.3", {"max_output_tokens": 32768}),
    "gemini": ("gemini-3-pro", {}),
    "deepseek": ("deepseek-chat", {"max_output_tokens": 8192}),
    "moonshot": ("kimi-k2.6", {}),
    "mistral": ("devstral-medium-latest", {}),
}


def request_of(case: str) -> dict[str, Any]:
    found: dict[str, Any] = _read(FOLDER / case / "request.json")
    return found


def expected_of(case: str, dialect: str) -> Any:
    return _read(FOLDER / case / f"{dialect}.json")


def translate(case: str, dialect: str) -> dict[str, Any]:
    model, more = TARGETS[dialect]
    sent = sent_of(case, dialect, model, **more)
    return {
        "headers": dict(sent.headers),
        "body": sent.body,
        "tool_names": dict(sent.tool_names),
        "stop_sequences": list(sent.stop_sequences),
        "search_query": sent.search_query,
        "notes": list(sent.notes),
    }


def sent_of(case: str, dialect: str, model: str, **more: Any) -> ChatRequest:
    target = Target.of(
        endpoint="https://llm.example/v1", model=model, dialect=dialect, **more
    )
    return build_chat_request(request_of(case), target)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    for case in CASES:
        for dialect in TARGETS:
            text = json.dumps(translate(case, dialect), ensure_ascii=False, indent=1)
            path = FOLDER / case / f"{dialect}.json"
            path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
