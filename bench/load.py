"""The two ends of a measurement: a scripted provider, and runs of many clients."""

from __future__ import annotations

import json
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Tuple

from bench import programs

ROOT = Path(__file__).resolve().parent.parent
ENDLESS = 999_999  # chunks of a stream that ends when its client leaves
Quantiles = Tuple[float, float]  # the median and the 99th percentile, in ms


@dataclass(frozen=True)
class Script:
    """How the provider's streams go: chunks a second (0: no pause), and how many."""

    rate: int = 200
    chunks: int = 5
    hold: bool = False  # stay silent after them instead of ending


class Upstream:
    """A provider that speaks Chat Completions, in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            programs.command("upstream"), cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def follow(self, script: Script) -> None:
        """Hold for the streams that begin from now on."""
        self._get(
            f"/script?rate={script.rate}&chunks={script.chunks}&hold={int(script.hold)}"
        )

    def stats(self) -> dict[str, int]:
        """Requests, streams that were cut, and when the last was, in microseconds."""
        return self._get("/stats")

    def _get(self, path: str) -> dict[str, int]:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return dict(json.load(answer))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Seen:
    """What the clients saw between "begin" and "end", and the gateway's CPU then."""

    connections: int
    begun: int  # connections that had a piece
    answers: int
    pieces: int
    bytes: int
    lost: int  # gaps in the pieces' numbers
    failed: int
    seconds: float
    client_cpu: float
    reason: str  # of the first failure
    first_ms: Quantiles | None  # from a request to its first piece
    whole_ms: Quantiles | None  # from a request to its answer's end
    late_ms: Quantiles | None  # from a chunk's due moment to its arrival
    gateway_cpu: float = field(default=0.0)

    @property
    def problem(self) -> str:
        """Why these figures do not count, or nothing."""
        if self.lost:
            return f"lost {self.lost} pieces"
        if self.failed:
            return f"error {self.reason}" if self.reason[:1].isdigit() else self.reason
        if self.begun < self.connections:
            return f"{self.begun} of {self.connections} began"
        return ""


def run(
    port: int,
    request: bytes,
    *,
    connections: int,
    seconds: float,
    pieces: int = 0,
    ramp: float = 0.0,
    patience: float = 15.0,
    cpu: Callable[[], float] = lambda: 0.0,
) -> Seen:
    """Keep so many connections busy with the request for so many seconds.

    `pieces` is how many each answer must hold; 0 for any number.
    """
    with tempfile.NamedTemporaryFile(prefix="aiproxy-bench-") as file:
        file.write(request)
        file.flush()
        numbers = (connections, ramp, patience, seconds, pieces)
        arguments = [str(port), file.name, *map(str, numbers)]
        with subprocess.Popen(
            [*programs.command("client"), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begin\n", "the client failed"
            before = cpu()
            assert process.stdout.readline() == "end\n", "the client failed"
            spent = cpu() - before
            seen: dict[str, Any] = json.loads(process.stdout.read())
    return Seen(**seen, gateway_cpu=spent)
