"""What the tests of the way to a provider share."""

from __future__ import annotations

from typing import Callable, Iterator

import pytest

from aiproxy.upstream.response import UpstreamResponse
from aiproxy.upstream.transport import Transport, UpstreamCall
from tests.certificates import Certificate, make_certificate
from tests.raw_peer import RawServer, Talk


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Start a raw server; all are closed after the test."""
    servers: list[RawServer] = []

    def start(talk: Talk, tls: Certificate | None = None) -> RawServer:
        server = RawServer(talk, tls.server_context() if tls else None)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


class TidyTransport(Transport):
    """Closes the answers that a test has left open."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[UpstreamResponse] = []

    def send(self, call: UpstreamCall) -> UpstreamResponse:
        self.answers.append(super().send(call))
        return self.answers[-1]


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = TidyTransport()
    yield made
    for answer in made.answers:
        answer.close()
    made.close()
