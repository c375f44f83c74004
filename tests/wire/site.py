"""The real server before a bare socket that plays exact bytes: the outside view.

`WireSite.ask` sends a client's request and gives back the answer's bytes; what the
provider got is in `site.asked`. Nothing between is ours but the program itself.
"""

from __future__ import annotations

import collections
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from tests.altered_server import altered
from tests.protocol.answering import fold
from tests.raw_peer import RawServer, read_request
from tests.real_server import Answer
from tests.validators import messages_stream
from tests.wire.says import KEY, answer

# Every provider of the site: its slug, and what differs from a plain one.
PROVIDERS: Mapping[str, Mapping[str, Any]] = {
    "generic": {},
    "capped": {"max_output_tokens": 8192},
    "extra": {"extra_body": {"temperature": 0.2, "max_tokens": None, "seed": 7}},
    "headed": {
        "auth_method": "header",
        "auth_header": "X-Goog-Api-Key",
        "custom_headers": "X-Title: Mine",
    },
    "openai": {"dialect": "openai"},
    "router": {"dialect": "openrouter", "default_model": ""},
    "xai": {"dialect": "xai"},
    "deepseek": {"dialect": "deepseek"},
    "moonshot": {"dialect": "moonshot"},
    "mistral": {"dialect": "mistral"},
    "gemini": {"dialect": "gemini"},
    "mapped": {
        "model_haiku": "small",
        "model_opus": "large",
        "model_map": {"claude-opus-5-5": "exact", "gpt-*": "wild"},
    },
    "full": {"api_format": "anthropic", "compat": "full", "default_model": ""},
    "strict": {"api_format": "anthropic", "compat": "strict", "default_model": ""},
    "second": {"default_model": "second-model"},
    "first": {"default_model": "first-model", "fallback": "second"},
}


@dataclass(frozen=True)
class Asked:
    """One request as the provider got it."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class WireSite:
    """Started by its making; `close` it at the end."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[Asked] = []
        self._answers: collections.deque[bytes] = collections.deque()
        self._upstream = RawServer(self._talk)
        self.server = altered(
            folder,
            environ={"RATE_LIMIT_ENABLED": "false"},
            constants={"aiproxy.attempt:COUNT_SECONDS": 100.0},
        ).start()
        for slug, fields in PROVIDERS.items():
            plain = {
                "name": slug.capitalize(),
                "slug": slug,
                "endpoint": f"{self._upstream.url}/{slug}/v1",
                "api_key": KEY,
                "api_format": "openai",
                "dialect": "generic",
                "default_model": "up-model",
                "enabled": True,
            }
            self.server.add_provider(**{**plain, **fields})

    def close(self) -> None:
        self.server.stop()
        self._upstream.close()

    def _talk(self, sock: socket.socket) -> None:
        raw = read_request(sock)
        if not raw:
            return
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = [line.split(":", 1) for line in lines]
        headers = {name.lower(): value.strip() for name, value in fields}
        self.asked.append(Asked(first.split(" ")[1], headers, body))
        sock.sendall(self._answers.popleft() if self._answers else answer(500, "?"))

    def ask(
        self,
        name: str,
        request: Mapping[str, Any] | bytes,
        *answers: bytes,
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/messages/{}/v1/messages?beta=true",
    ) -> Answer:
        """A client's request to a provider or alias, which answers in turn so."""
        self.asked.clear()
        self._answers = collections.deque(answers)
        raw = request
        if not isinstance(raw, bytes):
            raw = json.dumps({**HELLO, **request}).encode()
        sent = {"Content-Type": "application/json", **CLIENT_HEADERS, **(headers or {})}
        return self.server.request("POST", path.format(name), raw, sent)


HELLO: Mapping[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 32000,
    "messages": [{"role": "user", "content": "hi"}],
}
CLIENT_HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,context-management-2025-06-27",
    "User-Agent": "claude-cli/2.1.331 (external, sdk-cli)",
    "X-Stainless-Lang": "js",
    "x-app": "cli",
}


def read(answered: Answer) -> dict[str, Any]:
    """The message that a client has in the end, streamed or not."""
    assert answered.status == 200, answered.text
    if not answered.headers["content-type"].startswith("text/event-stream"):
        return dict(answered.json())
    assert messages_stream.problems(answered.body) == []
    return fold(answered.body)


def at(value: Any, place: str) -> Any:
    """What stands at `messages.0.content`; None where there is nothing."""
    for step in place.split("."):
        if isinstance(value, list):
            number = int(step)
            value = value[number] if -len(value) <= number < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
