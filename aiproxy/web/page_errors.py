"""An error as an answer of the pages' side: JSON, a page, or the way to the login."""

from __future__ import annotations

from urllib.parse import quote

from bottle import HTTPResponse, request

from aiproxy.errors import AIProxyError
from aiproxy.services import Services
from aiproxy.web import render
from aiproxy.web.guard import LoginNeeded, PasswordChangeNeeded
from aiproxy.web.routing import Visitor

# What a status means to a person who met it in the browser.
_TITLES: dict[int, str] = {
    400: "This request cannot be understood",
    401: "Not logged in",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This address is not used in this way",
    409: "Not now",
    413: "Too large",
    422: "There is a problem",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Not available right now",
}


def page_error(
    services: Services, visitor: Visitor, error: AIProxyError, request_id: str
) -> HTTPResponse:
    """JSON for a script; for a browser the way to go on, or what happened."""
    if render.wants_json() or visitor.by_key:
        answer = render.answer_json(
            {"error": {"message": error.message}}, status=error.status
        )
    elif isinstance(error, LoginNeeded):
        return render.redirect(services, login_path(), status=302)
    elif isinstance(error, PasswordChangeNeeded):
        return render.redirect(services, "/profile", status=302)
    else:
        answer = render.page(
            services,
            visitor,
            "error",
            status=error.status,
            title=_TITLES.get(error.status, "This did not work"),
            message=error.message,
            request_id=request_id,
        )
    for name, value in error.headers.items():
        answer.set_header(name, value)
    answer.set_header("request-id", request_id)
    return answer


def login_path() -> str:
    """The login page, and where to go on afterwards: where a page can be opened."""
    here = request.path
    query = request.query_string
    if request.method != "GET" or here == "/":
        return "/login"
    target = f"{here}?{query}" if query else here
    return "/login?next=" + quote(target, safe="")
