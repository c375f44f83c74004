"""A request's bytes, as strictly as RFC 9112 allows: head, framing, body.

Two readers of one byte stream must never see different requests in it. So whatever
is doubtful is refused, the connection ends with the refusal, and nothing that follows
a refused head is ever taken for a request.

Sans-IO: the channel feeds it what the socket gave and reads `completed` and `error`.
"""

from __future__ import annotations

import os
import re
import time
from io import BytesIO
from typing import Callable, Mapping
from urllib.parse import unquote_to_bytes

from aiproxy.errors import AIProxyError, InvalidRequest
from aiproxy.head import RequestHead
from aiproxy.protocol.chunked import ChunkedDecoder
from aiproxy.records import dataclass, field
from aiproxy.serving.bodies import BodyBudget, RequestBody, too_large
from aiproxy.serving.limits import Limits

# Raises or returns the refusal of a request that the head alone decides.
HeadJudge = Callable[[RequestHead, str], "AIProxyError | None"]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(
    rb"(" + _TOKEN + rb") ([!-~\x80-\xff]+) HTTP/([0-9])\.([0-9])"
)
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,15}")
_BLANK_LINES = re.compile(rb"(?:\r\n)+")
_IN_A_HEAD = bytes(c for c in range(256) if c in b"\t\r\n" or 0x20 <= c != 0x7F)
# Which API a refused head was meant for, where it says nothing else that can be used.
_PATH_HINT = re.compile(rb"[A-Z]{1,20} (/[!-~]{0,200})")
_ABSOLUTE = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)


@dataclass(frozen=True)
class ParserContext:
    """What all parsers of a server share."""

    limits: Limits = field(default_factory=Limits)
    base_path: str = ""
    judge: HeadJudge | None = None
    shows_admin: Callable[[RequestHead], bool] | None = None
    api_budget: BodyBudget = field(
        default_factory=lambda: BodyBudget(Limits.api_bodies_bytes)
    )
    page_budget: BodyBudget = field(
        default_factory=lambda: BodyBudget(Limits.page_bodies_bytes)
    )
    other_budget: BodyBudget = field(
        default_factory=lambda: BodyBudget(Limits.other_bodies_bytes)
    )


