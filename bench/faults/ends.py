"""The server's end in the middle of its work: `kill`, `drain`."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

from bench.faults.site import BODY, add, check, open_request, running
from tests.real_server import RealServer
from tests.scripted_upstream import Reply, ScriptedUpstream


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
