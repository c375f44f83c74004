"""The dashboard: what is wrong, the first steps, the numbers, and where to go on."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from bottle import HTTPResponse

from aiproxy import __version__
from aiproxy import connect as client
from aiproxy.errors import Conflict
from aiproxy.services import Services
from aiproxy.store import statistics
from aiproxy.store.providers import Provider
from aiproxy.web import (
    charts,
    incoming,
    log_words,
    markup,
    provider_state,
    query,
    render,
)
from aiproxy.web.admin import (
    checklist,
    connect,
    dashboard_figures,
    personal_keys,
    problems,
    provider_page,
)
from aiproxy.web.admin.dashboard_figures import MEASURES, RANGES
from aiproxy.web.markup import Markup
from aiproxy.web.routing import ADMIN, Route, Visitor

RECENT = 8
POLL_SECONDS = 5
POLL_SECONDS_WAITING = 2  # somebody looks at the screen for the first request


def show_dashboard(services: Services, visitor: Visitor) -> HTTPResponse:
    """The page, its live part alone, or the object that holds the same."""
    period = RANGES[query.choice("range", tuple(RANGES), "24h")]
    measure = query.choice("measure", MEASURES, "requests")
    is_part = query.choice("part", ("", "live"), "") == "live"
    tag = _tag(services, visitor, period, measure)
    if is_part and incoming.header("If-None-Match") == tag:
        return HTTPResponse(status=304, headers={"ETag": tag})
    context = _context(services, visitor, period, measure)
    setup = context["setup"] = checklist.build(services, visitor)
    context["poll"] = _poll_seconds(setup)
    if is_part:
        answer = render.fragment(services, visitor, "dashboard_live", **context)
        answer.set_header("ETag", tag)
        return answer
    # Taken at the last moment: what is shown once must not be lost to a fragment.
    context["setup_errors"], context["new_key"] = {}, None
    if setup is not None and not render.wants_json():
        context["new_key"] = _new_key(services, visitor)
        context["setup_errors"] = checklist.take_errors(services, visitor)
    return render.page(
        services,
        visitor,
        "dashboard",
        json=_object(services, visitor, context),
        live=f"/?range={period.name}&measure={measure}&part=live",
        tag=tag,
        **context,
    )


def restart(services: Services, visitor: Visitor) -> HTTPResponse:
    """Stop cleanly and start anew with the saved settings, where that is possible."""
    if services.restart is None:
        raise Conflict(
            "this server cannot start itself anew the way it runs: stop it and start"
            " it again, or restart its service or container."
        )
    address = next_address(services, visitor)
    answer = render.page(
        services,
        visitor,
        "restarting",
        status=202,
        json={"restarting": True, "url": address},
        address=address,
    )
    services.restart()
    return answer


def next_address(services: Services, visitor: Visitor) -> str:
    """Where this browser finds the pages after the restart."""
    before, after = services.started_with, services.settings
    moved = ("server_host", "server_port", "base_path")
    if all(getattr(before, name) == getattr(after, name) for name in moved):
        return visitor.base_url + "/"
    host = after.server_host
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = visitor.base_url.partition("://")[2].partition("/")[0]
        host = host.rpartition(":")[0] or host
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{after.server_port}{after.base_path}/"


def _tag(services: Services, visitor: Visitor, period: Any, measure: str) -> str:
    """Changes with everything that the live part shows, and costs no aggregate."""
    user_id = connect.own_rows(visitor)
    now = services.now()
    state = (
        statistics.newest(services.database.connection(), user_id),
        services.running.requests,
        services.snapshot.revision,
        services.log_writer.dropped,
        now - now % min(period.step, 60),
        period.name,
        measure,
        visitor.user.id if visitor.user else 0,
        visitor.base_url,
        __version__,
    )
    return f'"{sha256(repr(state).encode()).hexdigest()[:20]}"'


def _context(
    services: Services, visitor: Visitor, period: Any, measure: str
) -> dict[str, Any]:
    db = services.database.connection()
    user_id = connect.own_rows(visitor)
    snapshot = services.snapshot
    slugs = [provider.slug for provider in snapshot.providers.values()]
    streaks = statistics.streaks(db, slugs) if visitor.is_admin else {}
    active = snapshot.active_provider
    names = {provider.slug: provider.name for provider in snapshot.providers.values()}
    gathered = dashboard_figures.gather(
        db, period, measure, now=services.now(), user_id=user_id, names=names
    )
    return {
        "period": period,
        "ranges": RANGES,
        "figures": gathered,
        "drawing": Markup(gathered.chart.svg),
        "share_bar": lambda *parts: Markup(charts.share_bar(*parts)),
        "axis_time": markup.axis_time,
        "measure": measure,
        "names": names,
        "running": services.running.requests,
        "problems": problems.find(services, visitor, streaks),
        "streaks": streaks,
        "active": active,
        "active_state": provider_state.state_of(active, streaks.get(active.slug))
        if active
        else None,
        "active_url": client.client_base_url(
            services.settings.public_url or visitor.base_url
        ),
        "entries": statistics.latest(db, limit=RECENT, user_id=user_id),
        "uptime": services.uptime_seconds(),
        "database_bytes": services.database.used_bytes(),
        "status_words": log_words.status_words,
        "input_tokens": log_words.input_tokens,
        "key_needed": connect.needs_key(services, visitor),
        "key_candidates": _key_candidates(services),
        "configuration": _configuration(services) if visitor.is_admin else [],
    }


def _configuration(services: Services) -> list[tuple[str, str, str]]:
    """Every page that configures something, and how things stand there."""
    snapshot, settings = services.snapshot, services.settings
    ready = [
        provider
        for provider in snapshot.providers.values()
        if provider.enabled and not provider_state.lacks_key(provider)
    ]
    custom = "on" if snapshot.prompt.use_custom_prompt else "off"
    bodies = {"none": "no bodies kept", "errors": "bodies of failures kept"}
    login = "login needed" if settings.require_authentication else "no login here"
    number = len(snapshot.providers)
    return [
        ("/providers", "Providers", f"{_many(number, 'provider')}, {len(ready)} ready"),
        ("/aliases", "Aliases", _many(len(snapshot.aliases), "alias", "aliases")),
        ("/prompt-config", "System prompt", f"custom prompt {custom}"),
        ("/users", "Users", f"{_many(len(snapshot.users), 'user')}, {login}"),
        ("/settings", "Settings", bodies.get(settings.log_bodies, "all bodies kept")),
        ("/connect", "Connect", "lines for every shell"),
    ]


def _key_candidates(services: Services) -> list[Provider]:
    """Whom the checklist offers to take a key for, the usual ones first."""
    return sorted(services.snapshot.providers.values(), key=lambda p: p.id)


def _many(number: int, noun: str, nouns: str = "") -> str:
    return f"{number or 'no'} {noun if number == 1 else nouns or noun + 's'}"


def _poll_seconds(setup: checklist.Checklist | None) -> int:
    is_waiting = setup is not None and setup.is_waiting
    return POLL_SECONDS_WAITING if is_waiting else POLL_SECONDS


def _new_key(services: Services, visitor: Visitor) -> dict[str, Any] | None:
    """The key that the list has just made, with the lines that hold it."""
    made = personal_keys.take_new(services, visitor)
    if made is None:
        return None
    active = services.snapshot.active_provider
    target = connect.Target(active.slug if active else "", "", active)
    shell = query.choice("shell", client.SHELLS, "bash")
    connection = connect.connection_for(services, visitor, target, token=made["key"])
    return {**made, "snippet": connection.snippets[shell], "shell": shell}


def _object(
    services: Services, visitor: Visitor, context: dict[str, Any]
) -> dict[str, Any]:
    active, streaks = context["active"], context["streaks"]
    listed = services.snapshot.providers.values() if visitor.is_admin else ()
    return {
        "active": provider_page.provider_object(active, visitor) if active else None,
        "providers": [
            {
                "slug": provider.slug,
                "last_status": streak.last_status if streak else None,
                "last_error": (streak.last_error or None) if streak else None,
                "last_used": streak.last_used if streak else None,
            }
            for provider in listed
            for streak in [streaks.get(provider.slug)]
        ],
        "recent": [log_words.entry_object(entry) for entry in context["entries"]],
        "status": {
            "version": __version__,
            "uptime_s": context["uptime"],
            "open_streams": services.running.streams,
            "running": context["running"],
            "database_mb": round(context["database_bytes"] / 1e6, 2),
        },
        "warnings": [problem.plain for problem in context["problems"]],
        "restart_required": services.is_restart_required(),
        "range": context["period"].name,
        **context["figures"].as_json(),
    }


ROUTES = [
    Route("GET", "/", show_dashboard),
    Route("POST", "/restart", restart, access=ADMIN),
    *checklist.ROUTES,
]
