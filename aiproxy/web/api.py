"""The proxy's side as an application: a route found, its caller judged, an answer."""

from __future__ import annotations

from typing import Any, Sequence

from aiproxy.errors import AIProxyError, NotFound
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import errors, guard, proxy
from aiproxy.web.proxy import ApiRoute
from aiproxy.web.response import Response

_TEMPLATES = [(route, route.path.split("/")) for route in proxy.ROUTES]


def answer(services: Services, environ: dict[str, Any]) -> Response:
    """Whatever happens becomes an answer in the shape of the Messages API."""
    request_id = errors.request_id_of(environ)
    # WSGI hands over the bytes of a path as characters.
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    environ["PATH_INFO"] = path
    head = RequestHead.from_environ(environ)
    route, places, is_known = find_route(head.method, path)
    try:
        caller = guard.judge_head(services, head) or guard.Caller()
    except AIProxyError as exc:
        if route is not None:
            proxy.record_rejection(services, head, exc, request_id)
        return errors.api_error(exc, request_id)
    if route is None:
        return errors.api_error(_not_here(is_known=is_known), request_id)
    alias = places.pop("alias", None)
    call = proxy.Call(services, environ, head, caller, request_id, alias)
    try:
        return route.answer(call, **places)
    except AIProxyError as exc:
        return errors.api_error(exc, request_id)
    except Exception:  # noqa: BLE001 - the one net under every route
        return errors.api_error(errors.internal_error(request_id), request_id)


def find_route(method: str, path: str) -> tuple[ApiRoute | None, dict[str, str], bool]:
    """The route, what stands in its places, and whether any method is taken there."""
    parts = path.split("/")
    found = []
    for route, template in _TEMPLATES:
        places = _match(template, parts)
        if places is not None:
            found.append((route, places))
    for wanted in (method, "GET" if method == "HEAD" else method):
        for route, places in found:
            if route.method == wanted:
                return route, places, True
    return None, {}, bool(found)


def _match(template: Sequence[str], path: Sequence[str]) -> dict[str, str] | None:
    """What stands in the template's places; None where it is another path."""
    if template[-1] == "<model>":
        start = len(template) - 1
        path = [*path[:start], "/".join(path[start:])]
    if len(path) != len(template):
        return None
    places = {}
    for wanted, given in zip(template, path):
        if wanted[:1] == "<":
            if not given:
                return None
            places[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return places


def _not_here(*, is_known: bool) -> AIProxyError:
    if is_known:
        return AIProxyError(errors.NOT_TAKEN, status=405)
    return NotFound(errors.NOT_FOUND)
