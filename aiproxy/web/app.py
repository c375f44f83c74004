"""Every route, who may use it, and what each answer carries: the WSGI application."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any, Callable

from bottle import Bottle, HTTPResponse, request

from aiproxy.errors import AIProxyError, NotFound, StoreError
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import errors, forms, guard, health, proxy, sessions, static
from aiproxy.web.admin import (
    aliases,
    connect,
    dashboard,
    help_page,
    login,
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
    *health.ROUTES,
    *static.ROUTES,
]

_EVERYWHERE = {"X-Content-Type-Options": "nosniff"}
_ON_PAGES = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self';"
        " img-src 'self' data:; connect-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ROW_ID = "(?:0|[1-9][0-9]{0,17})"
_NOT_FOUND = "there is nothing at this address"


def build_app(services: Services) -> Bottle:
    """The application over one set of services; the server adds sockets and threads."""
    app = Bottle()
    # What escapes every net of ours is the HTTP layer's to answer: the framework would
    # write the traceback to the terminal as it is, secrets included.
    app.config["catchall"] = False
    # Its own filter takes signs, digits of any script, and more than a row id can hold.
    app.router.add_filter("int", lambda _: (_ROW_ID, int, str))
    app.config["json.enable"] = False  # every answer is made by render.py
    for path, probe in health.PROBES:
        app.route(path, method=["GET", "HEAD"], callback=_probe(services, probe))
    for api_route in proxy.ROUTES:
        app.route(
            api_route.path,
            method=api_route.method,
            callback=_api(services, api_route.answer),
        )
    for route in PAGES:
        app.route(route.path, method=route.method, callback=_page(services, route))
    app.default_error_handler = _unrouted(services)
    return app


def head_judge(
    services: Services,
) -> Callable[[RequestHead, str], AIProxyError | None]:
    """For the HTTP layer: what is refused before a body is read, and logged."""

    def judge(head: RequestHead, request_id: str) -> AIProxyError | None:
        try:
            guard.judge_head(services, head)
        except AIProxyError as exc:
            proxy.record_rejection(services, head, exc, request_id)
            return exc
        return None

    return judge


def _probe(
    services: Services, answer: Callable[[Services], HTTPResponse]
) -> Callable[[], HTTPResponse]:
    def run() -> HTTPResponse:
        return _with_headers(answer(services), is_page=False)

    return run


def _api(
    services: Services, answer: Callable[..., HTTPResponse]
) -> Callable[..., HTTPResponse]:
    def run(alias: str | None = None, **params: Any) -> HTTPResponse:
        environ: dict[str, Any] = request.environ
        request_id = _request_id(environ)
        head = RequestHead.from_environ(environ)
        try:
            caller = guard.judge_head(services, head) or guard.Caller()
        except AIProxyError as exc:
            proxy.record_rejection(services, head, exc, request_id)
            return _with_headers(errors.api_error(exc, request_id), is_page=False)
        call = proxy.Call(services, environ, head, caller, request_id, alias)
        try:
            response = answer(call, **params)
        except AIProxyError as exc:
            response = errors.api_error(exc, request_id)
        except Exception:  # noqa: BLE001 - the one net under every route
            response = errors.api_error(_internal(request_id), request_id)
        return _with_headers(response, is_page=False)

    return run


def _page(services: Services, route: Route) -> Callable[..., HTTPResponse]:
    def run(**params: Any) -> HTTPResponse:
        visitor = Visitor(user=None)
        request_id = _request_id(request.environ)
        try:
            head = RequestHead.from_environ(request.environ)
            guard.judge_head(services, head)
            visitor = guard.find_visitor(services, head)
            if route.method == "POST" and route.path != "/login":
                guard.check_csrf(visitor, forms.csrf_token())
            guard.check_access(visitor, route.access, head.path)
            response = route.handler(services, visitor, **params)
        except AIProxyError as exc:
            response = errors.page_error(services, visitor, exc, request_id)
        except sqlite3.OperationalError as exc:
            log.warning("%s the database refused: %s", request_id, exc)
            busy = StoreError(
                "the database cannot be written: it is locked, full or read-only."
                " Nothing was saved. Try again, and look at the server's log."
            )
            response = errors.page_error(services, visitor, busy, request_id)
        except Exception:  # noqa: BLE001 - the one net under every route
            failure = _internal(request_id)
            response = errors.page_error(services, visitor, failure, request_id)
        if visitor.has_new_session:
            cookie = sessions.set_cookie(
                services, visitor.session_id, is_secure=visitor.is_secure
            )
            response.add_header("Set-Cookie", cookie)
        return _with_headers(response, is_page=True)

    return run


def _unrouted(services: Services) -> Callable[[Any], HTTPResponse]:
    """404, 405 and what bottle itself refuses, in the shape of their side."""

    def run(failure: Any) -> HTTPResponse:
        request_id = _request_id(request.environ)
        head = RequestHead.from_environ(request.environ)
        status = failure.status_code
        error: AIProxyError = NotFound(_NOT_FOUND)
        if status == 405:
            error = AIProxyError("this address does not take this method", status=405)
        elif status >= 500:
            error = _internal(request_id, failure.exception)
        elif status != 404:
            error = AIProxyError("the request cannot be understood", status=status)
        try:
            guard.judge_head(services, head)
            if not head.is_api:
                visitor = guard.find_visitor(services, head)
        except AIProxyError as exc:
            error, visitor = exc, Visitor(user=None)
        if head.is_api:
            return _with_headers(errors.api_error(error, request_id), is_page=False)
        answer = errors.page_error(services, visitor, error, request_id)
        return _with_headers(answer, is_page=True)

    return run


def _internal(request_id: str, cause: BaseException | None = None) -> AIProxyError:
    log.error("%s failed", request_id, exc_info=cause or True)
    return AIProxyError(errors.INTERNAL, status=500)


def _request_id(environ: dict[str, Any]) -> str:
    found = environ.get("aiproxy.request_id")
    if found is None:
        found = environ["aiproxy.request_id"] = proxy.new_request_id()
    return str(found)


def _with_headers(response: HTTPResponse, *, is_page: bool) -> HTTPResponse:
    for name, value in _EVERYWHERE.items():
        response.set_header(name, value)
    if is_page:
        for name, value in _ON_PAGES.items():
            response.set_header(name, value)
        if "Cache-Control" not in response.headers:
            response.set_header("Cache-Control", "no-store")
    return response
