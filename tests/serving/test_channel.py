"""One connection over real sockets: requests in order, limits, a polite end."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest

from aiproxy.errors import AuthenticationFailed
from aiproxy.serving.channel import Channel
from tests.patience import SECONDS, wait_until
from tests.raw_peer import RawClient
from tests.serving.conftest import MakeSite, Site

HOST = b"Host: localhost\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST


def accepted(site: Site) -> list[Channel]:
    """The server's side of its one client's connection, once there is one."""
    channels = site.server.listeners[0].channels
    wait_until(lambda: channels)
    return list(channels.values())


def post(body: bytes, path: bytes = b"/a", extra: bytes = b"") -> bytes:
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + extra
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


# Requests and answers


def test_a_request_is_answered_and_the_connection_kept(site: Site):
    client = site.client()
    for number in range(3):
        client.send(post(b"body %d" % number))
        status, headers, body = client.answer()

        assert status == 200
        assert json.loads(body)["body"] == f"body {number}"
        assert "connection" not in headers


def test_every_answer_has_a_date_and_forbids_sniffing_and_names_no_server(site: Site):
    _, headers, _ = site.ask(GET + b"\r\n")

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["date"].endswith("GMT")
    assert "server" not in headers


def test_pipelined_requests_are_answered_in_order(site: Site):
    client = site.client()
    client.send(b"".join(post(b"%d" % number) for number in range(5)))

    bodies = [json.loads(client.answer()[2])["body"] for _ in range(5)]

    assert bodies == ["0", "1", "2", "3", "4"]


def test_a_request_may_come_byte_by_byte(site: Site):
    client = site.client()
    for byte in post(b"slow"):
        client.send(bytes([byte]))

    assert json.loads(client.answer()[2])["body"] == "slow"


def test_a_chunked_request_arrives_whole(site: Site):
    client = site.client()
    client.send(b"POST /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
    client.send(b"3\r\nhel\r\n")
    client.send(b"2\r\nlo\r\n0\r\n\r\n")

    assert json.loads(client.answer()[2])["body"] == "hello"


def test_a_body_of_megabytes_arrives_whole(make_site: MakeSite):
    site = make_site()
    body = b"x" * (8 << 20)
    client = site.client()
    client.send(post(body, b"/v1/messages"))

    assert len(json.loads(client.answer()[2])["body"]) == len(body)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_the_connection_is_closed_where_the_client_wants_it(site: Site, version):
    client = site.client()
    client.send(
        b"GET /a HTTP/" + version + b"\r\n" + HOST + b"Connection: close\r\n\r\n"
    )

    assert client.answer()[1]["connection"] == "close"
    assert client.is_closed()


def test_an_old_client_may_ask_to_keep_the_connection(site: Site):
    client = site.client()
    for _ in range(2):
        client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.answer()[1]["connection"] == "keep-alive"


# Expect: 100-continue


def test_a_body_is_invited_once_its_head_is_accepted(site: Site):
    client = site.client()
    client.send(post(b"", extra=b"Expect: 100-continue\r\n").replace(b": 0", b": 5"))
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    client.send(b"hello")
    assert json.loads(client.answer()[2])["body"] == "hello"


def test_a_body_is_not_invited_if_its_head_is_refused(make_site: MakeSite):
    def judge(head, request_id):
        raise AuthenticationFailed("no key")

    client = make_site(judge=judge).client()
    client.send(post(b"", extra=b"Expect: 100-continue\r\n").replace(b": 0", b": 5"))

    assert client.answer()[0] == 401
    assert client.is_closed()


def test_a_body_too_large_is_not_invited(make_site: MakeSite):
    client = make_site(page_body_bytes=10).client()
    client.send(post(b"", extra=b"Expect: 100-continue\r\n").replace(b": 0", b": 11"))

    assert client.answer()[0] == 413


def test_an_invitation_waits_for_the_answer_before_it(make_site: MakeSite):
    site, release = make_site(), threading.Event()

    def slow(environ, start_response):
        release.wait(SECONDS)
        start_response("200 OK", [])
        return [b"done"]

    site.app.answer = slow
    client = site.client()
    waiting = post(b"", extra=b"Expect: 100-continue\r\n").replace(b": 0", b": 5")
    client.send(GET + b"\r\n" + waiting)
    release.set()

    assert client.answer()[2] == b"done"
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")
    assert client.answer()[2] == b"done"


# Refusals


SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Content-Length : 0\r\n",
        b"X: 1\r\n 2\r\n",
        b"Content-Length: 99999999999\r\n",
    ],
)
def test_what_follows_a_refused_head_is_never_a_request(site: Site, head):
    client = site.client()
    client.send(GET + head + b"\r\n" + SMUGGLED + SMUGGLED)
    status, headers, _ = client.answer()

    assert status in (400, 413, 501)
    assert headers["connection"] == "close"
    assert client.is_closed()
    assert site.app.calls == []


def test_a_refusal_waits_for_the_answers_before_it(site: Site):
    client = site.client()
    client.send(GET + b"\r\n" + GET + b"X\r\n\r\n" + SMUGGLED)

    assert client.answer()[0] == 200
    assert client.answer()[0] == 400
    assert client.is_closed()
    assert len(site.app.calls) == 1


def test_a_refusal_under_v1_has_the_apis_shape(site: Site):
    status, headers, body = site.ask(b"POST /v1/messages HTTP/1.1\r\nX\r\n\r\n")

    assert status == 400
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert json.loads(body)["request_id"] == headers["request-id"]


def test_a_refusal_reaches_a_client_that_still_sends(make_site: MakeSite):
    site = make_site(page_body_bytes=1000)
    client = site.client()
    body = post(bytes(20 << 20))
    sending = threading.Thread(target=_is_sent, args=(client, body))
    sending.start()

    assert client.answer()[0] == 413
    client.close()
    sending.join()


def test_head_has_the_headers_of_get_and_no_body(site: Site):
    client = site.client()
    client.send(b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n")
    head = client.until(b"\r\n\r\n")

    assert b"\r\nContent-Length: " in head
    assert client.answer()[0] == 200


# Time


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ("head_seconds", b"GET / HTTP/1.1\r\n"),
        ("head_seconds", b"\r\n"),
        ("body_silence_seconds", post(b"hello")[:-2]),
        ("idle_seconds", b""),
    ],
    ids=["head", "empty line", "body", "nothing"],
)
def test_a_client_that_takes_its_time_is_closed(make_site: MakeSite, option, sent):
    site = make_site(**{option: 0.2})
    began = time.monotonic()
    client = site.client()
    client.send(sent)

    assert client.is_closed()
    assert 0.1 < time.monotonic() - began < 15.0  # of the 20 or more it would be


def test_a_connection_that_is_idle_after_a_request_is_closed(make_site: MakeSite):
    site = make_site()
    client = site.client()
    client.send(GET + b"\r\n")
    assert client.answer()[0] == 200
    site.limit(idle_seconds=0.2)

    assert client.is_closed()


@pytest.mark.parametrize(
    ("limits", "begin"),
    [
        ({"head_seconds": 0.3}, b"G"),
        ({"body_seconds": 0.3}, post(b"x" * 1000)[:-1000]),
    ],
    ids=["head", "body"],
)
def test_dripping_is_not_enough_to_stay(make_site: MakeSite, limits, begin):
    client = make_site(**limits).client()
    client.send(begin)
    began = time.monotonic()
    while _is_sent(client, b"x"):
        assert time.monotonic() - began < 15.0  # of the 20 or more it would be
        time.sleep(0.02)


def _is_sent(client: RawClient, data: bytes) -> bool:
    try:
        client.send(data)
    except OSError:
        return False
    return True


def test_an_answer_that_nobody_reads_is_given_up(make_site: MakeSite):
    site = make_site(unread_seconds=0.3)
    ended = threading.Event()

    def endless(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield bytes(1 << 20)
        finally:
            ended.set()

    site.app.answer = endless
    site.client(receive_buffer=4096).send(GET + b"\r\n")

    assert ended.wait(SECONDS)


def test_an_answer_too_large_for_the_socket_is_sent_after_its_worker_has_left(site):
    site.app.answer = lambda environ, start: (start("200 OK", []), [bytes(8 << 20)])[1]
    client = site.client(receive_buffer=4096)
    client.send(GET + b"\r\n")
    (channel,) = accepted(site)
    wait_until(lambda: channel.unsent and not channel.is_busy)

    assert len(client.answer()[2]) == 8 << 20


# Hang-ups


def answer_with(site: Site, size: int) -> None:
    """Every answer is of `size` bytes, and counted by the server in `calls`."""

    def answer(environ, start_response):
        start_response("200 OK", [])
        return [bytes(size)]

    site.app.answer = answer


def test_what_a_client_asks_without_reading_holds_no_worker(make_site: MakeSite):
    """Its next request is run once it has read the answers before it."""
    site = make_site(page_workers=1)
    answer_with(site, 900_000)  # no worker waits for so much to be read
    number = 16  # more than the system's buffers take
    client = site.client(receive_buffer=4096)
    client.send((GET + b"\r\n") * (number - 1) + post(b"last")[:-1])
    wait_until(lambda: accepted(site)[0].unsent)

    others = 5  # of its requests one is run for each of them, if any is
    for _ in range(others):
        assert site.ask(GET + b"\r\n")[0] == 200
    assert len(site.app.calls) < number
    client.send(b"t")
    for _ in range(number):
        assert len(client.answer()[2]) == 900_000
    assert len(site.app.calls) == number + others


@pytest.mark.parametrize("end", ["by us", "by the client"])
def test_requests_that_wait_for_their_client_end_with_it(make_site: MakeSite, end):
    site = make_site(page_workers=1)
    answer_with(site, 900_000)
    client = site.client(receive_buffer=4096)
    client.send((GET + b"\r\n") * 10 + post(b"x" * 9) * 5)
    wait_until(lambda: accepted(site)[0].unsent)
    if end == "by the client":
        client.close()
    else:
        site.limit(unread_seconds=0.2)
    wait_until(lambda: not site.server.open_connections)

    calls = len(site.app.calls)
    assert site.ask(GET + b"\r\n")[0] == 200
    assert len(site.app.calls) == calls + 1


def zeros_until_the_end(client: RawClient) -> int:
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while True:
            data = client.sock.recv(1 << 18)
            if not data:
                break
            count += data.count(b"\0")
    return count


def test_half_of_the_workers_may_wait_for_slow_readers(make_site: MakeSite):
    """One reader too many is let go; the other goes on where it was."""
    site = make_site(page_workers=2)

    def pieces(environ, start_response):
        start_response("200 OK", [])
        return (bytes(1_000_000) for _ in range(int(environ["QUERY_STRING"])))

    site.app.answer = pieces
    clients = [site.client() for _ in range(2)]
    for client in clients:
        client.send(b"GET /a?20 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    wait_until(lambda: len(site.app.calls) == 2)
    wait_until(lambda: site.server.open_connections == 1)

    assert site.ask(b"GET /a?0 HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 200
    got = sorted(zeros_until_the_end(client) for client in clients)
    assert got[1] == 20_000_000
    assert got[0] < 20_000_000


def test_a_client_that_leaves_cancels_what_its_worker_waits_for(site: Site):
    noticed = threading.Event()

    def waiting(environ, start_response):
        environ["aiproxy.cancel"].wait(SECONDS)
        if environ["aiproxy.cancel"].cancelled:
            noticed.set()
        start_response("200 OK", [])
        return [b""]

    site.app.answer = waiting
    client = site.client()
    client.send(post(b"hi", b"/v1/messages"))
    assert site.app.called.wait(SECONDS)
    client.close()

    assert noticed.wait(SECONDS)


def test_half_a_close_is_a_hang_up_under_v1(site: Site):
    noticed = threading.Event()

    def waiting(environ, start_response):
        if environ["aiproxy.cancel"].wait(SECONDS):
            noticed.set()
        start_response("200 OK", [])
        return [b""]

    site.app.answer = waiting
    client = site.client()
    client.send(post(b"hi", b"/v1/messages"))
    client.sock.shutdown(socket.SHUT_WR)

    assert noticed.wait(SECONDS)


def test_a_pipelined_request_is_no_hang_up(site: Site):
    seen = threading.Event()

    def waiting(environ, start_response):
        assert seen.wait(SECONDS)
        is_cancelled = environ["aiproxy.cancel"].cancelled
        start_response("200 OK", [])
        return [b"cancelled" if is_cancelled else b"answered"]

    site.app.answer = waiting
    client = site.client()
    client.send(post(b"hi", b"/v1/messages"))
    assert site.app.called.wait(SECONDS)
    client.send(post(b"hi", b"/v1/messages"))
    site.wait_for_the_pump()
    seen.set()

    assert client.answer()[2] == b"answered"
    assert client.answer()[2] == b"answered"


def test_clients_that_leave_at_any_moment_leave_nothing_behind(site: Site):
    for count in range(40):
        client = site.client()
        client.send(post(b"hello", b"/v1/x")[: 1 + count * 3])
        client.close()

    wait_until(lambda: site.server.open_connections == 0)
    assert site.ask(GET + b"\r\n")[0] == 200
