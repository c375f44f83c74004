"""The program with shorter times and a movable clock, in a process of its own.

Run as a script it is `python -m aiproxy`, but for the numbers that `ALTERED` names:
everything that they are numbers of is the product's own.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Mapping

from tests.real_server import RealServer

VARIABLE = "ALTERED"


def altered(
    folder: Path,
    *,
    limits: Mapping[str, float] | None = None,
    constants: Mapping[str, float] | None = None,
    housekeeping: Mapping[str, float] | None = None,
    clock: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> RealServer:
    """A server to start: `constants` by "module:NAME"; `clock` holds an offset."""
    changes: dict[str, Any] = {
        "limits": dict(limits or {}),
        "constants": dict(constants or {}),
        "housekeeping": dict(housekeeping or {}),
        "clock": str(clock or ""),
    }
    return RealServer(
        folder,
        environ={VARIABLE: json.dumps(changes), **(environ or {})},
        program=(sys.executable, __file__),
    )


def _move_clock(path: str) -> None:
    real = time.time

    def moved() -> float:
        with open(path, encoding="ascii") as file:
            return real() + float(file.read() or 0)

    time.time = moved


def main() -> None:
    changes = json.loads(os.environ.pop(VARIABLE))
    if changes["clock"]:
        _move_clock(changes["clock"])  # before anyone keeps a reference to it
    for place, value in changes["constants"].items():
        module, _, name = place.partition(":")
        assert hasattr(importlib.import_module(module), name), place
        setattr(importlib.import_module(module), name, value)
    server = importlib.import_module("aiproxy.serving.server")
    server.Limits = functools.partial(server.Limits, **changes["limits"])
    launch = importlib.import_module("aiproxy.launch")
    launch.Housekeeping = functools.partial(
        launch.Housekeeping, **changes["housekeeping"]
    )
    sys.exit(importlib.import_module("aiproxy.cli").main())


if __name__ == "__main__":
    main()
