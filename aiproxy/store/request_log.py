"""The request log: what each proxied request was, took and cost.

Rows are written by log_writer.py, in batches; searched by log_search.py, added up by
statistics.py and usage.py, and deleted by log_pruning.py. Bodies lie in a table of
their own, compressed, so that searching never reads them.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Any, Iterable, Sequence

from aiproxy.errors import NotFound
from aiproxy.records import dataclass, field, replace
from aiproxy.store import log_sums

# In this order in LogEntry.bodies and in the pages' four stations.
BODY_PARTS = (
    "client_request",
    "upstream_request",
    "upstream_response",
    "client_response",
)
MAX_BODY_BYTES = 8 * 1024 * 1024  # kept of one body
_COMPRESSION = 3  # a third of the time of 6, for a few percent more space


@dataclass(frozen=True)
class LogEntry:
    """One row; times in UTC seconds, durations in milliseconds."""

    id: str  # the request id
    time: int
    user_id: int | None = None
    user: str = ""  # the name at that time
    key_id: int | None = None
    key_prefix: str = ""
    alias: str = ""
    provider: str = ""
    model_requested: str = ""
    model: str = ""  # the upstream's
    session_id: str = ""
    agent_id: str = ""
    stream: bool = False
    status: int = 200
    error_type: str = ""
    error_message: str = ""
    stop_reason: str = ""
    duration_ms: int = 0
    first_token_ms: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usage_estimated: bool = False
    attempts: int = 0
    notes: tuple[str, ...] = ()
    # Four, as in BODY_PARTS, without secrets; not read back with the row. Each is a
    # `Body`, bytes that are whole, or `Packed` already.
    bodies: tuple[Any, ...] | None = field(default=None, repr=False, compare=False)
    has_bodies: bool = field(default=False, compare=False)

    @property
    def is_failure(self) -> bool:
        """Refused, failed or abandoned."""
        return self.status >= 400


@dataclass(frozen=True)
class Body:
    """One kept body; `size` is the true one, also where less was kept."""

    part: str
    size: int
    content: bytes = field(repr=False)

    @property
    def is_cut(self) -> bool:
        """True where the end is missing."""
        return len(self.content) < self.size


@dataclass(frozen=True)
class Packed:
    """A body as it is stored."""

    size: int
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, body: bytes | Body) -> Packed:
        """Compressed, and cut where it is too long to be kept."""
        size = body.size if isinstance(body, Body) else len(body)
        content = body.content if isinstance(body, Body) else body
        return cls(size, zlib.compress(content[:MAX_BODY_BYTES], _COMPRESSION))


def add_many(db: sqlite3.Connection, entries: Iterable[LogEntry]) -> None:
    """Store entries; the caller commits. One with a known id is left out."""
    for entry in entries:
        row = _to_row(entry)
        cursor = db.execute(
            """
            INSERT INTO request_log (
                id, time, user_id, user, key_id, key_prefix, alias, provider,
                model_requested, model, session_id, agent_id, stream, status,
                error_type, error_message, stop_reason, duration_ms, first_token_ms,
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
                usage_estimated, attempts, notes, search
            ) VALUES (
                :id, :time, :user_id, :user, :key_id, :key_prefix, :alias, :provider,
                :model_requested, :model, :session_id, :agent_id, :stream, :status,
                :error_type, :error_message, :stop_reason, :duration_ms,
                :first_token_ms, :input_tokens, :output_tokens, :cache_read_tokens,
                :cache_write_tokens, :usage_estimated, :attempts, :notes, :search
            ) ON CONFLICT (id) DO NOTHING
            """,
            row,
        )
        if cursor.rowcount < 1:
            continue
        log_sums.add(db, row)
        if entry.bodies:
            _add_bodies(db, cursor.lastrowid or 0, entry.bodies)


def get(
    db: sqlite3.Connection, request_id: str, *, user_id: int | None = None
) -> LogEntry:
    """One row, of that user if one is given; raises NotFound."""
    row = db.execute(
        """
        SELECT log.*, EXISTS (
            SELECT 1 FROM request_bodies AS body WHERE body.seq = log.seq
        ) AS has_bodies
        FROM request_log AS log WHERE log.id = ?
        """,
        (request_id,),
    ).fetchone()
    if row is None or user_id not in (None, row["user_id"]):
        raise NotFound("there is no such request in the log")
    return from_row(row)


def bodies(
    db: sqlite3.Connection, request_id: str, *, parts: Sequence[str] = BODY_PARTS
) -> list[Body]:
    """The bodies that were kept of a request, in order; none: an empty list."""
    rows = db.execute(
        """
        SELECT body.part, body.size, body.content
        FROM request_bodies AS body JOIN request_log AS log ON log.seq = body.seq
        WHERE log.id = ? ORDER BY body.part
        """,
        (request_id,),
    ).fetchall()
    return [
        Body(BODY_PARTS[row["part"]], row["size"], zlib.decompress(row["content"]))
        for row in rows
        if BODY_PARTS[row["part"]] in parts
    ]


def body_sizes(db: sqlite3.Connection, request_id: str) -> dict[str, int]:
    """The true size of each body that was kept of a request, by part."""
    rows = db.execute(
        """
        SELECT body.part, body.size
        FROM request_bodies AS body JOIN request_log AS log ON log.seq = body.seq
        WHERE log.id = ? ORDER BY body.part
        """,
        (request_id,),
    ).fetchall()
    return {BODY_PARTS[row["part"]]: row["size"] for row in rows}


def from_row(row: sqlite3.Row) -> LogEntry:
    """A row of the log as an entry, without bodies."""
    values = dict(row)
    has_bodies = bool(values.pop("has_bodies", False))
    del values["seq"], values["search"]
    values["notes"] = tuple(json.loads(values["notes"]))
    for name in ("stream", "usage_estimated"):
        values[name] = bool(values[name])
    return LogEntry(**values, has_bodies=has_bodies)


def _to_row(entry: LogEntry) -> dict[str, Any]:
    row = {**vars(entry), "notes": json.dumps(entry.notes, ensure_ascii=False)}
    del row["bodies"], row["has_bodies"]
    words = (
        entry.id,
        entry.user,
        entry.key_prefix,
        entry.alias,
        entry.provider,
        entry.model_requested,
        entry.model,
        entry.session_id,
        entry.agent_id,
        entry.error_type,
        entry.error_message,
        *entry.notes,
    )
    # LIKE folds ASCII alone, so the rest is folded here and in the query.
    row["search"] = "\n".join(dict.fromkeys(filter(None, words))).lower()
    return {name: _clean(value) for name, value in row.items()}


def _clean(value: Any) -> Any:
    # A lone surrogate from a client's JSON cannot be written as UTF-8.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def pack(entry: LogEntry) -> LogEntry:
    """The same entry with compressed bodies, made before the transaction begins."""
    if entry.bodies is None:
        return entry
    packed = tuple(map(Packed.of, entry.bodies))
    return replace(entry, bodies=packed)


def body_bytes(entry: LogEntry) -> int:
    """What the bodies of an entry take in memory."""
    return sum(
        len(body) if isinstance(body, bytes) else len(body.content)
        for body in entry.bodies or ()
    )


def without_bodies(entry: LogEntry) -> LogEntry:
    """The same entry where no memory is left for its bodies."""
    return replace(entry, bodies=None)


def _add_bodies(db: sqlite3.Connection, seq: int, kept: tuple[Any, ...]) -> None:
    for part, body in enumerate(kept):
        packed = body if isinstance(body, Packed) else Packed.of(body)
        db.execute(
            """
            INSERT INTO request_bodies (seq, part, size, kept, content)
            VALUES (?, ?, ?, ?, ?)
            """,
            (seq, part, packed.size, len(packed.content), packed.content),
        )
