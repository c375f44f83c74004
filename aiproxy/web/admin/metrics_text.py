"""/metrics: what a monitor reads, as Prometheus text."""

from __future__ import annotations

import contextlib
import sqlite3

from bottle import HTTPResponse

from aiproxy.errors import StoreError
from aiproxy.services import Services
from aiproxy.web.routing import LOCAL_OR_ADMIN, Route, Visitor


def metrics(services: Services, visitor: Visitor) -> HTTPResponse:
    """Prometheus text; a local request or an admin's key."""
    gauges = {
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
        "aiproxy_uptime_seconds": (
            "gauge",
            "Seconds since the start.",
            services.uptime_seconds(),
        ),
    }
    # Without its database the server has all the more to tell.
    with contextlib.suppress(sqlite3.Error, StoreError):
        gauges["aiproxy_database_bytes"] = (
            "gauge",
            "Size of what the database holds.",
            services.database.used_bytes(),
        )
    text = services.metrics.render(gauges)
    return HTTPResponse(
        body=text.encode("utf-8"),
        headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"},
    )


ROUTES = [Route("GET", "/metrics", metrics, LOCAL_OR_ADMIN)]
