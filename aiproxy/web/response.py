"""An answer of the proxy's side, and what WSGI wants of it.

Of our own: the framework is for the pages, and a server that only carries requests
never loads it.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple

from aiproxy.status_line import status_line


class Response(NamedTuple):
    """A whole answer; a stream takes the place of its body behind WSGI's back."""

    body: bytes
    headers: Mapping[str, str]
    status: int = 200

    def send(self, start_response: Callable[..., Any]) -> list[bytes]:
        """What a WSGI application does with it."""
        fields = [*self.headers.items(), ("X-Content-Type-Options", "nosniff")]
        start_response(status_line(self.status), fields)
        return [self.body]
