"""The shell commands of the documentation, typed as a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.claude_code.client import VERSIONS, find_executable
from tests.deploy import pages
from tests.real_server import RealServer
from tests.scripted_upstream import Reply, ScriptedUpstream

PAGES = ("README.md", "docs/install.md", "docs/deploy.md", "docs/clients.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_known(page: str) -> None:
    for command in pages.commands(page):
        if not pages.CLIENT.search(command):
            for line in pages.lines_to_run(command):
                assert re.match(pages.RUN_HERE, line), f"neither run nor listed: {line}"


def typed(*of_pages: str) -> list[str]:
    """What a reader of these pages types, each command once."""
    found = [command for page in of_pages for command in pages.commands(page)]
    return [text for text in dict.fromkeys(found) if not pages.CLIENT.search(text)]


@pytest.mark.timeout(600)
def test_the_commands_work_as_they_are_written(tmp_path: Path) -> None:
    """One reader, who takes every way to install, and then deploys."""
    sandbox = pages.sandbox(tmp_path)
    for command in typed("README.md", "docs/install.md", "docs/deploy.md"):
        sandbox.run(command)


@pytest.mark.claude_code
@pytest.mark.parametrize("page", ["README.md", "docs/clients.md"])
def test_the_client_starts_by_the_lines_of_a_page(page: str, tmp_path: Path) -> None:
    client = find_executable(VERSIONS[0])
    if client is None:
        assert not os.environ.get("REQUIRE_CLAUDE_CODE"), "no Claude Code"
        pytest.skip("Claude Code is not installed; .ci/run shows how")
    # With a question, as nobody sits at the terminal.
    shim = tmp_path / "bin" / "claude"
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\nexec '{client}' -p hello </dev/null\n")
    shim.chmod(0o755)
    blocks = [text for text in pages.commands(page) if pages.CLIENT.search(text)]
    starts = len(pages.CLIENT.findall("".join(blocks)))
    assert starts
    with ScriptedUpstream() as upstream, RealServer(tmp_path) as server:
        upstream.script = lambda _: Reply(text="It works.")
        pages.point_at(server, upstream)
        script = "".join(blocks).replace(":8000", f":{server.port}")
        done = subprocess.run(
            ["sh", "-euc", script.replace("aip_…", server.make_admin_key())],
            check=False,
            capture_output=True,
            text=True,
            env={
                "PATH": f"{shim.parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            },
        )

        assert done.stdout.count("It works.") == starts, done.stdout + done.stderr
        upstream.check()
