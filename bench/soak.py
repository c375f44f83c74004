"""Whether memory stays what it was: `python -m bench.soak [--gateway ours] [--quick]`.

100,000 agents' requests, then 1,000,000 chunks of streams that end and begin anew; the
memory after each part, and exit code 1 if it grew by more than is allowed from the
middle to the end of either. (In the first half SQLite's page caches fill, of 2 MiB a
connection.) Each of the two has a time that it must be done in. --quick does a tenth of
it, too little to be judged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Sequence

from bench import load
from bench.cases import settle
from bench.gateways import GATEWAYS, Gateway
from bench.load import Script, Upstream

REQUESTS, CHUNKS = 100_000, 1_000_000
PARTS = 10  # points of the curve
WINDOW_SECONDS = 2.0
MINUTES = 10.0  # for the requests, and for the chunks
ALLOWED_MIB = 2.0  # growth in the second half: 40 bytes a request
CONNECTIONS, STREAMS = 16, 64
STREAM_SCRIPT = Script(rate=100, chunks=200)


class Soak:
    """One gateway under load for long; a line for each part."""

    def __init__(self, gateway: Gateway, upstream: Upstream) -> None:
        self._gateway = gateway
        self._upstream = upstream

    def requests(self, total: int) -> list[float]:
        """The memory after each part of so many requests."""
        request = self._gateway.request(stream=False, is_agents=True)
        self._upstream.follow(Script())
        return self._curve("requests", total, request, CONNECTIONS, pieces=1)

    def chunks(self, total: int) -> list[float]:
        """The same of chunks, in streams of two seconds."""
        request = self._gateway.request(stream=True, is_agents=False)
        self._upstream.follow(STREAM_SCRIPT)
        pieces = STREAM_SCRIPT.chunks
        return self._curve("chunks", total, request, STREAMS, pieces=pieces)

    def _curve(
        self, what: str, total: int, request: bytes, connections: int, *, pieces: int
    ) -> list[float]:
        began = time.monotonic()
        done, curve = 0, []
        for part in range(1, PARTS + 1):
            while done < total * part // PARTS:
                seen = load.run(
                    self._gateway.port,
                    request,
                    connections=connections,
                    seconds=WINDOW_SECONDS,
                    pieces=pieces,
                )
                assert not seen.problem, seen.problem
                done += seen.answers if pieces == 1 else seen.pieces
                took = time.monotonic() - began
                assert took < MINUTES * 60, f"{done} {what} took {took:.0f} s"
            settle(self._gateway)
            curve.append(self._gateway.memory())
            print(
                f"| {done:,} {what} | {time.monotonic() - began:.0f} |"
                f" {curve[-1]:.1f} |",
                flush=True,
            )
        return curve


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", default="ours", choices=GATEWAYS)
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    options = parser.parse_args(argv)
    part = 10 if options.quick else 1
    with tempfile.TemporaryDirectory(prefix="aiproxy-soak-") as root, Upstream() as up:
        gateway = GATEWAYS[options.gateway](Path(root), up.port)
        gateway.install()
        try:
            gateway.start()
            gateway.prepare()
            print("| done | seconds | MiB |\n| --- | --: | --: |")
            print(f"| nothing | 0 | {gateway.memory():.1f} |", flush=True)
            soak = Soak(gateway, up)
            curves = [soak.requests(REQUESTS // part), soak.chunks(CHUNKS // part)]
        finally:
            gateway.stop()
    grown = max(curve[-1] - curve[PARTS // 2 - 1] for curve in curves)
    print(f"\nin the second half: {grown:+.1f} MiB (allowed: {ALLOWED_MIB})")
    return 1 if grown > ALLOWED_MIB and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
