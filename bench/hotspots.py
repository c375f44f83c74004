"""Where the time goes: `python -m bench.hotspots [requests] [chunks] [backlog]`.

Looks into the server as it works, by py-spy (`pip install py-spy`), and prints for each
kind of load what share of the samples had a function on top (its own time), and what
share had it anywhere on the stack (with all that it calls). Sampled is who holds the
interpreter's lock: what the process takes beyond that is the system's, for the sockets.
"""

from __future__ import annotations

import argparse
import collections
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Sequence

from bench import load
from bench.cases import AGENT_CHUNKS, BACKLOG_CHUNKS, BACKLOG_STREAMS
from bench.gateways.ours import Checkout
from bench.load import ENDLESS, Script, Upstream

SECONDS = 6
SAMPLES_A_SECOND = 400
# Script, whether the request is an agent's and for a stream, connections, pieces.
LOADS = {
    "requests": (Script(200, AGENT_CHUNKS), True, False, 1, 1),
    "chunks": (Script(31, ENDLESS), False, True, 64, 0),
    "backlog": (Script(0, BACKLOG_CHUNKS), False, True, BACKLOG_STREAMS, 0),
}


def record(pid: int, file: Path) -> subprocess.Popen[bytes]:
    """Start to look into the process; ends by itself."""
    options = ("--format", "raw", "--duration", str(SECONDS), "--output", str(file))
    rate = ("--rate", str(SAMPLES_A_SECOND), "--nolineno", "--gil")
    return subprocess.Popen(
        ("py-spy", "record", "--pid", str(pid), *options, *rate),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def shares(file: Path) -> tuple[float, list[tuple[str, float, float]]]:
    """Seconds in Python; function, own share, share with what it calls."""
    own: collections.Counter[str] = collections.Counter()
    all_in_all: collections.Counter[str] = collections.Counter()
    total = 0
    for line in file.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        total += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            all_in_all[frame] += int(count)
    ordered = sorted(all_in_all, key=lambda frame: (-own[frame], -all_in_all[frame]))
    found = [(name, own[name] / total, all_in_all[name] / total) for name in ordered]
    return total / SAMPLES_A_SECOND, found


def look(gateway: Checkout, upstream: Upstream, name: str, lines: int) -> None:
    """One kind of load, and its table."""
    script, is_agents, stream, connections, pieces = LOADS[name]
    upstream.follow(script)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "samples")
        spy: list[subprocess.Popen[bytes]] = []

        def begin_or_end() -> float:
            if not spy:
                spy.append(record(gateway.pid, file))
            return gateway.cpu()

        seen = load.run(
            gateway.port,
            gateway.request(stream=stream, is_agents=is_agents),
            connections=connections,
            seconds=SECONDS + 1,
            pieces=pieces,
            ramp=1.0,
            cpu=begin_or_end,
        )
        assert not seen.problem, seen.problem
        spy[0].wait()
        in_python, found = shares(file)
    spent = seen.gateway_cpu * SECONDS / seen.seconds
    print(f"\n{name}: {in_python:.1f} of {spent:.1f} s CPU in Python\n")
    print("|  own | with calls | function |\n| --: | --: | --- |")
    for function, own, whole in found[:lines]:
        print(f"| {own:4.0%} | {whole:4.0%} | {function} |")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loads", nargs="*", help=", ".join(LOADS))
    parser.add_argument("--lines", type=int, default=25)
    options = parser.parse_args(argv)
    if not set(options.loads) <= set(LOADS):
        parser.error(f"known: {', '.join(LOADS)}")
    if shutil.which("py-spy") is None:
        print("py-spy is not installed: pip install py-spy", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="aiproxy-bench-") as root, Upstream() as up:
        gateway = Checkout(Path(root), up.port)
        try:
            gateway.start()
            gateway.prepare()
            for name in options.loads or LOADS:
                look(gateway, up, name, options.lines)
        finally:
            gateway.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
