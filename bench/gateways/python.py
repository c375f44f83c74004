"""Peers from PyPI, each in an environment of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import ClassVar, Mapping, Sequence

from bench import payload
from bench.gateways.base import KEY, Gateway, install_by, installed


class FromPyPI(Gateway):
    """Installed by pip into a virtual environment in the cache folder."""

    package: ClassVar[str] = ""
    pinned: ClassVar[str] = ""  # so that a table can be made again
    extra: ClassVar[str] = ""

    @property
    def bin(self) -> Path:
        return installed(f"{self.package}-{self.pinned}") / "venv" / "bin"

    def install(self) -> None:
        root = self.bin.parent.parent
        done = root / "installed"
        if done.exists():
            return
        install_by(sys.executable, "-m", "venv", "venv", log=root / "venv.log")
        wanted = f"{self.package}{self.extra}=={self.pinned}"
        pip = str(self.bin / "pip")
        install_by(pip, "install", "--quiet", wanted, log=root / "pip.log")
        done.touch()

    def version(self) -> str:
        return self.pinned


class LiteLLM(FromPyPI):
    """Without a database, which would be PostgreSQL's, so without keys and a log."""

    name = "litellm"
    what = "LiteLLM proxy, one worker, a master key, no database and no log"
    package = "litellm"
    pinned = "1.108.7"
    extra = "[proxy]"
    ready_path = "/health/liveliness"

    def command(self) -> Sequence[str]:
        config = {
            "model_list": [
                {
                    "model_name": payload.MODEL,
                    "litellm_params": {
                        "model": f"openai/{payload.UPSTREAM_MODEL}",
                        "api_base": f"http://127.0.0.1:{self.upstream_port}/v1",
                        "api_key": KEY,
                    },
                }
            ],
            # Else it asks providers of this kind for Responses, which few offer.
            "litellm_settings": {
                "use_chat_completions_url_for_anthropic_messages": True
            },
            "general_settings": {"master_key": KEY},
        }
        file = self.folder / "config.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        place = ("--host", "127.0.0.1", "--port", str(self.port))
        return (str(self.bin / "litellm"), "--config", str(file), *place)

    def environ(self) -> Mapping[str, str]:
        # Its own list of models and prices, not one from the network.
        return {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


class Ant2OAI(FromPyPI):
    """A small translator on FastAPI and httpx; no keys, no log."""

    name = "ant2oai"
    what = "ant2oai, a small translator without keys, database or log"
    package = "ant2oai"
    pinned = "0.1.6"
    ready_path = "/health"

    def command(self) -> Sequence[str]:
        url = f"http://127.0.0.1:{self.upstream_port}/v1/chat/completions"
        place = ("--upstream", url, "--port", str(self.port))
        return (str(self.bin / "a2o"), *place, "--model", payload.UPSTREAM_MODEL)


class ClaudeCodeProxy(FromPyPI):
    """A translator on LiteLLM's library; no keys, no log."""

    name = "claude-code-proxy"
    what = "claude-code-proxy, on LiteLLM's library, without keys, database or log"
    package = "claude-code-proxy"
    pinned = "0.1.5"

    def command(self) -> Sequence[str]:
        place = ("--host", "127.0.0.1", "--port", str(self.port))
        return (str(self.bin / "uvicorn"), "server.fastapi:app", *place)

    def environ(self) -> Mapping[str, str]:
        return {
            "OPENAI_API_KEY": KEY,
            "OPENAI_API_BASE": f"http://127.0.0.1:{self.upstream_port}/v1",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.upstream_port}/v1",
            "PREFERRED_PROVIDER": "openai",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
