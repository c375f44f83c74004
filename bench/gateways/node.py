"""Peers from npm, each in a folder of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import ClassVar, Mapping, Sequence

from bench import payload
from bench.gateways.base import KEY, Gateway, Unavailable, install_by, installed


class FromNpm(Gateway):
    """Installed by npm into the cache folder."""

    package: ClassVar[str] = ""
    pinned: ClassVar[str] = ""  # so that a table can be made again

    @property
    def code(self) -> Path:
        root = installed(f"{self.package.rpartition('/')[2]}-{self.pinned}")
        return root / "node_modules" / self.package

    def install(self) -> None:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise Unavailable("Node.js is not installed")
        if (self.code / "package.json").exists():
            return
        root = installed(f"{self.package.rpartition('/')[2]}-{self.pinned}")
        wanted = f"{self.package}@{self.pinned}"
        options = ("--prefix", str(root), "--no-audit", "--no-fund")
        install_by("npm", "install", *options, wanted, log=root / "npm.log")

    def version(self) -> str:
        return self.pinned


class ClaudeCodeRouter(FromNpm):
    """Its newest for Node.js 20; 3.x needs 22."""

    name = "ccr"
    what = "claude-code-router, with its key, without its log"
    package = "@musistudio/claude-code-router"
    pinned = "2.0.0"
    ready_path = "/health"

    def command(self) -> Sequence[str]:
        host = f"http://127.0.0.1:{self.upstream_port}"
        config = {
            "HOST": "127.0.0.1",
            "PORT": self.port,
            "APIKEY": KEY,
            "LOG": False,
            "NON_INTERACTIVE_MODE": True,
            "Providers": [
                {
                    "name": "measured",
                    "api_base_url": f"{host}/v1/chat/completions",
                    "api_key": KEY,
                    "models": [payload.UPSTREAM_MODEL],
                }
            ],
            "Router": {"default": f"measured,{payload.UPSTREAM_MODEL}"},
        }
        folder = self.folder / ".claude-code-router"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        return ("node", str(self.code / "dist" / "cli.js"), "start")


class Portkey(FromNpm):
    """Takes Chat Completions for providers that speak that, not Messages."""

    name = "portkey"
    what = "Portkey gateway; Chat Completions in and out, no keys, database or log"
    package = "@portkey-ai/gateway"
    pinned = "1.15.2"
    path = "/v1/chat/completions"
    takes_messages = False

    def command(self) -> Sequence[str]:
        program = str(self.code / "build" / "start-server.js")
        return ("node", program, f"--port={self.port}", "--headless")

    def environ(self) -> Mapping[str, str]:
        return {"NODE_ENV": "production"}

    def headers(self) -> Mapping[str, str]:
        return {
            "Authorization": f"Bearer {KEY}",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{self.upstream_port}/v1",
        }
