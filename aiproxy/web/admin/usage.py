"""Usage: requests and tokens added up by day, provider, model, user, key or session."""

from __future__ import annotations

from bottle import HTTPResponse, request

from aiproxy.errors import InvalidRequest
from aiproxy.services import Services
from aiproxy.store import log_search
from aiproxy.store import usage as usage_sums
from aiproxy.store.usage import GROUPS, UsageRow
from aiproxy.web import query, render
from aiproxy.web.admin import connect, request_log
from aiproxy.web.routing import Route, Visitor

PATH = "/usage"
DAY_SECONDS = 86_400
RANGES = {"today": 1, "7d": 7, "30d": 30, "all": 0}
RANGE_WORDS = {"today": "Today", "7d": "7 days", "30d": "30 days", "all": "All"}
GROUP_WORDS = {
    "day": "Day",
    "provider": "Provider",
    "model": "Model",
    "user": "User",
    "key": "Key",
    "session": "Session",
}
COUNTS = (
    ("requests", "Requests"),
    ("errors", "Failed"),
    ("input_tokens", "Input"),
    ("output_tokens", "Output"),
    ("cache_read_tokens", "From cache"),
    ("cache_write_tokens", "To cache"),
)
SHOWN_ROWS = 75  # on the page, by its weight; the export holds all


def show_usage(services: Services, visitor: Visitor) -> HTTPResponse:
    """The table; for a script all of it, for a spreadsheet too."""
    groups = _groups()
    since, until, period = _range(services)
    rows = usage_sums.rows(
        services.database.connection(),
        group_by=groups,
        since=since,
        until=until,
        user_id=connect.own_rows(visitor),
    )
    if "day" in groups:
        rows.sort(key=lambda row: row.group["day"], reverse=True)
    else:
        rows.sort(key=lambda row: -row.requests)
    objects = [row.as_dict() for row in rows]
    if query.choice("format", ("", "csv"), "") == "csv":
        return HTTPResponse(
            body=request_log.write_csv(objects or [_total(groups, rows).as_dict()]),
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": 'attachment; filename="usage.csv"',
                "Cache-Control": "no-store",
            },
        )
    own = {"since": query.text("since"), "until": query.text("until")}
    own = {"range": "" if any(own.values()) else period, **own}
    return render.page(
        services,
        visitor,
        "usage",
        json={"rows": objects},
        rows=rows[:SHOWN_ROWS],
        hidden_rows=max(0, len(rows) - SHOWN_ROWS),
        total=_total(groups, rows),
        groups=groups,
        group_words=GROUP_WORDS,
        counts=COUNTS,
        period=period,
        periods=RANGE_WORDS,
        encode=query.encode,
        link=lambda **changes: (
            PATH + query.encode({**own, "group_by": ",".join(groups), **changes})
        ),
    )


def _groups() -> tuple[str, ...]:
    """What to add up by; several as `a,b` or as several fields."""
    asked = [name for value in query.texts("group_by") for name in value.split(",")]
    names = [name.strip() for name in asked if name.strip()]
    for name in names:
        if name not in GROUPS:
            raise InvalidRequest(
                f"group_by must be any of {', '.join(GROUPS)}", status=422
            )
    if not names and not request.query.get("group_by"):
        return ("day",)
    return tuple(dict.fromkeys(names))


def _range(services: Services) -> tuple[int | None, int | None, str]:
    """From when, until when, and the name of the preset that this is."""
    bounds = []
    for name in ("since", "until"):
        text = query.text(name)
        moment = log_search.parse_time(text) if text else None
        if text and moment is None:
            raise InvalidRequest(f"{name} must be a date or UTC seconds", status=422)
        bounds.append(moment)
    is_free = any(bounds) or render.wants_json()
    period = query.choice("range", tuple(RANGES), "all" if is_free else "30d")
    days = RANGES[period]
    if days and bounds[0] is None:
        now = services.now()
        bounds[0] = now - now % DAY_SECONDS - (days - 1) * DAY_SECONDS
    return bounds[0], bounds[1], period


def _total(groups: tuple[str, ...], rows: list[UsageRow]) -> UsageRow:
    sums = {name: sum(getattr(row, name) for row in rows) for name, _ in COUNTS}
    return UsageRow(group=dict.fromkeys(groups, ""), **sums)


ROUTES = [Route("GET", PATH, show_usage)]
