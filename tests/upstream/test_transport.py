"""A request on its way to a provider: what is sent, retried, refused, and given up."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Callable

import pytest

from aiproxy.errors import (
    ClientGone,
    Unavailable,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.proxies import ProxyChoice
from aiproxy.upstream.transport import Transport, UpstreamCall
from tests.patience import SECONDS
from tests.raw_peer import (
    RawServer,
    answering,
    read_request,
    refusing_port,
    until_closed,
)

Serve = Callable[..., RawServer]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def call(server: RawServer | str, **fields: Any) -> UpstreamCall:
    url = server if isinstance(server, str) else server.url + "/v1/chat"
    fields = {"headers": {}, "body": b"{}", "read_timeout": SECONDS, **fields}
    return UpstreamCall(url, **fields)


def keeping(requests: list[bytes], *answers: bytes) -> Callable[[socket.socket], None]:
    """A talk that answers one request after the other, then closes."""

    def talk(sock: socket.socket) -> None:
        for answer in answers:
            request = read_request(sock)
            if not request:
                return
            requests.append(request)
            sock.sendall(answer)

    return talk


# What is sent


def test_a_request_and_its_answer(serve: Serve, transport: Transport):
    requests: list[bytes] = []
    server = serve(keeping(requests, HELLO))
    headers = {"Authorization": "Bearer sk-1", "Content-Type": "application/json"}

    answer = transport.send(call(server, headers=headers, body=b'{"a":1}'))

    assert (answer.status, answer.read_all(10)) == (200, b"hello")
    assert requests == [
        b"POST /v1/chat HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n" % server.port + b"Accept-Encoding: identity\r\n"
        b"Content-Length: 7\r\n"
        b"Authorization: Bearer sk-1\r\n"
        b"Content-Type: application/json\r\n"
        b'\r\n{"a":1}'
    ]


def test_a_get_has_no_length(serve: Serve, transport: Transport):
    requests: list[bytes] = []
    server = serve(keeping(requests, HELLO))

    transport.send(call(server, method="GET", body=b"")).close()

    assert b"Content-Length" not in requests[0]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("", "/"),
        ("?api-version=1", "/?api-version=1"),
        ("/v1/%41%2f", "/v1/%41%2f"),
        ("/a b/\u00e9", "/a%20b/%C3%A9"),
    ],
)
def test_the_target_is_sent_as_written(serve: Serve, transport, path, target):
    requests: list[bytes] = []
    server = serve(keeping(requests, HELLO))

    transport.send(call(server.url + path)).close()

    assert requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "accept-encoding", "TE"]
)
def test_framing_is_never_the_callers(serve: Serve, transport, name):
    requests: list[bytes] = []
    server = serve(keeping(requests, HELLO))

    transport.send(call(server, headers={name: "from-outside"})).close()

    assert b"from-outside" not in requests[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "1\r\nX-B: 2"), ("X-A", "1\n"), ("X-A", "\0"), ("X A", "1"), ("", "1")],
)
def test_a_header_that_would_become_two_is_not_sent(
    serve: Serve, transport, name, value
):
    server = serve(answering(HELLO))

    with pytest.raises(UpstreamUnreachable):
        transport.send(call(server, headers={name: value}))

    assert server.connections == 0


def test_a_body_of_megabytes_arrives_whole(serve: Serve, transport: Transport):
    requests: list[bytes] = []
    server = serve(keeping(requests, HELLO))
    body = bytes(range(256)) * 16384

    transport.send(call(server, body=body)).close()

    assert requests[0].endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_is_an_answer_like_any_other(serve: Serve, transport, status):
    other = serve(answering(HELLO))
    location = other.url.encode()
    server = serve(
        answering(b"HTTP/1.1 %d Moved\r\nLocation: %b\r\n\r\n" % (status, location))
    )

    assert transport.send(call(server)).status == status
    assert other.connections == 0


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:99999/"]
)
def test_an_address_of_no_use_is_refused(transport: Transport, url):
    with pytest.raises(UpstreamUnreachable):
        transport.send(call(url))


def test_a_refused_address_gets_not_a_byte(transport: Transport):
    with pytest.raises(UpstreamUnreachable) as caught:
        transport.send(call("http://169.254.169.254/latest/meta-data/"))

    assert caught.value.kind == "refused"


# Kept connections


def test_a_connection_is_used_again(serve: Serve, transport: Transport):
    server = serve(keeping([], HELLO, HELLO, HELLO))

    for _ in range(3):
        answer = transport.send(call(server))
        answer.read_all(10)
        answer.release()

    assert server.connections == 1


def test_an_answer_not_read_to_its_end_costs_the_connection(serve: Serve, transport):
    server = serve(keeping([], HELLO, HELLO))

    for _ in range(2):
        transport.send(call(server)).release()

    assert server.connections == 2


def test_a_connection_with_surplus_bytes_is_not_used_again(serve: Serve, transport):
    server = serve(keeping([], HELLO + b"HTTP/1.1 200 OK\r\n\r\n", HELLO))

    for _ in range(2):
        answer = transport.send(call(server))
        assert answer.read_all(10) == b"hello"
        answer.release()

    assert server.connections == 2


def test_a_kept_connection_that_dies_under_the_request_is_replaced(
    serve: Serve, transport: Transport
):
    requests: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        keeping(requests, HELLO)(sock)
        if server.connections == 1:
            read_request(sock)  # the second one gets no answer

    server = serve(talk)
    for _ in range(2):
        answer = transport.send(call(server))
        assert answer.read_all(10) == b"hello"
        answer.release()

    assert server.connections == 2


def test_a_new_connection_that_dies_under_the_request_is_a_failure(
    serve: Serve, transport: Transport
):
    server = serve(answering())

    with pytest.raises(UpstreamBroken):
        transport.send(call(server))

    assert server.connections == 1


def test_nothing_is_sent_again_once_an_answer_has_begun(serve: Serve, transport):
    def talk(sock: socket.socket) -> None:
        keeping([], HELLO)(sock)
        read_request(sock)
        sock.sendall(b"HTTP/1.1 2")

    server = serve(talk)
    first = transport.send(call(server))
    first.read_all(10)
    first.release()

    with pytest.raises(UpstreamBroken):
        transport.send(call(server))
    assert server.connections == 1


def test_a_refused_connection_is_tried_twice_and_answered_soon(transport: Transport):
    began = time.monotonic()

    with refusing_port() as port, pytest.raises(UpstreamUnreachable, match="refused"):
        transport.send(call(f"http://127.0.0.1:{port}/"))

    assert 0.1 < time.monotonic() - began < SECONDS


def test_a_certificate_that_nobody_vouches_for_is_not_asked_twice(
    serve: Serve, transport: Transport, certificate
):
    server = serve(keeping([], HELLO), tls=certificate)
    with pytest.raises(UpstreamUnreachable) as caught:
        transport.send(call(server))

    assert caught.value.kind == "tls"
    assert server.connections == 1


def test_a_provider_that_starts_just_now_is_reached(transport: Transport):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    late = [listener]
    listens = threading.Event()

    def start() -> None:
        listener.listen()
        listens.set()
        client, _ = listener.accept()
        late.append(client)
        keeping([], HELLO)(client)

    starting = threading.Thread(target=start)

    class Waiting(Cancellation):
        """Before the second try the provider has come up."""

        def wait(self, seconds: float) -> bool:
            starting.start()
            assert listens.wait(SECONDS)
            return super().wait(seconds)

    answer = transport.send(call(f"http://127.0.0.1:{port}/", cancel=Waiting()))
    assert answer.read_all(10) == b"hello"

    answer.close()
    starting.join()
    for sock in late:
        sock.close()


# Failures


def test_an_answer_to_half_a_body_is_read(serve: Serve, transport: Transport):
    def talk(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        sock.shutdown(socket.SHUT_RD)
        until_closed(sock)

    server = serve(talk)

    assert transport.send(call(server, body=bytes(64 << 20))).status == 413


@pytest.mark.parametrize(
    "answer",
    [b"garbage\r\n\r\n", b"HTTP/1.1 999 Odd\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: 1\r\n"],
    ids=["not HTTP", "odd status", "cut off"],
)
def test_an_unusable_head_is_broken(serve: Serve, transport: Transport, answer):
    with pytest.raises(UpstreamBroken):
        transport.send(call(serve(answering(answer))))


def test_silence_is_a_timeout(serve: Serve, transport: Transport):
    with pytest.raises(UpstreamTimeout):
        transport.send(call(serve(until_closed), read_timeout=0.2))


def test_a_provider_that_takes_no_bytes_is_a_timeout(serve: Serve, transport):
    stop = threading.Event()
    server = serve(lambda sock: stop.wait(SECONDS))

    with pytest.raises(UpstreamTimeout):
        transport.send(call(server, body=bytes(64 << 20), read_timeout=0.3))
    stop.set()


@pytest.mark.parametrize("stage", ["head", "body"])
def test_every_wait_can_be_cancelled(serve: Serve, transport: Transport, stage):
    cancel, answered = Cancellation(), threading.Event()

    def talk(sock: socket.socket) -> None:
        read_request(sock)
        if stage == "body":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            assert answered.wait(SECONDS)
        time.sleep(0.05)  # most likely the wait has begun; before it is as good
        cancel.cancel()
        until_closed(sock)

    server = serve(talk)
    began = time.monotonic()

    with pytest.raises(ClientGone):  # noqa: PT012 - in one of the two
        answer = transport.send(call(server, cancel=cancel, read_timeout=100.0))
        answered.set()
        answer.read_some()

    assert answered.is_set() is (stage == "body")
    assert time.monotonic() - began < SECONDS
    assert server.finished.wait(SECONDS)


def test_the_reason_of_a_cancellation_is_what_is_raised(serve: Serve, transport):
    server, cancel = serve(until_closed), Cancellation()
    stopping = Unavailable("the server is stopping")
    threading.Timer(0.1, cancel.cancel, [stopping]).start()

    with pytest.raises(Unavailable):
        transport.send(call(server, cancel=cancel))


def test_a_cancelled_call_is_not_sent(serve: Serve, transport: Transport):
    server, cancel = serve(answering(HELLO)), Cancellation()
    cancel.cancel()

    with pytest.raises(ClientGone):
        transport.send(call(server, cancel=cancel))
    assert server.connections == 0


# Proxies


def test_plain_http_is_asked_of_the_proxy_by_its_whole_address(serve: Serve, transport):
    requests: list[bytes] = []
    proxy = serve(keeping(requests, HELLO))
    setting = f"http://user:secret@127.0.0.1:{proxy.port}"

    transport.send(call("http://api.example.com/v1?x=1", http_proxy=setting)).close()

    head = requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"POST http://api.example.com/v1?x=1 HTTP/1.1"
    assert b"Host: api.example.com" in head
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in head


def test_a_proxy_may_not_be_at_a_refused_address_either(transport: Transport):
    with pytest.raises(UpstreamUnreachable) as caught:
        transport.send(
            call("http://api.example.com/", http_proxy="http://169.254.169.254")
        )

    assert caught.value.kind == "refused"


def test_tls_connections_are_kept_too(serve: Serve, transport: Transport, certificate):
    server = serve(keeping([], HELLO, HELLO), tls=certificate)

    for _ in range(2):
        answer = transport.send(call(server, ca_file=str(certificate.cert)))
        assert answer.read_all(10) == b"hello"
        answer.release()

    assert server.connections == 1


def test_a_repr_shows_no_secret():
    secret = call("http://a/", headers={"Authorization": "sk-1"}, body=b"sk-1")

    assert "sk-1" not in repr(secret)


@pytest.mark.parametrize("url", ["http://{}/v1", "https://{}/v1"])
@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "0xa9fea9fe", "metadata.google.internal"],
)
@pytest.mark.parametrize("setting", ["", "own"])
def test_no_proxy_is_a_way_to_a_refused_address(serve: Serve, url, host, setting):
    proxy = serve(answering(HELLO))
    environ = {"http": proxy.url, "https": proxy.url}
    transport = Transport(proxies=ProxyChoice(lambda: environ, lambda host: False))
    own = {"http_proxy": proxy.url} if setting else {}

    with pytest.raises(UpstreamUnreachable, match="no provider may be there"):
        transport.send(call(url.format(host), **own))
    assert proxy.connections == 0


def test_a_body_taken_a_little_at_a_time_has_an_end(serve: Serve, transport: Transport):
    def sip(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while sock.recv(4096):
            time.sleep(0.01)

    body = b"x" * (32 << 20)
    began = time.monotonic()
    with pytest.raises((UpstreamTimeout, UpstreamBroken)):
        transport.send(call(serve(sip), body=body, total_timeout=0.5))
    assert time.monotonic() - began < SECONDS


def test_interim_answers_that_drip_have_an_end(serve: Serve, transport: Transport):
    def drip(sock: socket.socket) -> None:
        read_request(sock)
        while True:
            time.sleep(0.3)
            sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    began = time.monotonic()
    with pytest.raises((UpstreamTimeout, UpstreamBroken)):
        transport.send(call(serve(drip), total_timeout=0.7))
    assert time.monotonic() - began < SECONDS
