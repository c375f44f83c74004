"""Help: every base URL, what to check when nothing arrives, and the checklist again."""

from __future__ import annotations

from bottle import HTTPResponse

from aiproxy import connect as client
from aiproxy.services import Services
from aiproxy.store import users
from aiproxy.web import forms, render
from aiproxy.web.admin import connect
from aiproxy.web.routing import Route, Visitor

PATH = "/help"


def show_help(services: Services, visitor: Visitor) -> HTTPResponse:
    """One page, the same for everybody but for the addresses."""
    origin = services.settings.public_url or visitor.base_url
    rows = [
        (target, client.client_base_url(origin, target.name))
        for target in connect.targets(services)
    ]
    return render.page(
        services,
        visitor,
        "help",
        json={"base_urls": {target.name: address for target, address in rows}},
        rows=rows,
        origin=origin,
        needs_key=connect.needs_key(services, visitor),
    )


def set_checklist(services: Services, visitor: Visitor) -> HTTPResponse:
    """Show or hide the checklist, for this user alone."""
    is_hidden = forms.read().switch("hidden", present=False)
    if visitor.user is not None:
        with services.transaction() as db:
            users.update(db, visitor.user.id, hide_checklist=is_hidden)
    words = "The list is hidden. Help brings it back." if is_hidden else ""
    return render.done(
        services, visitor, "/", flash=words, json={"hide_checklist": is_hidden}
    )


ROUTES = [
    Route("GET", PATH, show_help),
    Route("POST", "/checklist", set_checklist),
]
