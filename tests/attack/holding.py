"""A provider that begins every answer and ends none; one thread, however many come."""

from __future__ import annotations

import selectors
import socket
import threading

from tests.patience import SECONDS

BEGUN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    b'data: {"choices":[{"delta":{"content":"so"}}]}\n\n'
)


class HoldingUpstream:
    """Until `close()`; `held` counts the requests that wait."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.held = 0
        self._is_closing = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._came: dict[socket.socket, bytes] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_closing:
            for key, _ in self._selector.select(0.1):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._listener:
                    self._accept()
                else:
                    self._read(sock)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            self._came[sock] = b""
            self._selector.register(sock, selectors.EVENT_READ)

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(sock)
            self.held -= self._came.pop(sock).endswith(b"}")
            sock.close()
            return
        self._came[sock] += data
        if self._came[sock].endswith(b"}"):  # small bodies, and JSON ends so
            self.held += 1
            if b'"stream":true' in self._came[sock]:
                sock.send(BEGUN)

    def close(self) -> None:
        self._is_closing = True
        self._thread.join(SECONDS)
        for sock in [self._listener, *self._came]:
            sock.close()
        self._selector.close()

    def __enter__(self) -> HoldingUpstream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
