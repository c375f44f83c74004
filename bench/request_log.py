"""How fast the request log answers with 200,000 rows: `python -m bench.request_log`.

Each question is asked a few times, the best counts, in CPU time: what else the machine
does must not decide. It must be answered within the limit. So must each transaction
that deletes. Exit code 1 says that one was slower.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator

from aiproxy.store import log_pruning, log_search, request_log, statistics, usage
from aiproxy.store.database import Database
from aiproxy.store.log_pruning import Pruner
from aiproxy.store.log_search import LogQuery
from aiproxy.store.request_log import LogEntry
from aiproxy.store.settings import Settings

ROWS = 200_000
LIMIT_MS = 100
CALLS = 5
DAY = 86_400
DAYS = 30
NOW = int(time.time())

PROVIDERS = ("openrouter", "grok-direct", "chutes", "synthetic", "aiml")
MODELS = ("openai/gpt-5-mini", "grok-4", "deepseek-v3.1", "glm-4.6", "kimi-k2")
CLIENT_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5")


def entries() -> Iterator[LogEntry]:
    """A month of ten people's sessions, a hundred requests each or so."""
    chance = random.Random(7)
    sessions = [
        (f"{number:08x}-5e55-10aa", number % 10, chance.randrange(len(PROVIDERS)))
        for number in range(ROWS // 100)
    ]
    for number in range(ROWS):
        place = number * len(sessions) // ROWS + chance.randrange(-3, 4)
        session, user, provider = sessions[max(0, min(place, len(sessions) - 1))]
        status = 200 if chance.random() < 0.96 else chance.choice((429, 401, 502, 499))
        yield LogEntry(
            id=f"req_{number:024x}",
            time=NOW - DAYS * DAY + number * DAYS * DAY // ROWS,
            user_id=user + 1,
            user=f"user{user}",
            key_id=user + 1,
            key_prefix=f"aip_{user:08d}",
            alias="fast" if provider == 1 else "",
            provider=PROVIDERS[provider],
            model_requested=chance.choice(CLIENT_MODELS),
            model=MODELS[provider],
            session_id=session,
            stream=True,
            status=status,
            error_type="" if status == 200 else "api_error",
            error_message="" if status == 200 else f"no answer for request {number}",
            stop_reason="tool_use",
            duration_ms=int(chance.lognormvariate(8, 1)),
            first_token_ms=chance.randrange(200, 3000),
            input_tokens=chance.randrange(50_000),
            output_tokens=chance.randrange(2_000),
            cache_read_tokens=chance.randrange(50_000),
            attempts=1,
        )


def questions(database: Database) -> dict[str, Callable[[], object]]:
    """What the pages ask of a log, by name."""
    db = database.connection()
    newest = f"req_{ROWS - 1:024x}"
    searches = {
        "the newest page": LogQuery(),
        "the last page": LogQuery(page=ROWS // 50),
        "a day": LogQuery(since=NOW - DAY),
        "one provider": LogQuery(provider="chutes"),
        "one provider, deep page": LogQuery(provider="chutes", page=700),
        "a rare pair": LogQuery(provider="chutes", status="429"),
        "failed": LogQuery(status="failed"),
        "one user": LogQuery(user="user3"),
        "a member's own": LogQuery(user_id=4),
        "one model": LogQuery(model="claude-opus-4-5"),
        "one key": LogQuery(key="aip_00000003"),
        "one session": LogQuery(session="000003e8-5e55-10aa"),
        "a word in many rows": LogQuery(q="deepseek"),
        "a word in many rows, deep page": LogQuery(q="deepseek", page=700),
        "a word in few rows": LogQuery(q="request 12345"),
        "a word in none": LogQuery(q="nothing-is-like-this"),
    }
    return {
        **{
            f"search: {name}": lambda query=query: log_search.search(db, query)
            for name, query in searches.items()
        },
        "one request": lambda: request_log.get(db, newest),
        "usage: total": lambda: usage.rows(db),
        **{
            f"usage: by {' and '.join(groups)}": lambda groups=groups: usage.rows(
                db, group_by=groups
            )
            for groups in (
                ("day",),
                ("provider", "model"),
                ("user", "key"),
                ("session",),
                usage.GROUPS,
            )
        },
        "usage: a week by day": lambda: usage.rows(
            db, group_by=("day",), since=NOW - 7 * DAY
        ),
        "chart: a week": lambda: statistics.counts(
            db, since=NOW - 7 * DAY, step=3 * 3600
        ),
        "chart: an hour": lambda: statistics.counts(db, since=NOW - 3600, step=60),
        "latencies of a week": lambda: statistics.latencies(db, since=NOW - 7 * DAY),
        "how providers do": lambda: statistics.streaks(db, PROVIDERS),
    }


def milliseconds(work: Callable[[], object], calls: int = CALLS) -> float:
    """The best of a few calls."""
    best = float("inf")
    for _ in range(calls):
        started = time.thread_time()
        work()
        best = min(best, time.thread_time() - started)
    return best * 1000


def fill(database: Database) -> None:
    """Write the rows, in batches as the writer does."""
    db = database.connect_for_log()
    started = time.thread_time()
    batch: list[LogEntry] = []
    for entry in entries():
        batch.append(entry)
        if len(batch) == 200:
            with database.writing(db):
                request_log.add_many(db, batch)
            batch.clear()
    took = time.thread_time() - started
    size = database.used_bytes() / 1e6
    print(f"{took / ROWS * 1e6:8.1f} us a row written; {size:.0f} MB in all")


def prune(database: Database) -> float:
    """Delete a third of the rows; the longest that another writer had to wait."""
    longest, started = 0.0, time.thread_time()
    first = started

    def pause(_: float) -> None:
        nonlocal longest, started
        longest = max(longest, time.thread_time() - started)
        started = time.thread_time()

    pruner = Pruner(database, pause=pause)
    deleted = pruner.prune(Settings(log_retention_days=20))
    took = time.thread_time() - first
    print(f"{longest * 1000:8.1f} ms the longest step of deleting {deleted} rows")
    print(f"{took:8.1f} s in all, {log_pruning.ROWS_A_STEP} rows a step")
    return longest * 1000


def main() -> int:
    """Print a line a question; 0 while all are fast enough."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(str(Path(folder, "app.db"))).open()
        try:
            fill(database)
            worst = 0.0
            for name, ask in questions(database).items():
                took = milliseconds(ask)
                worst = max(worst, took)
                print(f"{took:8.1f} ms {name}{' TOO SLOW' if took > LIMIT_MS else ''}")
            worst = max(worst, prune(database))
        finally:
            database.close()
    return 1 if worst > LIMIT_MS else 0


if __name__ == "__main__":
    sys.exit(main())
