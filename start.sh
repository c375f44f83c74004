#!/bin/sh
# Start the server, after installing what it needs the first time.
# Arguments go to the program: ./start.sh --demo, ./start.sh connect, ./start.sh --help
set -eu
cd "$(dirname "$0")"

# CDN hosts and containers may bring the packages along: then nothing is installed.
if [ -z "${AIPROXY_NO_INSTALL:-}" ]; then
    ./install.sh
fi
if [ -x .venv/bin/python ]; then
    exec .venv/bin/python aiproxy.py "$@"
elif [ -x .venv/Scripts/python.exe ]; then
    exec .venv/Scripts/python.exe aiproxy.py "$@"
elif [ -d .venv/site ]; then
    PYTHONPATH=.venv/site${PYTHONPATH:+:$PYTHONPATH}
    export PYTHONPATH
    exec "$(cat .venv/python)" aiproxy.py "$@"
fi
exec "${PYTHON:-python3}" aiproxy.py "$@"
