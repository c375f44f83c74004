"""Gateways side by side: `python -m bench.compare [--gateways ours,nginx] [--quick]`.

All run at once and are measured in turn, case by case, so that whatever else the
machine does meets all alike; each figure is the median of the rounds. A whole
comparison takes under 25 minutes, --quick under 4. The table goes to standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, Sequence

from bench import books, load, programs
from bench.cases import QUICK, Bench, Case, Failed, Plan, cases, settle
from bench.gateways import ABSENT, GATEWAYS, Direct, Gateway, Unavailable
from bench.gateways.ours import Checkout
from bench.load import Script, Upstream
from bench.table import Column, Table

MINUTES, QUICK_MINUTES = 21.0, 2.8  # when no further case is begun
TRIES = 2  # a case that has failed so often is not tried again
_WARM_UP_SECONDS = 1.0


class Comparison:
    """The gateways that run, and what has been seen of each."""

    def __init__(self, plan: Plan, upstream: Upstream) -> None:
        self.plan = plan
        self.upstream = upstream
        self.columns: list[Column] = []
        bench = Bench(plan, upstream)
        self._cases = cases(bench)
        self._memory = [bench.memory_case(count) for count in plan.memory]
        self._running: list[tuple[Gateway, Column]] = []

    def add(self, gateway: Gateway) -> None:
        """Install it, start it twice, and note what the second start took.

        Its memory is measured here, too: later it is that of the busiest case.
        """
        column = Column(gateway.name, gateway.what)
        self.columns.append(column)
        tell(f"{gateway.name}: installing")
        try:
            gateway.install()
            column.version = gateway.version()
            tell(f"{gateway.name}: starting")
            gateway.start()
            gateway.prepare()
            gateway.stop()
            self._start(gateway, column)
        except Unavailable as exc:
            column.unavailable = str(exc)
            tell(f"{gateway.name}: {exc}")
            return
        self._running.append((gateway, column))

    def _start(self, gateway: Gateway, column: Column) -> None:
        started = gateway.start()
        if gateway.name == Direct.name:
            return
        settle(gateway)
        _keep(
            column,
            {
                "start.cpu_ms": started.cpu_seconds * 1000,
                "start.wall_ms": started.wall_seconds * 1000,
                "memory.idle": gateway.memory(),
            },
        )
        for case in self._memory:
            self._measure(case, gateway, column)

    def warm_up(self) -> None:
        """A second of requests for each: a start is not what is judged here."""
        self.upstream.follow(Script())
        for gateway, _ in self._running:
            load.run(
                gateway.port,
                gateway.request(stream=False, is_agents=True),
                connections=4,
                seconds=_WARM_UP_SECONDS,
                patience=self.plan.patience,
            )

    def measure(self, minutes: float) -> None:
        """Round after round, until all are done or the time is up."""
        deadline = time.monotonic() + minutes * 60
        for number in range(self.plan.rounds):
            for case in self._cases:
                tell(f"round {number + 1}: {case.name}")
                at = number % max(1, len(self._running))
                for gateway, column in self._running[at:] + self._running[:at]:
                    if time.monotonic() > deadline:
                        tell("the time is up")
                        return
                    self._measure(case, gateway, column)

    def _measure(self, case: Case, gateway: Gateway, column: Column) -> None:
        if gateway.name == Direct.name and not case.is_for_direct:
            return
        failures = column.failures.get(case.name, [])
        if len(failures) >= TRIES:
            return
        try:
            _keep(column, case.measure(gateway))
        except (Failed, OSError) as exc:
            column.failures.setdefault(case.name, []).append(str(exc))
            tell(f"  {gateway.name}: {exc}")

    def start_again(self, times: int) -> None:
        """More starts, for their median."""
        for gateway, column in self._running:
            if gateway.name != Direct.name:
                settle(gateway)
                _keep(column, {"memory.after": gateway.memory()})
            for _ in range(times):
                tell(f"{gateway.name}: starting again")
                gateway.stop()
                with contextlib.suppress(Unavailable):
                    self._start(gateway, column)

    def close(self) -> None:
        for gateway, _ in self._running:
            gateway.stop()


def _keep(column: Column, figures: dict[str, float]) -> None:
    for name, value in figures.items():
        column.figures.setdefault(name, []).append(value)


def tell(text: str) -> None:
    """Say on standard error how far it is."""
    print(text, file=sys.stderr, flush=True)


def machine(others: float) -> str:
    """What it ran on, as far as it matters, and what else ran there."""
    load_by = (
        "compiled" if programs.compiler() else "in Python, for want of a C compiler"
    )
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}; provider and clients {load_by},"
        f" on the same cores; other work took {others:.0%} of them"
    )


@contextlib.contextmanager
def comparison(plan: Plan, names: Sequence[str]) -> Iterator[Comparison]:
    """With each gateway that can be had running; all ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="aiproxy-bench-") as root, Upstream() as up:
        found = Comparison(plan, up)
        try:
            kinds: list[type[Gateway]] = [Direct, *(GATEWAYS[name] for name in names)]
            for kind in kinds:
                folder = Path(root, kind.name)
                folder.mkdir()
                gateway = kind(folder, up.port)
                try:
                    found.add(gateway)
                except BaseException:
                    gateway.stop()
                    raise
            yield found
        finally:
            found.close()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateways", help="by commas; without it all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter cases")
    parser.add_argument("--minutes", type=float, help="when no more cases are begun")
    parser.add_argument("--python", default=sys.executable, help="AI Proxy's own")
    options = parser.parse_args(argv)
    # The sources run as the archive does; what they differ in is the start.
    default = [name for name in GATEWAYS if not options.quick or name != Checkout.name]
    names = options.gateways.split(",") if options.gateways else default
    unknown = [name for name in names if name not in GATEWAYS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(GATEWAYS)}")
    plan = QUICK if options.quick else Plan()
    minutes = options.minutes or (QUICK_MINUTES if options.quick else MINUTES)
    Checkout.python = options.python
    began, rest = time.monotonic(), books.Others()
    with comparison(plan, names) as found:
        found.warm_up()
        found.measure(minutes)
        found.start_again(0 if options.quick else 2)
        others = rest.share()
    table = Table(plan, found.columns)
    print(f"{machine(others)}.\n\n{table.markdown()}")
    for name, why in ABSENT.items():
        print(f"- {name}: not measured: {why}")
    print("\nGoals:\n")
    for verdict in table.verdicts("ours") or table.verdicts("checkout"):
        print(f"- {verdict}")
    tell(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
