"""What a request costs: `python -m bench.requests [--python PYTHON]`.

An agent's request of 76 KB through the whole product, answered whole or as a stream of
five chunks; and how much CPU a start takes until the first answer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.clients import Clients, message, request
from bench.processes import ROOT, Measured, cpu_seconds

ALLOWED = 1.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the server's")
    parser.add_argument("--archive", help="a .pyz to start, too")
    options = parser.parse_args()
    with Measured(options.python) as measured:
        whole = request(message("json", stream=False, is_agents=True))
        stream = request(message("stream-200-5", stream=True, is_agents=True))
        print(f"an agent's request: {len(whole)} bytes")
        cost(measured, whole, connections=1, count=200, goal=None)  # to get warm
        for connections, goal in ((1, 1.2), (16, 1.6), (64, 1.5)):
            cost(measured, whole, connections=connections, count=1000, goal=goal)
        for connections, goal in ((1, 2.4), (16, 1.8)):
            cost(
                measured,
                stream,
                connections=connections,
                count=300,
                goal=goal,
                what="streamed",
            )
    starting([options.python, "-m", "aiproxy"], "checkout")
    if options.archive:
        starting([options.python, options.archive], "archive")


def cost(
    measured: Measured,
    data: bytes,
    *,
    connections: int,
    count: int,
    goal: float | None,
    what: str = "whole",
) -> None:
    """CPU for a request, so many at once."""
    clients = Clients(measured.port, connections)
    cpu, began = measured.cpu(), time.monotonic()
    clients.send(data)
    clients.read_answers(count, again=data, total=count)
    cpu = measured.cpu() - cpu
    took = time.monotonic() - began
    failures = clients.seen.failures
    clients.close()
    if goal is not None:
        print(
            f"{what}, {connections} at once: {cpu / count * 1000:.2f} ms CPU"
            f" (goal {goal * ALLOWED:.2f}), {count / took:.0f}/s, {failures} failures"
        )


def starting(program: list[str], name: str, times: int = 5) -> None:
    """CPU until the first 200, from the second start on: the database is there."""
    with tempfile.TemporaryDirectory(prefix="aiproxy-bench-") as folder:
        costs = [_start(program, Path(folder)) for _ in range(times + 1)][1:]
    print(f"start of the {name}: {min(costs) * 1000:.0f} ms CPU (goal 120)")


def _start(program: list[str], folder: Path) -> float:
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "DATABASE_PATH": str(folder / "app.db"),
        "LOG_DIR": str(folder / "logs"),
        "ADMIN_PASSWORD": "a password for measurements",
    }
    with subprocess.Popen(
        [*program, "serve", "--port", "0"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = ""
        while not url:
            line = process.stdout.readline()
            assert line, "it did not start"
            url = next((word for word in line.split() if "://" in word), "")
        with urllib.request.urlopen(url.rstrip("/") + "/health") as answer:
            assert answer.status == 200
        cpu = cpu_seconds(process.pid)
        process.terminate()
    return cpu


if __name__ == "__main__":
    main()
