"""The load's programs: compiled from C at first use, or else their twins in Python.

The compiled ones take a few microseconds a chunk, so that what is measured is the
gateway. Without a C compiler the same is done in Python, ten times as slowly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "native"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")
TWINS = {"client": "bench.python_client", "upstream": "bench.python_upstream"}


def cache_folder() -> Path:
    """Where compiled programs and installed gateways stay."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "aiproxy-bench"


def compiler() -> str | None:
    """The C compiler, where there is one and the system has epoll."""
    if not sys.platform.startswith("linux"):
        return None
    return shutil.which(os.environ.get("CC", "cc"))


def command(name: str) -> list[str]:
    """How to start "client" or "upstream"."""
    cc = compiler()
    if cc is None:
        return [sys.executable, "-m", TWINS[name]]
    return [str(_compiled(cc, name))]


def _compiled(cc: str, name: str) -> Path:
    digest = hashlib.sha256(" ".join((cc, *FLAGS)).encode())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    program = cache_folder() / f"{name}-{digest.hexdigest()[:16]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        unfinished = program.with_name(f"{program.name}.{os.getpid()}")
        source = SOURCES / f"{name}.c"
        subprocess.run([cc, *FLAGS, "-o", str(unfinished), str(source)], check=True)
        unfinished.rename(program)
    return program
