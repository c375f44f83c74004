"""`python -m tests.fuzz TARGET [SECONDS]`: run atheris until then or the first find.

Needs `pip install atheris` (CPython 3.11 or newer, Linux). A find is printed with the
input that causes it; it becomes a case of tests/fuzz/test_finds.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "golden"


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}\n")
        raise SystemExit(0 if len(sys.argv) > 1 else 2)
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    import atheris

    with atheris.instrument_imports(include=["aiproxy.protocol"]):
        from tests.fuzz.targets import TARGETS

    target = TARGETS[name]

    def run(data: bytes) -> None:
        target(data)

    options = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=20",
    ]
    atheris.Setup([*options, *sys.argv[3:]], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
