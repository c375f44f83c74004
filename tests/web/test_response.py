"""An answer as WSGI wants it."""

from __future__ import annotations

from aiproxy.web.response import Response


def test_status_headers_and_body_are_handed_over():
    seen = []
    body = Response(b"x", {"retry-after": "5"}, 529).send(lambda *a: seen.append(a))

    assert body == [b"x"]
    status, fields = seen[0]
    assert status == "529 Overloaded"
    assert dict(fields) == {"retry-after": "5", "X-Content-Type-Options": "nosniff"}
