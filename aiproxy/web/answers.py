"""What all answers have in common: the framework set up, its errors, their headers."""

from __future__ import annotations

import logging
from typing import Any, Callable

from bottle import Bottle, HTTPResponse, request

from aiproxy.errors import AIProxyError, NotFound
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import errors, guard, proxy
from aiproxy.web.routing import Visitor

log = logging.getLogger("aiproxy.web")

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
    """404, 405 and what bottle itself refuses, in the shape of their side."""

    def run(failure: Any) -> HTTPResponse:
        request_id = request_id_of(request.environ)
        head = RequestHead.from_environ(request.environ)
        status = failure.status_code
        error: AIProxyError = NotFound(_NOT_FOUND)
        if status == 405:
            error = AIProxyError("this address does not take this method", status=405)
        elif status >= 500:
            error = internal_error(request_id, failure.exception)
        elif status != 404:
            error = AIProxyError("the request cannot be understood", status=status)
        try:
            guard.judge_head(services, head)
            if not head.is_api:
                visitor = guard.find_visitor(services, head)
        except AIProxyError as exc:
            error, visitor = exc, Visitor(user=None)
        if head.is_api:
            return with_headers(errors.api_error(error, request_id), is_page=False)
        answer = errors.page_error(services, visitor, error, request_id)
        return with_headers(answer, is_page=True)

    return run


def internal_error(request_id: str, cause: BaseException | None = None) -> AIProxyError:
    """For the client; its cause, or the exception in hand, goes to the text log."""
    log.error("%s failed", request_id, exc_info=cause or True)
    return AIProxyError(errors.INTERNAL, status=500)


def request_id_of(environ: dict[str, Any]) -> str:
    """The one that the HTTP layer gave, or one that it has from now on."""
    found = environ.get("aiproxy.request_id")
    if found is None:
        found = environ["aiproxy.request_id"] = proxy.new_request_id()
    return str(found)


def with_headers(response: HTTPResponse, *, is_page: bool) -> HTTPResponse:
    """The answer with what security.md wants on each, and on pages."""
    for name, value in _EVERYWHERE.items():
        response.set_header(name, value)
    if is_page:
        for name, value in _ON_PAGES.items():
            response.set_header(name, value)
        if "Cache-Control" not in response.headers:
            response.set_header("Cache-Control", "no-store")
    return response
