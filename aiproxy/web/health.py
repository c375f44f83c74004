"""/health, /ready and /metrics: what machines ask of the server itself."""

from __future__ import annotations

import sqlite3
from typing import Any

from bottle import HTTPResponse

from aiproxy import __version__
from aiproxy.errors import StoreError
from aiproxy.protocol import json_codec
from aiproxy.services import Services
from aiproxy.web.routing import LOCAL_OR_ADMIN, Route, Visitor


def health(services: Services) -> HTTPResponse:
    """200 while the process serves; says nothing else."""
    return _json({"status": "healthy", "version": __version__}, 200)


def ready(services: Services) -> HTTPResponse:
    """200 when new work is welcome: the database answers and no stop is under way."""
    if services.is_draining:
        return _json({"status": "stopping"}, 503)
    try:
        services.database.connection().execute("SELECT 1").fetchall()
    except (sqlite3.Error, StoreError):
        return _json({"status": "the database does not answer"}, 503)
    return _json({"status": "ready"}, 200)


def metrics(services: Services, visitor: Visitor) -> HTTPResponse:
    """Prometheus text; a local request or an admin's key."""
    text = services.metrics.render(
        {
            "aiproxy_requests_in_flight": (
                "gauge",
                "Proxied requests that are running.",
                services.running.requests,
            ),
            "aiproxy_open_streams": (
                "gauge",
                "Streams that are running.",
                services.running.streams,
            ),
            "aiproxy_log_rows_dropped_total": (
                "counter",
                "Request log rows lost to a full queue or an unwritable database.",
                services.log_writer.dropped,
            ),
            "aiproxy_database_bytes": (
                "gauge",
                "Size of what the database holds.",
                services.database.used_bytes(),
            ),
            "aiproxy_uptime_seconds": (
                "gauge",
                "Seconds since the start.",
                services.uptime_seconds(),
            ),
        }
    )
    return HTTPResponse(
        body=text.encode("utf-8"),
        headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"},
    )


def _json(body: Any, status: int) -> HTTPResponse:
    return HTTPResponse(
        body=json_codec.encode(body),
        status=status,
        headers={"content-type": "application/json", "cache-control": "no-store"},
    )


# Open to everyone, any Host: a monitor knows neither our name nor a key.
PROBES = (("/health", health), ("/ready", ready))
ROUTES = [Route("GET", "/metrics", metrics, LOCAL_OR_ADMIN)]
