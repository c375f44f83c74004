"""Host, origin, framing and routes: what is judged before anything else is read."""

from __future__ import annotations

from typing import Iterator

import pytest

from tests.attack.outsider import Outsider, answers
from tests.raw_peer import RawClient
from tests.real_server import ADMIN_PASSWORD, RealServer, Visitor

EVIL = "GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
BODY = b'{"model": "m", "messages": []}'

# Rebinding: the page's own name leads to this machine.
FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example",
    "127.0.0.1.nip.io:{port}",
    "0.0.0.0:{port}",
    "[::ffff:8.8.8.8]:{port}",
    "2130706433:{port}",
    "0x7f000001",
    "metadata.google.internal",
)
ODD_HOSTS = (
    "localhost, evil.example",
    "localhost evil.example",
    "evil.example@localhost",
    "localhost:{port}@evil.example",
    "localhost:99999",
    "localhost:-1",
    "localhost:8000:8000",
    "localhost:",
    "localhost.",
    "[::1",
    "::1",
    "[::1]]",
    "localhost/../evil",
    "localhost%00.evil.example",
    "http://localhost",
    "[fe80::1%25eth0]",
    "\xe9vil",
)
PATHS = ("/", "/login", "/v1/messages", "/v1/models", "/static/x/app.css", "/metrics")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_rebinding_page_reads_nothing(outsider: Outsider, host, path):
    host = host.format(port=outsider.server.port)

    assert outsider.ask("GET", path, host=host).status == 403


@pytest.mark.parametrize("host", ODD_HOSTS)
def test_an_odd_host_is_a_bad_request(outsider: Outsider, host):
    host = host.format(port=outsider.server.port)

    assert outsider.ask("GET", "/login", host=host).status == 400


def test_a_host_stands_there_exactly_once(outsider: Outsider):
    doubled = outsider.head("GET", "/health", f"Host: {outsider.host}")
    empty = b"GET /health HTTP/1.1\r\nHost:\r\n\r\n"
    absent = outsider.head("GET", "/health", host="")

    for head in (doubled, empty, absent):
        assert answers(outsider.send(head))[0].status == 400


def test_an_address_in_the_request_line_is_no_other_host(outsider: Outsider):
    for target in (
        "http://evil.example/login",
        f"http://evil.example@{outsider.host}/login",
        "evil.example:80",
        "//evil.example/login",
        "http:///login",
    ):
        assert outsider.ask("GET", target).status in (400, 404)


SPOOFED = (
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Prefix: //evil.example",
    "X-Forwarded-Server: evil.example",
    "X-Host: evil.example",
    "X-Original-URL: /health",
    "X-Rewrite-URL: /health",
    "X-Script-Name: //evil.example",
    "Forwarded: host=evil.example;proto=https",
)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:{port}"])
def test_host_makes_no_link_and_no_redirect(outsider: Outsider, host):
    answer = outsider.ask(
        "GET", "/", *SPOOFED, host=host.format(port=outsider.server.port)
    )

    assert answer.headers.get("location", "/login") == "/login"
    assert answer.status == (403 if host == "evil.example" else 302)


def test_no_header_changes_the_address_that_a_page_shows(outsider, server):
    visitor = Visitor(server)
    visitor.log_in("admin", ADMIN_PASSWORD)
    cookie = f"Cookie: aiproxy_session={visitor.session_id}"
    for path in ("/", "/connect", "/help", "/aliases", "/profile"):
        for accept in ("text/html", "application/json"):
            page = outsider.ask("GET", path, cookie, f"Accept: {accept}", *SPOOFED)
            assert page.status == 200
            assert b"evil.example" not in page.body


@pytest.mark.parametrize(
    "header",
    ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"],
)
def test_no_header_changes_the_method(outsider: Outsider, header):
    assert outsider.ask("GET", "/logout", f"{header}: DELETE").status == 303
    assert outsider.ask("GET", "/user/new", f"{header}: POST").status == 405


