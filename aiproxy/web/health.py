"""/health and /ready: what machines ask of the server itself.

Open to everyone, any Host: a monitor knows neither our name nor a key.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from aiproxy import __version__
from aiproxy.errors import StoreError
from aiproxy.protocol import json_codec
from aiproxy.services import Services
from aiproxy.web.response import Response


def health(services: Services) -> Response:
    """200 while the process serves; says nothing else."""
    return _json({"status": "healthy", "version": __version__}, 200)


def ready(services: Services) -> Response:
    """200 when new work is welcome: the database answers and no stop is under way."""
    if services.is_draining:
        return _json({"status": "stopping"}, 503)
    if not services.database.is_in_place():
        return _json({"status": "the database's files are gone"}, 503)
    try:
        services.database.connection().execute("SELECT 1").fetchall()
    except (sqlite3.Error, StoreError):
        return _json({"status": "the database does not answer"}, 503)
    return _json({"status": "ready"}, 200)


def _json(body: Any, status: int) -> Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(json_codec.encode(body), headers, status)
