"""What must hold for any input: each target takes a fuzzer's bytes and asserts."""

from __future__ import annotations

import json
from typing import Callable, Mapping

from aiproxy.errors import AIProxyError
from aiproxy.protocol import from_chat, json_codec
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.chunked import ChunkedDecoder
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.sse import SSEDecoder
from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import build_chat_request
from tests.fuzz import inputs
from tests.fuzz.inputs import Source
from tests.validators import chat_request, messages_stream

PROVIDERS = (
    Target.of(endpoint="https://llm.example/v1", model="some-model"),
    Target.of(endpoint="https://api.openai.com/v1", model="gpt-5.1"),
    Target.of(endpoint="https://openrouter.ai/api/v1", model="anthropic/claude-x"),
    Target.of(endpoint="https://api.mistral.ai/v1", model="mistral-large"),
    Target.of(
        endpoint="https://generativelanguage.googleapis.com/v1beta/openai",
        model="gemini-2.5-pro",
    ),
    Target.of(endpoint="https://api.deepseek.com/v1", model="deepseek-reasoner"),
    Target.of(endpoint="https://api.moonshot.ai/v1", model="kimi-k2-thinking"),
)
REPLY = ReplyContext(
    model="claude-opus-5-5",
    message_id="msg_1",
    nonce="nonce1",
    input_estimate=10,
    reasoning_key="0123456789ab",
    tool_names={"Bash": "Bash", "mcp__a_b__c": "mcp__a.b__c"},
    tool_schemas={"Bash": {"type": "object", "required": ["a"]}},
)


def sse(data: bytes) -> None:
    """Events do not depend on how the bytes are cut."""
    source = Source(data)
    size = 1 + source.byte() % 7
    stream = source.rest()

    def decode(pieces: list[bytes]) -> list[object]:
        decoder = SSEDecoder()
        events = [event for piece in pieces for event in decoder.feed(piece)]
        return [*events, *decoder.finish()]

    cut = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert decode([stream]) == decode(cut)


def chunked(data: bytes) -> None:
    """The payload, or the refusal, does not depend on how the bytes are cut."""
    source = Source(data)
    size = 1 + source.byte() % 5
    body = source.rest()

    def decode(pieces: list[bytes]) -> tuple[bytes, bool, bool]:
        decoder, payload = ChunkedDecoder(), b""
        try:
            for piece in pieces:
                payload += decoder.feed(piece)
        except AIProxyError:
            return b"", False, True
        return payload, decoder.done, False

    cut = [body[i : i + size] for i in range(0, len(body), size)]
    assert decode([body]) == decode(cut)


def request(data: bytes) -> None:
    """Accepted requests become right ones; others are refused, the same each time."""
    source = Source(data)
    target = source.pick(PROVIDERS)
    asked = inputs.request(source)
    _translate(asked, target)


def raw_request(data: bytes) -> None:
    """The same for bytes that nobody shaped."""
    try:
        asked = json_codec.decode_object(data)
    except AIProxyError:
        return
    _translate(asked, PROVIDERS[len(data) % len(PROVIDERS)])


def _translate(asked: Mapping[str, object], target: Target) -> None:
    try:
        chat = build_chat_request(asked, target)
    except AIProxyError:
        return
    encoded = json_codec.encode(chat.body)
    again = build_chat_request(asked, target)
    assert encoded == json_codec.encode(again.body), "not the same bytes twice"
    found = chat_request.problems(json.loads(encoded))
    assert not found, found


def stream(data: bytes) -> None:
    """A provider's stream becomes a right one, or ends in one error."""
    source = Source(data)
    size = 1 + source.byte() % 40
    body = inputs.stream(source)
    whole = _answered([body])
    cut = _answered([body[i : i + size] for i in range(0, len(body), size)])
    assert _said(whole) == _said(cut), "the content depends on how the bytes are cut"
    for answer in (whole, cut):
        if isinstance(answer, bytes) and answer:
            found = messages_stream.problems(answer)
            assert not found, found


def _answered(pieces: list[bytes]) -> bytes | str:
    translator = ChatStreamTranslator(REPLY)
    out = b""
    try:
        for piece in pieces:
            if translator.done:
                break
            out += translator.feed(piece)
        if not translator.done:
            out += translator.end()
    except AIProxyError as exc:
        assert not out, "an error was raised after the stream had begun"
        return str(exc.status)  # the words may quote what had come so far
    return out


def _said(answer: bytes | str) -> object:
    """Text, thoughts and calls, however they were cut into deltas."""
    if isinstance(answer, str):
        return answer
    said: list[object] = []
    for event in messages_stream.parse(answer):
        delta = event.body.get("delta")
        if event.name == "content_block_delta" and isinstance(delta, dict):
            kind = delta["type"]
            value = str(next(v for k, v in delta.items() if k != "type"))
            if said and said[-1][0] == kind:  # type: ignore[index]
                said[-1] = (kind, said[-1][1] + value)  # type: ignore[index]
            else:
                said.append((kind, value))
        elif event.name not in ("ping", "content_block_delta"):
            said.append((event.name, ""))
    return said


def answer(data: bytes) -> None:
    """A whole answer, from any bytes: a right message, or an error of ours."""
    source = Source(data)
    body = inputs.stream(source) if source.byte() % 2 else source.rest()
    try:
        made = from_chat.translate_answer(body, REPLY)
    except AIProxyError:
        return
    found = messages_stream.answer_problems(made.message)
    assert not found, found


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "sse": sse,
    "chunked": chunked,
    "request": request,
    "raw_request": raw_request,
    "stream": stream,
    "answer": answer,
}
