"""The framework set up for the pages: what it refuses, and what every page carries."""

from __future__ import annotations

from typing import Any, Callable

from bottle import Bottle, HTTPResponse, request

from aiproxy.errors import AIProxyError, NotFound
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import errors, guard, page_errors
from aiproxy.web.routing import Visitor

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
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


def new_app(services: Services) -> Bottle:
    """The framework's application without routes; what it refuses has our shape."""
    app = Bottle()
    # What escapes every net of ours is the HTTP layer's to answer: the framework would
    # write the traceback to the terminal as it is, secrets included.
    app.config["catchall"] = False
    # Its own filter takes signs, digits of any script, and more than a row id can hold.
    app.router.add_filter("int", lambda _: (_ROW_ID, int, str))
    app.config["json.enable"] = False  # every answer is made by render.py
    app.default_error_handler = _unrouted(services)
    return app


def _unrouted(services: Services) -> Callable[[Any], HTTPResponse]:
    """404, 405 and what bottle itself refuses, in our shape."""

    def run(failure: Any) -> HTTPResponse:
        request_id = errors.request_id_of(request.environ)
        head = RequestHead.from_environ(request.environ)
        status = failure.status_code
        error: AIProxyError = NotFound(errors.NOT_FOUND)
        if status == 405:
            error = AIProxyError(errors.NOT_TAKEN, status=405)
        elif status >= 500:
            error = errors.internal_error(request_id, failure.exception)
        elif status != 404:
            error = AIProxyError("the request cannot be understood", status=status)
        try:
            guard.judge_head(services, head)
            visitor = guard.find_visitor(services, head)
        except AIProxyError as exc:
            error, visitor = exc, Visitor(user=None)
        answer = page_errors.page_error(services, visitor, error, request_id)
        return with_headers(answer)

    return run


def with_headers(response: HTTPResponse) -> HTTPResponse:
    """The page with what security.md wants on each."""
    for name, value in _HEADERS.items():
        response.set_header(name, value)
    if "Cache-Control" not in response.headers:
        response.set_header("Cache-Control", "no-store")
    return response
