"""The machine fails: disk full, file gone, database held, clock wrong, process killed.

Proxying goes on, what was acknowledged stays, and what cannot be done is said.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from aiproxy.store.database import LOCK_SECONDS
from tests.altered_server import altered
from tests.attack.outsider import Outsider
from tests.patience import wait_until
from tests.real_server import ADMIN_PASSWORD, ROOT, Answer, RealServer, Visitor
from tests.scripted_upstream import ScriptedUpstream

pytestmark = pytest.mark.once

DAY = 24 * 3600
HELLO = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hello"}],
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(judge=False) as scripted:
        yield scripted


def add(server: RealServer, upstream: ScriptedUpstream) -> None:
    server.add_provider(
        name="Scripted",
        slug="scripted",
        endpoint=f"{upstream.url}/v1",
        api_key=upstream.key,
        default_model="scripted-large",
    )


def ask(server: RealServer) -> Answer:
    """A message, as somebody with a key; it must not wait for any disk."""
    began = time.monotonic()
    body = json.dumps(HELLO).encode()
    headers = {"x-api-key": server.make_admin_key()}
    answer = server.request("POST", "/v1/messages/scripted", body, headers)
    assert time.monotonic() - began < LOCK_SECONDS * 0.9
    return answer


def save(server: RealServer, name: str) -> Answer:
    fields = {"alias": name, "provider_id": "", "prompt": "standard"}
    return server.script("POST", "/alias/new", fields)


def aliases(server: RealServer) -> set[str]:
    found = server.script("GET", "/aliases").json()["aliases"]
    return {alias["alias"] for alias in found}


def dropped_rows(server: RealServer) -> int:
    text = server.request("GET", "/metrics").text
    line = next(x for x in text.split("\n") if x.startswith("aiproxy_log_rows_dropped"))
    return int(line.split()[1])


@contextmanager
def small_disk(folder: Path, *, megabytes: int = 3) -> Iterator[Path]:
    """A file system of its own; only root may make one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root, on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def failing_disk(folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """One that turns read-only under open files, as after an error of the disk."""
    image, disk = folder / "image", folder / "disk"
    image.write_bytes(bytes(8 << 20))
    disk.mkdir()
    make = ["mkfs.ext4", "-q", str(image)]
    mount = ["mount", "-o", "loop,errors=remount-ro", str(image), str(disk)]
    for command in (make, mount):
        found = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if not found or subprocess.run([found, *command[1:]], check=False).returncode:
            pytest.skip("a failing disk can only be made by root, on Linux")
    try:
        yield disk, lambda: _fail(disk)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fail(disk: Path) -> None:
    lines = Path("/proc/mounts").read_text().split("\n")
    device = next(line.split()[0] for line in lines if f" {disk} " in line)
    trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
    if not trigger.exists():
        pytest.skip("this kernel's disks do not fail on demand")
    trigger.write_text("a test")


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            with suppress(OSError):
                while file.write(b"x" * size):
                    pass


def test_on_a_full_disk_requests_go_on_and_saves_say_why(tmp_path, upstream):
    with small_disk(tmp_path / "disk") as disk, RealServer(disk) as server:
        outsider = Outsider(server)
        add(server, upstream)
        visitor = Visitor(server)
        visitor.log_in("admin", ADMIN_PASSWORD)
        assert save(server, "before").status == 201
        fill(disk / "ballast")

        # What is left of the database's last page may take a few more.
        answers = [save(server, f"full-{n}") for n in range(30)]
        refused = answers[-1]
        assert refused.status == 503
        assert "disk is full" in refused.json()["error"]["message"]
        assert {answer.status for answer in answers} <= {201, 503}
        for _ in range(20):
            assert ask(server).status == 200
        assert server.request("GET", "/health").status == 200
        assert server.request("GET", "/ready").status == 200
        for path in ("/", "/providers", "/logs", "/settings", "/profile"):
            assert visitor.get(path).status == 200
        assert "nearly full" in visitor.get("/").text
        wait_until(lambda: dropped_rows(server) > 0)

        (disk / "ballast").unlink()
        assert save(server, "after").status == 201
        acknowledged = {
            f"full-{n}" for n, answer in enumerate(answers) if answer.status == 201
        }
        assert aliases(server) == {"before", "after", *acknowledged}
        outsider.assert_unharmed()


def test_on_a_disk_turned_read_only_requests_go_on(tmp_path, upstream):
    with failing_disk(tmp_path) as (disk, fail), RealServer(disk) as server:
        outsider = Outsider(server)
        add(server, upstream)
        visitor = Visitor(server)
        visitor.log_in("admin", ADMIN_PASSWORD)
        assert save(server, "before").status == 201
        fail()

        for _ in range(3):
            assert ask(server).status == 200
        refused = save(server, "nowhere")
        assert refused.status == 503
        assert "nothing was saved" in refused.json()["error"]["message"]
        assert aliases(server) == {"before"}
        for path in ("/", "/providers", "/logs", "/settings", "/profile"):
            assert visitor.get(path).status == 200
        assert server.request("GET", "/health").status == 200
        wait_until(lambda: dropped_rows(server) > 0)
        outsider.assert_unharmed()


@pytest.mark.skipif(os.name == "nt", reason="an open file stays in its place there")
@pytest.mark.parametrize(
    ("name", "is_deleted"),
    [("app.db", False), ("app.db", True), ("app.db-wal", True)],
)
def test_without_its_file_requests_go_on_and_saves_say_why(
    tmp_path, upstream, name, is_deleted
):
    path, away = tmp_path / name, tmp_path / "away"
    with RealServer(tmp_path) as server:
        outsider = Outsider(server)
        add(server, upstream)
        visitor = Visitor(server)
        visitor.log_in("admin", ADMIN_PASSWORD)
        assert save(server, "before").status == 201
        path.rename(away)
        if is_deleted:
            away.unlink()

        for n in range(10):
            refused = save(server, f"lost-{n}")
            assert refused.status == 503
            assert "nothing was saved" in refused.json()["error"]["message"]
            assert ask(server).status == 200
        assert not path.exists()
        assert "moved, deleted or replaced" in visitor.get("/").text
        assert server.request("GET", "/health").status == 200
        assert server.request("GET", "/ready").status == 503
        wait_until(lambda: dropped_rows(server) > 0)
        if not is_deleted:
            away.rename(path)
            assert save(server, "after").status == 201
            assert aliases(server) == {"before", "after"}
        outsider.assert_unharmed()


def test_a_read_only_disk_stops_the_start_with_one_line(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        remount = ["mount", "-o", "remount,ro", str(disk)]
        subprocess.run(remount, check=True)
        code, words = started_with(disk)

    assert code == 1
    assert words.count("\n") == 0, words


def seconds_of(ask: Callable[[RealServer], Answer], server: RealServer) -> float:
    began = time.monotonic()
    assert ask(server).status == 200
    return time.monotonic() - began


def test_a_held_database_delays_saves_and_nothing_else(tmp_path, upstream):
    constants = {"aiproxy.store.database:LOCK_SECONDS": 1.0}
    with altered(tmp_path, constants=constants) as server:
        outsider = Outsider(server)
        add(server, upstream)
        with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            # One that waited for the lock would take a second each time.
            assert min(seconds_of(ask, server) for _ in range(5)) < 0.8
            assert server.request("GET", "/health").status == 200
            assert server.script("GET", "/providers").status == 200
            began = time.monotonic()
            refused = save(server, "held")
            assert time.monotonic() - began > 0.9
            assert refused.status == 503
            assert "busy" in refused.json()["error"]["message"]
            db.execute("ROLLBACK")
        assert save(server, "free").status == 201
        assert aliases(server) == {"free"}
        outsider.assert_unharmed()


def test_a_kill_loses_nothing_acknowledged(tmp_path, upstream):
    first = RealServer(tmp_path).start()
    add(first, upstream)
    saved: set[str] = set()
    is_dead = threading.Event()

    def load() -> None:
        with suppress(OSError, ValueError, AssertionError):
            while not is_dead.is_set():
                name = f"a{len(saved)}"
                if save(first, name).status == 201:
                    saved.add(name)

    thread = threading.Thread(target=load)
    thread.start()
    wait_until(lambda: len(saved) > 5)
    first.process.send_signal(signal.SIGKILL)
    first.stop()
    is_dead.set()
    thread.join()

    second = RealServer(tmp_path)
    second.admin_key = first.admin_key
    with second:
        assert saved <= aliases(second)
        assert ask(second).status == 200
    assert not [line for line in second.lines if "repair" in line]


# Starts that must fail


def started_with(folder: Path, *args: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "aiproxy", "serve", "--port", "0", *args],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "DATABASE_PATH": str(folder / "app.db"),
            "LOG_DIR": str(folder / "logs"),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stderr.strip()


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE songs (id)")
        db.commit()


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE users (id)")
        db.execute("PRAGMA user_version = 999")
        db.commit()


DATABASES: dict[str, Callable[[Path], Any]] = {
    "corrupt": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000),
    "no database": lambda path: path.write_bytes(b"hello " * 100),
    "foreign": _foreign,
    "newer": _newer,
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("make", DATABASES.values(), ids=DATABASES)
def test_a_database_of_no_use_is_one_line_and_untouched(tmp_path, make):
    path = tmp_path / "app.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None

    code, words = started_with(tmp_path)

    assert code == 1
    assert words.count("\n") == 0, words
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_second_instance_and_a_taken_port_are_one_line(tmp_path):
    with RealServer(tmp_path) as server:
        code, words = started_with(tmp_path)
        assert (code, words.count("\n")) == (1, 0)
        assert str(server.process.pid) in words
        (tmp_path / "other").mkdir()
        code, words = started_with(tmp_path / "other", "--port", str(server.port))
        assert (code, words.count("\n")) == (1, 0)
        assert "in use" in words
        assert not (tmp_path / "other" / "app.db").exists()


# The clock


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clock") / "offset"
    path.write_text("0")
    return path


@pytest.fixture(scope="module")
def timed(
    tmp_path_factory: pytest.TempPathFactory, clock: Path, upstream: ScriptedUpstream
) -> Iterator[RealServer]:
    """Prunes every tenth of a second, by a clock that we set."""
    with altered(
        tmp_path_factory.mktemp("timed"),
        clock=clock,
        housekeeping={"watch_seconds": 0.05, "prune_seconds": 0.1},
        # A lock of a second might end while the test is held up.
        constants={"aiproxy.security.login_guard:FIRST_DELAY_SECONDS": 100.0},
    ) as running:
        add(running, upstream)
        yield running


class Clock:
    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self, seconds: float) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(str(seconds))
        temporary.replace(self._path)


@pytest.fixture
def jump(clock: Path) -> Iterator[Callable[[float], None]]:
    hand = Clock(clock)
    hand.set(0)
    yield hand.set
    hand.set(0)


def logged(server: RealServer) -> int:
    return int(server.script("GET", "/logs?range=all").json()["total"])


def test_a_jump_is_judged_at_use_and_undone_when_it_is_undone(timed, jump):
    visitor = Visitor(timed)
    visitor.log_in("admin", ADMIN_PASSWORD)
    short = visitor.post("/profile/keys/new", name="short", expires_in_days="1").json()
    key = {"x-api-key": short["key"]}
    assert ask(timed).status == 200
    wait_until(lambda: logged(timed) > 0)
    before = logged(timed)

    jump(2 * DAY)  # expired, by the clock that we have
    assert visitor.get("/profile").status == 302
    assert timed.request("GET", "/v1/models", headers=key).status == 401
    jump(400 * DAY)  # older than all retention; a wrong clock must not empty the log
    time.sleep(0.5)  # several prunes
    assert logged(timed) == before

    jump(0)
    assert visitor.get("/profile").status == 200
    assert timed.request("GET", "/v1/models", headers=key).status == 200
    assert logged(timed) == before


@pytest.mark.parametrize("days", [-20_000, -400, -2, 2, 400, 20_000, 2_000_000])
def test_whatever_the_clock_says_everything_answers(timed, jump, days):
    outsider = Outsider(timed)
    timed.make_admin_key()
    jump(days * DAY)
    assert ask(timed).status == 200
    assert save(timed, f"day{days}").status == 201
    for path in ("/", "/?range=7d", "/logs?range=all", "/usage", "/users", "/profile"):
        assert timed.script("GET", path).status == 200
    browser = Visitor(timed)
    browser.log_in("admin", ADMIN_PASSWORD)
    for path in ("/", "/logs", "/logs/export?format=csv", "/usage", "/users"):
        assert browser.get(path).status == 200
    assert timed.request("GET", "/metrics").status == 200
    outsider.assert_unharmed()


def test_no_jump_ends_a_lock_or_a_rate_limit_or_makes_one(timed, jump):
    def guess(password: str) -> int:
        form = f"username=nobody&password={password}".encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return timed.request("POST", "/login", form, kind).status

    while guess("a wrong password") != 429:
        pass
    timed.script("POST", "/settings", {"rate_limit_requests": 3})
    try:
        while ask(timed).status != 429:
            pass
        for seconds in (-DAY / 2, DAY / 2, 10 * DAY):
            jump(seconds)
            assert guess("a wrong password") == 429
            assert ask(timed).status == 429
    finally:
        timed.script("POST", "/settings", {"rate_limit_requests": 600})
    # Everybody else logs in as ever.
    Visitor(timed).log_in("admin", ADMIN_PASSWORD)
