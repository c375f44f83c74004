"""The whole way: the real client, the real server, a scripted provider."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import pytest

from tests.claude_code.client import VERSIONS, ClaudeCode, find_executable
from tests.real_server import RealServer
from tests.scripted_upstream import KEY, Ask, Reply, ScriptedUpstream

# The provider's format, and for Messages how much of Anthropic's API it knows.
KINDS = ("openai", "anthropic", "anthropic-full")
TIERS = {"haiku": "tier-haiku", "sonnet": "tier-sonnet", "opus": "tier-opus"}


@dataclass
class Setup:
    """One client, pointed by the server at one scripted provider."""

    client: ClaudeCode
    upstream: ScriptedUpstream
    kind: str
    server: RealServer

    @property
    def folder(self) -> Path:
        return self.client.folder

    @property
    def is_chat(self) -> bool:
        return self.kind == "openai"

    def script(self, script: Callable[[Ask], Reply]) -> None:
        self.upstream.script = script


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with RealServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if find_executable(name) is None:
        # Where it must be there, .ci/run says so: a check that did not run is none.
        assert not os.environ.get("REQUIRE_CLAUDE_CODE"), f"no Claude Code {name}"
        pytest.skip(f"Claude Code {name} is not installed; .ci/run shows how")
    return name


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def setup(
    server: RealServer, version: str, kind: str, tmp_path: Path
) -> Iterator[Setup]:
    with ScriptedUpstream(knows_betas=kind == "anthropic-full") as upstream:
        server.add_provider(
            name=upstream.slug,
            slug=upstream.slug,
            endpoint=f"{upstream.url}/v1",
            api_key=KEY,
            api_format="openai" if kind == "openai" else "anthropic",
            compat="full" if kind == "anthropic-full" else "auto",
            default_model="scripted-large",
            **{f"model_{tier}": model for tier, model in TIERS.items()},
        )
        home, folder = tmp_path / "home", tmp_path / "work"
        home.mkdir()
        folder.mkdir()
        client = ClaudeCode(
            version,
            base_url=f"{server.url}/v1/messages/{upstream.slug}",
            token=server.make_admin_key(),
            home=home,
            folder=folder,
        )
        yield Setup(client, upstream, kind, server)
        upstream.check()
