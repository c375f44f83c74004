"""Finding rows of the request log: filters, a word anywhere, pages, export.

Newest first, in the order of writing, which is that of the requests' ends: it stays
the same while new rows arrive, and a page is read without sorting the rest.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime
from typing import Any, Iterator, Mapping

from aiproxy.records import dataclass
from aiproxy.store.request_log import LogEntry, from_row

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 500
MAX_PAGE = 1_000_000
# Up to so many matches one scan gives both the page and the total.
_COUNTED_WHILE_READING = 1000
_EXPORT_STEP = 500
_TEXT_FIELDS = ("provider", "alias", "status", "model", "user", "key", "session", "q")
_STATUS = re.compile(r"[1-5][0-9][0-9]|[1-5]xx|ok|failed")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?"
    r"([Zz]|[+ -][0-9]{2}:[0-9]{2})?)?"
)


@dataclass(frozen=True)
class LogQuery:
    """What `/logs` can be asked for; "" and None: everything."""

    provider: str = ""  # a slug
    alias: str = ""
    status: str = ""  # 429, 4xx, ok, failed
    model: str = ""  # the client's name for it or the upstream's
    user: str = ""
    key: str = ""  # a key's id, or how it begins
    session: str = ""
    q: str = ""  # anywhere in the row's words
    since: int | None = None  # inclusive
    until: int | None = None  # exclusive
    user_id: int | None = None  # a member sees own rows
    after: int | None = None  # rows written after the one of this number
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE


# In the order in which they are cheap to judge.
_CLAUSES: Mapping[str, str] = {
    "user_id": "user_id = :user_id",
    "after": "seq > :after",
    "since": "time >= :since",
    "until": "time < :until",
    "status": "status BETWEEN :status_from AND :status_to",
    "provider": "provider = :provider",
    "alias": "alias = :alias",
    "user": "user = :user",
    "session": "session_id = :session",
    "model": "(model = :model OR model_requested = :model)",
    "key": "(key_id = :key_id OR SUBSTR(key_prefix, 1, LENGTH(:key)) = :key)",
    "q": "search LIKE :pattern ESCAPE '!'",
}


def parse(fields: Mapping[str, str]) -> tuple[LogQuery, dict[str, str]]:
    """A query from a page's parameters, and messages by field; others are ignored."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in _TEXT_FIELDS:
        values[name] = fields.get(name, "").strip()[:200]
    if values["status"] and not _STATUS.fullmatch(values["status"]):
        errors["status"] = "A status such as 429, a class such as 4xx, ok or failed."
        values["status"] = ""
    for name in ("since", "until"):
        text = fields.get(name, "").strip()
        values[name] = parse_time(text) if text else None
        if text and values[name] is None:
            errors[name] = "A time such as 2026-01-31, 2026-01-31T08:00Z, or seconds."
    limits = {"page": (1, MAX_PAGE), "per_page": (DEFAULT_PER_PAGE, MAX_PER_PAGE)}
    for name, (default, maximum) in limits.items():
        text = fields.get(name, "").strip() or str(default)
        values[name] = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
        if not 1 <= values[name] <= maximum:
            errors[name] = f"A number from 1 to {maximum}."
            values[name] = default
    return LogQuery(**values), errors


def parse_time(text: str) -> int | None:
    """UTC seconds from seconds or an ISO date or time (UTC where it names no zone)."""
    if re.fullmatch("[0-9]{1,11}", text):
        return int(text)
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    date, clock, zone = match.groups()
    # A plus sign that was not escaped in a query arrives as a space.
    zone = (zone or "Z").upper().replace(" ", "+").replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{date}T{clock or '00:00'}{zone}")
        return int(moment.timestamp())
    except (OverflowError, ValueError):
        return None


