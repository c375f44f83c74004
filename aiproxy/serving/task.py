"""One request answered: the WSGI application called, its answer written.

waitress' own task closes the connection after any answer of unknown length and
sorts, capitalises and rewrites headers; this one keeps what the application said.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Iterable

from waitress.utilities import build_http_date

from aiproxy.errors import AIProxyError, ClientGone
from aiproxy.serving import refusal
from aiproxy.stream import Stream
from aiproxy.upstream.cancellation import Cancellation

if TYPE_CHECKING:
    from aiproxy.serving.channel import Channel
    from aiproxy.serving.parser import RequestParser

log = logging.getLogger("aiproxy.serving")

STREAM_KEY = "aiproxy.stream"
CANCEL_KEY = "aiproxy.cancel"
REQUEST_ID_KEY = "aiproxy.request_id"
LAST_CHUNK = b"0\r\n\r\n"

_INTERNAL = "something went wrong inside the server. Its log names the cause."
_FORBIDDEN_IN_HEADERS = frozenset("\r\n\0")


class Task:
    """Runs on a worker. A stream that the application leaves behind is for the pump."""

    def __init__(self, channel: Channel, request: RequestParser) -> None:
        self.channel = channel
        self.request = request
        self.cancel = Cancellation()
        self.is_chunked = False
        self.keeps_alive = request.keeps_alive and not channel.server.is_draining
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._head_sent = False
        self._has_body = True
        self._left: int | None = None  # of the announced length

    def run(self) -> Stream | None:
        """Answer; a stream whose head and first events are out, or None at the end."""
        if self.request.error is not None:
            self._refuse(self.request.error)
            return None
        environ = self._environ()
        try:
            return self._call(environ)
        except ClientGone:
            self.keeps_alive = False
            self.abandon(environ, self.cancel.reason)
        except Exception as exc:  # the connection must still end in good order
            log.exception("%s failed", self.request.request_id)
            self.abandon(environ, exc)
            self.keeps_alive = False
            if not self._head_sent:
                self._refuse(AIProxyError(_INTERNAL))
        finally:
            # The framework keeps this thread's last one: the body would stay with it.
            environ.clear()
            self.cancel.forget_frames()
        return None

    def _call(self, environ: dict[str, Any]) -> Stream | None:
        result = self.channel.server.application(environ, self._start_response)
        try:
            stream: Stream | None = environ.get(STREAM_KEY)
            if stream is not None:
                self._write_stream_head(stream)
                return stream
            self._write_answer(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        return None

    def abandon(self, environ: dict[str, Any], cause: BaseException | None) -> None:
        """A stream that was begun and will not be parked: its own end must run."""
        stream: Stream | None = environ.pop(STREAM_KEY, None)
        if stream is not None:
            stream.source.close()
            stream.on_end(cause or ClientGone())

    # The application's answer

    def _start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._head_sent:
            raise exc_info[1]
        for name, value in headers:
            if not _FORBIDDEN_IN_HEADERS.isdisjoint(name + value):
                raise ValueError(f"the header {name!r} holds a line break")
        self._status = status
        self._headers = list(headers)
        return self._write

    def _write_answer(self, result: Iterable[bytes]) -> None:
        self.channel.unwatch()
        whole = result if isinstance(result, (list, tuple)) else None
        if whole is not None and len(whole) <= 1 and not self._head_sent:
            body = whole[0] if whole else b""
            self._send(self._head(len(body)), body if self._has_body else b"")
            return
        for data in result:
            if data:
                self._write(data)
        if not self._head_sent:
            self._send(self._head(0))
        elif self.is_chunked:
            self.channel.write_soon(LAST_CHUNK)
        elif self._left:
            log.error("%s answered less than announced", self.request.request_id)
            self.keeps_alive = False

    def _write(self, data: bytes) -> None:
        head = b"" if self._head_sent else self._head(None)
        if not self._has_body or not data:
            self._send(head)
        elif self.is_chunked:
            self._send(head, b"%x\r\n%b\r\n" % (len(data), data))
        elif self._left is None:
            self._send(head, data)
        else:
            data = data[: self._left]
            self._left -= len(data)
            self._send(head, data)

    def _write_stream_head(self, stream: Stream) -> None:
        self._headers = [h for h in self._headers if h[0].lower() != "content-length"]
        self._write(stream.first)

    def _send(self, *pieces: bytes) -> None:
        data = b"".join(pieces)
        self._head_sent = True
        if data:
            self.channel.write_soon(data)

    def _head(self, length: int | None) -> bytes:
        """Status line and headers; `length` of the body if it is known already."""
        names = {name.lower() for name, _ in self._headers}
        lines = [f"HTTP/1.1 {self._status}"]
        lines += [f"{name}: {value}" for name, value in self._headers]
        lines += self._framing(length, "content-length" in names)
        if "x-content-type-options" not in names:
            lines.append("X-Content-Type-Options: nosniff")
        if "date" not in names:
            lines.append(f"Date: {_date()}")
        if not self.keeps_alive:
            lines.append("Connection: close")
        elif self.request.version == "1.0":
            lines.append("Connection: keep-alive")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _framing(self, length: int | None, is_announced: bool) -> list[str]:
        """The header that tells the client where the body ends."""
        is_bodiless = self._status.startswith(("1", "204", "304"))
        self._has_body = self.request.method != "HEAD" and not is_bodiless
        if is_announced:
            if self._has_body:
                self._left = self._announced()
                if length is not None and length != self._left:
                    raise ValueError("the answer has another length than announced")
            return []
        if length is not None:
            return [] if is_bodiless else [f"Content-Length: {length}"]
        if not self._has_body:
            return []
        if self.request.version == "1.1":
            self.is_chunked = True
            return ["Transfer-Encoding: chunked"]
        self.keeps_alive = False  # an HTTP/1.0 client knows the end by the close
        return []

    def _announced(self) -> int:
        return int(
            next(v for name, v in self._headers if name.lower() == "content-length")
        )

    # Our own answers

    def _refuse(self, error: AIProxyError) -> None:
        request = self.request
        self.keeps_alive = False
        self._status, self._headers, body = refusal.answer_to(
            error,
            request_id=request.request_id,
            is_api=request.is_api,
            accept=request.headers.get("accept", ""),
        )
        head = self._head(len(body))
        self._send(head, body if self._has_body else b"")

    def _environ(self) -> dict[str, Any]:
        request, channel = self.request, self.channel
        server = channel.server
        path = request.path
        environ = {
            "REMOTE_ADDR": channel.peer,
            "REQUEST_METHOD": request.method,
            "SERVER_PORT": str(server.effective_port),
            "SERVER_NAME": server.server_name,
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "SCRIPT_NAME": server.base_path,
            "PATH_INFO": path,
            "QUERY_STRING": request.query,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": request.stream,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            REQUEST_ID_KEY: request.request_id,
            CANCEL_KEY: self.cancel,
        }
        for name, value in request.headers.items():
            if name == "transfer-encoding":
                continue  # taken off already; the length is known
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
            environ[key] = value
        return environ


_last_date = (0, "")


def _date() -> str:
    global _last_date  # noqa: PLW0603 - a cache of one value, replaced as a whole
    now = int(time.time())
    if _last_date[0] != now:
        _last_date = (now, build_http_date(now))
    return _last_date[1]
