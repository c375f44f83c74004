"""What a stream costs: `python -m bench.streams [--quick] [--python PYTHON]`.

The whole product, with database and log, between clients and a provider on loopback.
CPU is the server's alone. The goals are those of the plan for the platform, measured
there without database and log, for which 15 % are allowed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request

from bench.clients import Clients, message, request
from bench.processes import Measured, resident_mib

CHUNKS_A_SECOND = 2000
ALLOWED = 1.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, fewer streams")
    parser.add_argument("--python", default=sys.executable, help="the server's")
    options = parser.parse_args()
    seconds = 3 if options.quick else 8
    counts = (1, 16, 64) if options.quick else (1, 16, 64, 256, 1000)
    goals = {1: 100, 64: 45, 1000: 50}
    with Measured(options.python) as measured:
        print(f"idle: {resident_mib(measured.pid):.0f} MiB (goal 28)")
        for count in counts:
            rate = 200 if count == 1 else CHUNKS_A_SECOND / count
            paced(measured, count, rate, seconds, goals.get(count))
        backlog(measured, streams=16)
        hang_up(measured)
        if not options.quick:
            for count in (128, 192, 256, 320):
                lateness(measured, count)


def paced(
    measured: Measured, count: int, rate: float, seconds: int, goal: float | None
) -> None:
    """CPU for a chunk, at a fixed number of chunks a second in all."""
    per_stream = max(1, round(rate))
    total = max(4, round(per_stream * seconds * 1.5))
    body = message(f"stream-{per_stream}-{total}", stream=True)
    clients = Clients(measured.port, count)
    clients.send(request(body), spread=1.0)
    clients.read_for(0.5)
    chunks, cpu = clients.seen.chunks, measured.cpu()
    began = time.monotonic()
    clients.read_for(seconds)
    chunks = clients.seen.chunks - chunks
    cpu = measured.cpu() - cpu
    took = time.monotonic() - began
    clients.close()
    wanted = f" (goal {goal * ALLOWED:.0f})" if goal else ""
    print(
        f"{count} streams, {chunks / took:.0f} chunks/s:"
        f" {cpu / max(1, chunks) * 1e6:.0f} us/chunk{wanted},"
        f" {resident_mib(measured.pid):.0f} MiB"
    )
    time.sleep(0.5)


def backlog(measured: Measured, *, streams: int, chunks: int = 20000) -> None:
    """CPU for a chunk when the provider sends as fast as it can."""
    clients = Clients(measured.port, streams)
    cpu = measured.cpu()
    clients.send(request(message(f"stream-0-{chunks}", stream=True)))
    clients.read_answers(streams)
    cpu = measured.cpu() - cpu
    seen = clients.seen
    clients.close()
    print(
        f"backlog, {streams} streams: {cpu / (streams * chunks) * 1e6:.1f} us/chunk"
        f" (goal {7 * ALLOWED:.0f}), {seen.failures} failures"
    )


def lateness(measured: Measured, count: int, rate: int = 50, seconds: int = 6) -> None:
    """How late chunks are when every stream brings 50 a second."""
    clients = Clients(measured.port, count)
    clients.send(
        request(message(f"stream-{rate}-{rate * seconds}", stream=True)), spread=1.0
    )
    clients.read_for(1.0)
    clients.seen.late.clear()
    clients.read_for(seconds - 2.5)
    late = sorted(clients.seen.late)
    clients.close()
    p99 = late[int(len(late) * 0.99)] if late else float("inf")
    print(f"{count} streams at {rate} chunks/s: p99 {p99 * 1000:.0f} ms late")
    time.sleep(1.0)


def hang_up(measured: Measured, times: int = 10) -> None:
    """How soon a silent provider learns that the client has gone."""
    worst = 0.0
    for _ in range(times):
        clients = Clients(measured.port, 1)
        clients.send(request(message("silent", stream=True)))
        clients.read_for(0.15)
        left = time.monotonic()
        clients.close()
        time.sleep(0.2)
        url = f"http://127.0.0.1:{measured.provider_port}/"
        with urllib.request.urlopen(url) as answer:
            closed = [moment for moment in json.load(answer) if moment >= left]
        worst = max(worst, (min(closed) - left) if closed else float("inf"))
    print(f"hang-up noticed within {worst * 1000:.0f} ms (goal 50)")


if __name__ == "__main__":
    main()
