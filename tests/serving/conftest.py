"""A real server on a free port, an application that says what it got, raw clients."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

import pytest

from aiproxy.records import fields, replace
from aiproxy.serving.limits import Limits
from aiproxy.serving.server import Server
from tests.certificates import Certificate, make_certificate
from tests.patience import SECONDS
from tests.raw_peer import RawClient


@dataclass
class Application:
    """Answers with the request it was called with; `answer` may be replaced."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any], Any], Any] | None = None
    called: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.calls.append(dict(environ))  # the server empties its own
        self.called.set()
        if self.answer is not None:
            return self.answer(environ, start_response)
        seen = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "prefix": environ["SCRIPT_NAME"],
            "body": environ["wsgi.input"].read().decode("latin-1"),
            "headers": {k: v for k, v in environ.items() if k.startswith("HTTP_")},
        }
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(seen).encode()]


class Site:
    """A server, its application, and clients that are closed at the end."""

    def __init__(self, limits: Limits, **options: Any) -> None:
        self.app = Application()
        self.server = Server(self.app, port=0, limits=limits, **options).start()
        self._clients: list[RawClient] = []

    def client(self, **options: Any) -> RawClient:
        self._clients.append(RawClient(self.server.port, **options))
        return self._clients[-1]

    def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        client = self.client()
        client.send(data)
        return client.answer()

    def limit(self, **numbers: float) -> None:
        """Limits from now on: until now, no honest side can have been late for them."""
        limits = replace(self.server.limits, **numbers)
        self.server.pump.limits = limits
        for listener in self.server.listeners:
            listener.context = replace(listener.context, limits=limits)

    def wait_for_the_pump(self) -> None:
        """Until it has seen all that had reached its sockets before this call."""
        for _ in range(2):  # the first call may meet a look that has begun already
            been_there = threading.Event()
            self.server.pump.call(been_there.set)
            assert been_there.wait(SECONDS)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site() -> Iterator[MakeSite]:
    """`make_site(judge=..., idle_seconds=0.2, ...)`: limits and options by name."""
    sites: list[Site] = []

    def make(**options: Any) -> Site:
        names = {each.name for each in fields(Limits)}
        numbers = {k: options.pop(k) for k in list(options) if k in names}
        numbers.setdefault("tick_seconds", 0.05)
        sites.append(Site(Limits(**numbers), **options))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()
