"""The WSGI side: what the application is told, and how what it says becomes HTTP."""

from __future__ import annotations

import json
import threading

import pytest

from tests.patience import SECONDS, wait_until
from tests.serving.conftest import MakeSite, Site

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n"
OLD_GET = b"GET /a HTTP/1.0\r\n\r\n"


def answering(*pieces: bytes, status: str = "200 OK", headers=(), as_list=False):
    """An application's answer in pieces of unknown number, or as a list."""

    def answer(environ, start_response):
        start_response(status, list(headers))
        return list(pieces) if as_list else iter(pieces)

    return answer


def test_the_environ_has_what_wsgi_asks_for(site: Site):
    site.ask(
        b"POST /a%20b?c=d HTTP/1.1\r\nHost: localhost:99\r\nContent-Type: text/x\r\n"
        b"X-Odd-Name: \xe9\r\nContent-Length: 2\r\n\r\nhi"
    )
    environ = site.app.calls[0]

    assert environ["REQUEST_METHOD"] == "POST"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/a b")
    assert environ["QUERY_STRING"] == "c=d"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["SERVER_PORT"] == str(site.server.port)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x", "2")
    assert environ["HTTP_HOST"] == "localhost:99"
    assert environ["HTTP_X_ODD_NAME"] == "\xe9"
    assert "HTTP_CONTENT_LENGTH" not in environ
    assert environ["wsgi.url_scheme"] == "http"


def test_a_chunked_body_has_a_length_in_the_environ(site: Site):
    site.ask(
        b"POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\n\r\n"
    )
    environ = site.app.calls[0]

    assert environ["CONTENT_LENGTH"] == "2"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_every_request_has_an_id_of_its_own(site: Site):
    for _ in range(2):
        site.ask(GET + b"\r\n")
    first, second = [environ["aiproxy.request_id"] for environ in site.app.calls]

    assert first != second
    assert first.startswith("req_")


def test_a_base_path_is_the_script_name(make_site: MakeSite):
    site = make_site(base_path="/proxy")
    site.ask(b"GET /proxy/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
    environ = site.app.calls[0]

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/proxy", "/a")


@pytest.mark.parametrize("pieces", [[], [b""], [b"hello"]])
def test_a_list_of_at_most_one_piece_has_a_length(site: Site, pieces):
    site.app.answer = answering(*pieces, as_list=True)
    _, headers, body = site.ask(GET + b"\r\n")

    assert headers["content-length"] == str(len(b"".join(pieces)))
    assert body == b"".join(pieces)


def test_an_answer_of_unknown_length_is_chunked_and_keeps_the_connection(site: Site):
    site.app.answer = answering(b"hel", b"", b"lo")
    client = site.client()
    for _ in range(2):
        client.send(GET + b"\r\n")
        _, headers, body = client.answer()

        assert headers["transfer-encoding"] == "chunked"
        assert body == b"hello"


def test_an_old_client_gets_it_until_the_close(site: Site):
    site.app.answer = answering(b"hel", b"lo")
    client = site.client()
    client.send(OLD_GET)

    head, _, body = client.rest().partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == b"hello"


def test_an_announced_length_is_kept_to(site: Site):
    site.app.answer = answering(b"hel", b"lo!!", headers=[("Content-Length", "5")])
    client = site.client()
    for _ in range(2):
        client.send(GET + b"\r\n")
        assert client.answer()[2] == b"hello"


def test_less_than_announced_ends_the_connection(site: Site):
    site.app.answer = answering(b"hel", headers=[("Content-Length", "5")])
    client = site.client()
    client.send(GET + b"\r\n")

    assert client.rest().endswith(b"\r\n\r\nhel")


def test_an_answer_can_be_written(site: Site):
    def answer(environ, start_response):
        write = start_response("200 OK", [])
        write(b"hel")
        write(b"lo")
        return []

    site.app.answer = answer

    assert site.ask(GET + b"\r\n")[2] == b"hello"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_answers_have_no_body_and_no_length(site: Site, status):
    site.app.answer = answering(b"surplus", status=status, as_list=True)
    client = site.client()
    client.send(GET + b"\r\n")
    head = client.until(b"\r\n\r\n")
    assert b"Content-Length" not in head

    site.app.answer = answering(b"next", as_list=True)
    client.send(GET + b"\r\n")
    assert client.answer()[2] == b"next"


def test_an_applications_headers_are_sent_as_they_are(site: Site):
    headers = [("set-cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Odd", "\xe9")]
    site.app.answer = answering(b"", headers=headers, as_list=True)
    client = site.client()
    client.send(GET + b"\r\n")
    head = client.until(b"\r\n\r\n")

    assert b"\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nX-Odd: \xe9\r\n" in head


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\nb", "a\0b"])
def test_a_header_with_a_line_break_is_not_sent(site: Site, value):
    site.app.answer = answering(b"", headers=[("Location", value)], as_list=True)
    status, headers, _ = site.ask(GET + b"\r\n")

    assert status == 500
    assert "set-cookie" not in headers


def test_a_mistake_before_the_answer_is_a_500_without_details(site: Site, caplog):
    def answer(environ, start_response):
        raise RuntimeError("secret detail")

    site.app.answer = answer
    status, headers, body = site.ask(
        b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )

    assert status == 500
    assert json.loads(body)["error"]["type"] == "api_error"
    assert b"secret" not in body
    assert headers["request-id"] in caplog.text
    assert "secret detail" in caplog.text


def test_a_mistake_within_the_answer_ends_it_without_its_last_chunk(site: Site):
    def answer(environ, start_response):
        start_response("200 OK", [])
        yield b"begun"
        raise RuntimeError("a mistake")

    site.app.answer = answer
    client = site.client()
    client.send(GET + b"\r\n")

    assert client.rest().endswith(b"5\r\nbegun\r\n")


def test_an_answer_is_closed_whatever_happens(site: Site):
    closed = threading.Event()

    class Answer:
        def __iter__(self):
            return iter([b"hello"])

        def close(self):
            closed.set()

    def answer(environ, start_response):
        start_response("200 OK", [])
        return Answer()

    site.app.answer = answer
    site.ask(GET + b"\r\n")

    assert closed.wait(SECONDS)


def test_an_environ_that_the_framework_keeps_holds_no_request(site: Site):
    kept = []

    def answer(environ, start_response):
        kept.append(environ)
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    site.app.answer = answer
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"
    assert site.ask(head)[2] == b"hi"
    # The answer is out a moment before the worker is done.
    wait_until(lambda: kept == [{}])
