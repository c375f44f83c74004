"""The WSGI application: the proxy's routes, and the pages once they are wanted."""

from __future__ import annotations

import importlib
import threading
from typing import Any, Callable, Iterable

from aiproxy.errors import AIProxyError
from aiproxy.head import RequestHead
from aiproxy.services import Services
from aiproxy.web import api, guard, proxy

_PROBES = frozenset({"/health", "/ready", "/api/hello"})


class Application:
    """Over one set of services; the server adds sockets and threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages: Callable[..., Iterable[bytes]] | None = None
        self._lock = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if _is_for_api(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")):
            return api.answer(self._services, environ).send(start_response)
        pages = self._pages or self._load_pages()
        return pages(environ, start_response)

    def _load_pages(self) -> Callable[..., Iterable[bytes]]:
        with self._lock:
            if self._pages is None:
                module = importlib.import_module("aiproxy.web.pages")
                self._pages = module.build_pages(self._services)
            return self._pages


def _is_for_api(method: str, path: str) -> bool:
    """Under /v1, a probe, or the client's look at whether anyone is there."""
    is_look = method == "HEAD" and path == "/"
    return path == "/v1" or path.startswith("/v1/") or path in _PROBES or is_look


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
