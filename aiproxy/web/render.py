"""A page or its JSON twin: every answer of the admin side is made here.

A page is written once: the same call gives a browser HTML or a redirect and a script
the bare object, by what the request says it takes.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from bottle import HTTPResponse

from aiproxy import __version__
from aiproxy.protocol import json_codec
from aiproxy.services import Services
from aiproxy.web import (
    cookies,
    figures,
    incoming,
    markup,
    provider_state,
    static,
    views,
)
from aiproxy.web.routing import Visitor

THEMES = ("system", "light", "dark")
THEME_COOKIE = "aiproxy_theme"
INVALID = "There is a problem. Please check the marked fields."

_FLASHES = "flashes"


class Flash(NamedTuple):
    """One sentence on the next page; `kind` is ok, warn or err."""

    message: str
    kind: str = "ok"
    link: str = ""  # a path here
    link_text: str = ""


class NavLink(NamedTuple):
    """One line of the rail."""

    section: str
    path: str
    text: str
    admin_only: bool = False


NAVIGATION = (
    (
        NavLink("dashboard", "/", "Dashboard"),
        NavLink("requests", "/logs", "Requests"),
        NavLink("usage", "/usage", "Usage"),
    ),
    (
        NavLink("providers", "/providers", "Providers", admin_only=True),
        NavLink("aliases", "/aliases", "Aliases", admin_only=True),
        NavLink("prompt", "/prompt-config", "System prompt", admin_only=True),
    ),
    (
        NavLink("users", "/users", "Users", admin_only=True),
        NavLink("settings", "/settings", "Settings", admin_only=True),
    ),
    (
        NavLink("connect", "/connect", "Connect"),
        NavLink("profile", "/profile", "Profile & keys"),
        NavLink("help", "/help", "Help"),
    ),
)


def wants_json() -> bool:
    """True for a script: by Accept, else by what it sends or how it says who it is."""
    accept = incoming.header("Accept").lower()
    if "application/json" in accept:
        return True
    if "text/html" in accept:
        return False
    content_type = incoming.header("Content-Type").lower()
    return (
        content_type.startswith("application/json")
        or incoming.find_header("Authorization") is not None
        or incoming.find_header("X-Api-Key") is not None
    )


def page(
    services: Services,
    visitor: Visitor,
    template: str,
    *,
    status: int = 200,
    json: Mapping[str, Any] | None = None,
    **context: Any,
) -> HTTPResponse:
    """The page, or for a script the object that holds what the page shows."""
    if json is not None and wants_json():
        return answer_json(json, status=status)
    names = {**_page_context(services, visitor), **context}
    return _html(views.fill(template, names), status)


def answer_json(body: Mapping[str, Any], *, status: int = 200) -> HTTPResponse:
    """An object for a script; text beyond ASCII stays readable."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return HTTPResponse(body=json_codec.encode(body), status=status, headers=headers)


def fragment(
    services: Services, visitor: Visitor, template: str, **context: Any
) -> HTTPResponse:
    """A part of a page, for the script that swaps it in."""
    names = {**_page_context(services, visitor), **context}
    return _html(views.fill(template, names), 200)


def redirect(services: Services, path: str, *, status: int = 303) -> HTTPResponse:
    """To a path of this server; the Location never names a host."""
    headers = {"Location": services.base_path + path, "Cache-Control": "no-store"}
    return HTTPResponse(body=b"", status=status, headers=headers)


def done(
    services: Services,
    visitor: Visitor,
    path: str,
    *,
    flash: Flash | str = "",
    json: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HTTPResponse:
    """A POST that succeeded: the bare object for a script, 303 for a browser."""
    if wants_json():
        return answer_json(json if json is not None else {}, status=status)
    if flash:
        add_flash(services, visitor, flash)
    return redirect(services, path)


def invalid(
    services: Services,
    visitor: Visitor,
    template: str,
    *,
    errors: Mapping[str, str],
    status: int = 422,
    **context: Any,
) -> HTTPResponse:
    """A POST with bad fields: the form again, with the words beside each field."""
    if wants_json():
        message = "; ".join(errors.values()) or INVALID
        return answer_json(
            {"error": {"message": message, "fields": dict(errors)}}, status=status
        )
    return page(
        services, visitor, template, status=status, errors=dict(errors), **context
    )


def add_flash(services: Services, visitor: Visitor, flash: Flash | str) -> None:
    """Say something at the top of the next page that this session opens."""
    sentence = flash if isinstance(flash, Flash) else Flash(flash)
    waiting: list[Flash] = services.session_memory.take(visitor.session_id, _FLASHES)
    services.session_memory.put(
        visitor.session_id, _FLASHES, [*(waiting or []), sentence]
    )


def theme_of(visitor: Visitor) -> str:
    """The user's own, or before login what this browser chose last."""
    if visitor.user is not None:
        return visitor.user.theme
    sent = incoming.header("Cookie")
    for chosen in cookies.cookie_values(sent, THEME_COOKIE):
        if chosen in THEMES:
            return chosen
    return "system"


def theme_cookie(services: Services, visitor: Visitor, theme: str) -> str:
    """Set-Cookie, so that the login page has the same colours."""
    secure = visitor.is_secure or services.settings.session_cookie_secure
    return (
        f"{THEME_COOKIE}={theme}; Path={services.base_path or '/'}; Max-Age=31536000;"
        f" HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    )


def _page_context(services: Services, visitor: Visitor) -> dict[str, Any]:
    def flashes() -> list[Flash]:
        # Called by the layout, so that a fragment leaves them for the page.
        waiting = services.session_memory.take(visitor.session_id, _FLASHES)
        return list(waiting or [])

    return {
        "asset": lambda name: static.url(services, name),
        "csrf_token": visitor.csrf_token,
        "errors": {},
        "count_failing": lambda: provider_state.count_failing(services),
        "flashes": flashes,
        "navigation": NAVIGATION,
        "now": services.now(),
        "settings": services.settings,
        "theme": theme_of(visitor),
        "url": lambda path: services.base_path + path,
        "user": visitor.user,
        "version": __version__,
        "visitor": visitor,
        **_PIECES,
    }


_PIECES: Mapping[str, Any] = {
    "ago": markup.ago,
    "ago_words": lambda at, now: figures.ago(now - at),
    "breakable": markup.breakable,
    "clock": markup.clock,
    "count": figures.count,
    "duration": figures.duration,
    "icon": markup.icon,
    "plural": figures.plural,
    "share": figures.share,
    "short": figures.short,
    "size": figures.size,
    "span": figures.span,
    "with_code": markup.with_code,
}


def _html(text: str, status: int) -> HTTPResponse:
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    content = text.encode("utf-8", "replace")
    return HTTPResponse(body=content, status=status, headers=headers)
