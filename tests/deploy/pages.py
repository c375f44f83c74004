"""The shell commands of a page of the documentation, and a place to run them in."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.deploy import daemons
from tests.real_server import ADMIN_PASSWORD, ROOT, RealServer
from tests.scripted_upstream import KEY, ScriptedUpstream

# What cannot be run here, and why.
NOT_HERE = {
    r"docker(-compose)? ": "no Docker; its files are judged in test_files.py",
    r"(\w+=\S+ )*sh deploy/aws_deploy\.sh$": "no account at AWS; test_aws_deploy.py",
}
# What may be run; a page that names another program has to be thought about.
RUN_HERE = (
    r"(\./start\.sh|\./install\.sh|python3|aiproxy|sh deploy/aws_deploy\.sh)( |$)"
)
# The last line of a block that only a person can go on from.
CLIENT = re.compile(r"^(?:\w+=\S+ )*claude$", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$|`((?:\./|python3 )[^`\n]+)`", re.M | re.S)
SECONDS = 300.0
PATH = os.environ["PATH"]


def commands(page: str) -> list[str]:
    """Blocks and commands within the text, in the order in which a person reads."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [block or inline for block, inline in _BLOCK.findall(text)]
    return list(dict.fromkeys(found))


def lines_to_run(command: str) -> list[str]:
    """Its lines without those that cannot be run here."""
    lines = re.sub(r"\\\n\s*", "", command).splitlines()
    plain = [re.sub(r"\s+#.*", "", line) for line in lines]
    return [line for line in plain if not any(re.match(p, line) for p in NOT_HERE)]


@dataclass(frozen=True)
class Sandbox:
    """A fresh checkout, a home and an environment of Python's; nothing installed."""

    folder: Path
    port: int

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True)
        for name in filter(None, names.stdout.decode().split("\0")):
            if (ROOT / name).exists() and not name.startswith("tests/"):
                target = self.checkout / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target)
        (self.folder / "home").mkdir()
        (self.folder / "elsewhere").mkdir()
        venv = [sys.executable, "-m", "venv", str(self.folder / "venv")]
        subprocess.run(venv, check=True)

    def environment(self) -> dict[str, str]:
        kept = ("PATH", "LANG", "PYENV_ROOT")
        given = {k: v for k, v in os.environ.items() if k in kept or k[:4] == "PIP_"}
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return {
            "PIP_CACHE_DIR": str(Path(cache) / "pip"),
            **given,
            "PATH": f"{self.folder / 'venv' / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "SERVER_PORT": str(self.port),
        }

    def place_of(self, command: str) -> Path:
        """Where a person types it; the one file and a database go elsewhere."""
        if not command.startswith("python3 aiproxy.pyz"):
            return self.checkout
        elsewhere = self.folder / "elsewhere"
        shutil.copy(self.checkout / "dist" / "aiproxy.pyz", elsewhere)
        shutil.copy(self.checkout / "app.db", elsewhere)
        return elsewhere

    def run(self, command: str) -> str:
        """What it printed; one that serves is looked at, and ended."""
        script = "\n".join(lines_to_run(command)).replace(":8000", f":{self.port}")
        script = script.replace("--port 8100", f"--port {self.port}")
        typed, output = self.folder / "typed.txt", self.folder / "output.txt"
        typed.write_text(f"{ADMIN_PASSWORD}\n")
        with typed.open("rb") as stdin, output.open("wb") as file:
            process = subprocess.Popen(
                ["sh", "-euc", script],
                cwd=self.place_of(command),
                env=self.environment(),
                stdin=stdin,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            try:
                ended = self._until_done(process)
            finally:
                _end(process)
        printed = output.read_text()
        assert ended == 0, f"{command}\nended with {ended}:\n{printed}"
        return printed

    def _until_done(self, process: subprocess.Popen[bytes]) -> int | None:
        """Its exit code, 0 as soon as it serves, None where it does neither."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            code = process.poll()
            if code is not None:
                return code
            if self._is_healthy():
                self._look_at_a_page()
                return 0
            time.sleep(0.1)
        return None

    def _is_healthy(self) -> bool:
        with contextlib.suppress(OSError):
            return "healthy" in self._get("/health")
        return False

    def _look_at_a_page(self) -> None:
        style = self._get("/login").split('rel="stylesheet" href="')[1].split('"')[0]
        assert "{" in self._get(style)

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and what it started, as when its terminal is closed."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def sandbox(folder: Path) -> Sandbox:
    made = Sandbox(folder, daemons.free_port())
    made.prepare()
    return made


def point_at(server: RealServer, upstream: ScriptedUpstream) -> None:
    """The providers that a new server begins with, all at this address."""
    listed = server.script("GET", "/providers").json()["providers"]
    assert {"openrouter", "grok-direct"} <= {entry["slug"] for entry in listed}
    for entry in listed:
        change = {
            "endpoint": f"{upstream.url}/v1",
            "api_format": "openai",
            "api_key": KEY,
            "default_model": "scripted-large",
        }
        changed = server.script("POST", f"/provider/edit/{entry['id']}", change)
        assert changed.status == 200, changed.text
    activated = server.script("POST", f"/provider/activate/{listed[0]['id']}")
    assert activated.status == 200, activated.text
