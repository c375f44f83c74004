"""How long the pages take over a log of 200,000 requests: `python -m bench.pages`.

Each page is asked for through the whole application, as an admin's browser does, after
one unmeasured call. The worst of the range must stay below the limit; exit code 1 says
that one does not.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from aiproxy.store import request_log
from tests.browser import sample_log
from tests.support import Site

ROWS = 200_000
LIMIT_MS = 100
CALLS = 7
PAGES = (
    "/",
    "/?range=7d&measure=failed",
    "/?range=7d&measure=latency",
    "/?part=live",
    "/logs",
    "/logs?range=all",
    "/logs?range=all&page=2000",
    "/logs?range=all&status=failed",
    "/logs?range=all&q=deepseek",
    "/logs?range=all&q=nothing-is-like-this",
    "/logs?range=all&provider=chutes&status=429",
    "/logs?range=all&q=rate+limit&page=3",
    "/logs?part=live&after=199000",
    "/usage",
    "/usage?range=7d&group_by=provider,model",
    "/usage?range=7d&group_by=session",
    "/providers",
    "/connect",
)


def main() -> int:
    """Print a line a page; 0 while all are fast enough."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        try:
            return measure(site)
        finally:
            site.close()


def measure(site: Site) -> int:
    fill(site)
    admin = site.admin()
    newest = admin.get_json("/logs?per_page=1")["requests"][0]["id"]
    worst = 0.0
    for path in (*PAGES, f"/logs/{newest}"):
        admin.get(path)
        times = [timed(admin, path) for _ in range(CALLS)]
        worst = max(worst, statistics.median(times))
        print(f"{statistics.median(times):7.1f} ms  (worst {max(times):6.1f})  {path}")
    print(f"{'ok' if worst < LIMIT_MS else 'TOO SLOW'}: {worst:.1f} of {LIMIT_MS} ms")
    return 0 if worst < LIMIT_MS else 1


def fill(site: Site) -> None:
    """A week of work with bodies nowhere; sums and search words as the writer makes."""
    entries = sample_log.entries(site.services.now(), number=ROWS)
    database = site.services.database
    db = database.connection()
    with database.writing(db):
        request_log.add_many(db, entries)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def timed(admin: object, path: str) -> float:
    begun = time.perf_counter()
    answer = admin.get(path)  # type: ignore[attr-defined]
    assert answer.status == 200, answer
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    sys.exit(main())
