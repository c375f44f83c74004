"""What is asked of a gateway: to be installed, started, and spoken to."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Mapping, Sequence

from bench import books, payload
from bench.programs import cache_folder

KEY = "sk-measured-000000000000"
START_SECONDS = 90.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.005


class Unavailable(Exception):
    """A gateway cannot be installed or does not start; why."""


@dataclass(frozen=True)
class Started:
    """What a start took until the first 200."""

    cpu_seconds: float
    wall_seconds: float


class Gateway:
    """One program between the clients and the provider; a folder holds what it keeps.

    `install` and `configure` run once; `start` may be called again after `stop`.
    """

    name: ClassVar[str] = ""
    what: ClassVar[str] = ""  # a line for the reader of the table
    path: ClassVar[str] = "/v1/messages"
    takes_messages: ClassVar[bool] = True  # or Chat Completions only
    ready_path: ClassVar[str] = "/"

    def __init__(self, folder: Path, upstream_port: int) -> None:
        self.folder = folder
        self.upstream_port = upstream_port
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    # What each gateway says of itself

    def install(self) -> None:
        """Make it runnable, once for all runs; raises Unavailable."""

    def version(self) -> str:
        return ""

    def command(self) -> Sequence[str]:
        """How it is started on `self.port`; may write its configuration first."""
        raise NotImplementedError

    def environ(self) -> Mapping[str, str]:
        return {}

    def prepare(self) -> None:
        """What can be set only when it runs; once, after its first start."""

    def headers(self) -> Mapping[str, str]:
        """What a client must send beside the request."""
        return {"x-api-key": KEY}

    # What is done with each

    def request(self, *, stream: bool, is_agents: bool) -> bytes:
        """What a client sends to it."""
        make = payload.message if self.takes_messages else payload.chat
        body = make(stream=stream, is_agents=is_agents)
        return payload.request(body, self.path, self.headers())

    def start(self) -> Started:
        """Start it and wait for its first 200."""
        self.port = _free_port()
        command = list(self.command())
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **self.environ(),
        }
        with (self.folder / "output.log").open("ab") as output:
            began = time.monotonic()
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not self._is_ready():
            if self._process.poll() is not None:
                raise Unavailable(f"it ended as it started: {self._last_words()}")
            if time.monotonic() - began > START_SECONDS:
                words = self._last_words()
                self.stop()
                raise Unavailable(f"no 200 in {START_SECONDS:.0f} s: {words}")
            time.sleep(_POLL_SECONDS)
        return Started(self.cpu(), time.monotonic() - began)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.ready_path, headers=dict(self.headers()))
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _last_words(self) -> str:
        text = (self.folder / "output.log").read_text(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1][:200] if lines else "it printed nothing"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    def cpu(self) -> float:
        """CPU seconds of all its processes."""
        return books.cpu_seconds(self.pid)

    def memory(self) -> float:
        """Resident MiB of all its processes."""
        return books.resident_mib(self.pid)

    def stop(self) -> None:
        """End it with all that it started."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=STOP_SECONDS)
        self._process = None


class Direct(Gateway):
    """None: the clients ask the provider itself, for what the rest adds to that."""

    name = "direct"
    what = "no gateway"
    path = "/v1/chat/completions"
    takes_messages = False

    def start(self) -> Started:
        self.port = self.upstream_port
        return Started(0.0, 0.0)

    def cpu(self) -> float:
        return 0.0

    def memory(self) -> float:
        return 0.0


def installed(name: str) -> Path:
    """The folder that a gateway is installed into."""
    folder = cache_folder() / "gateways" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def install_by(*command: str, log: Path) -> None:
    """Run an installer; raises Unavailable with its last line."""
    with log.open("wb") as output:
        try:
            subprocess.run(
                command,
                check=True,
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=900,
            )
        except (OSError, subprocess.SubprocessError) as exc:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise Unavailable(lines[-1][:200] if lines else str(exc)) from exc


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port
