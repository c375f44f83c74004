"""AI Proxy as people install it: with login, keys, database, limits and request log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Mapping, Sequence

from aiproxy import __version__
from bench import payload
from bench.gateways.base import KEY, Gateway, Unavailable
from tests.real_server import ADMIN_PASSWORD, RealServer

ROOT = Path(__file__).resolve().parent.parent.parent
ARCHIVE = ROOT / "dist" / "aiproxy.pyz"


class Checkout(Gateway):
    """Started from the sources."""

    name = "checkout"
    what = "AI Proxy, from its sources"
    ready_path = "/health"
    python = sys.executable

    def __init__(self, folder: Path, upstream_port: int) -> None:
        super().__init__(folder, upstream_port)
        self._key = ""

    def version(self) -> str:
        return __version__

    def program(self) -> Sequence[str]:
        return (self.python, "-m", "aiproxy")

    def command(self) -> Sequence[str]:
        return (*self.program(), "serve", "--port", str(self.port))

    def environ(self) -> Mapping[str, str]:
        return {
            "PYTHONPATH": str(ROOT),
            "DATABASE_PATH": str(self.folder / "app.db"),
            "LOG_DIR": str(self.folder / "logs"),
            "ADMIN_PASSWORD": ADMIN_PASSWORD,
            # The limit is kept and counted, and too high for a measurement to meet.
            "RATE_LIMIT_REQUESTS": "100000",
            "RATE_LIMIT_WINDOW": "1",
        }

    def prepare(self) -> None:
        pages = RealServer(self.folder)
        pages.url = f"http://127.0.0.1:{self.port}"
        made = pages.add_provider(
            name="Measured",
            slug="measured",
            endpoint=f"http://127.0.0.1:{self.upstream_port}/v1",
            api_format="openai",
            api_key=KEY,
            default_model=payload.UPSTREAM_MODEL,
        )
        pages.script("POST", f"/provider/activate/{made['id']}")
        prompt = pages.script("POST", "/prompt-config", {"use_custom_prompt": True})
        assert prompt.json()["use_custom_prompt"] is True, prompt.text
        self._key = pages.admin_key

    def headers(self) -> Mapping[str, str]:
        return {"x-api-key": self._key}


class Archive(Checkout):
    """The one file; built when there is none, or the sources are newer."""

    name = "ours"
    what = "AI Proxy, as aiproxy.pyz"

    def install(self) -> None:
        if _is_fresh(ARCHIVE):
            return
        command = (self.python, "zipapp_build.py")
        built = subprocess.run(
            command, check=False, cwd=ROOT, capture_output=True, text=True
        )
        if built.returncode:
            words = (built.stdout + built.stderr).strip().splitlines()
            raise Unavailable(f"it was not built: {words[-1][:200] if words else ''}")

    def program(self) -> Sequence[str]:
        return (self.python, str(ARCHIVE))

    def environ(self) -> Mapping[str, str]:
        return {**super().environ(), "PYTHONPATH": ""}


def _is_fresh(archive: Path) -> bool:
    if not archive.exists():
        return False
    built = archive.stat().st_mtime
    sources = [ROOT / "zipapp_main.py", ROOT / "requirements.txt"]
    sources += [*(ROOT / "aiproxy").rglob("*.py"), *(ROOT / "views").rglob("*.*")]
    return all(source.stat().st_mtime <= built for source in sources)