ORIGINS = (
    "null",
    "http://evil.example",
    "http://localhost:{port}",  # our address by another name is another origin
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}@evil.example",
    "http://127.0.0.1:{port}, http://evil.example",
    "file://",
    "chrome-extension://abcdef",
    "",
    "*",
    "http://[",
)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/login"),
        ("POST", "/provider/new"),
        ("DELETE", "/nothing"),
        ("GET", "/v1/models"),
        ("HEAD", "/v1/messages/x"),
        ("OPTIONS", "/v1/messages"),
        ("POST", "/v1/messages"),
    ],
)
def test_another_sites_page_can_send_nothing(outsider: Outsider, method, path, origin):
    origin = origin.format(port=outsider.server.port)
    key = f"Authorization: Bearer {outsider.server.admin_key}"
    for lines in ([], [key], ["Content-Type: text/plain"]):
        answer = outsider.ask(method, path, f"Origin: {origin}", *lines)
        assert answer.status == 403
        assert not any("access-control" in name for name in answer.headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Same Origin", "x"])
def test_a_foreign_fetch_is_refused_without_an_origin(outsider: Outsider, site):
    for path in ("/login", "/v1/messages"):
        answer = outsider.ask("POST", path, f"Sec-Fetch-Site: {site}")
        assert answer.status == 403


def test_a_preflight_is_granted_nothing(outsider: Outsider):
    answer = outsider.ask(
        "OPTIONS",
        "/v1/messages",
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: x-api-key",
    )

    assert answer.status == 403
    assert not any("access-control" in name for name in answer.headers)


# Two readers that cut the stream in different places let one request hide in another.
SMUGGLING = {
    "a length beside chunks": (["Content-Length: 4", CHUNKED], "0\r\n\r\n" + EVIL),
    "chunks beside a length": ([CHUNKED, "Content-Length: 4"], "0\r\n\r\n" + EVIL),
    "two lengths": (["Content-Length: 0", "Content-Length: 40"], EVIL),
    "the same length twice": (["Content-Length: 0", "Content-Length: 0"], EVIL),
    "a list of lengths": (["Content-Length: 0, 0"], EVIL),
    "a signed length": (["Content-Length: +0"], EVIL),
    "a negative length": (["Content-Length: -1"], EVIL),
    "a hexadecimal length": (["Content-Length: 0x0"], EVIL),
    "a length with an underscore": (["Content-Length: 1_0"], EVIL),
    "a length in other digits": (["Content-Length: \xb2"], EVIL),
    "an empty length": (["Content-Length:"], EVIL),
    "a giant length": (["Content-Length: " + "9" * 40], EVIL),
    "a space before the colon": (["Content-Length : 0"], EVIL),
    "a hidden coding": (["Transfer-Encoding : chunked"], "0\r\n\r\n" + EVIL),
    "a folded header": (["X-A: b", " Content-Length: 40"], EVIL),
    "a bare line feed": (["X-A: b\nContent-Length: 40"], EVIL),
    "a bare return": (["X-A: b\rContent-Length: 40"], EVIL),
    "a NUL": (["X-A: b\0c"], EVIL),
    "a vertical tab": (["Transfer-Encoding:\x0bchunked"], "0\r\n\r\n" + EVIL),
    "chunked twice": ([CHUNKED, CHUNKED], "0\r\n\r\n" + EVIL),
    "chunked, chunked": ([CHUNKED + ", chunked"], "0\r\n\r\n" + EVIL),
    "chunked, identity": ([CHUNKED + ", identity"], "0\r\n\r\n" + EVIL),
    "a quoted coding": (['Transfer-Encoding: "chunked"'], "0\r\n\r\n" + EVIL),
    "nearly chunked": (["Transfer-Encoding: xchunked"], "0\r\n\r\n" + EVIL),
    "no name": ([": x"], EVIL),
    "no colon": (["GET /secret HTTP/1.1"], EVIL),
}
CHUNKS = {
    "a signed size": "+0\r\n\r\n",
    "a size in other digits": "\xb2\r\nab\r\n0\r\n\r\n",
    "0x": "0x0\r\n\r\n",
    "a space before it": " 0\r\n\r\n",
    "an underscore": "1_0\r\n" + "a" * 16 + "\r\n0\r\n\r\n",
    "a bare line feed": "0\n\r\n",
    "a line feed in an extension": "0;a\nb\r\n\r\n",
    "a giant size": "f" * 17 + "\r\n",
    "a negative size": "-1\r\n\r\n",
    "bytes behind a chunk": "1\r\naXX\r\n0\r\n\r\n",
    "no size": "\r\n\r\n",
    "a malformed trailer": "0\r\nX : a\r\n\r\n",
    "a bare return in a trailer": "0\r\nX: a\rb\r\n\r\n",
}


@pytest.mark.parametrize(("lines", "rest"), SMUGGLING.values(), ids=SMUGGLING)
def test_no_request_hides_behind_a_doubtful_head(outsider: Outsider, lines, rest):
    head = outsider.head("POST", "/login", *lines)
    said = answers(outsider.send(head + rest.encode("latin-1")))

    assert len(said) == 1, "what follows a refused head was answered"
    assert said[0].status in (400, 501, 413)
    assert said[0].headers["connection"] == "close"


@pytest.mark.parametrize("body", CHUNKS.values(), ids=CHUNKS)
def test_no_request_hides_behind_a_loose_chunk(outsider: Outsider, body):
    head = outsider.head("POST", "/v1/messages", CHUNKED)
    said = answers(outsider.send(head + body.encode("latin-1") + EVIL.encode()))

    assert [answer.status for answer in said] == [400]
    assert said[0].json()["type"] == "error"


def test_a_trailer_adds_no_header(outsider: Outsider):
    head = outsider.head("POST", "/v1/messages", CHUNKED, "Connection: close")
    body = b"2\r\n{}\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nHost: evil\r\n\r\n"

    assert [answer.status for answer in answers(outsider.send(head + body))] == [400]


def test_a_refused_requests_body_is_no_request(outsider: Outsider):
    head = outsider.head(
        "POST", "/login", "Origin: http://evil.example", f"Content-Length: {len(EVIL)}"
    )
    said = answers(outsider.send(head + EVIL.encode() + EVIL.encode()))

    assert [answer.status for answer in said] == [403]


def test_a_body_is_invited_only_by_an_accepted_head(outsider: Outsider):
    expect = ("Content-Length: 2", "Expect: 100-continue")
    with RawClient(outsider.server.port) as client:
        client.send(outsider.head("POST", "/v1/messages", *expect))
        assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"{}")
        assert client.answer()[0] == 400
    refused = outsider.head("POST", "/v1/messages", *expect, host="evil.example")
    assert [answer.status for answer in answers(outsider.send(refused))] == [403]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    folder = tmp_path_factory.mktemp("strict")
    with RealServer(folder, environ={"PROXY_AUTH": "required"}) as running:
        yield running


