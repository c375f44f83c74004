"""A scripted provider on loopback: real sockets, real framing, and a strict judge.

It answers Chat Completions and Messages as providers do, misbehaves when a reply
says so, keeps every request, and complains of whatever a real provider would refuse:
`with ScriptedUpstream() as upstream: upstream.say(Reply(text="hi"))`.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import socket
import ssl
import threading
import time
from typing import Any, Callable, Mapping, Sequence

from tests.patience import SECONDS
from tests.scripted import chat, messages
from tests.scripted.asks import Ask
from tests.scripted.replies import (
    Call,
    Fault,
    Reply,
    die,
    error_event,
    garbage,
    html,
    refuse,
    reset,
    short,
    silence,
    stall,
)
from tests.scripted.wire import Body, Connection, HungUp, Received, response_head
from tests.validators import chat_request, leaks, messages_request

__all__ = [
    "Ask",
    "Call",
    "Fault",
    "Received",
    "Reply",
    "ScriptedUpstream",
    "die",
    "error_event",
    "garbage",
    "html",
    "refuse",
    "reset",
    "short",
    "silence",
    "stall",
]

MAX_ASKS = 100  # a client that loops must not fill the machine
KEY = "sk-scripted-8f31c07ab2"
_NUMBERS = itertools.count(1)
Script = Callable[[Ask], Reply]
_FORMATS = {"/chat/completions": "openai", "/messages": "anthropic"}
_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def echo(ask: Ask) -> Reply:
    """The script without a script: say what was asked last."""
    return Reply(text=f"You said: {ask.last_user_text[-60:]}")


class ScriptedUpstream:
    """Listens on a free port of 127.0.0.1 from its making until `close()`."""

    def __init__(
        self,
        script: Script = echo,
        *,
        key: str = KEY,
        judge: bool = True,
        knows_betas: bool = True,
        counts_tokens: bool = True,
        context_window: int | None = None,
        models: Sequence[str] = ("scripted-large", "scripted-small"),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.key = key
        self.judge = judge
        self.knows_betas = knows_betas  # as Anthropic itself; else as its imitators
        self.counts_tokens = counts_tokens
        self.context_window = context_window
        self.models = tuple(models)
        # Its own among all of this run; a port comes again sooner.
        self.slug = f"scripted-{next(_NUMBERS)}"
        self.asks: list[Ask] = []  # messages and chat completions, in order
        self.received: list[Received] = []  # everything, model lists and counts too
        self.complaints: list[str] = []
        self._queue: collections.deque[Reply] = collections.deque()
        self._changed = threading.Condition()
        self._connections: set[Connection] = set()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    # What a test says and asks

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def say(self, *replies: Reply) -> None:
        """Answer the next requests so; when these are used up the script goes on."""
        with self._changed:
            self._queue.extend(replies)

    def wait_for(self, asks: int, seconds: float = SECONDS) -> list[Ask]:
        """Wait until so many requests have come; fails with what came instead."""
        self.wait_until(lambda: len(self.asks) >= asks, seconds)
        return self.asks

    def wait_until(self, true: Callable[[], bool], seconds: float = SECONDS) -> None:
        with self._changed:
            if not self._changed.wait_for(true, seconds):
                raise AssertionError(f"after {seconds} s: {len(self.asks)} requests")

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def check(self) -> None:
        """Fail with all that a real provider would have refused."""
        assert not self.complaints, "\n".join(self.complaints)

    def close(self) -> None:
        self._closed = True
        # A blocked accept() does not notice close() on every system; shutdown wakes it.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            connection.close()

    def __enter__(self) -> ScriptedUpstream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # Connections

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            connection = Connection(sock)
        except OSError:  # a failed handshake, or gone before it
            sock.close()
            return
        self._connections.add(connection)
        try:
            while not self._closed:
                received = connection.read_request()
                if received is None or not self._answer_one(connection, received):
                    return
        except (HungUp, OSError):
            return
        finally:
            self._connections.discard(connection)
            connection.close()

    def _answer_one(self, connection: Connection, received: Received) -> bool:
        try:
            with self._changed:
                self.received.append(received)
                self._changed.notify_all()
            return self._route(connection, received)
        except HungUp:
            received.hung_up_at = time.monotonic()
            raise
        finally:
            received.finished_at = time.monotonic()
            with self._changed:
                self._changed.notify_all()

    # Requests

    def _route(self, connection: Connection, received: Received) -> bool:
        path = received.path
        if received.method == "GET" and path.endswith("/models"):
            return _send_json(connection, 200, self._model_list(received))
        api_format = next((f for end, f in _FORMATS.items() if path.endswith(end)), "")
        if path.endswith("/messages/count_tokens"):
            return self._count(connection, received)
        if not api_format or received.method != "POST":
            return _send_json(connection, 404, chat.error(f"no {path} here", 404))
        ask = Ask(api_format, received.json(), received)
        with self._changed:
            self.asks.append(ask)
            number = len(self.asks)
            queued = self._queue.popleft() if self._queue else None
            self._changed.notify_all()
        problem = self._refusal(ask)
        if problem:
            return _send_json(connection, *problem)
        reply = self._decide(ask, number) if queued is None else queued
        return self._speak(connection, ask, reply, number)

    def _decide(self, ask: Ask, number: int) -> Reply:
        if number > MAX_ASKS:
            self.complaints.append("the client asks without end")
            return Reply(fault=refuse(402, "the script ends here"))
        try:
            return self.script(ask)
        except Exception as exc:  # noqa: BLE001 - a test's own; check() tells of it
            self.complaints.append(f"the script failed: {exc!r}")
            return Reply(fault=refuse(402, "the script failed"))

    def _refusal(self, ask: Ask) -> tuple[int, Mapping[str, Any]] | None:
        """What a real provider says before its model is asked."""
        words = messages if ask.api_format == "anthropic" else chat
        if not self._has_key(ask):
            return 401, words.error("Incorrect API key provided", 401)
        if self.judge:
            problems = self._problems(ask)
            self.complaints += problems
            if problems:
                return 400, words.error("; ".join(problems), 400)
        if self.context_window and ask.tokens > self.context_window:
            return 400, words.overflow(ask.tokens, self.context_window)
        return None

    def _problems(self, ask: Ask) -> list[str]:
        headers = ask.received.headers
        if ask.api_format == "openai":
            found = [
                *chat_request.problems(ask.body),
                *leaks.problems(ask.body, headers),
            ]
            return [f"chat: {problem}" for problem in found]
        return messages_request.problems(
            ask.body, headers, knows_betas=self.knows_betas
        )

    def _has_key(self, ask: Ask) -> bool:
        headers = ask.received.headers
        if ask.api_format == "anthropic" and headers.get("x-api-key") == self.key:
            return True
        return headers.get("authorization") == f"Bearer {self.key}"

    def _count(self, connection: Connection, received: Received) -> bool:
        if not self.counts_tokens:
            return _send_json(connection, 404, messages.error("not found", 404))
        ask = Ask("anthropic", received.json(), received)
        return _send_json(connection, 200, {"input_tokens": ask.tokens})

    def _model_list(self, received: Received) -> Mapping[str, Any]:
        if "anthropic-version" in received.headers:
            rows: list[dict[str, Any]] = [
                {"type": "model", "id": name, "display_name": name}
                for name in self.models
            ]
            return {"data": rows, "has_more": False}
        rows = [{"id": name, "object": "model", "created": 0} for name in self.models]
        return {"object": "list", "data": rows}

    # Answers

    def _speak(
        self, connection: Connection, ask: Ask, reply: Reply, number: int
    ) -> bool:
        """Send one answer; True when the connection may be used again."""
        words = messages if ask.api_format == "anthropic" else chat
        if reply.head_delay:
            connection.wait(reply.head_delay)
        fault = reply.fault
        if fault and fault.kind == "silence":
            connection.wait(fault.seconds)
            fault = None
        if fault and fault.kind in ("refuse", "html", "garbage"):
            return _send_refusal(connection, fault, words)
        if ask.stream:
            return self._stream(connection, ask, reply, number)
        body = json.dumps(words.answer(reply, ask, number), ensure_ascii=False)
        return _send_whole(connection, body.encode(), reply)

    def _stream(
        self, connection: Connection, ask: Ask, reply: Reply, number: int
    ) -> bool:
        words = messages if ask.api_format == "anthropic" else chat
        events = list(words.events(reply, ask, number))
        headers = {"Content-Type": "text/event-stream; charset=utf-8"}
        if reply.gzip:
            headers["Content-Encoding"] = "gzip"
        framing = reply.framing
        if framing == "length" and (reply.gzip or reply.fault):
            framing = "chunked"
        if framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif framing == "length":
            headers["Content-Length"] = str(sum(map(len, events)))
        else:
            headers["Connection"] = "close"
        connection.send(response_head(200, headers))
        body = Body(connection, framing=framing, gzip=reply.gzip, packet=reply.packet)
        for sent, event in enumerate(events):
            if reply.pace:
                connection.wait(reply.pace)
            goes_wrong = reply.fault is not None and sent == reply.fault.after
            if goes_wrong and not _misbehave(connection, body, reply.fault, words):
                return False
            body.write(event)
        body.end()
        return framing != "close"


def _misbehave(
    connection: Connection, body: Body, fault: Fault | None, words: Any
) -> bool:
    """The middle of a stream goes wrong; True when it goes on afterwards."""
    assert fault is not None
    if fault.kind == "stall":
        connection.wait(fault.seconds, fault.until)
        return True
    if fault.kind == "error":
        body.write(words.error_event(fault.message, fault.status))
        body.end()
    elif fault.kind == "reset":
        connection.reset()
    else:
        connection.close()
    return False


def _send_refusal(connection: Connection, fault: Fault, words: Any) -> bool:
    if fault.kind == "refuse":
        body = (
            fault.body or json.dumps(words.error(fault.message, fault.status)).encode()
        )
        kind = "application/json"
    else:
        body = fault.body or _PAGE
        kind = "text/html"
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **fault.headers}
    connection.send(response_head(fault.status, headers) + body)
    return True


def _send_json(connection: Connection, status: int, value: Mapping[str, Any]) -> bool:
    body = json.dumps(value, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    connection.send(response_head(status, headers) + body)
    return True


def _send_whole(connection: Connection, body: bytes, reply: Reply) -> bool:
    """A plain JSON answer, with the faults that such an answer can have."""
    fault = reply.fault
    headers = {"Content-Type": "application/json"}
    if fault and fault.kind in ("die", "reset", "short", "error"):
        headers["Content-Length"] = str(len(body) + 100)
        connection.send(response_head(200, headers) + body[: len(body) // 2])
        if fault.kind == "reset":
            connection.reset()
        return False
    if fault and fault.kind == "stall":
        connection.wait(fault.seconds, fault.until)
    if reply.gzip:
        headers["Content-Encoding"] = "gzip"
    if reply.framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    elif not reply.gzip and reply.framing == "length":
        headers["Content-Length"] = str(len(body))
    else:
        headers["Connection"] = "close"
    connection.send(response_head(200, headers))
    framing = "chunked" if reply.framing == "chunked" else reply.framing
    writer = Body(connection, framing=framing, gzip=reply.gzip, packet=reply.packet)
    writer.write(body)
    writer.end()
    return headers.get("Connection") != "close"
