"""The WSGI application: the proxy's routes, and the pages once they are wanted."""

from __future__ import annotations

import importlib
import threading
from typing import Any, Callable, Iterable

from bottle import Bottle, HTTPResponse, request

from aiproxy.errors import AIProxyError
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import answers, errors, guard, health, proxy

_PROBES = frozenset((*(path for path, _ in health.PROBES), "/api/hello"))


class Application:
    """Over one set of services; the server adds sockets and threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._api = _build_api(services)
        self._pages: Bottle | None = None
        self._lock = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if _is_for_api(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")):
            app = self._api
        else:
            app = self._pages or self._load_pages()
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    def _load_pages(self) -> Bottle:
        with self._lock:
            if self._pages is None:
                pages = importlib.import_module("aiproxy.web.pages")
                self._pages = pages.build_pages(self._services)
            return self._pages


def _is_for_api(method: str, path: str) -> bool:
    """Under /v1, a probe, or the client's look at whether anyone is there."""
    is_look = method == "HEAD" and path == "/"
    return path == "/v1" or path.startswith("/v1/") or path in _PROBES or is_look


def _build_api(services: Services) -> Bottle:
    app = answers.new_app(services)
    for path, probe in health.PROBES:
        app.route(path, method=["GET", "HEAD"], callback=_probe(services, probe))
    for api_route in proxy.ROUTES:
        app.route(
            api_route.path,
            method=api_route.method,
            callback=_api(services, api_route.answer),
        )
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
        return answers.with_headers(answer(services), is_page=False)

    return run


def _api(
    services: Services, answer: Callable[..., HTTPResponse]
) -> Callable[..., HTTPResponse]:
    def run(alias: str | None = None, **params: Any) -> HTTPResponse:
        environ: dict[str, Any] = request.environ
        request_id = answers.request_id_of(environ)
        head = RequestHead.from_environ(environ)
        try:
            caller = guard.judge_head(services, head) or guard.Caller()
        except AIProxyError as exc:
            proxy.record_rejection(services, head, exc, request_id)
            return answers.with_headers(
                errors.api_error(exc, request_id), is_page=False
            )
        call = proxy.Call(services, environ, head, caller, request_id, alias)
        try:
            response = answer(call, **params)
        except AIProxyError as exc:
            response = errors.api_error(exc, request_id)
        except Exception:  # noqa: BLE001 - the one net under every route
            response = errors.api_error(answers.internal_error(request_id), request_id)
        return answers.with_headers(response, is_page=False)

    return run
