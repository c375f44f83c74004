"""A provider's response head: what is read from it, and what is no HTTP at all."""

from __future__ import annotations

import pytest

from aiproxy.errors import UpstreamBroken
from aiproxy.upstream.head import MAX_FIELDS, parse_head

BAD = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6",
    "HTTP/2": b"HTTP/2 200",
    "HTTP/1.2": b"HTTP/1.2 200 OK",
    "no status": b"HTTP/1.1 OK",
    "two digits": b"HTTP/1.1 20 OK",
    "four digits": b"HTTP/1.1 2000 OK",
    "a status under 100": b"HTTP/1.1 099 OK",
    "a status over 599": b"HTTP/1.1 999 Odd",
    "two spaces": b"HTTP/1.1  200 OK",
    "lower case": b"http/1.1 200 OK",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nContent-Type",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 5",
    "a folded header": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2",
    "a bare LF": b"HTTP/1.1 200 OK\nX-A: 1",
    "a bare CR in a value": b"HTTP/1.1 200 OK\r\nX-A: 1\r2",
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: 1\x002",
    "too many headers": b"HTTP/1.1 200 OK" + b"\r\nX: 1" * (MAX_FIELDS + 1),
}
KEPT = {
    "HTTP/1.1": (b"HTTP/1.1 200 OK", True),
    "close": (b"HTTP/1.1 200 OK\r\nConnection: close", False),
    "close among others": (b"HTTP/1.1 200 OK\r\nConnection: x, Close", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK", False),
    "HTTP/1.0 keep-alive": (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive", True),
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        False,
    ),
    "chunks in HTTP/1.0": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked",
        False,
    ),
}


def test_status_and_headers_are_read():
    head = parse_head(b"HTTP/1.1 429 Slow Down\r\nRetry-After: \t3 \r\nX-Empty:")

    assert head.status == 429
    assert head.headers == {"retry-after": "3", "x-empty": ""}


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 "])
def test_a_reason_is_not_needed(line):
    assert parse_head(line).status == 200


def test_a_repeated_header_is_joined():
    head = parse_head(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2")

    assert head.headers["x-a"] == "1, 2"


def test_bytes_beyond_ascii_are_kept_as_latin_1():
    assert parse_head(b"HTTP/1.1 200 OK\r\nX-A: \xe9").headers["x-a"] == "\xe9"


@pytest.mark.parametrize("head", BAD.values(), ids=BAD)
def test_what_is_no_http_head_is_refused(head):
    with pytest.raises(UpstreamBroken):
        parse_head(head)


@pytest.mark.parametrize(("head", "kept"), KEPT.values(), ids=KEPT)
def test_a_connection_is_kept_where_both_sides_agree_on_its_state(head, kept):
    assert parse_head(head).keeps_alive is kept


def test_a_value_full_of_spaces_takes_no_time():
    head = parse_head(b"HTTP/1.1 200 OK\r\nX-A: 1" + b" " * 60000 + b"2")

    assert head.headers["x-a"].startswith("1 ")
