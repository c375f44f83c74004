"""The real Claude Code, headless, in a home and a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

TRIED = ("2.1.331", "2.1.197")  # newest first
# `make newest-client` names the one that it has just installed.
VERSIONS = tuple(os.environ.get("CLAUDE_CODE_VERSIONS", "").split()) or TRIED
CACHE = Path(
    os.environ.get("CLAUDE_CODE_DIR")
    or Path.home() / ".cache" / "aiproxy-tests" / "claude-code"
)


def find_executable(version: str) -> Path | None:
    """The native program inside the npm package, where .ci/run has put it."""
    packages = CACHE / version / "node_modules" / "@anthropic-ai"
    return next(packages.glob("claude-code-*/claude*"), None)


@dataclass(frozen=True)
class Run:
    """One run: what the client printed as stream-json, and how it ended."""

    events: Sequence[Mapping[str, Any]]
    returncode: int
    stderr: str

    @property
    def result(self) -> Mapping[str, Any]:
        results = [event for event in self.events if event.get("type") == "result"]
        assert results, f"no result; exit {self.returncode}; {self.stderr[-2000:]}"
        return results[-1]

    @property
    def text(self) -> str:
        """What a person reads at the end."""
        return str(self.result.get("result", ""))

    @property
    def succeeded(self) -> bool:
        result = self.result
        return result["subtype"] == "success" and not result["is_error"]

    def blocks(self, kind: str) -> list[Mapping[str, Any]]:
        """All content blocks of a kind, the user's (tool results) included."""
        found = []
        for event in self.events:
            content = (event.get("message") or {}).get("content")
            blocks = content if isinstance(content, list) else []
            found += [block for block in blocks if block.get("type") == kind]
        return found

    def tool_results(self) -> dict[str, str]:
        """Tool id to the text of its result."""
        results = {}
        for block in self.blocks("tool_result"):
            content = block.get("content")
            parts = content if isinstance(content, list) else [{"text": content}]
            text = "\n".join(str(part.get("text", part)) for part in parts)
            results[block["tool_use_id"]] = text
        return results


class ClaudeCode:
    """Runs one version against one address; `folder` is where it works."""

    def __init__(
        self, version: str, *, base_url: str, token: str, home: Path, folder: Path
    ) -> None:
        self.version = version
        self.base_url = base_url
        self.token = token
        self.home = home
        self.folder = folder

    @property
    def is_new(self) -> bool:
        return self.version != TRIED[-1]

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ANTHROPIC_BASE_URL": self.base_url,
            "ANTHROPIC_AUTH_TOKEN": self.token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    def run(
        self,
        prompt: str,
        *args: str,
        env: Mapping[str, str] | None = None,
        timeout: float = 90,
    ) -> Run:
        executable = find_executable(self.version)
        assert executable, f"Claude Code {self.version} is not in {CACHE}"
        command = [str(executable), "-p", prompt, "--output-format", "stream-json"]
        # A pipe loses the end of a long line when 2.1.197 leaves; a file keeps it.
        with (self.home / "stdout").open("w+", encoding="utf-8") as stdout:
            finished = subprocess.run(
                [*command, "--verbose", *args],
                check=False,
                env={**self.environment(), **(env or {})},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                timeout=timeout,
            )
            stdout.seek(0)
            events = [json.loads(line) for line in stdout if line.startswith("{")]
        return Run(events, finished.returncode, finished.stderr)
