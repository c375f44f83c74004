"""The processes that are measured, and what of the system's books is read of them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.real_server import RealServer

ROOT = Path(__file__).resolve().parent.parent
_CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED: time.h calls such a clock by ~pid << 3 | 2


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, to the nanosecond (Linux)."""
    return time.clock_gettime((~pid << 3) | _CPU_OF_PROCESS)


def resident_mib(pid: int) -> float:
    """What it has in memory (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Measured:
    """The product with its database and log, and a provider for it to ask."""

    def __init__(self, python: str = sys.executable) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="aiproxy-bench-")
        self._provider = subprocess.Popen(
            [sys.executable, "-m", "bench.provider"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._provider.stdout is not None
        self.provider_port = int(self._provider.stdout.readline())
        self.server = RealServer(
            Path(self._folder.name),
            environ={"RATE_LIMIT_ENABLED": "false"},
            program=(python, "-m", "aiproxy"),
        ).start()
        made = self.server.add_provider(
            name="Measured",
            slug="measured",
            endpoint=f"http://127.0.0.1:{self.provider_port}",
            api_format="openai",
            api_key="sk-measured-000000000000",
            default_model="",
        )
        self.server.script("POST", f"/provider/activate/{made['id']}")

    @property
    def pid(self) -> int:
        return self.server.process.pid

    @property
    def port(self) -> int:
        return self.server.port

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def close(self) -> None:
        self.server.stop()
        self._provider.terminate()
        self._provider.wait()
        if self._provider.stdout is not None:
            self._provider.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Measured:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
