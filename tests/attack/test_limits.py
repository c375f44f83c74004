"""Everything too large, too deep, too slow and too much at once."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from typing import Any, Iterator

import pytest

from tests.attack.outsider import Outsider, answers
from tests.patience import SECONDS
from tests.raw_peer import RawClient, RawServer, read_request
from tests.real_server import RealServer

MESSAGE = {"role": "user", "content": "hello"}
HELLO = {"model": "m", "max_tokens": 9, "messages": [MESSAGE]}


TEXT = [{"type": "text", "text": "hi"}]
CHAT = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
ANSWER = {"type": "message", "role": "assistant", "content": TEXT, "usage": {}}
COUNT = {"input_tokens": 7}


def agree(sock: socket.socket) -> None:
    """An upstream that takes everything and answers in the format of its address."""
    target = read_request(sock).partition(b" HTTP/")[0]
    said = COUNT if target.endswith(b"/count_tokens") else ANSWER
    said = CHAT if target.endswith(b"/chat/completions") else said
    body = json.dumps(said).encode()
    length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    sock.sendall(b"HTTP/1.1 200 OK\r\n" + length + body)


@pytest.fixture(scope="module")
def paths(server: RealServer) -> Iterator[list[str]]:
    """A provider of each format that takes anything, and the count beside it."""
    with RawServer(agree) as upstream:
        for api_format in ("openai", "anthropic"):
            server.add_provider(
                name=api_format,
                slug=api_format,
                endpoint=f"http://127.0.0.1:{upstream.port}/v1",
                api_key="sk-0123456789ab",
                api_format=api_format,
                default_model="m",
            )
        bases = ["/v1/messages/openai", "/v1/messages/anthropic"]
        bases += [f"{path}-custom" for path in bases]
        yield [*bases, *(f"{path}/count_tokens" for path in bases[:2])]


def nested(depth: int) -> bytes:
    return b'{"messages":' + b"[" * depth + b"]" * depth + b"}"


BAD_JSON = {
    "deep lists": nested(201),
    "very deep lists": nested(100_000),
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an unclosed depth": b"[" * 1_000_000,
    "depth behind a string": b'{"a":"\\\\","b":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "many digits": b'{"max_tokens":' + b"9" * 100_000 + b"}",
    "many decimals": b'{"temperature":0.' + b"1" * 100_000 + b"}",
    "a giant exponent": b'{"temperature":1e999999}',
    "NaN": b'{"temperature":NaN}',
    "Infinity": b'{"temperature":-Infinity}',
    "bad UTF-8": b'{"model":"\xff\xfe"}',
    "half a surrogate in bytes": b'{"model":"\xed\xa0\x80"}',
    "UTF-16": '{"model":"m"}'.encode("utf-16"),
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "nothing": b"",
    "half": b'{"model":',
    "two": b"{}{}",
    "a control": b'{"a":"\x01"}',
    "a quote of one kind": b"{'a':1}",
}


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON)
def test_json_beyond_the_limits_is_a_bad_request(outsider: Outsider, server, body):
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        answer = outsider.post_json(path, body)
        assert answer.status == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
    headers = {
        "Authorization": f"Bearer {server.admin_key}",
        "Accept": "application/json",
    }
    answer = outsider.post_json("/prompt-config/preview", body, headers)
    assert answer.status in (200, 400, 413, 422), answer.text


ODD: tuple[Any, ...] = (
    *(None, True, 7, -1, 1.5, "x", "", [], [[]], {}, {"a": 1}),
    "\ud800",
    [None],
    [{"type": 7, "name": [], "input_schema": "x"}],
    10**30,
)


@pytest.mark.parametrize(
    "field",
    ["model", "messages", "system", "tools", "tool_choice", "max_tokens", "stream",
     "metadata", "stop_sequences", "thinking", "temperature", "context_management"],
)  # fmt: skip
def test_wrong_types_are_a_bad_request_and_no_mistake(outsider, paths, field):
    for value in ODD:
        for path in paths:
            answer = outsider.post_json(path, {**HELLO, field: value})
            assert answer.status in (200, 400), (value, answer.text)


def test_wrong_types_within_messages_are_no_mistake(outsider: Outsider, paths):
    for value in ODD:
        for message in (
            value,
            {"role": value, "content": "x"},
            {"role": "user", "content": value},
            {"role": "user", "content": [value]},
            {"role": "user", "content": [{"type": value}]},
            {"role": "user", "content": [{"type": "text", "text": value}]},
            {"role": "user", "content": [{"type": "image", "source": value}]},
            {"role": "user", "content": [{"type": "tool_result", "content": value}]},
            {"role": "assistant", "content": [{"type": "tool_use", "input": value}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": value}]},
        ):
            sent = {**HELLO, "messages": [message]}
            for path in paths:
                answer = outsider.post_json(path, sent)
                assert answer.status in (200, 400), (message, answer.text)


def test_a_compressed_body_is_not_taken(outsider: Outsider):
    for coding in ("gzip", "br", "deflate", "identity, gzip"):
        headers = {"Content-Encoding": coding}
        assert outsider.post_json("/v1/messages", HELLO, headers).status == 415


HEADS = {
    "a long target": ("GET", "/" + "a" * 9000, [], 414),
    "a long query": ("GET", "/login?" + "a" * 9000, [], 414),
    "a long header": ("GET", "/", ["X-A: " + "b" * 70_000], 431),
    "a long name": ("GET", "/", ["X" * 70_000 + ": b"], 431),
    "many headers": ("GET", "/", [f"X-{n}: {'b' * 20}" for n in range(3000)], 431),
    "a long method": ("X" * 9000, "/", [], 414),
}


@pytest.mark.parametrize(
    ("method", "target", "lines", "status"), HEADS.values(), ids=HEADS
)
def test_a_head_beyond_its_limit_is_refused(outsider, method, target, lines, status):
    said = outsider.send(outsider.head(method, target, *lines))

    assert answers(said)[0].status == status


def test_a_head_that_never_ends_is_refused_at_its_limit(outsider: Outsider):
    with RawClient(outsider.server.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(80):
            try:
                client.send(b"X-A: " + b"b" * 1000 + b"\r\n")
            except OSError:
                break
        assert b" 431 " in client.until(b"\r\n")


def test_an_admins_body_is_limited_before_it_is_read(outsider: Outsider, server):
    key = f"Authorization: Bearer {server.admin_key}"
    with RawClient(server.port) as client:
        head = outsider.head("POST", "/provider/new", key, "Content-Length: 2097153")
        client.send(head)
        assert client.answer()[0] == 413


def test_a_chunked_body_has_the_same_limit(outsider: Outsider, server):
    key = f"Authorization: Bearer {server.admin_key}"
    head = outsider.head("POST", "/provider/new", key, "Transfer-Encoding: chunked")
    chunk = b"%x\r\n%b\r\n" % (1 << 20, b"a" * (1 << 20))

    assert answers(outsider.send(head + chunk * 3))[0].status == 413


def test_too_many_fields_are_refused(outsider: Outsider, server):
    headers = {
        "Authorization": f"Bearer {server.admin_key}",
        "Accept": "application/json",
    }
    many = {f"f{n}": "x" for n in range(201)}
    assert outsider.post_json("/alias/new", many, headers).status == 422
    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    for body in ("&".join(many), "a=b&" * 300_000):
        answer = server.request("POST", "/alias/new", body.encode(), form)
        assert answer.status == 422


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/provider/new", "name", "n" * 201),
        ("/provider/new", "default_model", "m" * 201),
        ("/provider/new", "endpoint", "http://127.0.0.1/" + "a" * 2048),
        ("/provider/new", "api_key", "k" * 8193),
        ("/provider/new", "custom_headers", {f"X-{n}": "a" for n in range(51)}),
        ("/provider/new", "custom_headers", "\n".join(f"X-{n}: a" for n in range(51))),
        ("/provider/new", "model_map", {"a" * 201: "b"}),
        ("/provider/new", "model_map", json.dumps({"a": "b" * 66_000})),
        ("/provider/new", "extra_body", {"a": "b" * 66_000}),
        ("/provider/new", "extra_body", '{"a":' + "[" * 300 + "]" * 300 + "}"),
        ("/provider/new", "extra_body", '{"a":NaN}'),
        ("/prompt-config", "prompt_template", "x" * (512 * 1024 + 1)),
        ("/prompt-config", "system_name", "x" * 201),
        ("/alias/new", "alias", "a" * 65),
        ("/alias/new", "model", "m" * 201),
        ("/user/new", "username", "u" * 201),
        ("/profile/keys/new", "name", "n" * 201),
        ("/settings", "allowed_hosts", ["a"] * 201),
    ],
)
def test_a_field_beyond_its_limit_is_named(outsider, server, path, field, value):
    usual = {
        "/provider/new": {"name": "N", "endpoint": "http://127.0.0.1:1"},
        "/alias/new": {"alias": "n", "provider_id": 1},
        "/user/new": {"username": "n", "password": "a fine long password"},
    }
    answer = server.script("POST", path, {**usual.get(path, {}), field: value})

    assert answer.status == 422, answer.text
    assert field in answer.json()["error"]["fields"]


def test_clients_that_hold_on_delay_nobody(outsider: Outsider, server: RealServer):
    """Half heads, half bodies, idle connections, answers that nobody reads."""
    port = server.port
    half_body = outsider.head("POST", "/v1/messages", "Content-Length: 1000") + b"{"
    big_query = outsider.head("GET", "/help") * 20
    with ExitStack() as stack:
        for data in (b"", b"GET / HT", half_body, big_query):
            for _ in range(60):
                client = stack.enter_context(RawClient(port, receive_buffer=4096))
                client.send(data)
        for path in ("/health", "/ready", "/login", "/v1/models"):
            assert server.request("GET", path, timeout=SECONDS).status == 200


def test_clients_that_leave_at_once_leave_nothing_behind(outsider, server):
    for n in range(150):
        sock = socket.create_connection(("127.0.0.1", server.port))
        if n % 3 == 1:
            sock.sendall(outsider.head("GET", "/login"))
        elif n % 3 == 2:
            linger = b"\x01\0\0\0\0\0\0\0"
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: ")
        sock.close()
    assert server.request("GET", "/login").status == 200


def test_many_pipelined_requests_are_answered_in_order(outsider: Outsider):
    one = outsider.head("GET", "/health")
    last = outsider.head("GET", "/nothing", "Connection: close")
    said = answers(outsider.send(one * 200 + last))

    assert [answer.status for answer in said] == [200] * 200 + [404]


def test_the_rate_limit_says_when_to_come_back(outsider: Outsider, server: RealServer):
    changed = {"rate_limit_requests": 3, "rate_limit_window": 60}
    assert server.script("POST", "/settings", changed).status == 200
    headers = {"x-api-key": server.admin_key}
    try:
        said = [outsider.post_json("/v1/messages", HELLO, headers) for _ in range(6)]
    finally:
        usual = {"rate_limit_requests": 100_000, "rate_limit_window": 60}
        server.script("POST", "/settings", usual)
    limited = [answer for answer in said if answer.status == 429]
    assert len(limited) >= 3
    for answer in limited:
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    # Counts, lists and the connectivity probe are free.
    assert outsider.post_json("/v1/messages/count_tokens", HELLO).status == 200
    assert server.request("GET", "/v1/models", headers=headers).status == 200