@pytest.mark.parametrize(
    ("target", "lines", "status"),
    [
        ("/v1/messages", [], 401),
        ("/v1/messages", ["x-api-key: aip_" + "x" * 43], 401),
        ("/v1/messages/a/v1/messages", [], 401),
        ("/v1/anything", [], 401),
        ("/v1%2Fmessages", [], 401),
        ("/%76%31/messages", [], 401),
        ("/v1/messages", ["Host: b"], 400),
    ],
)
def test_a_body_is_not_waited_for_where_the_head_decides(
    strict: RealServer, target, lines, status
):
    outsider = Outsider(strict)
    head = outsider.head("POST", target, "Content-Length: 30000000", *lines)
    with RawClient(strict.port) as client:
        client.send(head)  # and not a byte of the body
        assert client.answer()[0] == status


@pytest.mark.parametrize("declared", ["33554433", "999999999999999"])
def test_a_declared_length_too_large_is_413_before_a_byte(outsider: Outsider, declared):
    with RawClient(outsider.server.port) as client:
        client.send(
            outsider.head("POST", "/v1/messages", f"Content-Length: {declared}")
        )
        status, _, body = client.answer()
    assert status == 413
    assert b'"request_too_large"' in body


@pytest.mark.parametrize(
    "path",
    [
        "/LOGIN",
        "/login/",
        "//login",
        "/./login",
        "/x/../login",
        "/login;x",
        "/login.json",
        "/%2e/login",
        "/login%00",
        "/login%20",
        "/login%0a",
        "/static/../app.db",
        "/static/%2e%2e/%2e%2e/app.db",
        "/static/..%2f..%2fapp.db",
        "/app.db",
        "/logs/aiproxy.log",
        "/.git/config",
        "/debug",
        "/console",
        "/v1/messages/",
        "/v1//messages",
        "/V1/messages",
    ],
)
def test_a_path_is_matched_exactly(outsider: Outsider, path):
    for method in ("GET", "POST"):
        key = f"Authorization: Bearer {outsider.server.admin_key}"
        answer = outsider.ask(method, path, key, "Accept: application/json")
        assert answer.status in (404, 405), answer.body


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "X"])
def test_no_other_method_does_anything(outsider: Outsider, method):
    for path in ("/login", "/v1/messages", "/providers"):
        answer = outsider.ask(method, path, "X-Secret: sent-by-the-client")
        assert answer.status in (400, 401, 403, 404, 405)
        assert b"sent-by-the-client" not in answer.body


def test_every_answer_forbids_sniffing_and_names_no_server(outsider: Outsider):
    raw = (
        outsider.head("GET", "/login", "Connection: close"),
        outsider.head("GET", "/nothing", "Connection: close"),
        outsider.head("POST", "/v1/messages", "Content-Length: 0", "Connection: close"),
        outsider.head("GET", "/login", host="evil.example"),
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    )
    for data in raw:
        answer = answers(outsider.send(data))[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers
