"""The fixed list of files behind /static/<hash>/<name>.

No request path reaches the file system: a name is looked up in a tuple, and its
address holds the hash of its content, so browsers may keep it for ever.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Mapping, NamedTuple

from bottle import HTTPResponse

from aiproxy.errors import NotFound
from aiproxy.services import Services
from aiproxy.web import incoming, views
from aiproxy.web.routing import OPEN, Route, Visitor

CONTENT_TYPES: Mapping[str, str] = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """One file's bytes, and the hash that names them."""

    content: bytes
    digest: str


@lru_cache(maxsize=None)
def read(name: str) -> StaticFile:
    """A file of the list; it does not change while the server runs."""
    content = views.read_bytes(f"static/{name}")
    return StaticFile(content, hashlib.sha256(content).hexdigest()[:16])


def url(services: Services, name: str) -> str:
    """Where a page finds the file; a new content has a new address."""
    return f"{services.base_path}/static/{read(name).digest}/{name}"


def serve(
    _services: Services, _visitor: Visitor, *, digest: str, name: str
) -> HTTPResponse:
    """The file itself, or 304; an address with another hash is another version's."""
    if name not in CONTENT_TYPES or read(name).digest != digest:
        raise NotFound("there is no such file")
    headers = {
        "Content-Type": CONTENT_TYPES[name],
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": f'"{digest}"',
    }
    if incoming.header("If-None-Match").strip() == f'"{digest}"':
        return HTTPResponse(status=304, headers=headers)
    return HTTPResponse(body=read(name).content, headers=headers)


ROUTES = [Route("GET", "/static/<digest>/<name>", serve, access=OPEN)]
