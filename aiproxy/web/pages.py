"""Every page's route and who may use it: the admin side as an application.

Loaded when the first page is asked for: a server that only carries requests starts in
two thirds of the time without it, and in less memory.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import Any, Callable

from bottle import Bottle, HTTPResponse, request

from aiproxy.errors import AIProxyError, StoreError
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import answers, errors, forms, guard, page_errors, sessions, static
from aiproxy.web.admin import (
    aliases,
    connect,
    dashboard,
    help_page,
    login,
    metrics_text,
    profile,
    prompts,
    providers,
    request_log,
    request_page,
    settings,
    usage,
    users,
)
from aiproxy.web.routing import Route, Visitor

log = logging.getLogger("aiproxy.web")

PAGES: list[Route] = [
    *dashboard.ROUTES,
    *login.ROUTES,
    *providers.ROUTES,
    *aliases.ROUTES,
    *prompts.ROUTES,
    *settings.ROUTES,
    *users.ROUTES,
    *profile.ROUTES,
    *request_log.ROUTES,
    *request_page.ROUTES,
    *usage.ROUTES,
    *connect.ROUTES,
    *help_page.ROUTES,
    *metrics_text.ROUTES,
    *static.ROUTES,
]


def build_pages(services: Services) -> Bottle:
    """The application of all pages."""
    app = answers.new_app(services)
    for route in PAGES:
        app.route(route.path, method=route.method, callback=_page(services, route))
    return app


def _page(services: Services, route: Route) -> Callable[..., HTTPResponse]:
    def run(**params: Any) -> HTTPResponse:
        visitor = Visitor(user=None)
        request_id = errors.request_id_of(request.environ)
        try:
            head = RequestHead.from_environ(request.environ)
            guard.judge_head(services, head)
            visitor = guard.find_visitor(services, head)
            if route.method == "POST" and route.path != "/login":
                guard.check_csrf(visitor, forms.csrf_token())
            guard.check_access(visitor, route.access, head.path)
            response = route.handler(services, visitor, **params)
        except AIProxyError as exc:
            response = page_errors.page_error(services, visitor, exc, request_id)
        except sqlite3.OperationalError as exc:
            log.warning("%s the database refused: %s", request_id, exc)
            busy = StoreError(
                "the database cannot be written: it is locked, full or read-only."
                " Nothing was saved. Try again, and look at the server's log."
            )
            response = page_errors.page_error(services, visitor, busy, request_id)
        except Exception:  # noqa: BLE001 - the one net under every route
            failure = errors.internal_error(request_id)
            response = page_errors.page_error(services, visitor, failure, request_id)
        if visitor.has_new_session:
            cookie = sessions.set_cookie(
                services, visitor.session_id, is_secure=visitor.is_secure
            )
            response.add_header("Set-Cookie", cookie)
        return answers.with_headers(response)

    return run
