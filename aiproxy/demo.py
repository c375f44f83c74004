"""A make-believe provider inside the program, so that `--demo` needs no key.

It speaks Chat Completions on a loopback port and types at a model's pace. Where the
client offers a tool that only looks (a listing, never a change), it is called once,
so that a first try shows the whole way there and back.
"""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, Mapping

from aiproxy.errors import AIProxyError
from aiproxy.protocol import json_codec

MODEL = "demo-model"
SECONDS_PER_WORD = 0.04
MAX_BODY_BYTES = 32 * 1024 * 1024
SHOWN_LETTERS = 200

# In order of preference: each only looks, and none needs a permission.
LOOKING_TOOLS: Mapping[str, Mapping[str, Any]] = {
    "LS": {"path": "."},
    "Glob": {"pattern": "*"},
    "Bash": {"command": "ls", "description": "List the files of this folder"},
}
GREETING = (
    "Hello! I am the demo model inside AI Proxy: no real AI, only a script that types "
    "at a model's pace. Your request came all the way through the translation to Chat "
    "Completions, and this answer came back as Anthropic's stream."
)
GOODBYE = (
    "To talk to a real model, stop the demo, start the server without --demo, and "
    "give a provider its key on the Providers page."
)


class DemoProvider:
    """Serves from its making until `stop()`; `url` is the provider's endpoint."""

    def __init__(self, *, seconds_per_word: float = SECONDS_PER_WORD) -> None:
        self._server = _Server(("127.0.0.1", 0), _Request)
        self._server.seconds_per_word = seconds_per_word
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="demo", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def answer_to(body: Mapping[str, Any]) -> dict[str, Any]:
    """The assistant message for a Chat Completions request, whole."""
    messages = _objects(body.get("messages"))
    last = messages[-1] if messages else {}
    if body.get("response_format"):
        return _message(_filled_schema(body["response_format"]))
    if last.get("role") == "tool":
        return _message(_after_tool(last))
    call = None if _has_spoken(messages) else _looking_call(body)
    if call is not None:
        return _message("Let me look at where we are.", call)
    return _message(f"{GREETING}{_quote(last)}\n\n{GOODBYE}")


def _message(text: str, call: dict[str, Any] | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if call is not None:
        message["tool_calls"] = [call]
    return message


def _has_spoken(messages: list[Mapping[str, Any]]) -> bool:
    return any(message.get("role") == "assistant" for message in messages)


def _looking_call(body: Mapping[str, Any]) -> dict[str, Any] | None:
    offered = {
        tool["function"].get("name")
        for tool in _objects(body.get("tools"))
        if isinstance(tool.get("function"), dict)
    }
    for name, arguments in LOOKING_TOOLS.items():
        if name in offered:
            function = {"name": name, "arguments": json.dumps(arguments)}
            return {"id": "call_demo_0001", "type": "function", "function": function}
    return None


def _after_tool(result: Mapping[str, Any]) -> str:
    lines = [line for line in _text(result).splitlines() if line.strip()]
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    seen = f"Your client ran the tool and sent back {count}"
    example = f", the first of them `{lines[0].strip()[:80]}`" if lines else ""
    return f"{seen}{example}. So tools work both ways.\n\n{GREETING}\n\n{GOODBYE}"


def _quote(message: Mapping[str, Any]) -> str:
    # What the client adds in reminders is not what the person wrote.
    text = re.sub(
        r"<system-reminder>.*?</system-reminder>", "", _text(message), flags=re.DOTALL
    ).strip()
    if not text:
        return ""
    more = "…" if len(text) > SHOWN_LETTERS else ""
    return f"\n\nYou wrote: {text[:SHOWN_LETTERS]}{more}"


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in _objects(content))


def _filled_schema(response_format: Any) -> str:
    """A JSON object as asked for: clients ask so for a title of the conversation."""
    spec = response_format if isinstance(response_format, dict) else {}
    schema = (spec.get("json_schema") or {}).get("schema") or {}
    properties = schema.get("properties") or {}
    return json.dumps(dict.fromkeys(properties, "AI Proxy demo"))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _usage(body: bytes, message: Mapping[str, Any]) -> dict[str, int]:
    prompt = max(1, len(body) // 4)
    completion = max(1, len(json.dumps(message)) // 4)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for word in re.findall(r"\S+\s*", message["content"]):
        yield {"content": word}
    for index, call in enumerate(message.get("tool_calls", ())):
        yield {"tool_calls": [{"index": index, **call}]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    seconds_per_word = SECONDS_PER_WORD


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        models = [{"id": MODEL, "object": "model", "owned_by": "demo"}]
        self._send_json(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json_codec.decode_object(data)
        except AIProxyError as exc:
            return self._send_json(400, {"error": {"message": exc.message}})
        message = answer_to(body)
        finish = "tool_calls" if "tool_calls" in message else "stop"
        usage = _usage(data, message)
        if body.get("stream"):
            return self._stream(message, finish, usage)
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return self._send_json(200, {**_FRAME, "choices": [choice], "usage": usage})

    def _stream(
        self, message: Mapping[str, Any], finish: str, usage: Mapping[str, int]
    ) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for delta in _deltas(message):
                self._send_chunk([{"index": 0, "delta": delta, "finish_reason": None}])
                time.sleep(self.server.seconds_per_word)
            self._send_chunk([{"index": 0, "delta": {}, "finish_reason": finish}])
            self._send_chunk([], usage=usage)
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            return  # the asker left; there is nobody to tell

    def _send_chunk(self, choices: list[Any], **more: Any) -> None:
        chunk = {**_FRAME, "choices": choices, **more}
        self.wfile.write(b"data: " + json_codec.encode(chunk) + b"\n\n")

    def _send_json(self, status: int, value: Mapping[str, Any]) -> None:
        body = json_codec.encode(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet: the server's own log tells of the request."""


_FRAME: Mapping[str, Any] = {
    "id": "chatcmpl-demo",
    "object": "chat.completion.chunk",
    "created": 0,
    "model": MODEL,
}
