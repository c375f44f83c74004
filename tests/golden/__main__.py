"""`make golden`: write every expected.sse anew; the diff is for review."""

from __future__ import annotations

from tests import golden


def main() -> None:
    for case in golden.CASES:
        path = golden.HERE / case / "expected.sse"
        made = golden.replay(case, len(golden.upstream(case)))
        if not path.exists() or path.read_bytes() != made:
            path.write_bytes(made)
            print(path.relative_to(golden.HERE.parent.parent))  # noqa: T201


if __name__ == "__main__":
    main()
