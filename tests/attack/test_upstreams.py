"""Providers that lie, flood, redirect, stall and inject; the client gets an error."""

from __future__ import annotations

import gzip
import json
import socket
from typing import Any, Callable, Iterable, Iterator

import pytest

from tests.attack.outsider import Outsider
from tests.raw_peer import RawServer, read_request
from tests.real_server import Answer, RealServer

OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"content-type: application/json\r\n"
SSE = OK + b"content-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
MESSAGES = [{"role": "user", "content": "hello"}]
HELLO = {"model": "claude-opus-5", "max_tokens": 10, "messages": MESSAGES}
FORMATS = ("openai", "anthropic")
CHAT = json.dumps(
    {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
).encode()


class Hostile:
    """One upstream whose next answers a test writes; it notes what it was sent."""

    def __init__(self) -> None:
        self.says: Iterable[bytes] = ()
        self.resets = False
        self.heard: list[bytes] = []
        self.raw = RawServer(self._talk)

    def _talk(self, sock: socket.socket) -> None:
        self.heard.append(read_request(sock))
        for piece in self.says:
            sock.sendall(piece)
        if self.resets:
            linger = b"\x01\0\0\0\0\0\0\0"  # on, 0 seconds: close() sends a reset
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.fixture(scope="module")
def hostile(server: RealServer) -> Iterator[Hostile]:
    upstream = Hostile()
    with upstream.raw:
        for api_format in FORMATS:
            server.add_provider(
                name=api_format,
                slug=api_format,
                endpoint=f"http://127.0.0.1:{upstream.raw.port}/v1",
                api_key="sk-hostile-0123456789",
                api_format=api_format,
                default_model="m",
            )
        yield upstream


Ask = Callable[..., Answer]


@pytest.fixture
def ask(outsider: Outsider, hostile: Hostile) -> Ask:
    """Let the upstream say something, and see what becomes of it."""
    hostile.resets = False
    hostile.heard.clear()

    def do(api_format: str, says: Iterable[bytes], **fields: Any) -> Answer:
        hostile.says = says
        return outsider.post_json(f"/v1/messages/{api_format}", {**HELLO, **fields})

    return do


def endless(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def with_length(body: bytes, head: bytes = JSON) -> list[bytes]:
    return [head + b"content-length: %d\r\n\r\n" % len(body) + body]


UNUSABLE: dict[str, Callable[[], Iterable[bytes]]] = {
    "nothing": list,
    "no HTTP": lambda: [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "HTTP/0.9": lambda: [b"<html>hello</html>"],
    "HTTP/2": lambda: [b"HTTP/2 200 OK\r\n\r\n"],
    "an endless first line": lambda: endless(b"HTTP/1.1 200 " + b"a" * 65536),
    "endless headers": lambda: yield_head(b"x-a: b\r\n" * 1000),
    "too many headers": lambda: [OK, b"x-a: b\r\n" * 101, b"\r\n"],
    "a huge header": lambda: [OK, b"x-a: " + b"b" * 70000 + b"\r\n\r\n"],
    "endless 1xx": lambda: endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "an upgrade": lambda: [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    "an odd status": lambda: [b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n"],
    "status 000": lambda: [b"HTTP/1.1 000 Odd\r\ncontent-length: 0\r\n\r\n"],
    "no content": lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "not modified": lambda: [b"HTTP/1.1 304 Not Modified\r\n\r\n"],
    "a folded header": lambda: [OK, b"x-a: b\r\n c\r\n\r\n"],
    "a bare line feed": lambda: [OK, b"x-a: b\nc: d\r\n\r\n"],
    "a control": lambda: [OK, b"x-a: \x01\r\n\r\n"],
    "two lengths": lambda: [OK, b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
    "an odd length": lambda: [OK, b"content-length: -2\r\n\r\n{}"],
    "a length too long": lambda: [JSON, b"content-length: 999\r\n\r\n", CHAT],
    "a length too short": lambda: [JSON, b"content-length: 9\r\n\r\n", CHAT],
    "an empty body": lambda: with_length(b""),
    "HTML": lambda: with_length(b"<html><script>alert(1)</script></html>"),
    "no JSON": lambda: with_length(b"yes!"),
    "half of it": lambda: with_length(CHAT[:-5]),
    "a list": lambda: with_length(b"[]"),
    "null": lambda: with_length(b"null"),
    "a number": lambda: with_length(b"7"),
    "odd choices": lambda: with_length(b'{"choices": 7, "content": 7}'),
    "no choices": lambda: with_length(b'{"choices": [], "content": null}'),
    "too deep": lambda: with_length(b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}"),
    "NaN": lambda: with_length(b'{"choices": NaN}'),
    "bad UTF-8": lambda: with_length(b'{"choices": "\xff\xfe"}'),
    "a loose chunk": lambda: [JSON + CHUNKED, b"0x2\r\n{}\r\n0\r\n\r\n"],
    "a giant chunk": lambda: [JSON + CHUNKED, b"f" * 20 + b"\r\n"],
    "an unknown coding": lambda: [JSON, b"transfer-encoding: gzip\r\n\r\n"],
    "no gzip": lambda: with_length(CHAT, JSON + b"content-encoding: gzip\r\n"),
    "two gzip layers": lambda: with_length(
        gzip.compress(gzip.compress(CHAT)), JSON + b"content-encoding: gzip, gzip\r\n"
    ),
    "brotli": lambda: with_length(CHAT, JSON + b"content-encoding: br\r\n"),
    "a bomb": lambda: with_length(
        gzip.compress(b" " * (40 << 20)), JSON + b"content-encoding: gzip\r\n"
    ),
    "too much": lambda: [JSON + CHUNKED, *[chunk(b" " * (1 << 20))] * 40],
    "a body without end": lambda: [JSON + CHUNKED, chunk(b"{}")],
}


def yield_head(line: bytes) -> Iterator[bytes]:
    yield OK
    yield from endless(line)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_answer_is_an_error(ask: Ask, kind, api_format, stream):
    answer = ask(api_format, UNUSABLE[kind](), stream=stream)

    if answer.status == 200:
        # A stream may have begun; then its last event is the error.
        assert stream
        assert b"event: error" in answer.body
        assert b"message_stop" not in answer.body
    else:
        assert answer.status == 502, answer.text
        assert answer.json()["type"] == "error"
        assert answer.json()["error"]["type"] == "api_error"
    assert b"<script>" not in answer.body
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize("status", [400, 403, 404, 418, 451, 500, 502, 503])
def test_an_error_in_html_is_told_in_words(ask: Ask, api_format, status):
    body = b"<!doctype html><title>No</title><script>alert(document.cookie)</script>"
    head = b"HTTP/1.1 %d No\r\ncontent-type: text/html\r\n" % status
    answer = ask(api_format, with_length(body, head))

    assert answer.headers["content-type"] == "application/json"
    assert answer.status >= 400
    assert b"<" not in answer.body


@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_a_redirect_is_not_followed(ask: Ask, hostile, outsider, api_format, status):
    for place in (
        f"http://127.0.0.1:{outsider.server.port}/login",
        "http://169.254.169.254/latest/meta-data/",
        "//evil.example/",
        "file:///etc/passwd",
    ):
        hostile.heard.clear()
        head = f"HTTP/1.1 {status} Moved\r\nlocation: {place}\r\n".encode()
        answer = ask(api_format, with_length(b"", head))
        assert answer.status == 502
        assert "location" not in answer.headers
        assert place not in answer.text
        assert len(hostile.heard) == 1


@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize("status", [200, 400, 429])
def test_of_an_upstreams_head_only_limits_come_down(ask: Ask, api_format, status):
    lines = (
        b"set-cookie: aiproxy_session=stolen\r\nset-cookie2: a=b\r\n"
        b"content-security-policy: default-src *\r\nlocation: http://evil\r\n"
        b"access-control-allow-origin: *\r\nrefresh: 0;url=http://evil\r\n"
        b"clear-site-data: *\r\nserver: evil\r\nx-powered-by: evil\r\n"
        b"strict-transport-security: max-age=9\r\nlink: <http://evil>\r\n"
        b"alt-svc: h3=evil\r\nx-accel-redirect: /etc/passwd\r\nx-sendfile: /etc\r\n"
        b"www-authenticate: Basic\r\ncontent-type: text/html\r\netag: evil\r\n"
        b"x-aiproxy-provider: evil\r\nrequest-id: evil\x7f\r\n"
        b"anthropic-ratelimit-requests-limit: 7\r\n"
    ).replace(b"\x7f", b"")
    answer = ask(api_format, with_length(CHAT, b"HTTP/1.1 %d X\r\n" % status + lines))

    ours = {
        "content-type",
        "content-length",
        "date",
        "request-id",
        "retry-after",
        "x-content-type-options",
        "x-aiproxy-provider",
        "x-aiproxy-model",
        "x-aiproxy-attempts",
        "x-aiproxy-upstream-request-id",
        "anthropic-ratelimit-requests-limit",
    }
    assert set(answer.headers) <= ours
    if answer.status != 502:
        assert answer.headers["anthropic-ratelimit-requests-limit"] == "7"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-aiproxy-provider"] == api_format
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize("after", [0, 1])
def test_a_reset_is_an_error(ask: Ask, hostile, api_format, after):
    hostile.resets = True
    begun = [SSE + CHUNKED, chunk(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')]
    answer = ask(api_format, begun[: after * 2], stream=True)

    assert answer.status == 502 or b"event: error" in answer.body
    assert b"message_stop" not in answer.body


@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize(
    "piece",
    [b"data: " + b"a" * 65536, b"a" * 65536, b"event: " + b"x" * 65536],
    ids=["data", "no field", "a name"],
)
def test_an_endless_line_ends_its_stream(ask: Ask, api_format, piece):
    def flood() -> Iterator[bytes]:
        yield SSE + CHUNKED
        yield from endless(chunk(piece))

    answer = ask(api_format, flood(), stream=True)

    assert answer.status == 502 or b"event: error" in answer.body


@pytest.mark.parametrize("api_format", FORMATS)
def test_a_stream_without_its_end_mark_is_no_success(ask: Ask, outsider, api_format):
    text = b'data: {"choices":[{"delta":{"content":"half of"}}]}\n\n'
    if api_format == "anthropic":
        text = (
            b'data: {"type":"message_start","message":{"id":"m","role":"assistant",'
            b'"content":[],"usage":{}}}\n\n'
        )
    answer = ask(api_format, [SSE + CHUNKED, chunk(text), b"0\r\n\r\n"], stream=True)

    assert b"event: error" in answer.body
    assert b"message_stop" not in answer.body


@pytest.mark.parametrize("api_format", FORMATS)
def test_an_unreadable_event_is_not_fatal_to_the_others(ask: Ask, api_format):
    noise = b"data: {not json\n\ndata: \xff\xfe\n\n: comment\n\ndata: 7\n\n"
    if api_format == "openai":
        good = [b'{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}']
    else:
        start = {"id": "m", "type": "message", "role": "assistant", "content": []}
        block = {"type": "text", "text": "hi"}
        good = [
            json.dumps(event).encode()
            for event in (
                {"type": "message_start", "message": {**start, "usage": {}}},
                {"type": "content_block_start", "index": 0, "content_block": block},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
                {"type": "message_stop"},
            )
        ]
    events = b"".join(b"data: " + event + b"\n\n" + noise for event in good)
    answer = ask(api_format, with_length(noise + events, SSE), stream=True)

    assert answer.status == 200
    assert b"hi" in answer.body
    assert answer.body.rstrip().endswith(b'"message_stop"}')


def test_no_header_of_the_client_goes_up(outsider: Outsider, hostile: Hostile):
    sent = {
        "authorization": "Bearer sk-of-the-client",
        "x-api-key": outsider.server.admin_key,
        "cookie": "aiproxy_session=mine",
        "referer": "http://127.0.0.1/",
        "x-forwarded-for": "10.1.2.3",
        "user-agent": "client-agent",
        "x-custom": "custom",
        "te": "trailers",
        "proxy-authorization": "Basic Y2xpZW50",
        "accept-language": "de",
        "anthropic-beta": "some-beta",
        "anthropic-version": "2023-06-01",
    }
    for api_format in FORMATS:
        hostile.heard.clear()
        hostile.says = with_length(CHAT)
        outsider.post_json(f"/v1/messages/{api_format}", HELLO, sent)
        head = hostile.heard[0].partition(b"\r\n\r\n")[0].decode().lower()
        names = {line.partition(":")[0] for line in head.split("\r\n")[1:]}
        allowed = {
            "host",
            "accept-encoding",
            "content-length",
            "content-type",
            "accept",
            "user-agent",
            "authorization",
        }
        extra = names - allowed
        assert extra <= ({"anthropic-version"} if api_format == "anthropic" else set())
        assert "of-the-client" not in head
        assert outsider.server.admin_key.lower() not in head
        assert "client-agent" not in head
        assert "accept-encoding: identity" in head


LINK_LOCAL = (
    "169.254.169.254",
    "169.254.0.1",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "0xa9.0xfe.0xa9.0xfe",
    "169.254.43518",
    "169.16689662",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[fd00:0ec2:0:0:0:0:0:254]",
    "100.100.100.200",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "metadata",
    "169.254.169.254.",
    "\uff11\uff16\uff19.254.169.254",
    "169\u3002254\u3002169\u3002254",
)


@pytest.mark.parametrize("host", LINK_LOCAL)
def test_link_local_and_metadata_are_refused_however_spelled(outsider, server, host):
    fields = {"name": "Cloud", "api_key": "sk-0123456789ab"}
    for scheme in ("http", "https"):
        for path in ("/provider/new", "/provider/test"):
            fields["endpoint"] = f"{scheme}://{host}/latest"
            answer = server.script("POST", path, fields)
            assert answer.status == 422, answer.text
            assert list(answer.json()["error"]["fields"]) == ["endpoint"]
    proxied = {"endpoint": "http://127.0.0.1:1", "http_proxy": f"http://{host}:80"}
    answer = server.script("POST", "/provider/test", {**fields, **proxied})
    assert answer.status == 422, answer.text


@pytest.mark.parametrize(
    "endpoint",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://example.org",
        "http://",
        "http:///v1",
        "http://user:pass@example.org",
        "http://example.org@evil.example",
        "http://example.org/#x",
        "http://exa mple.org",
        "http://example.org\r\nX: y",
        "http://example.org\\@evil.example",
        "javascript:alert(1)",
        "http://[::1",
        "http://example.org:0",
        "http://example.org:99999",
        "http://..",
        "http://-/",
        "http://" + "a" * 3000,
    ],
)
def test_an_endpoint_is_an_http_address_with_a_host(outsider, server, endpoint):
    fields = {"name": "Odd", "api_key": "sk-0123456789ab", "endpoint": endpoint}
    for path in ("/provider/new", "/provider/test"):
        assert server.script("POST", path, fields).status == 422


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil.example"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Cookie", "a=b"),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
        ("Upgrade", "h2c"),
        ("X A", "b"),
        ("X-A:", "b"),
        ("X-A\r\nX-B", "b"),
        ("X-A", "b\r\nX-B: c"),
        ("X-A", "b\0"),
        ("X-A", "b\x1b"),
        ("X-\xe9", "b"),
        ("", "b"),
        ("X-A", "\u2603"),
        ("X-A", "b" * 9000),
    ],
)
def test_a_custom_header_splits_no_request(outsider, server, name, value):
    fields = {"name": "H", "endpoint": "http://127.0.0.1:1", "api_key": "sk-1234567890"}
    for headers in ({name: value}, f"{name}: {value}"):
        sent = {**fields, "custom_headers": headers}
        answer = server.script("POST", "/provider/test", sent)
        assert answer.status in (200, 422), answer.text
        if isinstance(headers, dict):
            assert answer.status == 422


@pytest.mark.parametrize("key", ["a\r\nX: y", "a\nb", "a\0b", "a\x1bb", "a b\x7f"])
def test_a_key_splits_no_request(outsider, server, key):
    fields = {"name": "K", "endpoint": "http://127.0.0.1:1", "api_key": key}
    for path in ("/provider/new", "/provider/test"):
        assert server.script("POST", path, fields).status == 422


def test_the_clients_words_split_no_request(outsider: Outsider, hostile: Hostile):
    hostile.says = with_length(CHAT)
    hostile.heard.clear()
    for model in ("m\r\nX-Evil: 1", "m\0", "m\u2028n", "\ud800", "é" * 300):
        sent = {
            **HELLO,
            "model": model,
            "metadata": {"user_id": f'{{"session_id": "{model}"}}'},
        }
        for api_format in FORMATS:
            answer = outsider.post_json(f"/v1/messages/{api_format}", sent)
            assert answer.status < 500 or answer.status == 502
            assert "x-evil" not in answer.headers
    for request in hostile.heard:
        head = request.partition(b"\r\n\r\n")[0]
        assert b"x-evil" not in head.lower()
