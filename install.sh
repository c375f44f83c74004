#!/bin/sh
# Put what the server needs into .venv beside this script; touch nothing else.
# Run again at any time: where nothing has changed it ends at once.
#   ./install.sh         what the server needs
#   ./install.sh --dev   the tests' and checks' tools too
#   PYTHON=/path/to/python3 ./install.sh   with this Python
set -eu
cd "$(dirname "$0")"

dev=
[ "${1:-}" = --dev ] && dev=dev

say() { printf '%s\n' "$*" >&2; }
fail() { say "install.sh: $*"; exit 1; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.8 or newer"
        command -v "$PYTHON"
        return
    fi
    for name in python3 python python3.14 python3.13 python3.12 python3.11 python3.10 \
        python3.9 python3.8; do
        if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "no Python 3.8 or newer found. Install one, or name it: PYTHON=/path/to/python3"
}

# What is installed follows from these; the stamp holds them as of the last time,
# and on lines of their own whether the tools are there and which Python was named.
wanted() {
    cat requirements.txt requirements-3.8.txt requirements-dev.txt install.sh | cksum
}

venv_python() {
    for name in .venv/bin/python .venv/Scripts/python.exe; do
        [ -x "$name" ] && "$name" -c '' 2>/dev/null && echo "$name" && return
    done
    return 1
}

is_installed() {
    [ -f .venv/stamp ] || return 1
    { read -r was && read -r was_dev && read -r was_python; } <.venv/stamp || return 1
    [ "$was" = "$stamp" ] || return 1
    [ -z "$dev" ] || [ "$was_dev" = dev ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$was_python" = "$PYTHON" ] || return 1
    # The environment breaks when its Python is removed or upgraded.
    venv_python >/dev/null || [ -d .venv/site ]
}

stamp=$(wanted)
if is_installed; then
    exit 0
fi

python=$(find_python)
target=
say "Installing into .venv with $("$python" -V 2>&1) ..."

make_venv() {
    if venv_python >/dev/null && "$(venv_python)" -m pip --version >/dev/null 2>&1; then
        [ -z "${PYTHON:-}" ] && return
        old=$("$(venv_python)" -c 'import sys; print(sys.version)')
        [ "$old" = "$("$python" -c 'import sys; print(sys.version)')" ] && return
    fi
    rm -rf .venv
    "$python" -m venv .venv >/dev/null 2>&1 && return
    # Debian and Ubuntu ship a Python without ensurepip; virtualenv brings its own.
    rm -rf .venv
    "$python" -m virtualenv -q .venv >/dev/null 2>&1 && return
    rm -rf .venv
    if command -v virtualenv >/dev/null 2>&1; then
        virtualenv -q -p "$python" .venv >/dev/null 2>&1 && return
        rm -rf .venv
    fi
    # No environment, but a pip: a folder of our own does, and it is not a system
    # install, so hosts that forbid those allow it.
    if "$python" -m pip --version >/dev/null 2>&1; then
        mkdir -p .venv/site
        target=.venv/site
        return
    fi
    fail "this Python can make no environment and has no pip.
  Debian, Ubuntu: sudo apt install python3-venv
  elsewhere: install virtualenv or pip for $python
  or use the one-file build aiproxy.pyz, which needs none of them"
}

make_venv
if [ -n "$target" ]; then
    run=$python
    "$python" -c 'import sys; print(sys.executable)' >.venv/python
    set -- --target "$target" --upgrade
else
    run=$(venv_python)
    set --
fi

pip_install() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore "$run" -m pip install -q "$@"
}

# Nothing is compiled here: where no wheel fits, the standard library's scrypt takes
# bcrypt's place.
if ! pip_install "$@" --only-binary :all: --require-hashes -r requirements.txt; then
    say "Trying without bcrypt: passwords will be hashed by the standard library."
    sed '/^bcrypt/,/[^\\]$/d' requirements.txt >.venv/requirements.txt
    pip_install "$@" --only-binary :all: --require-hashes -r .venv/requirements.txt ||
        fail "the packages could not be installed; pip's own words are above"
fi
if ! "$run" -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
    pip_install "$@" --ignore-requires-python --no-deps --require-hashes \
        -r requirements-3.8.txt
fi
if [ -n "$dev" ]; then
    pip_install "$@" -r requirements-dev.txt
fi
printf '%s\n%s\n%s\n' "$stamp" "${dev:--}" "${PYTHON:--}" >.venv/stamp
say "Done. Start with ./start.sh"
