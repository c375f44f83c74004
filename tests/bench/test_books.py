"""What the system says of processes: their CPU, their memory, and the others'."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import books

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="reads Linux' books"
)

WORK = "import sys, time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\n"


@pytest.fixture
def shell():
    """A process whose child has worked for half a second, and waits."""
    script = f"'{sys.executable}' -c '{WORK}sys.stdin.read()'; true"
    with subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_the_children_of_a_process_count_with_it(shell):
    assert len(books.tree(shell.pid)) == 2
    assert 0.5 <= books.cpu_seconds(shell.pid) < 5
    assert books.resident_mib(shell.pid) > 5


@pytest.mark.parametrize(
    ("busy", "own", "share"),
    [((10.0, 16.0), (1.0, 3.0), 0.4), ((10.0, 12.0), (1.0, 3.1), 0.0)],
    ids=["others worked", "only we did"],
)
def test_what_others_did_is_what_we_did_not(monkeypatch, busy, own, share):
    answers = {"_busy_seconds": iter(busy), "_own_seconds": iter(own)}
    for name, values in answers.items():
        monkeypatch.setattr(books, name, lambda values=values: next(values))
    monkeypatch.setattr(books.os, "cpu_count", lambda: 2)
    clock = iter((100.0, 105.0))
    monkeypatch.setattr(books.time, "monotonic", lambda: next(clock))

    assert books.Others().share() == pytest.approx(share)
