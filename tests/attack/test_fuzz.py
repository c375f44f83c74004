"""Random requests, forms and JSON at the real server: never a 5xx, never a hang.

Each example ends with the question whether the server still answers.
"""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attack.outsider import TRACEBACK, answers
from tests.examples import examples
from tests.raw_peer import RawClient
from tests.real_server import ADMIN_PASSWORD, RealServer, Visitor

EXAMPLES = settings(
    max_examples=examples(60),
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
# 501, 505: what HTTP lets one ask and this server does not speak. 502: a provider's.
PROMISED = {501, 502, 505}

GETS = (
    "/",
    "/login",
    "/logout",
    "/providers",
    "/provider/new",
    "/provider/edit/1",
    "/provider/models/x",
    "/aliases",
    "/prompt-config",
    "/settings",
    "/users",
    "/profile",
    "/connect",
    "/help",
    "/usage",
    "/logs",
    "/logs/export",
    "/logs/req_000000000000000000000000",
    "/metrics",
    "/health",
    "/ready",
    "/v1/models",
    "/v1/models/x",
    "/api/hello",
    "/static/0/app.css",
)
NAMES = """
    alias api_format api_key auth_header auth_method compat confirm_password
    context_window csrf_token current_password custom_headers default_model dialect
    enabled endpoint expires_in_days extra_body fallback format form_id group_by
    http_proxy id key max_output_tokens measure model model_map model_name_override
    name new_password next page part password per_page preset prompt prompt_template
    provider provider_id q range role session shell since slug status
    suggested_endpoint system system_name theme until user username
    use_custom_prompt after edit with
""".split()  # noqa: SIM905 - a list a line long each would hide them
POSTS = (
    "/login",
    "/provider/new",
    "/provider/edit/1",
    "/alias/new",
    "/alias/edit/1",
    "/prompt-config",
    "/prompt-config/preview",
    "/profile",
    "/profile/keys/new",
    "/user/new",
    "/user/edit/99",
)

text = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "9" * 30,
            "1e9",
            "true",
            "null",
            "\0",
            "\ud800",
            "\r\n",
            "http://[",
            "http://127.0.0.1:1",
            "env:X",
            "file:/x",
            "…",
            "\u0661",
            "2026-01-01",
            "{}",
            '{"a": 1}',
            "[" * 300,
        ]
    ),
)
value = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        text,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.dictionaries(st.sampled_from(NAMES), value, max_size=6)
noise = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"\r\n",
            b"\r",
            b"\n",
            b" ",
            b":",
            b"\0",
            b"Host: localhost\r\n",
            b"Content-Length: 5\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"0\r\n\r\n",
            b"GET / HTTP/1.1\r\n",
            b"POST /v1/messages HTTP/1.1\r\n",
            b"Expect: 100-continue\r\n",
            b"Cookie: aiproxy_session=x\r\n",
            b"\xff\xfe",
        ]
    ),
)
header_value = st.binary(max_size=80).map(
    lambda raw: bytes(c for c in raw if (c >= 0x20 and c != 0x7F) or c == 9)
)


def assert_unharmed(server: RealServer, lines: int) -> None:
    assert server.request("GET", "/health").status == 200
    assert not [line for line in server.lines[lines:] if TRACEBACK.search(line)]


def send(server: RealServer, data: bytes) -> bytes:
    with RawClient(server.port) as client:
        client.send(data)
        client.sock.shutdown(socket.SHUT_WR)  # nobody waits for more
        return client.rest()


@given(st.lists(noise, max_size=12))
@EXAMPLES
def test_noise_is_refused_and_harms_nothing(server: RealServer, pieces):
    lines = len(server.lines)
    said = send(server, b"".join(pieces))

    assert not said or said.startswith(b"HTTP/1.1 ")
    assert_unharmed(server, lines)


@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS", "get", "X"]),
    path=st.sampled_from(GETS),
    more=st.one_of(st.just(b""), st.binary(max_size=30)),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Accept",
                "Cookie",
                "Content-Type",
                "X-CSRF-Token",
                "If-None-Match",
                "User-Agent",
                "Sec-Fetch-Site",
                "Authorization",
                "x-api-key",
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "Forwarded",
                "anthropic-beta",
                "Connection",
                "Accept-Language",
                "Range",
            ]
        ),
        header_value,
        max_size=4,
    ),
)
@EXAMPLES
def test_odd_addresses_and_headers_are_no_mistake(
    server: RealServer, method, path, more, headers
):
    lines = len(server.lines)
    target = path + quote_from_bytes(more)
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n".encode()
    for name, raw in headers.items():
        head += name.encode() + b": " + raw + b"\r\n"
    with RawClient(server.port) as client:
        client.send(head + b"Connection: close\r\n\r\n")
        said = client.rest()

    if method != "HEAD":
        status = answers(said)[0].status
        assert status < 500 or status in PROMISED, said[:500]
    assert_unharmed(server, lines)


@given(
    path=st.sampled_from(GETS), asked=st.lists(st.tuples(st.sampled_from(NAMES), text))
)
@EXAMPLES
def test_odd_queries_are_no_mistake(server: RealServer, path, asked):
    lines = len(server.lines)
    query = "&".join(
        f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}"
        for name, value in asked
    )
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    for accept in ("text/html", "application/json"):
        answer = server.request(
            "GET", f"{path}?{query}", headers={**headers, "Accept": accept}
        )
        assert answer.status < 500, answer.text
    assert_unharmed(server, lines)


@pytest.fixture(scope="module", autouse=True)
def visitor(server: RealServer) -> Visitor:
    """Logged in first of all: what is guessed at /login later counts against us."""
    browser = Visitor(server)
    browser.log_in("admin", ADMIN_PASSWORD)
    return browser


def is_harmless(path: str, sent: dict[str, Any]) -> bool:
    """Nothing that would change how the test itself logs in."""
    return path != "/profile" or "new_password" not in sent


@given(path=st.sampled_from(POSTS), sent=fields)
@EXAMPLES
def test_odd_json_is_taken_or_refused(server: RealServer, path, sent):
    lines = len(server.lines)
    if not is_harmless(path, sent):
        return
    headers = {
        "Authorization": f"Bearer {server.admin_key}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    answer = server.request("POST", path, json.dumps(sent).encode(), headers)

    assert answer.status < 500, answer.text
    json.loads(answer.body)
    assert_unharmed(server, lines)


@given(path=st.sampled_from(POSTS), sent=fields)
@EXAMPLES
def test_odd_forms_are_taken_or_refused(server: RealServer, visitor, path, sent):
    lines = len(server.lines)
    if not is_harmless(path, sent) or path == "/login":
        return
    text_fields = {
        name: (said if isinstance(said, str) else json.dumps(said))
        for name, said in sent.items()
        if name != "csrf_token"
    }
    pairs = {
        name: said.encode("utf-8", "surrogatepass").decode("latin-1")
        for name, said in text_fields.items()
    }
    answer = visitor.post(path, **pairs)

    assert answer.status < 500, answer.text
    assert_unharmed(server, lines)


@given(
    body=st.one_of(fields.map(lambda v: json.dumps(v).encode()), st.binary(max_size=80))
)
@EXAMPLES
def test_odd_messages_are_refused_in_the_apis_shape(server: RealServer, body):
    lines = len(server.lines)
    headers = {"Content-Type": "application/json"}
    for path in (
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/messages/x/v1/messages",
    ):
        answer = server.request("POST", path, body, headers)
        assert answer.status in (400, 404, 429), answer.text
        assert answer.json()["type"] == "error"
    assert_unharmed(server, lines)
