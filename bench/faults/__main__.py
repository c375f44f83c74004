"""What goes wrong on machines, done to the real server: `python -m bench.faults`.

    python -m bench.faults [--quick]
        [kill drain leave slow disk locked gone two old]

Prints a line of figures for each; exits 1 if a promise of SECURITY.md was broken.
Loopback only; it ends the processes that it started, and no other.
"""

from __future__ import annotations

import argparse
from typing import Callable

from bench.faults import clients, database, ends, site
from tests import scripted_upstream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few of everything")
    parser.add_argument("--kills", type=int, help="100, or 5 where it must be quick")
    parser.add_argument("what", nargs="*", help="all of them unless some are named")
    options = parser.parse_args()
    is_quick = options.quick
    scripted_upstream.MAX_ASKS = 1_000_000  # it guards tests against endless clients
    everything: dict[str, Callable[[], None]] = {
        "kill": lambda: ends.kill(options.kills or (5 if is_quick else 100)),
        "drain": ends.drain,
        "leave": lambda: clients.leave(50 if is_quick else 300),
        "slow": lambda: clients.slow(50 if is_quick else 1000),
        "disk": database.disk,
        "locked": database.locked,
        "gone": database.gone,
        "two": database.two,
        "old": database.old,
    }
    unknown = sorted(set(options.what) - set(everything))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    for name in options.what or everything:
        everything[name]()
    if site.broken:
        print(f"{len(site.broken)} promises broken")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
