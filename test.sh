#!/bin/sh
# All checks and all tests, as CI runs them. Arguments go to pytest:
#   ./test.sh                       everything
#   ./test.sh tests/protocol -x     some of it
set -eu
cd "$(dirname "$0")"

./install.sh --dev
if [ -x .venv/bin/python ]; then
    python=.venv/bin/python
else
    python=.venv/Scripts/python.exe
fi

"$python" -m ruff format --check .
"$python" -m ruff check .
"$python" -m mypy
if [ $# -eq 0 ]; then
    # Tests wait a third of their time, for servers and browsers.
    cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
    set -- -n "$((cores < 5 ? cores + 1 : 6))" --dist loadfile
fi
if [ -z "${TMPDIR:-}" ] && TMPDIR=$(.ci/folder-in-memory 2>/dev/null); then
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT INT TERM
fi
"$python" -m pytest -q "$@"
