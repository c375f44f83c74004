"""Both ends of a connection, byte by byte: what no well-behaved library would send."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import Callable, Iterator

from tests.patience import SECONDS

Talk = Callable[[socket.socket], None]


class RawServer:
    """Runs `talk(sock)` on a thread for each connection, then closes it."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self._talk = talk
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.finished = threading.Event()  # a talk came to its end
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            sock.settimeout(SECONDS)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            self._socks.append(sock)
            self._talk(sock)
        sock.close()
        self.finished.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in [self._accepting, *self._threads]:
            thread.join(SECONDS)

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def answering(*pieces: bytes) -> Talk:
    """A talk: read one request's head and declared body, send the pieces, close."""

    def talk(sock: socket.socket) -> None:
        read_request(sock)
        for piece in pieces:
            sock.sendall(piece)

    return talk


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port where nobody listens, nor can anybody else begin to."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def until_closed(sock: socket.socket) -> None:
    """A talk: say nothing, and end when the other side has gone."""
    # Longer than any test waits: giving up must not look like the other side's end.
    sock.settimeout(SECONDS * 6)
    while sock.recv(65536):
        pass


def read_request(sock: socket.socket) -> bytes:
    """A request with a Content-Length, or none, as it came; b"" at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


class RawClient:
    """A client's socket; every wait is bounded."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(SECONDS)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self.read = b""  # received, not yet taken

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def until(self, end: bytes) -> bytes:
        """All up to and with `end`."""
        while end not in self.read:
            more = self.sock.recv(65536)
            if not more:
                raise AssertionError(f"the end came before {end!r}: {self.read!r}")
            self.read += more
        taken, _, self.read = self.read.partition(end)
        return taken + end

    def rest(self) -> bytes:
        """All up to the end of the connection."""
        with contextlib.suppress(ConnectionResetError):
            while True:
                more = self.sock.recv(65536)
                if not more:
                    break
                self.read += more
        taken, self.read = self.read, b""
        return taken

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """One whole answer with a length or in chunks."""
        head = self.until(b"\r\n\r\n").decode("latin-1")
        status, *lines = head.strip().split("\r\n")
        fields = [line.split(":", 1) for line in lines]
        headers = {name.lower(): value.strip() for name, value in fields}
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(self.chunks())
        else:
            length = int(headers.get("content-length", 0))
            while len(self.read) < length:
                self.read += self.sock.recv(65536) or b"\0"
            body, self.read = self.read[:length], self.read[length:]
        return int(status.split(" ")[1]), headers, body

    def chunks(self) -> Iterator[bytes]:
        while True:
            size = int(self.until(b"\r\n"), 16)
            while len(self.read) < size + 2:
                more = self.sock.recv(65536)
                assert more, "cut off within a chunk"
                self.read += more
            chunk, self.read = self.read[:size], self.read[size + 2 :]
            if not size:
                return
            yield chunk

    def is_closed(self) -> bool:
        """Whether the server ends the connection, having nothing more to say."""
        return self.rest() == b""

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
