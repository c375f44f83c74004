"""The scripted provider is itself a real server: what the other tests lean on holds."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from typing import Any, Iterator

import pytest

from tests.patience import SECONDS
from tests.scripted_upstream import (
    KEY,
    Call,
    Reply,
    ScriptedUpstream,
    die,
    html,
    refuse,
    stall,
)

QUESTION = {"role": "user", "content": "hello there"}


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


def post(upstream: ScriptedUpstream, path: str, **body: Any) -> bytes:
    headers = {
        "Authorization": f"Bearer {upstream.key}",
        "Content-Type": "application/json",
        "anthropic-version": "2023-06-01",
    }
    if body.get("stream") and path.endswith("/chat/completions"):
        body.setdefault("stream_options", {"include_usage": True})
    data = json.dumps({"model": "m", "messages": [QUESTION], **body}).encode()
    request = urllib.request.Request(upstream.url + path, data, headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return bytes(response.read())


def chat_chunks(answer: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in answer.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


def test_a_plain_question_gets_a_chat_completion(upstream: ScriptedUpstream) -> None:
    answer = json.loads(post(upstream, "/v1/chat/completions"))

    assert answer["choices"][0]["message"]["content"] == "You said: hello there"
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_a_stream_ends_with_usage_only_when_asked_for(
    upstream: ScriptedUpstream,
) -> None:
    options = {"include_usage": False}
    plain = post(upstream, "/v1/chat/completions", stream=True, stream_options=options)
    counted = post(upstream, "/v1/chat/completions", stream=True)

    assert plain.endswith(b"data: [DONE]\n\n")
    assert b'"usage"' not in plain
    assert chat_chunks(counted)[-1]["usage"]["completion_tokens"] > 0


def test_interleaved_calls_take_turns_and_lose_nothing(
    upstream: ScriptedUpstream,
) -> None:
    calls = (Call("A", {"x": "one two three"}), Call("B", {"y": [1, 2, 3]}))
    upstream.say(Reply(calls=calls, interleave=True))

    chunks = chat_chunks(post(upstream, "/v1/chat/completions", stream=True))
    pieces: dict[int, str] = {}
    order = []
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        for call in choice["delta"].get("tool_calls", []):
            text = call["function"]["arguments"]
            pieces[call["index"]] = pieces.get(call["index"], "") + text
            order.append(call["index"])

    assert [json.loads(pieces[i]) for i in (0, 1)] == [call.input for call in calls]
    assert order != sorted(order)


def test_a_messages_stream_has_every_event(upstream: ScriptedUpstream) -> None:
    upstream.say(Reply(thinking="hm", text="yes", calls=(Call("A", {"x": 1}),)))

    answer = post(upstream, "/v1/messages", stream=True, max_tokens=10)
    kinds = [line[7:] for line in answer.split(b"\n") if line.startswith(b"event: ")]

    assert kinds[0] == b"message_start"
    assert kinds.count(b"content_block_start") == 3
    assert kinds.count(b"content_block_stop") == 3
    assert kinds[-2:] == [b"message_delta", b"message_stop"]


def test_a_wrong_key_is_refused(upstream: ScriptedUpstream) -> None:
    upstream.key = "another"
    request = urllib.request.Request(
        upstream.url + "/v1/chat/completions",
        json.dumps({"model": "m", "messages": [QUESTION]}).encode(),
        {"Authorization": f"Bearer {KEY}"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=SECONDS)
    with refused.value as answer:
        assert answer.code == 401


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [(refuse(429, "slow down", retry_after="7"), 429, "7"), (html(502), 502, None)],
)
def test_a_fault_answers_with_its_status(
    upstream: ScriptedUpstream, fault: Any, status: int, retry_after: str | None
) -> None:
    upstream.say(Reply(fault=fault))

    with pytest.raises(urllib.error.HTTPError) as refused:
        post(upstream, "/v1/chat/completions")
    with refused.value as answer:
        assert answer.code == status
        assert answer.headers.get("Retry-After") == retry_after


def test_a_provider_that_dies_cuts_its_stream(upstream: ScriptedUpstream) -> None:
    upstream.say(Reply(text="a long text that is cut " * 10, fault=die(after=4)))

    with pytest.raises(Exception, match="IncompleteRead"):
        post(upstream, "/v1/chat/completions", stream=True)


def test_what_a_real_provider_refuses_is_a_complaint(
    upstream: ScriptedUpstream,
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(upstream, "/v1/messages", max_tokens=0)
    with refused.value as answer:
        assert answer.code == 400
    with pytest.raises(AssertionError, match="max_tokens"):
        upstream.check()


def test_a_caller_that_hangs_up_is_noticed_at_once(upstream: ScriptedUpstream) -> None:
    upstream.say(Reply(text="never", fault=stall(after=1)))
    upstream.judge = False
    body = json.dumps({"model": "m", "messages": [QUESTION], "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {KEY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    caller = socket.create_connection(("127.0.0.1", upstream.port))
    caller.sendall(head.encode() + body)
    caller.recv(1)
    caller.close()
    left_at = time.monotonic()

    upstream.wait_until(lambda: bool(upstream.received[0].hung_up_at))
    hung_up_at = upstream.received[0].hung_up_at
    assert hung_up_at is not None
    assert hung_up_at - left_at < SECONDS  # of the 100 that it would wait


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("packet", [0, 1, 7])
def test_framing_and_packets_change_no_byte(
    upstream: ScriptedUpstream, framing: str, packet: int
) -> None:
    upstream.say(
        Reply(text="日本語 é 👍 plain"),
        Reply(text="日本語 é 👍 plain", framing=framing, packet=packet),
    )

    first = chat_chunks(post(upstream, "/v1/chat/completions", stream=True))
    second = chat_chunks(post(upstream, "/v1/chat/completions", stream=True))

    assert [c["choices"] for c in first] == [c["choices"] for c in second]
