"""Rows of the request log for the pages' tests."""

from __future__ import annotations

from typing import Any

from aiproxy.store import request_log
from aiproxy.store.request_log import LogEntry
from tests.entries import log_entry
from tests.support import Site

_CHUNKS = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"lo"}}]}\n\ndata: [DONE]\n\n'
)
_EVENT = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n'
)
BODIES = (
    b'{"model":"claude-x","messages":[{"content":"<script>alert(1)</script>"}]}',
    b'{"model":"gpt-5"}',
    _CHUNKS,
    _EVENT,
)


def add(site: Site, number: int = 1, *, ago: int = 60, **fields: Any) -> LogEntry:
    """One row that ended `ago` seconds before now; `number` makes its id."""
    entry = log_entry(
        **{"id": f"req_{number}", "time": site.services.now() - ago, **fields}
    )
    # As the log writer stores it: no snapshot holds a row of the log.
    db = site.services.database.connection()
    with site.services.database.writing(db):
        request_log.add_many(db, [entry])
    return entry
