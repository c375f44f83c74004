"""Programs that others made, started for a test on free loopback ports."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from tests.patience import SECONDS


def find(program: str) -> str:
    """Its path; without it the test is skipped, in CI it fails."""
    beside_python = Path(sys.executable).parent
    path = f"{beside_python}:{os.environ['PATH']}:/usr/sbin"
    found = shutil.which(program, path=path)
    if found is None:
        message = f"{program} is not installed: see .ci/run and requirements-dev.txt"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    """For a program that cannot choose one; the system itself gives away none of these.

    One that it had chosen could be anybody's before the program has started.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def running(arguments: list[str], port: int, log: Path) -> Iterator[None]:
    """The daemon in the foreground, until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=output)
        try:
            _wait_for(port, process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{process.args} did not start:\n{log.read_text()}")