def search(db: sqlite3.Connection, query: LogQuery) -> tuple[list[LogEntry], int]:
    """One page of the matching rows, and how many there are in all."""
    per_page = max(1, min(query.per_page, MAX_PER_PAGE))
    offset = (max(1, query.page) - 1) * per_page
    found = _sequence(db, query, limit=_COUNTED_WHILE_READING + 1, offset=0)
    if len(found) <= _COUNTED_WHILE_READING:
        return _entries(db, found[offset : offset + per_page]), len(found)
    if offset + per_page > len(found):
        wanted = _sequence(db, query, limit=per_page, offset=offset)
    else:
        wanted = found[offset : offset + per_page]
    if not query.q:
        return _entries(db, wanted), count(db, query)
    # Words are looked for row by row: what has been read is not read again.
    rest = count(db, query, before=found[-1])
    return _entries(db, wanted), len(found) + rest


def count(db: sqlite3.Connection, query: LogQuery, *, before: int | None = None) -> int:
    """How many rows match, of all or of those written before the one of a number."""
    older = "" if before is None else " AND seq < :before"
    sql = f"SELECT COUNT(*) FROM request_log WHERE {_where(query)}{older}"  # noqa: S608
    parameters = {**_parameters(query), "before": before}
    number: int = db.execute(sql, parameters).fetchone()[0]
    return number


def around(
    db: sqlite3.Connection, query: LogQuery, request_id: str, *, each: int
) -> tuple[list[LogEntry], list[LogEntry]]:
    """Up to `each` matching rows newer and older than one, both newest first."""
    row = db.execute(
        "SELECT seq FROM request_log WHERE id = ?", (request_id,)
    ).fetchone()
    if row is None:
        return [], []
    older = _sequence(db, query, limit=each, offset=0, before=row["seq"])
    rows = db.execute(
        "SELECT seq FROM request_log NOT INDEXED"  # noqa: S608 - constants, see _where
        f" WHERE {_where(query)} AND seq > :here ORDER BY seq LIMIT :limit",
        {**_parameters(query), "here": row["seq"], "limit": each},
    ).fetchall()
    newer = [row["seq"] for row in reversed(rows)]
    return _entries(db, newer), _entries(db, older)


def export(db: sqlite3.Connection, query: LogQuery) -> Iterator[LogEntry]:
    """Every matching row, newest first, read in steps that hold nothing open."""
    before = None
    while True:
        found = _sequence(db, query, limit=_EXPORT_STEP, offset=0, before=before)
        yield from _entries(db, found)
        if len(found) < _EXPORT_STEP:
            return
        before = found[-1]


def _sequence(
    db: sqlite3.Connection,
    query: LogQuery,
    *,
    limit: int,
    offset: int,
    before: int | None = None,
) -> list[int]:
    """The row numbers of matching rows, newest first."""
    # NOT INDEXED: read backwards by row number, never by time and then sorted.
    sql = (
        "SELECT seq FROM request_log NOT INDEXED"  # noqa: S608 - constants, see _where
        f" WHERE {_where(query)} AND (:before IS NULL OR seq < :before)"
        " ORDER BY seq DESC LIMIT :limit OFFSET :offset"
    )
    paging = {"limit": limit, "offset": offset, "before": before}
    rows = db.execute(sql, {**_parameters(query), **paging}).fetchall()
    return [row["seq"] for row in rows]


def _entries(db: sqlite3.Connection, sequence: list[int]) -> list[LogEntry]:
    rows = [
        db.execute("SELECT * FROM request_log WHERE seq = ?", (seq,)).fetchone()
        for seq in sequence
    ]
    # A row may have been deleted in between.
    return [from_row(row) for row in rows if row is not None]


def _where(query: LogQuery) -> str:
    """Clauses of this module, joined: what was typed goes in as parameters only."""
    wanted = vars(query)
    used = [
        clause for name, clause in _CLAUSES.items() if wanted[name] not in ("", None)
    ]
    return " AND ".join(used) or "1 = 1"


def _parameters(query: LogQuery) -> dict[str, Any]:
    parameters: dict[str, Any] = dict(vars(query))
    low, high = {"ok": (0, 399), "failed": (400, 999)}.get(query.status, (0, 999))
    if query.status[:1].isdigit():
        low = int(query.status.replace("x", "0"))
        high = int(query.status.replace("x", "9"))
    parameters["status_from"], parameters["status_to"] = low, high
    parameters["key_id"] = int(query.key) if query.key.isdigit() else None
    word = re.sub("([!%_])", r"!\1", query.q.lower())
    parameters["pattern"] = f"%{word}%"
    return parameters
