"""The real server with a scripted provider, and what is promised of it."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
from pathlib import Path
from typing import Iterator

from tests.real_server import RealServer
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream

HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
BODY = json.dumps(HELLO).encode()

broken: list[str] = []  # promises that were not kept


def check(is_kept: bool, promise: str) -> None:
    """Note a promise that was not kept; the script goes on."""
    if not is_kept:
        broken.append(promise)
        print(f"  BROKEN: {promise}")


def add(server: RealServer, upstream: ScriptedUpstream) -> None:
    server.add_provider(
        name="Scripted",
        endpoint=upstream.url + "/v1",
        api_key=KEY,
        default_model="scripted-large",
    )


def open_request(server: RealServer, *, read: bool = True) -> socket.socket:
    """A streaming request under way on a bare socket."""
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    sock.sendall(
        b"POST /v1/messages/scripted HTTP/1.1\r\nHost: localhost\r\n"
        b"x-api-key: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (server.admin_key.encode(), len(BODY), BODY)
    )
    if read:
        sock.recv(100)
    return sock


@contextlib.contextmanager
def running(**environ: str) -> Iterator[tuple[RealServer, ScriptedUpstream, Path]]:
    with tempfile.TemporaryDirectory(
        prefix="aiproxy-faults-"
    ) as name, ScriptedUpstream(judge=False) as upstream:
        # Its notes of each request would be what grows here.
        upstream.script = lambda ask: Reply(text="some words " * 20)
        folder = Path(name)
        server = RealServer(folder, environ={"RATE_LIMIT_ENABLED": "false", **environ})
        server.start()
        try:
            add(server, upstream)
            yield server, upstream, folder
        finally:
            if server.process.poll() is None:
                server.stop()
