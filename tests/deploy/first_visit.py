"""What a user does first with a new program, and a place for it that is shut off.

    python -m tests.deploy.first_visit FOLDER SETTINGS PROGRAM...

runs it in FOLDER with no way out but loopback; SETTINGS are variables as JSON. It
prints what passwords are hashed with there.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path
from typing import Mapping, Sequence

import pytest

from tests.real_server import ROOT, RealServer
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream

HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hello"}],
}
# In a network and with mounts of its own; without being root, as root of its own.
SHUT_OFF = ("unshare", "--map-root-user", "--mount", "--net")
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def visit(server: RealServer) -> str:
    """Health, a login, a translated request; the scheme of the password's hash."""
    assert server.request("GET", "/health").json()["status"] == "healthy"
    assert "</html>" in server.request("GET", "/login").text
    with ScriptedUpstream() as upstream:
        server.add_provider(
            name="Scripted",
            endpoint=upstream.url + "/v1",
            api_key=KEY,
            default_model="scripted-large",
        )
        for stream in (False, True):
            upstream.say(Reply(text="one two three", chunk_chars=40))
            body = json.dumps({**HELLO, "stream": stream}).encode()
            headers = {"x-api-key": server.make_admin_key()}
            answer = server.request("POST", "/v1/messages", body, headers)
            assert answer.status == 200, answer.text
            assert "one two three" in answer.text
        upstream.check()
    return hash_scheme(server.folder / "app.db")


def hash_scheme(database: Path) -> str:
    connection = sqlite3.connect(str(database))
    try:
        (stored,) = connection.execute("SELECT password_hash FROM users").fetchone()
    finally:
        connection.close()
    return str(stored).lstrip("$").partition("$")[0]


def shut_off(
    program: Sequence[str],
    folder: Path,
    *,
    mounts: Mapping[Path, str],
    environ: Mapping[str, str],
) -> str:
    """`visit` without a network, and with empty file systems mounted at `mounts`."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: this place cannot be shut off")
    if subprocess.run([*SHUT_OFF, "true"], check=False, capture_output=True).returncode:
        pytest.skip("neither root, nor allowed a network and mounts of its own")
    steps = ["set -e"]
    for place, options in mounts.items():
        steps.append(f"mount -t tmpfs -o {options} tmpfs '{place}'")
    steps.append('exec "$0" -m tests.deploy.first_visit "$@"')
    arguments = [str(folder), json.dumps(dict(environ)), *program]
    done = subprocess.run(
        [*SHUT_OFF, "sh", "-c", "\n".join(steps), sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def _raise_loopback() -> None:
    """A new network has a loopback, but it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def main(folder: str, environ: str, *program: str) -> None:
    _raise_loopback()
    settings = json.loads(environ)
    with RealServer(Path(folder), program=program, environ=settings) as server:
        sys.stdout.write(visit(server))


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
