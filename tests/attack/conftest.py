"""One real server a module, and hands that touch it as an outsider's would."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.attack.outsider import Outsider
from tests.real_server import RealServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The program with its defaults but for the rate; an admin's key is at hand."""
    folder: Path = tmp_path_factory.mktemp("attacked")
    with RealServer(folder) as running:
        running.make_admin_key()
        running.script("POST", "/settings", {"rate_limit_requests": 100_000})
        yield running


@pytest.fixture
def outsider(server: RealServer) -> Iterator[Outsider]:
    """Attacks, and at the end sees that the server took no harm."""
    someone = Outsider(server)
    yield someone
    someone.assert_unharmed()
