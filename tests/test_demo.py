"""The demo's provider answers as a model does, and only ever asks to look."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, Iterator

import pytest

from aiproxy import demo
from tests.patience import SECONDS


@pytest.fixture
def provider() -> Iterator[demo.DemoProvider]:
    started = demo.DemoProvider(seconds_per_word=0)
    yield started
    started.stop()


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {}}}


def ask(provider: demo.DemoProvider, **body: Any) -> bytes:
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    url = provider.url + "/chat/completions"
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return bytes(response.read())


USER = {"role": "user", "content": "what is this?"}


def test_it_quotes_the_question_without_the_clients_reminders() -> None:
    text = "<system-reminder>secret words</system-reminder>what is this?"

    answer = demo.answer_to({"messages": [{"role": "user", "content": text}]})

    assert "what is this?" in answer["content"]
    assert "secret words" not in answer["content"]


def test_it_calls_a_listing_tool_once_when_one_is_offered() -> None:
    tools = [tool("Write"), tool("Bash")]

    first = demo.answer_to({"messages": [USER], "tools": tools})
    call = first["tool_calls"][0]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "a.txt\nb.txt"}
    second = demo.answer_to({"messages": [USER, first, result], "tools": tools})

    assert call["function"]["name"] == "Bash"
    assert json.loads(call["function"]["arguments"])["command"] == "ls"
    assert "tool_calls" not in second
    assert "2 lines" in second["content"]
    assert "a.txt" in second["content"]


def test_it_calls_nothing_that_could_change_something() -> None:
    tools = [tool(name) for name in ("Write", "Edit", "WebFetch", "KillShell")]

    answer = demo.answer_to({"messages": [USER], "tools": tools})

    assert "tool_calls" not in answer


def test_it_fills_a_schema_when_asked_for_json() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "t", "schema": schema}}

    answer = demo.answer_to({"messages": [USER], "response_format": wanted})

    assert json.loads(answer["content"]) == {"title": "AI Proxy demo"}


def test_a_stream_says_the_same_as_a_plain_answer(provider: demo.DemoProvider) -> None:
    plain = json.loads(ask(provider, messages=[USER]))
    lines = ask(provider, messages=[USER], stream=True).split(b"\n\n")
    chunks = [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    text = "".join(delta.get("content", "") for delta in deltas)

    assert lines[-2] == b"data: [DONE]"
    assert text == plain["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def test_words_come_at_a_pace() -> None:
    provider = demo.DemoProvider(seconds_per_word=0.005)
    try:
        began = time.monotonic()
        ask(provider, messages=[USER], stream=True)
        assert time.monotonic() - began > 0.2
    finally:
        provider.stop()


def test_nonsense_is_a_bad_request(provider: demo.DemoProvider) -> None:
    request = urllib.request.Request(provider.url + "/chat/completions", b"[")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=SECONDS)
    with refused.value as answer:
        assert answer.code == 400


def test_the_model_list_names_the_model(provider: demo.DemoProvider) -> None:
    with urllib.request.urlopen(provider.url + "/models", timeout=SECONDS) as response:
        assert json.load(response)["data"][0]["id"] == demo.MODEL
