"""The program as a process, a provider on loopback, real sockets between them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.patience import SECONDS, wait_until
from tests.real_server import Answer, RealServer, Visitor
from tests.scripted_upstream import (
    KEY,
    Call,
    Reply,
    ScriptedUpstream,
    die,
    refuse,
    stall,
)

HELLO = [{"role": "user", "content": "hello there"}]


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted
        scripted.check()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with RealServer(tmp_path_factory.mktemp("server")) as one_for_all:
        yield one_for_all


@pytest.fixture
def server(running: RealServer, upstream: ScriptedUpstream) -> RealServer:
    """The server, with this test's provider as the active one."""
    add_provider(running, upstream)
    return running


@pytest.fixture
def own_server(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[RealServer]:
    """For tests after which it is not the same."""
    with RealServer(tmp_path) as one_for_this:
        add_provider(one_for_this, upstream)
        yield one_for_this


def add_provider(server: RealServer, upstream: ScriptedUpstream, **fields: Any) -> None:
    usual = {
        "name": upstream.slug,
        "slug": upstream.slug,
        "endpoint": f"{upstream.url}/v1",
        "api_key": KEY,
        "api_format": "openai",
        "default_model": "scripted-large",
    }
    provider = server.add_provider(**{**usual, **fields})
    server.script("POST", f"/provider/activate/{provider['id']}", {})


def ask(server: RealServer, path: str = "/v1/messages", **fields: Any) -> Answer:
    body = {"model": "claude-opus-5", "max_tokens": 100, "messages": HELLO, **fields}
    headers = {"Content-Type": "application/json", "x-api-key": server.admin_key}
    return server.request("POST", path, json.dumps(body).encode(), headers)


def events(body: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines]


def open_stream(server: RealServer) -> tuple[http.client.HTTPConnection, Any]:
    """A streamed answer whose bytes the test reads itself."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    body = {
        "model": "claude-opus-5",
        "max_tokens": 100,
        "messages": HELLO,
        "stream": True,
    }
    headers = {"Content-Type": "application/json", "x-api-key": server.admin_key}
    connection.request("POST", "/v1/messages", json.dumps(body), headers)
    return connection, connection.getresponse()


def logged(server: RealServer, request_id: str) -> dict[str, Any]:
    """The request's row; rows are written within a second."""
    answers = [server.script("GET", f"/logs/{request_id}")]

    def is_there() -> bool:
        answers.append(server.script("GET", f"/logs/{request_id}"))
        return answers[-1].status == 200

    wait_until(is_there)
    return dict(answers[-1].json())


def test_a_question_is_answered_in_anthropics_shape(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    answer = ask(server)
    message = answer.json()

    assert answer.status == 200
    assert answer.headers["x-aiproxy-provider"] == upstream.slug
    assert answer.headers["x-aiproxy-model"] == "scripted-large"
    assert message["model"] == "claude-opus-5"
    assert message["content"] == [{"type": "text", "text": "You said: hello there"}]
    assert message["usage"]["output_tokens"] > 0


def test_a_stream_comes_as_it_is_written(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    go_on = threading.Event()
    fault = stall(after=4, until=go_on)
    upstream.say(Reply(text="one two three four", chunk_chars=4, fault=fault))

    connection, response = open_stream(server)
    first = response.readline()
    while b"one" not in response.readline():
        pass
    go_on.set()
    rest = response.read()
    connection.close()

    assert first == b"event: message_start\n"
    assert events(rest)[-1] == {"type": "message_stop"}


def test_tool_calls_come_as_tool_use(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    calls = (Call("look", {"at": "a"}), Call("look", {"at": "b"}))
    upstream.say(Reply(text="Two.", calls=calls, interleave=True))
    schema = {"type": "object", "properties": {"at": {"type": "string"}}}
    tools = [{"name": "look", "description": "", "input_schema": schema}]

    content = ask(server, tools=tools).json()["content"]

    assert [b["type"] for b in content] == ["text", "tool_use", "tool_use"]
    assert [b["input"] for b in content[1:]] == [{"at": "a"}, {"at": "b"}]


def test_a_provider_that_dies_ends_the_stream_with_an_error(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.say(Reply(text="a text that breaks off " * 5, fault=die(after=4)))

    answer = ask(server, stream=True)
    kinds = [event["type"] for event in events(answer.body)]

    assert kinds[-1] == "error"
    assert "message_stop" not in kinds
    row = logged(server, answer.headers["request-id"])
    assert row["error_type"] == "api_error"


def test_an_error_keeps_its_status_and_says_when_to_come_back(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.say(Reply(fault=refuse(429, "slow down", retry_after="7")))

    answer = ask(server, stream=True)

    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert "slow down" in answer.json()["error"]["message"]


def test_a_fallback_answers_when_the_first_provider_cannot(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    with ScriptedUpstream() as broken:
        broken.script = lambda ask: Reply(fault=refuse(503, "down"))
        add_provider(server, broken, fallback=upstream.slug)

        answer = ask(server, f"/v1/messages/{broken.slug}", stream=True)

    assert answer.status == 200
    assert answer.headers["x-aiproxy-provider"] == upstream.slug
    assert answer.headers["x-aiproxy-attempts"] == "2"


@pytest.mark.parametrize("more", [b"", b"\n"])
@pytest.mark.parametrize("streams", [True, False])
def test_the_provider_is_let_go_when_the_client_leaves(
    server: RealServer, upstream: ScriptedUpstream, streams: bool, more: bytes
) -> None:
    upstream.say(Reply(text="never whole", fault=stall(after=4)))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    body = {"model": "m", "max_tokens": 9, "messages": HELLO, "stream": streams}
    headers = {"Content-Type": "application/json", "x-api-key": server.admin_key}
    connection.request("POST", "/v1/messages", json.dumps(body), headers)
    upstream.wait_for(1)
    assert connection.sock is not None
    if streams:
        response = b""
        while b"never" not in response:
            response += connection.sock.recv(65536)
    if more:
        connection.sock.sendall(more)
    left_at = time.monotonic()
    connection.close()

    upstream.wait_until(lambda: upstream.received[-1].finished_at is not None)
    hung_up_at = upstream.received[-1].hung_up_at
    assert hung_up_at is not None
    assert hung_up_at - left_at < SECONDS  # of the 100 of its silence
    page = f"/logs?status=499&provider={upstream.slug}"
    wait_until(lambda: server.script("GET", page).json()["requests"])
    rows = server.script("GET", page).json()["requests"]
    assert [row["error_type"] for row in rows] == ["client_closed"]


def test_counting_and_listing_ask_no_provider(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    counted = ask(server, "/v1/messages/count_tokens")
    key = {"x-api-key": server.admin_key}
    models = server.request("GET", "/v1/models?limit=1000", headers=key).json()
    hello = server.request("HEAD", f"/v1/messages/{upstream.slug}/api/hello")

    assert counted.json()["input_tokens"] > 0
    assert f"claude-via-{upstream.slug}" in [model["id"] for model in models["data"]]
    assert (hello.status, hello.body) == (200, b"")
    assert upstream.received == []


def test_a_request_is_logged_with_its_usage(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    answer = ask(server, stream=True)

    row = logged(server, answer.headers["request-id"])

    assert row["status"] == 200
    assert row["provider"] == upstream.slug
    assert row["model"] == "scripted-large"
    assert row["input_tokens"] > 0
    assert row["stop_reason"] == "end_turn"


def test_the_first_password_must_be_changed(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with RealServer(tmp_path, environ={"ADMIN_PASSWORD": ""}) as server:
        visitor = Visitor(server)
        visitor.log_in("admin", "admin123")
        before = visitor.get("/settings", accept="application/json")
        changed = visitor.post(
            "/profile",
            current_password="admin123",
            new_password="another one, longer",
            confirm_password="another one, longer",
        )
        after = visitor.get("/settings", accept="application/json")

    assert before.status == 403
    assert changed.status == 200
    assert after.status == 200
    assert any("admin123" in line for line in server.lines)


def test_a_stop_lets_running_streams_end(
    own_server: RealServer, upstream: ScriptedUpstream
) -> None:
    go_on = threading.Event()
    fault = stall(after=4, until=go_on)
    upstream.say(Reply(text="one two three four five", chunk_chars=4, fault=fault))
    connection, response = open_stream(own_server)
    response.readline()

    own_server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: own_server.request("GET", "/ready").status == 503)
    refused = ask(own_server)
    go_on.set()
    rest = response.read()
    connection.close()

    assert refused.status == 503
    assert refused.json()["error"]["type"] == "api_error"
    assert events(rest)[-1] == {"type": "message_stop"}
    assert own_server.process.wait(timeout=SECONDS) == 0


def test_what_was_saved_outlives_a_kill(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    first = RealServer(tmp_path).start()
    add_provider(first, upstream)
    first.process.kill()
    first.process.wait()
    first.stop()

    with RealServer(tmp_path) as second:
        second.admin_key = first.admin_key
        assert ask(second).status == 200


def test_a_restart_takes_up_what_was_saved(
    own_server: RealServer, upstream: ScriptedUpstream
) -> None:
    pid = own_server.process.pid
    saved = own_server.script("POST", "/settings", {"log_format": "json"}).json()
    before = len(own_server.lines)

    restarted = own_server.script("POST", "/restart", {})
    wait_until(lambda: _address(own_server.lines[before:]))
    own_server.url = _address(own_server.lines[before:])
    answer = ask(own_server)

    assert saved["restart_required"] is True
    assert restarted.status in (200, 202)
    assert answer.status == 200
    assert own_server.process.pid == pid
    log = own_server.folder / "logs" / "aiproxy.log"
    wait_until(lambda: answer.headers["request-id"] in log.read_text())
    wrote = log.read_text().splitlines()[-1]
    assert json.loads(wrote)["request_id"] == answer.headers["request-id"]


def _address(lines: list[str]) -> str:
    found = [line.rsplit(" ", 1)[-1] for line in lines if " is at http" in line]
    return found[-1] if found else ""


def test_many_streams_at_once_all_come_whole(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    text = "words and more words, " * 20 + "end"
    upstream.script = lambda ask: Reply(text=text, pace=0.01)
    answers: list[bytes] = []

    def one() -> None:
        answers.append(ask(server, stream=True).body)

    threads = [threading.Thread(target=one) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    whole = 0
    for answer in answers:
        deltas = [
            e["delta"] for e in events(answer) if e["type"] == "content_block_delta"
        ]
        whole += "".join(delta["text"] for delta in deltas) == text
    assert whole == 40


def test_the_database_is_private(server: RealServer) -> None:
    if os.name == "posix":
        assert (server.folder / "app.db").stat().st_mode & 0o077 == 0
    db = sqlite3.connect(str(server.folder / "app.db"))
    rows = db.execute("SELECT digest FROM api_keys").fetchall()
    db.close()

    assert server.admin_key not in [row[0] for row in rows]


def test_anthropics_own_library_reads_the_stream(
    server: RealServer, upstream: ScriptedUpstream
) -> None:
    anthropic = pytest.importorskip("anthropic")
    upstream.say(Reply(thinking="Let me see.", text="Here it is."))
    client = anthropic.Anthropic(
        base_url=f"{server.url}/v1/messages/{upstream.slug}",
        api_key=server.admin_key,
    )

    with client.messages.stream(
        model="claude-opus-5", max_tokens=100, messages=HELLO
    ) as stream:
        message = stream.get_final_message()
    client.close()

    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[1].text == "Here it is."
    assert message.usage.output_tokens > 0
