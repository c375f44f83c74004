"""Requests: the list with its filters, what came since, and the export of all rows."""

from __future__ import annotations

import csv
import io
import json
from hashlib import sha256
from typing import Any, Iterable, Iterator

from bottle import HTTPResponse, request

from aiproxy.records import replace
from aiproxy.services import Services
from aiproxy.store import log_search, statistics
from aiproxy.store.log_search import LogQuery
from aiproxy.store.request_log import LogEntry
from aiproxy.web import incoming, log_words, query, render
from aiproxy.web.admin import connect
from aiproxy.web.routing import Route, Visitor

PATH = "/logs"
DAY_SECONDS = 86_400
RANGES = {"24h": DAY_SECONDS, "7d": 7 * DAY_SECONDS, "30d": 30 * DAY_SECONDS, "all": 0}
RANGE_WORDS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "all": "all"}
POLL_SECONDS = 5
STATUSES = (
    ("", "Any"),
    ("ok", "Answered"),
    ("failed", "Failed"),
    ("401", "401 key refused"),
    ("404", "404 not found"),
    ("429", "429 rate limit"),
    ("499", "499 client left"),
    ("5xx", "5xx no answer"),
)
FILTERS = ("q", "provider", "status", "model", "alias", "user", "key", "session")
# A cell that begins like this is a formula to a spreadsheet.
_FORMULA_STARTS = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")  # wide ones too
_EXPORT_ROWS = 200  # written at a time


def show_requests(services: Services, visitor: Visitor) -> HTTPResponse:
    """One page of the log; a browser begins with the last day, a script with all."""
    period = _period()
    wanted, errors = read_query(services, visitor, period)
    if errors and render.wants_json():
        return render.answer_json(
            {"error": {"message": "; ".join(errors.values()), "fields": errors}},
            status=422,
        )
    if query.choice("part", ("", "live"), "") == "live":
        return _live(services, visitor, wanted)
    db = services.database.connection()
    newest = statistics.newest(db, connect.own_rows(visitor))
    entries, total = log_search.search(db, wanted)
    own = own_fields(period)
    return render.page(
        services,
        visitor,
        "requests",
        status=422 if errors else 200,
        json={
            "requests": [log_words.entry_object(entry) for entry in entries],
            "total": total,
            "page": wanted.page,
        },
        errors=errors,
        entries=entries,
        total=total,
        first=(wanted.page - 1) * wanted.per_page + 1,
        wanted=wanted,
        period=period,
        periods=RANGE_WORDS,
        statuses=STATUSES,
        filters={name: own.get(name, "") for name in FILTERS},
        is_filtered=any(own.get(name) for name in (*FILTERS, "since", "until")),
        has_more_filters=any(own.get(name) for name in FILTERS[3:]),
        link=lambda **changes: PATH + query.encode({**own, **changes}),
        log_query=query.encode(own),
        live=PATH + query.encode({**own, "part": "live", "after": newest}),
        slugs=_slugs(services, visitor),
        status_words=log_words.status_words,
        input_tokens=log_words.input_tokens,
        poll=POLL_SECONDS,
    )


def read_query(
    services: Services, visitor: Visitor, period: str
) -> tuple[LogQuery, dict[str, str]]:
    """The filters in the address, within what this visitor may see."""
    wanted, errors = log_search.parse(query.fields())
    length = RANGES[period]
    if length and wanted.since is None:
        wanted = replace(wanted, since=services.now() - length)
    return replace(wanted, user_id=connect.own_rows(visitor)), errors


def own_fields(period: str) -> dict[str, str]:
    """What of the address every link on the page goes on with."""
    names = (*FILTERS, "since", "until", "per_page")
    kept = {name: query.text(name) for name in names}
    if period != _default_period(kept):
        kept["range"] = period
    return {name: value for name, value in kept.items() if value}


def export_requests(services: Services, visitor: Visitor) -> HTTPResponse:
    """Every matching row, streamed, as CSV for a spreadsheet or as JSON."""
    form = query.choice("format", ("csv", "json"), "csv")
    wanted, errors = read_query(services, visitor, _period(export=True))
    if errors:
        return render.answer_json(
            {"error": {"message": "; ".join(errors.values()), "fields": errors}},
            status=422,
        )
    entries = log_search.export(services.database.connection(), wanted)
    headers = {
        "Content-Type": "text/csv; charset=utf-8"
        if form == "csv"
        else "application/json",
        "Content-Disposition": f'attachment; filename="requests.{form}"',
        "Cache-Control": "no-store",
    }
    rows = map(log_words.entry_object, entries)
    body = write_csv(rows) if form == "csv" else _write_json(rows)
    return HTTPResponse(body=body, headers=headers)


def write_csv(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Rows of equal names as CSV, a header first; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    number = 0
    for number, row in enumerate(rows, 1):
        if number == 1:
            writer.writerow(row)
        writer.writerow([_cell(value) for value in row.values()])
        if number % _EXPORT_ROWS == 0:
            yield _take(text)
    if not number:
        writer.writerow(log_words.entry_object(LogEntry(id="", time=0)))
    yield _take(text)


def _write_json(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    pieces = ["["]
    for number, row in enumerate(rows):
        pieces.append((",\n" if number else "\n") + json.dumps(row, ensure_ascii=False))
        if len(pieces) >= _EXPORT_ROWS:
            yield "".join(pieces).encode("utf-8", "replace")
            pieces = []
    yield "".join([*pieces, "\n]\n"]).encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _take(text: io.StringIO) -> bytes:
    written = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return written


def _live(services: Services, visitor: Visitor, wanted: LogQuery) -> HTTPResponse:
    """How many matching rows came since the page was made: they never push."""
    seen = query.number("after")
    db = services.database.connection()
    newest = statistics.newest(db, connect.own_rows(visitor))
    digest = sha256(f"{newest} {request.query_string}".encode()).hexdigest()[:20]
    tag = f'"{digest}"'
    if incoming.header("If-None-Match") == tag:
        return HTTPResponse(status=304, headers={"ETag": tag})
    number = log_search.count(db, replace(wanted, after=seen))
    own = own_fields(_period())
    answer = render.fragment(
        services,
        visitor,
        "requests_live",
        number=number,
        link=PATH + query.encode(own),
    )
    answer.set_header("ETag", tag)
    return answer


def _period(*, export: bool = False) -> str:
    """Which range: as asked, else the last day, or all where that is narrowed."""
    named = {name: query.text(name) for name in ("since", "until", "session")}
    is_script = render.wants_json() or export
    default = "all" if is_script else _default_period(named)
    return query.choice("range", tuple(RANGES), default)


def _default_period(named: dict[str, str]) -> str:
    is_narrow = any(named.get(name) for name in ("since", "until", "session"))
    return "all" if is_narrow else "24h"


def _slugs(services: Services, visitor: Visitor) -> list[str]:
    """The providers to choose from; an old one can still be typed in the address."""
    known = [provider.slug for provider in services.snapshot.providers.values()]
    chosen = query.text("provider")
    return known if not chosen or chosen in known else [*known, chosen]


ROUTES = [
    Route("GET", PATH, show_requests),
    Route("GET", "/logs/export", export_requests),
]