class RequestParser:
    """One request; `error` says that it was refused, and its connection must close."""

    def __init__(self, context: ParserContext, peer: str = "") -> None:
        self._context = context
        self._limits = context.limits
        self._peer = peer
        self._pending = bytearray()  # a head that is not complete
        self._scanned = 0  # of it
        self._line: re.Match[bytes] | None = None  # the request line, once it is there
        self._left = 0  # of a body with a length
        self._decoder: ChunkedDecoder | None = None
        self._body: RequestBody | None = None
        self.request_id = "req_" + os.urandom(12).hex()
        self.error: AIProxyError | None = None
        self.completed = False
        self.head_finished = False
        self.expects_continue = False
        self.keeps_alive = False
        self.method = "GET"
        self.target = ""  # as sent
        self.path = ""  # decoded, without the base path
        self.query = ""
        self.version = "1.1"
        self.headers: Mapping[str, str] = {}
        now = time.monotonic()
        self.started = now
        self.head_at = now  # when the head was complete
        self.active_at = now  # when bytes came last

    @property
    def is_api(self) -> bool:
        """Under /v1: its own workers, and errors in the API's shape."""
        return self.path.startswith("/v1/") or self.path == "/v1"

    @property
    def empty(self) -> bool:
        """Nothing has come yet."""
        return not self.head_finished and not self._pending

    @property
    def stream(self) -> BytesIO:
        """The body, decoded, from its begin."""
        return BytesIO() if self._body is None else self._body.stream

    def close(self) -> None:
        """Free the body's memory."""
        if self._body is not None:
            self._body.close()

    def restart_clock(self) -> None:
        """Nobody listened meanwhile: its client is not to blame."""
        self.started = self.head_at = self.active_at = time.monotonic()

    def is_late(self, now: float) -> bool:
        """The client takes longer over it than the limits allow."""
        limits = self._limits
        if not self.head_finished:
            return now - self.started > limits.head_seconds
        return (
            now - self.active_at > limits.body_silence_seconds
            or now - self.head_at > limits.body_seconds
        )

    def refuse(self, error: AIProxyError) -> None:
        """The request ends here, whatever else comes."""
        self.error = error
        self.keeps_alive = False
        self.expects_continue = False
        self.completed = True
        self.close()

    def received(self, data: bytes) -> int:
        """Take what belongs to this request; how many bytes that was."""
        self.active_at = time.monotonic()
        try:
            if not self.head_finished:
                return self._take_head(data)
            return self._take_body(data)
        except AIProxyError as exc:
            hint = None if self.path else _PATH_HINT.match(self._pending)
            if hint is not None:
                self.path = hint.group(1).decode("ascii").partition("?")[0]
            self.refuse(exc)
            return len(data)

    # The head

    def _take_head(self, data: bytes) -> int:
        pending = self._pending
        before = len(pending)
        pending += data
        # Empty lines before a request line are skipped (RFC 9112 section 2.2).
        blank = _BLANK_LINES.match(pending)
        if blank is not None:
            del pending[: blank.end()]
            before -= blank.end()
            self._scanned = 0
        end = pending.find(b"\r\n\r\n", max(0, self._scanned - 3))
        self._check_head_bytes(len(pending) if end < 0 else end + 2)
        if end < 0:
            return len(data)
        self.head_finished = True
        self.head_at = self.active_at
        self._parse_head(bytes(pending[:end]))
        self._pending = bytearray()
        return end + 4 - before

    def _check_head_bytes(self, end: int) -> None:
        """Refuse early what no further byte can make good."""
        pending, start = self._pending, self._scanned
        if start and pending[start - 1] == 0x0D:
            start -= 1  # its LF may have come now
        if not _are_head_bytes(bytes(pending[start:end])):
            raise InvalidRequest(
                "the request's head has bytes that HTTP/1.1 does not allow"
            )
        if self._line is None:
            self._check_line(pending.find(b"\r\n", 0, end), end)
        if end > self._limits.head_bytes:
            raise AIProxyError("the request's head is too large", status=431)
        self._scanned = end

    def _check_line(self, line_end: int, end: int) -> None:
        line_bytes = end if line_end < 0 else line_end
        # Method, version and their spaces take some bytes besides the target.
        if line_bytes > self._limits.target_bytes + 64:
            raise AIProxyError("the request's address is too long", status=414)
        if line_end < 0:
            return
        self._line = _REQUEST_LINE.fullmatch(bytes(self._pending[:line_end]))
        if self._line is None:
            raise InvalidRequest("the request line is malformed")

    def _parse_head(self, head: bytes) -> None:
        line = self._line
        if line is None:
            raise InvalidRequest("the request line is malformed")
        method, target, major, minor = line.groups()
        if major != b"1":
            raise AIProxyError("this server speaks HTTP/1.1", status=505)
        self.method = method.decode("ascii")
        if self.method != self.method.upper():
            # Methods have a case (RFC 9110 section 9.1); the router would not mind it.
            raise AIProxyError("this server knows no such method", status=405)
        self.version = "1.0" if minor == b"0" else "1.1"
        self._set_target(target.decode("latin-1"))
        self._set_headers(_parse_fields(head[line.end() + 2 :]))
        self._check_host()
        self._judge()
        self._set_framing()

    def _set_target(self, target: str) -> None:
        if len(target) > self._limits.target_bytes:
            raise AIProxyError("the request's address is too long", status=414)
        self.target = target
        absolute = _ABSOLUTE.match(target)
        if absolute:
            target = target[absolute.end() :] or "/"
            target = target if target[0] == "/" else "/" + target
        if "#" in target or not (target[0] == "/" or target == "*"):
            raise InvalidRequest("the request's address is malformed")
        path, _, self.query = target.partition("?")
        decoded = unquote_to_bytes(path.encode("latin-1"))
        try:
            decoded.decode("utf-8")
        except UnicodeDecodeError:
            # The router would leave the odd bytes out and find another address.
            raise InvalidRequest("the request's address is not valid UTF-8") from None
        path = decoded.decode("latin-1")
        base = self._context.base_path
        if base and (path == base or path.startswith(base + "/")):
            path = path[len(base) :] or "/"
        self.path = path

    def _set_headers(self, fields: list[tuple[str, str]]) -> None:
        headers: dict[str, str] = {}
        for name, value in fields:
            if name in headers:
                if name in ("host", "content-length", "transfer-encoding"):
                    raise InvalidRequest(f"the request has several {name} headers")
                headers[name] += ", " + value
            else:
                headers[name] = value
        self.headers = headers
        options = [o.strip().lower() for o in headers.get("connection", "").split(",")]
        if self.version == "1.1":
            self.keeps_alive = "close" not in options
        else:
            self.keeps_alive = "keep-alive" in options

    def _check_host(self) -> None:
        host = self.headers.get("host")
        if host is None and self.version == "1.1":
            raise InvalidRequest("the request has no Host header")
        if host == "":
            raise InvalidRequest("the request's Host header is empty")
        absolute = _ABSOLUTE.match(self.target)
        if absolute and host is not None and absolute.group(1).lower() != host.lower():
            raise InvalidRequest("the request's address and Host header disagree")

    @property
    def _head(self) -> RequestHead:
        return RequestHead(
            method=self.method,
            path=self.path,
            headers=self.headers,
            peer=self._peer,
            query=self.query,
        )

    def _judge(self) -> None:
        judge = self._context.judge
        if judge is None:
            return
        refusal = judge(self._head, self.request_id)
        if refusal is not None:
            raise refusal

    def _set_framing(self) -> None:
        """How the end of the body is known (RFC 9112 section 6)."""
        length = self._length()
        if not self._is_chunked() and not length:
            self.completed = True
            return
        coding = self.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            raise AIProxyError("a compressed request body is not accepted", status=415)
        self._body = self._new_body(length)
        if length is None:
            self._decoder = ChunkedDecoder()
        else:
            self._left = length
        expectation = self.headers.get("expect", "").lower()
        if expectation not in ("", "100-continue"):
            raise AIProxyError("the expectation cannot be met", status=417)
        self.expects_continue = bool(expectation) and self.version == "1.1"

    def _new_body(self, length: int | None) -> RequestBody:
        """Room for a body, counted with those of its kind; raises RequestTooLarge."""
        limits, context = self._limits, self._context
        limit = limits.api_body_bytes if self.is_api else limits.page_body_bytes
        if length is not None and length > limit:
            raise too_large(limit)
        if self.is_api:
            return RequestBody(context.api_budget, limit)
        small, budget = limits.small_body_bytes, context.page_budget
        if (length is None or length > small) and context.shows_admin is not None:
            is_admins = context.shows_admin(self._head)
            budget = context.page_budget if is_admins else context.other_budget
        return RequestBody(budget, limit, small)

    def _length(self) -> int | None:
        length = self.headers.get("content-length")
        if length is None:
            return None
        if "transfer-encoding" in self.headers:
            raise InvalidRequest(
                "the request has a length and a transfer coding: one is wrong"
            )
        if not _LENGTH.fullmatch(length):
            raise InvalidRequest("the request's length is malformed")
        return int(length)

    def _is_chunked(self) -> bool:
        coding = self.headers.get("transfer-encoding")
        if coding is None:
            return False
        codings = [part.strip(" \t").lower() for part in coding.split(",")]
        if self.version == "1.0" or codings.count("chunked") > 1 or "" in codings:
            raise InvalidRequest("the request's transfer coding is malformed")
        if codings != ["chunked"]:
            raise AIProxyError("the transfer coding is not supported", status=501)
        return True

    # The body

    def _take_body(self, data: bytes) -> int:
        body = self._body
        if self.completed or body is None:
            return 0
        self.expects_continue = False  # it did not wait for our word
        if self._decoder is not None:
            body.write(self._decoder.feed(data))
            if not self._decoder.done:
                return len(data)
            self._finish_body(body)
            return len(data) - len(self._decoder.rest)
        taken = min(self._left, len(data))
        body.write(data[:taken] if taken < len(data) else data)
        self._left -= taken
        if not self._left:
            self._finish_body(body)
        return taken

    def _finish_body(self, body: RequestBody) -> None:
        body.rewind()
        self.headers = {**self.headers, "content-length": str(body.size)}
        self.completed = True


def _are_head_bytes(piece: bytes) -> bool:
    """No controls, and CR and LF only together; a CR may be the last byte."""
    if piece.translate(None, _IN_A_HEAD):
        return False
    line_feeds = piece.count(b"\n")
    returns = piece.count(b"\r") - piece.endswith(b"\r")
    return line_feeds == piece.count(b"\r\n") == returns


def _parse_fields(lines: bytes) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for line in lines.split(b"\r\n") if lines else ():
        found = _FIELD.fullmatch(line)
        if found is None:
            raise InvalidRequest("a header of the request is malformed")
        name = found.group(1)
        if b"_" in name:
            # CGI's names cannot tell it from one with a hyphen: it is left out, or a
            # client could set a header that a proxy before us takes care to remove.
            continue
        value = found.group(2).strip(b" \t").decode("latin-1")
        fields.append((name.decode("ascii").lower(), value))
    return fields
