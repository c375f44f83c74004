"""Requests read as RFC 9112 says; every doubt is a refusal, and the last word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import AIProxyError, AuthenticationFailed
from aiproxy.serving.bodies import BodyBudget
from aiproxy.serving.limits import Limits
from aiproxy.serving.parser import ParserContext, RequestParser

HOST = b"Host: localhost\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST


def parse(
    *pieces: bytes, context: ParserContext | None = None
) -> tuple[RequestParser, bytes]:
    """The parser after all pieces, and what it left over."""
    parser = RequestParser(context or ParserContext(), "127.0.0.1")
    rest = b""
    for piece in pieces:
        rest += piece
        while rest and not parser.completed:
            rest = rest[parser.received(rest) :]
    return parser, rest


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def status_of(data: bytes, context: ParserContext | None = None) -> int:
    """Of the refusal, which must not depend on how the bytes are cut."""
    whole, _ = parse(data, context=context)
    slow, _ = parse(*one_by_one(data), context=context)
    assert whole.error is not None, "it was not refused"
    assert slow.error is not None, "it was not refused in single bytes"
    assert whole.error.status == slow.error.status
    assert not whole.keeps_alive
    return whole.error.status


# What is a request

GOOD = {
    "the least": GET + b"\r\n",
    "empty lines before it": b"\r\n\r\n" + GET + b"\r\n",
    "no space after a colon": b"GET / HTTP/1.1\r\nHost:localhost\r\n\r\n",
    "tabs around a value": b"GET / HTTP/1.1\r\nHost:\t localhost \t\r\n\r\n",
    "an empty value": GET + b"X-Empty:\r\n\r\n",
    "a value beyond ASCII": GET + b"X-Name: caf\xe9\r\n\r\n",
    "a later minor version": b"GET / HTTP/1.9\r\n" + HOST + b"\r\n",
    "HTTP/1.0 without a host": b"GET / HTTP/1.0\r\n\r\n",
    "an empty body": GET + b"Content-Length: 0\r\n\r\n",
    "leading zeros in a length": GET + b"Content-Length: 002\r\n\r\nhi",
    "a method of one's own": b"PURGE / HTTP/1.1\r\n" + HOST + b"\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "an absolute address": b"GET http://localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_a_proper_request_is_taken_however_it_is_cut(data):
    for pieces in ([data], one_by_one(data)):
        parser, rest = parse(*pieces)
        assert parser.error is None
        assert parser.completed
        assert rest == b""


def test_line_headers_and_body_are_read():
    parser, rest = parse(
        b"POST /a%20b?c=d%20e HTTP/1.1\r\nHost: localhost:8000\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello, and more"
    )

    assert (parser.method, parser.path, parser.query) == ("POST", "/a b", "c=d%20e")
    assert parser.headers["content-type"] == "text/plain"
    assert parser.stream.read() == b"hello"
    assert rest == b", and more"


def test_a_chunked_body_arrives_decoded_with_its_length():
    data = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    parser, rest = parse(
        *one_by_one(data + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), b"GET"
    )

    assert parser.stream.read() == b"hello"
    assert parser.headers["content-length"] == "5"
    assert rest == b"GET"


def test_repeated_headers_are_joined():
    parser, _ = parse(GET + b"X-A: 1\r\nx-a: 2\r\n\r\n")

    assert parser.headers["x-a"] == "1, 2"


def test_a_name_with_an_underscore_is_left_out():
    # CGI's names cannot tell it from the one with a hyphen.
    parser, _ = parse(GET + b"X_Forwarded_For: 127.0.0.1\r\n\r\n")

    assert "x-forwarded-for" not in parser.headers
    assert "x_forwarded_for" not in parser.headers


@pytest.mark.parametrize(
    ("version", "header", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: x, CLOSE\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
    ],
)
def test_who_keeps_the_connection(version, header, kept):
    parser, _ = parse(b"GET / HTTP/" + version + b"\r\n" + HOST + header + b"\r\n")

    assert parser.keeps_alive is kept


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", "/"),
        (b"/proxy", "/"),
        (b"/proxy/", "/"),
        (b"/proxy/v1/messages", "/v1/messages"),
        (b"/v1/messages", "/v1/messages"),
        (b"/proxyx", "/proxyx"),
        (b"//v1/messages", "//v1/messages"),
        (b"/v1/./messages", "/v1/./messages"),
        (b"/%76%31/x", "/v1/x"),
        (b"http://localhost/v1/x", "/v1/x"),
        (b"http://localhost", "/"),
        (b"http://localhost?x", "/"),
    ],
)
def test_the_path_is_decoded_and_freed_of_the_base_path_only(target, path):
    context = ParserContext(base_path="/proxy")
    parser, _ = parse(
        b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n", context=context
    )

    assert parser.error is None
    assert parser.path == path


# What is none

MALFORMED = {
    "a path that is no UTF-8": b"GET /v1/mess%ffages HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw bytes that are none": b"GET /v1/mess\xffages HTTP/1.1\r\n" + HOST + b"\r\n",
    "nothing but a line": b"GET /\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "a lower-case protocol": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab": b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space at the end": b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
    "a space at the begin": b" GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the address": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address without a slash": b"GET a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "another scheme": b"GET file:///etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method with a slash": b"GE/T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": GET + HOST + b"\r\n",
    "two hosts in HTTP/1.0": b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
    "a host other than the address's": (
        b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n"
    ),
    "a header without a colon": GET + b"X-A\r\n\r\n",
    "a header without a name": GET + b": 1\r\n\r\n",
    "a space before the colon": GET + b"Content-Length : 5\r\n\r\n",
    "a tab before the colon": GET + b"X-A\t: 5\r\n\r\n",
    "a space before the name": b"GET / HTTP/1.1\r\n X-A: 1\r\n" + HOST + b"\r\n",
    "folding": GET + b"X-A: 1\r\n 2\r\n\r\n",
    "folding with a tab": GET + b"X-A: 1\r\n\t2\r\n\r\n",
    "a name beyond ASCII": GET + b"X-\xc3\xa9: 1\r\n\r\n",
    "a bare LF after the line": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "a bare LF after a header": b"GET / HTTP/1.1\r\nHost: localhost\n\r\n",
    "bare LFs at the end": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "a bare LF before the line": b"\n" + GET + b"\r\n",
    "a bare CR in a value": GET + b"X-A: 1\r2\r\n\r\n",
    "two CRs": GET + b"X-A: 1\r\r\n\r\n",
    "a NUL in a value": GET + b"X-A: 1\x002\r\n\r\n",
    "a NUL in a name": GET + b"X\x00A: 1\r\n\r\n",
    "an escape in a value": GET + b"X-A: \x1b[0m\r\n\r\n",
    "DEL in a value": GET + b"X-A: \x7f\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "two lengths": GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "the same length twice": GET + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "lengths in a list": GET + b"Content-Length: 5, 5\r\n\r\n",
    "a signed length": GET + b"Content-Length: +5\r\n\r\n",
    "a negative length": GET + b"Content-Length: -5\r\n\r\n",
    "a hexadecimal length": GET + b"Content-Length: 0x5\r\n\r\n",
    "an underscore in the length": GET + b"Content-Length: 1_0\r\n\r\n",
    "a length with a point": GET + b"Content-Length: 5.0\r\n\r\n",
    "an empty length": GET + b"Content-Length:\r\n\r\n",
    "a length of other digits": GET + b"Content-Length: \xb2\r\n\r\n",
    "a length and chunks": (
        GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "chunks and a length": (
        GET + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    ),
    "chunks twice": (
        GET + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "chunks twice in a list": GET + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "an empty coding": GET + b"Transfer-Encoding:\r\n\r\n",
    "chunks in HTTP/1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    ),
    "a malformed chunk": GET + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello",
    "a loose chunk end": GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n",
}
OTHER = {
    "HTTP/2": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a method in small letters": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "gzip as transfer coding": (GET + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "gzip before chunks": (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "identity": (GET + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "an odd coding": (GET + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400),
    "nearly chunked": (GET + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
    "a compressed body": (
        GET + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
        415,
    ),
    "an expectation of its own": (
        GET + b"Expect: 200-ok\r\nContent-Length: 5\r\n\r\n",
        417,
    ),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_readers_could_understand_differently_is_refused(data):
    assert status_of(data) == 400


@pytest.mark.parametrize(("data", "status"), OTHER.values(), ids=OTHER)
def test_what_this_server_does_not_speak_is_refused(data, status):
    assert status_of(data) == status


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_follows_a_refused_head_is_swallowed(data):
    parser, _ = parse(data)
    assert parser.error is not None

    parser, rest = parse(data + GET + b"\r\n")
    assert parser.error is not None
    assert rest == b""


# Limits

SMALL = Limits(
    head_bytes=1000,
    target_bytes=100,
    api_body_bytes=20,
    page_body_bytes=10,
    small_body_bytes=4,
)


def small(**options: object) -> ParserContext:
    return ParserContext(limits=SMALL, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
def test_a_head_beyond_its_limit_is_431_though_it_does_not_end(end):
    assert status_of(GET + b"X-A: " + b"a" * 1000 + end, small()) == 431


@pytest.mark.parametrize("end", [b" HTTP/1.1\r\n\r\n", b""])
def test_a_target_beyond_its_limit_is_414_though_it_does_not_end(end):
    assert status_of(b"GET /" + b"a" * 200 + end, small()) == 414


@pytest.mark.parametrize(
    ("path", "limit"), [(b"/v1/messages", 20), (b"/settings", 10), (b"/v1x", 10)]
)
@pytest.mark.parametrize("over", [0, 1])
def test_a_declared_length_over_the_limit_is_413_before_a_byte_comes(path, limit, over):
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST
    head += b"Content-Length: %d\r\n\r\n" % (limit + over)
    parser, _ = parse(head, context=small())

    assert (parser.error is not None) is bool(over)
    if parser.error is not None:
        assert parser.error.status == 413


def test_a_chunked_body_over_the_limit_is_413_when_it_gets_there():
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

    assert status_of(head + b"5\r\nhello\r\n6\r\nhello!\r\n", small()) == 413


@pytest.mark.parametrize(("path", "other"), [(b"/", b"/v1/x"), (b"/v1/x", b"/")])
def test_bodies_of_all_requests_of_a_side_share_one_limit(path, other):
    # Of a page's body the first four bytes have room of their own.
    context = small(api_budget=BodyBudget(15), page_budget=BodyBudget(11))
    rest = b" HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\n"
    head = b"POST " + path + rest
    first, _ = parse(head + b"0123456789", context=context)
    second, _ = parse(head + b"0123456789", context=context)
    assert first.error is None
    assert second.error is not None
    assert second.error.status == 503
    apart, _ = parse(b"POST " + other + rest + b"0123456789", context=context)
    assert apart.error is None

    first.close()
    third, _ = parse(head + b"0123456789", context=context)
    assert third.error is None


def test_a_refused_body_holds_no_memory():
    context = small(page_budget=BodyBudget(100))
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    parse(head + b"9\r\nhello you\r\nx\r\n", context=context)

    assert context.page_budget.used == 0


def test_a_small_body_of_a_page_finds_room_where_none_is_left():
    context = small(page_budget=BodyBudget(0))
    head = b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n%b"
    taken, _ = parse(head % (4, b"1234"), context=context)
    refused, _ = parse(head % (5, b"12345"), context=context)

    assert taken.error is None
    assert refused.error is not None
    assert refused.error.status == 503


LARGE = {
    "small": (b"POST /x", b"Content-Length: 4\r\n\r\n1234", 0, 0),
    "large": (b"POST /x", b"Content-Length: 6\r\n\r\n123456", 1, 2),
    "in small chunks": (
        b"POST /x",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n12\r\n2\r\n34\r\n0\r\n\r\n",
        1,
        0,
    ),
    "in chunks": (
        b"GET /x",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n0\r\n\r\n",
        1,
        2,
    ),
    "for the API": (b"POST /v1/x", b"Content-Length: 6\r\n\r\n123456", 0, 0),
}


@pytest.mark.parametrize("is_admin", [False, True])
@pytest.mark.parametrize(
    ("line", "body", "times", "counted"), LARGE.values(), ids=LARGE
)
def test_bodies_of_admins_and_of_others_are_counted_apart(
    line, body, times, counted, is_admin
):
    asked = []

    def shows_admin(head):
        asked.append(head.path)
        return is_admin

    context = small(
        page_budget=BodyBudget(2), other_budget=BodyBudget(2), shows_admin=shows_admin
    )
    head = line + b" HTTP/1.1\r\n" + HOST + body
    parser, _ = parse(head, context=context)

    assert parser.error is None
    assert asked == ["/x"] * times
    own, others = context.page_budget, context.other_budget
    if not is_admin:
        own, others = others, own
    assert (own.used, others.used) == (counted, 0)
    # What is full for one kind is not for the other.
    context = small(
        page_budget=BodyBudget(2 if is_admin else 0),
        other_budget=BodyBudget(0 if is_admin else 2),
        shows_admin=shows_admin,
    )
    assert parse(head, context=context)[0].error is None


# The judge


def test_a_head_is_judged_before_its_body_comes():
    judged = []

    def judge(head, request_id):
        judged.append((head, request_id))

    parser, _ = parse(
        b"POST /v1/x?y=z HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n",
        context=ParserContext(judge=judge),
    )

    head, request_id = judged[0]
    assert (head.method, head.path, head.query) == ("POST", "/v1/x", "y=z")
    assert (head.headers["host"], head.peer) == ("localhost", "127.0.0.1")
    assert request_id == parser.request_id
    assert not parser.completed


@pytest.mark.parametrize("raises", [True, False])
def test_a_judge_refuses_by_raising_or_returning(raises):
    def judge(head, request_id):
        refusal = AuthenticationFailed("no key")
        if raises:
            raise refusal
        return refusal

    head = GET + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    parser, _ = parse(head, context=ParserContext(judge=judge))

    assert parser.error is not None
    assert parser.error.status == 401
    assert parser.completed
    assert not parser.expects_continue


def test_a_malformed_head_is_not_judged():
    def judge(head, request_id):
        raise AssertionError("it was judged")

    assert status_of(GET + b"X-A\r\n\r\n", ParserContext(judge=judge)) == 400


@pytest.mark.parametrize(
    "data",
    [
        b"POST /v1/messages HTTP/1.1\r\nX\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nX: \x00\r\n",
        b"POST /v1/messages?beta=true HTTP/9.9\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nX: " + b"a" * 2000,
    ],
)
def test_a_refused_head_still_says_whose_shape_its_error_has(data):
    parser, _ = parse(data, context=small())

    assert parser.error is not None
    assert parser.is_api


# Time


def test_a_head_has_to_be_complete_in_time():
    parser, _ = parse(b"GET / HT")

    assert not parser.is_late(parser.started + 19)
    assert parser.is_late(parser.started + 21)


def test_a_body_may_be_neither_silent_nor_endless():
    parser, _ = parse(GET + b"Content-Length: 5\r\n\r\nhe")

    assert not parser.is_late(parser.active_at + 29)
    assert parser.is_late(parser.active_at + 31)
    parser.active_at += 290
    assert not parser.is_late(parser.head_at + 299)
    assert parser.is_late(parser.head_at + 301)


# Laws

TOKENS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /v1/messages HTTP/1.1\r\n",
        b"Host: localhost\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b" ",
        b":",
        b"\x00",
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
    ]
)


def summary(parser: RequestParser, taken: int) -> tuple[object, ...]:
    error = parser.error.status if parser.error else None
    if error is not None or not parser.completed:
        return (error, parser.completed)
    body = parser.stream.getvalue()
    return (error, True, parser.method, parser.path, dict(parser.headers), body, taken)


@given(data=st.lists(TOKENS, max_size=14).map(b"".join), cut=st.integers(1, 40))
def test_any_cut_of_any_bytes_gives_the_same_request(data, cut):
    results = []
    for size in (len(data) or 1, cut, 1):
        parser = RequestParser(ParserContext(), "127.0.0.1")
        taken = 0
        while taken < len(data) and not parser.completed:
            taken += parser.received(data[taken : taken + size])
        results.append(summary(parser, taken))

    assert results[0] == results[1] == results[2]


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_noise_is_refused_or_waited_for_but_breaks_nothing(pieces):
    parser = RequestParser(ParserContext(), "127.0.0.1")
    for piece in pieces:
        parser.received(piece)

    assert parser.error is None or isinstance(parser.error, AIProxyError)
