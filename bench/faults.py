"""What goes wrong on machines, done to the real server: `python -m bench.faults`.

    python -m bench.faults [--kills 100] [kill drain leave slow disk locked two old]

Prints a line of figures for each; exits 1 if a promise of SECURITY.md was broken.
Loopback only; it ends the processes that it started, and no other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable, Iterator

from aiproxy.store.database import Database
from tests import scripted_upstream
from tests.real_server import RealServer
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream

HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
BODY = json.dumps(HELLO).encode()

_broken: list[str] = []


def check(is_kept: bool, promise: str) -> None:
    """Note a promise that was not kept; the script goes on."""
    if not is_kept:
        _broken.append(promise)
        print(f"  BROKEN: {promise}")


def add(server: RealServer, upstream: ScriptedUpstream) -> None:
    server.add_provider(
        name="Scripted",
        endpoint=upstream.url + "/v1",
        api_key=KEY,
        default_model="scripted-large",
    )


def open_request(server: RealServer, *, read: bool = True) -> socket.socket:
    """A streaming request under way on a bare socket."""
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    sock.sendall(
        b"POST /v1/messages/scripted HTTP/1.1\r\nHost: localhost\r\n"
        b"x-api-key: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (server.admin_key.encode(), len(BODY), BODY)
    )
    if read:
        sock.recv(100)
    return sock


def files_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


@contextlib.contextmanager
def running(**environ: str) -> Iterator[tuple[RealServer, ScriptedUpstream, Path]]:
    with tempfile.TemporaryDirectory(
        prefix="aiproxy-faults-"
    ) as name, ScriptedUpstream(judge=False) as upstream:
        # Its notes of each request would be what grows here.
        upstream.script = lambda ask: Reply(text="some words " * 20)
        folder = Path(name)
        server = RealServer(folder, environ={"RATE_LIMIT_ENABLED": "false", **environ})
        server.start()
        try:
            add(server, upstream)
            yield server, upstream, folder
        finally:
            if server.process.poll() is None:
                server.stop()


class Load:
    """Saves and requests without a pause, until the server is killed under them."""

    def __init__(self, server: RealServer, label: str) -> None:
        self.saved: set[str] = set()
        self._server = server
        self._label = label
        self._stop = threading.Event()
        self._workers = [
            threading.Thread(target=work, daemon=True)
            for work in (self._save, self._ask)
        ]
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join(timeout=40)

    def _save(self) -> None:
        while not self._stop.is_set():
            alias = f"{self._label}-{len(self.saved)}"
            fields = {"alias": alias, "provider_id": "", "prompt": "standard"}
            with contextlib.suppress(OSError, ValueError):
                answer = self._server.script("POST", "/alias/new", fields)
                if answer.status in (200, 201):
                    self.saved.add(alias)

    def _ask(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                open_request(self._server).close()


def kill(kills: int) -> None:
    """kill -9 at random moments under load: nothing acknowledged is lost."""
    generator = random.Random(1)
    saved: set[str] = set()
    lost = damaged = 0
    key = ""
    with tempfile.TemporaryDirectory(
        prefix="aiproxy-faults-"
    ) as name, ScriptedUpstream(judge=False) as upstream:
        folder = Path(name)
        for number in range(kills):
            server = RealServer(folder, environ={"RATE_LIMIT_ENABLED": "false"})
            server.admin_key = key
            server.start()
            if not number:
                add(server, upstream)
                key = server.admin_key
            load = Load(server, f"a{number}")
            time.sleep(generator.uniform(0.02, 0.4))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            load.stop()
            saved |= load.saved
            is_whole, kept = inspect(folder / "app.db")
            damaged += not is_whole
            lost += len(saved - kept)
    print(
        f"kill -9, {kills} times: {len(saved)} changes acknowledged, {lost} lost,"
        f" {damaged} databases damaged"
    )
    check(lost == 0 and damaged == 0, "kill -9 loses nothing acknowledged")


def inspect(path: Path) -> tuple[bool, set[str]]:
    """Whether the database is whole, and the aliases in it."""
    db = sqlite3.connect(path)
    try:
        is_whole = db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return is_whole, {row[0] for row in db.execute("SELECT alias FROM aliases")}
    finally:
        db.close()


def drain() -> None:
    """SIGTERM under load: streams finish, new work is refused politely, exit 0."""
    with running() as (server, upstream, _):
        upstream.script = lambda ask: Reply(text="word " * 40, pace=0.05)
        socks = [open_request(server) for _ in range(20)]
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        late = server.request("POST", "/v1/messages/scripted", BODY)
        finished = 0
        for sock in socks:
            data = b""
            with contextlib.suppress(OSError):
                while True:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    data += piece
            finished += b"message_stop" in data
            sock.close()
        code = server.process.wait(timeout=40)
        print(
            f"SIGTERM under load: {finished} of 20 streams finished, a new request got"
            f" {late.status}, exit {code}"
        )
        check(finished == 20, "running streams finish at a stop")
        check(late.status == 503, "new work is refused with 503")
        check(code == 0, "a stop ends with 0")


def leave(clients: int = 300) -> None:
    """Clients leaving at every stage: no file, thread or upstream connection stays."""
    generator = random.Random(2)
    with running() as (server, upstream, _):
        upstream.script = lambda ask: Reply(text="word " * 200, pace=0.02)
        open_request(server).close()
        time.sleep(1)
        pid = server.process.pid
        before = files_of(pid), threads_of(pid)
        for _ in range(clients):
            stage = generator.randrange(4)
            sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            if stage == 0:
                sock.sendall(b"POST /v1/mess")
            elif stage == 1:
                head = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
                sock.sendall(head + b"Content-Length: 1000\r\n\r\n{")
            else:
                sock.close()
                sock = open_request(server, read=stage == 3)
            if generator.random() < 0.5:
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.close()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            after = files_of(pid), threads_of(pid)
            if after[0] <= before[0] + 2 and upstream.open_connections <= 2:
                break
            time.sleep(0.2)
        answer = server.request("POST", "/v1/messages/scripted", BODY)
        print(
            f"{clients} clients left: files {before[0]} -> {after[0]}, threads"
            f" {before[1]} -> {after[1]}, upstream connections"
            f" {upstream.open_connections}, next request {answer.status}"
        )
        check(after[0] <= before[0] + 4, "no file handle is left behind")
        check(answer.status == 200, "the server goes on after clients have left")


def slow(streams: int = 1000) -> None:
    """Many streams at once, two readers in ten slow: nothing lost, memory bounded."""
    pieces = 300
    with running() as (server, upstream, _):
        text = "@" * 1000 * pieces  # which nothing else in an answer holds
        upstream.script = lambda ask: Reply(text=text, chunk_chars=1000, pace=0.02)
        pid = server.process.pid
        idle = resident_mib(pid)
        socks = [open_request(server, read=False) for _ in range(streams)]
        stalled, prompt = socks[: streams // 5], socks[streams // 5 :]
        peak = [idle]
        seen = read_to_the_end(prompt, lambda: peak.append(resident_mib(pid)))
        late = read_to_the_end(stalled, lambda: None)
        whole = sum(count == len(text) for count in [*seen, *late])
        print(
            f"{streams} streams at once, {len(stalled)} readers stalled: {whole} got"
            f" every character; {idle:.0f} MiB idle, at most {max(peak):.0f}"
        )
        check(whole == streams, "no reader loses anything")
        check(max(peak) - idle < streams // 5 + 60, "a slow reader holds 1 MiB at most")


def read_to_the_end(
    socks: list[socket.socket], every_second: Callable[[], None]
) -> list[int]:
    """Read streams side by side; how many @ each brought before its end."""
    counts, tails = dict.fromkeys(socks, 0), dict.fromkeys(socks, b"")
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        looked = time.monotonic()
        while selector.get_map():
            for key, _ in selector.select(1.0):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                data = sock.recv(1 << 18)
                counts[sock] += data.count(b"@")
                tails[sock] = (tails[sock] + data)[-200:]
                if not data or b'"message_stop"}' in tails[sock]:
                    selector.unregister(sock)
                    sock.close()
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                every_second()
    return [counts[sock] for sock in socks]


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


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


def started_with(folder: Path, **environ: str) -> tuple[int, str]:
    """Exit status and words of a start that should fail."""
    done = subprocess.run(
        [sys.executable, "-m", "aiproxy", "serve", "--port", "0"],
        cwd=Path(__file__).resolve().parent.parent,
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
        "no database": lambda path: path.write_bytes(b"hello " * 100),
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("what", nargs="*", help="all of them unless some are named")
    options = parser.parse_args()
    scripted_upstream.MAX_ASKS = 1_000_000  # it guards tests against endless clients
    everything: dict[str, Callable[[], None]] = {
        "kill": lambda: kill(options.kills),
        "drain": drain,
        "leave": leave,
        "slow": slow,
        "disk": disk,
        "locked": locked,
        "two": two,
        "old": old,
    }
    for name in options.what or everything:
        everything[name]()
    if _broken:
        print(f"{len(_broken)} promises broken")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
