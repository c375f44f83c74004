"""A disk that is full, a file that is held, gone, damaged or another's."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from aiproxy.store.database import Database
from bench.faults.site import BODY, check, running


def disk() -> None:
    """A full disk: proxying goes on, saves say why."""
    with running() as (server, _, folder):
        server.make_admin_key()
        # As small as SQLite lets a file be: every write that needs a page fails.
        limit = (folder / "app.db").stat().st_size // 1024 + 8
        subprocess.run(
            [
                "prlimit",
                f"--fsize={limit * 1024}:unlimited",
                "--pid",
                str(server.process.pid),
            ],
            check=True,
        )
        statuses = []
        for number in range(60):
            fields = {
                "name": f"N{number}" + "x" * 150,
                "endpoint": "http://127.0.0.1:1",
            }
            answer = server.script("POST", "/provider/new", fields)
            statuses.append(answer.status)
        asked = server.request(
            "POST",
            "/v1/messages/scripted",
            BODY,
            {"x-api-key": server.admin_key},
        )
        health = server.request("GET", "/health")
        refused = [status for status in statuses if status >= 400]
        print(
            f"full disk: {len(refused)} of 60 saves refused with"
            f" {sorted(set(refused))}, proxying {asked.status}, health {health.status}"
        )
        check(bool(refused) and set(refused) == {503}, "a save on a full disk says 503")
        check(asked.status == 200, "proxying needs no write")
        subprocess.run(
            [
                "prlimit",
                "--fsize=unlimited:unlimited",
                "--pid",
                str(server.process.pid),
            ],
            check=True,
        )


def locked() -> None:
    """Another process holds the database: proxying goes on, saves wait, then 503."""
    with running() as (server, _, folder):
        key = server.make_admin_key()
        db = sqlite3.connect(folder / "app.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        asked = server.request(
            "POST", "/v1/messages/scripted", BODY, {"x-api-key": key}
        )
        asked_after = time.monotonic() - started
        health = server.request("GET", "/health")
        started = time.monotonic()
        save = server.script(
            "POST",
            "/alias/new",
            {"alias": "x", "provider_id": "", "prompt": "standard"},
        )
        waited = time.monotonic() - started
        db.execute("ROLLBACK")
        db.close()
        again = server.script(
            "POST",
            "/alias/new",
            {"alias": "x", "provider_id": "", "prompt": "standard"},
        )
        print(
            f"locked database: proxying {asked.status} after {asked_after:.1f} s,"
            f" health {health.status}, a save {save.status} after {waited:.1f} s,"
            f" then {again.status}"
        )
        check(asked.status == 200 and asked_after < 5, "proxying waits for no lock")
        check(save.status == 503 and 8 < waited < 20, "a save waits 10 s, then 503")
        check(again.status in (200, 201), "a save works once the lock is gone")


def gone() -> None:
    """Each file deleted under the server: proxying goes on, saves say so."""
    for name in ("app.db", "app.db-wal", "app.db-shm"):
        with running() as (server, _, folder):
            key = server.make_admin_key()
            (folder / name).unlink()
            asked = server.request(
                "POST", "/v1/messages/scripted", BODY, {"x-api-key": key}
            )
            save = server.script(
                "POST",
                "/alias/new",
                {"alias": "x", "provider_id": "", "prompt": "standard"},
            )
            ready = server.request("GET", "/ready")
            print(
                f"{name} deleted: proxying {asked.status}, a save {save.status},"
                f" ready {ready.status}"
            )
            check(asked.status == 200, f"proxying goes on without {name}")
            check(save.status == 503, f"nothing is acknowledged without {name}")
            check(ready.status == 503, f"the server is not ready without {name}")


def started_with(folder: Path, **environ: str) -> tuple[int, str]:
    """Exit status and words of a start that should fail."""
    done = subprocess.run(
        [sys.executable, "-m", "aiproxy", "serve", "--port", "0"],
        cwd=Path(__file__).resolve().parent.parent.parent,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_PATH": str(folder / "app.db"),
            "LOG_DIR": str(folder / "logs"),
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr.strip()


def two() -> None:
    """A second server on the same database is refused with one line."""
    with running() as (_, _, folder):
        code, words = started_with(folder)
        print(f"second instance: exit {code}: {words[-120:]}")
        check(code == 1 and words.count("\n") == 0, "a second instance is one line")


def old() -> None:
    """Damaged, foreign and newer databases stop the start and are not touched."""
    cases: dict[str, Callable[[Path], None]] = {
        "damaged": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000),
        "foreign": _foreign,
        "no SQLite": lambda path: path.write_bytes(b"hello " * 100),
        "newer": _newer,
    }
    for name, make in cases.items():
        with tempfile.TemporaryDirectory(prefix="aiproxy-faults-") as folder_name:
            folder = Path(folder_name)
            make(folder / "app.db")
            before = (folder / "app.db").read_bytes()
            code, words = started_with(folder)
            print(f"{name} database: exit {code}: {words[:110]}")
            check(
                code == 1 and words.count("\n") == 0, f"a {name} database is one line"
            )
            check((folder / "app.db").read_bytes() == before, f"{name}: not touched")


def _foreign(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE songs (id)")
    db.commit()
    db.close()


def _newer(path: Path) -> None:
    Database(str(path)).open().close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = DELETE").fetchone()
    db.execute("PRAGMA user_version = 999")
    db.commit()
    db.close()
