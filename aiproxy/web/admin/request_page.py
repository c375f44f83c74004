"""One request: what became of it, what it took, and the four bodies on its way."""

from __future__ import annotations

from typing import Any

from bottle import HTTPResponse

from aiproxy.errors import NotFound
from aiproxy.protocol import transcript
from aiproxy.records import dataclass
from aiproxy.services import Services
from aiproxy.store import log_search, request_log
from aiproxy.store.request_log import BODY_PARTS, Body, LogEntry
from aiproxy.web import charts, log_words, query, render
from aiproxy.web.admin import connect
from aiproxy.web.admin import request_log as request_list
from aiproxy.web.markup import Markup
from aiproxy.web.routing import Route, Visitor

NEIGHBOURS = 12  # rows of the list on either side
SHOWN_CHARACTERS = 256_000
VIEWS = ("pretty", "raw", "beside")
# Which two bodies are the same thing, before and after the translation.
PAIRS = {1: (1, 2), 2: (1, 2), 3: (4, 3), 4: (4, 3)}
TITLES = ("From client", "To provider", "From provider", "To client")


@dataclass(frozen=True)
class Station:
    """One of the four bodies, as a link."""

    number: int
    title: str
    form: str
    size: int | None  # None: not kept


@dataclass(frozen=True)
class Pane:
    """A body as text, as far as it is shown."""

    station: Station
    text: str
    size: int
    is_cut_in_log: bool
    is_cut_here: bool


def show_request(
    services: Services, visitor: Visitor, *, request_id: str
) -> HTTPResponse:
    """The page, with one body or two side by side."""
    db = services.database.connection()
    entry = request_log.get(db, request_id, user_id=connect.own_rows(visitor))
    if render.wants_json():
        return render.answer_json(_object(db, entry))
    # The list's range would hide the neighbours of an old request.
    wanted, _ = request_list.read_query(services, visitor, "all")
    newer, older = log_search.around(db, wanted, request_id, each=NEIGHBOURS)
    own = request_list.own_fields("24h")
    own.pop("per_page", None)
    sizes = request_log.body_sizes(db, request_id)
    provider = services.snapshot.find_provider(entry.provider)
    stations = _stations(entry, sizes, provider.api_format if provider else "")
    view = query.choice("view", VIEWS, "pretty")
    chosen = int(query.choice("body", ("1", "2", "3", "4"), _usual_body(entry)))
    editable = provider.id if provider and visitor.is_admin else None
    return render.page(
        services,
        visitor,
        "request",
        entry=entry,
        provider=provider,
        newer=newer,
        older=older,
        stations=stations,
        panes=_panes(db, entry, stations, chosen, view),
        body=chosen,
        view=view,
        link=lambda **changes: (
            f"{request_list.PATH}/{entry.id}{query.encode({**own, **changes})}"
        ),
        list_link=request_list.PATH + query.encode(own),
        log_query=query.encode(own),
        advice=log_words.advice(entry, editable),
        status_words=log_words.status_words,
        time_bar=Markup(_time_bar(entry)),
        bodies_are_kept=services.settings.log_bodies,
        alias_query=query.encode({"alias": entry.alias}),
        session_query=query.encode({"session": entry.session_id, "range": "all"}),
    )


def download_body(
    services: Services, visitor: Visitor, *, request_id: str, number: int
) -> HTTPResponse:
    """One body as it was kept, byte for byte."""
    db = services.database.connection()
    request_log.get(db, request_id, user_id=connect.own_rows(visitor))
    if not 1 <= number <= len(BODY_PARTS):
        raise NotFound("there is no such body")
    part = BODY_PARTS[number - 1]
    found = request_log.bodies(db, request_id, parts=(part,))
    if not found:
        raise NotFound("this body was not kept")
    ending = "sse" if transcript.is_stream(found[0].content) else "json"
    file_name = f"{request_id}-{part}.{ending}"
    return HTTPResponse(
        body=found[0].content,
        headers={
            # Never shown as a page: it holds what a stranger sent.
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Cache-Control": "no-store",
        },
    )


def _object(db: Any, entry: LogEntry) -> dict[str, Any]:
    kept = {body.part: body for body in request_log.bodies(db, entry.id)}
    bodies = {
        part: transcript.text(kept[part].content) if part in kept else None
        for part in BODY_PARTS
    }
    sizes = {part: body.size for part, body in kept.items()}
    return {
        **log_words.entry_object(entry),
        "bodies": bodies if kept else None,
        "body_sizes": sizes if kept else None,
    }


def _stations(entry: LogEntry, sizes: dict[str, int], api_format: str) -> list[Station]:
    upstream = {"anthropic": "Messages", "openai": "Chat Completions"}
    forms = ("Messages", upstream.get(api_format, ""), upstream.get(api_format, ""))
    answer = "Messages, streamed" if entry.stream else "Messages"
    return [
        Station(i + 1, TITLES[i], form, sizes.get(BODY_PARTS[i]))
        for i, form in enumerate((*forms, answer))
    ]


def _usual_body(entry: LogEntry) -> str:
    # After a failure the provider's own words tell the most.
    return "3" if entry.status >= 400 and entry.provider else "1"


def _panes(
    db: Any, entry: LogEntry, stations: list[Station], chosen: int, view: str
) -> list[Pane]:
    numbers = PAIRS[chosen] if view == "beside" else (chosen,)
    parts = [BODY_PARTS[number - 1] for number in numbers]
    kept = {
        body.part: body for body in request_log.bodies(db, entry.id, parts=tuple(parts))
    }
    return [
        _pane(stations[number - 1], kept[part], view)
        for number, part in zip(numbers, parts)
        if part in kept
    ]


def _pane(station: Station, body: Body, view: str) -> Pane:
    content = body.content
    text = transcript.text(content) if view == "raw" else transcript.readable(content)
    return Pane(
        station,
        text[:SHOWN_CHARACTERS],
        body.size,
        is_cut_in_log=body.is_cut,
        is_cut_here=len(text) > SHOWN_CHARACTERS,
    )


def _time_bar(entry: LogEntry) -> str:
    """Until the first word, and from there to the end."""
    if entry.first_token_ms is None or not entry.duration_ms:
        return ""
    waited = min(entry.first_token_ms, entry.duration_ms)
    return charts.split_bar(waited, entry.duration_ms - waited)


ROUTES = [
    Route("GET", "/logs/<request_id:re:[A-Za-z0-9_-]+>", show_request),
    Route(
        "GET", "/logs/<request_id:re:[A-Za-z0-9_-]+>/body/<number:int>", download_body
    ),
]
