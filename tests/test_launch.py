"""The start as a user meets it: what is printed, what stops it, the demo."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.real_server import ROOT, RealServer, Visitor
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream, stall
from tests.support import Site

# Each brings others along; together a quarter of the start and four MiB.
DEAR = {"bottle", "dataclasses", "http", "inspect", "logging.handlers", "pickle"}
DEAR |= {"stringprep", "tempfile"}
if sys.version_info >= (3, 9):  # before, argparse and the look at waitress want them
    DEAR |= {"email.utils", "lzma", "random", "shutil"}
HELLO = [{"role": "user", "content": "what is this?"}]


def run(
    folder: Path, *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The program to its end, in an empty folder."""
    return subprocess.run(
        [sys.executable, str(ROOT / "aiproxy.py"), *arguments],
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def one_line(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def test_a_server_that_starts_again_loads_nothing_that_it_can_do_without(
    tmp_path: Path,
) -> None:
    Site(tmp_path).close()
    environ = {
        "DATABASE_PATH": str(next(tmp_path.glob("*.db"))),
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    with RealServer(tmp_path, environ=environ) as server:
        assert Visitor(server).get("/health").status == 200

    loaded = [line.rpartition("|")[2].strip() for line in server.lines]
    ours = set(loaded[loaded.index("site") :])  # that may load what it likes
    assert "aiproxy.launch" in ours
    assert ours & DEAR == set()


def test_no_garbage_is_looked_for_in_what_the_start_has_loaded() -> None:
    program = (
        "import gc, runpy, sys\n"
        "sys.argv = ['aiproxy', 'version']\n"
        "try:\n"
        "    runpy.run_module('aiproxy', run_name='__main__')\n"
        "except SystemExit:\n"
        "    sys.exit(0 if gc.isenabled() and gc.get_freeze_count() > 10_000 else 1)\n"
    )

    assert subprocess.run((sys.executable, "-c", program), check=False).returncode == 0


def test_a_taken_port_is_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(tmp_path, "--port", str(taken.getsockname()[1]))

    assert "in use" in one_line(ended)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    ended = run(tmp_path, "--port", "0", DATABASE_PATH="file/app.db")

    assert "DATABASE_PATH" in one_line(ended)


def test_a_foreign_database_is_one_line_and_untouched(tmp_path: Path) -> None:
    foreign = tmp_path / "app.db"
    foreign.write_text("no database at all, but somebody's notes")

    ended = run(tmp_path, "--port", "0")

    assert "app.db" in one_line(ended)
    assert foreign.read_text().endswith("notes")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SERVER_PORT", "eighty"), ("PROXY_AUTH", "perhaps"), ("ADMIN_PASSWORD", "x")],
)
def test_a_variable_that_cannot_be_used_is_named(
    tmp_path: Path, variable: str, value: str
) -> None:
    ended = run(tmp_path, "serve", **{variable: value})

    assert variable in one_line(ended)
    assert list(tmp_path.iterdir()) == []


def test_a_second_server_on_one_database_is_refused(tmp_path: Path) -> None:
    with RealServer(tmp_path) as first:
        ended = run(tmp_path, "--port", "0")

        assert str(first.process.pid) in one_line(ended)


def test_off_is_refused_where_others_can_reach_it(tmp_path: Path) -> None:
    ended = run(tmp_path, "--host", "0.0.0.0", "--port", "0", PROXY_AUTH="off")

    assert "PROXY_AUTH" in one_line(ended)


def test_on_an_open_address_the_first_password_is_random(tmp_path: Path) -> None:
    environ = {"ADMIN_PASSWORD": "", "SERVER_HOST": "0.0.0.0"}
    with RealServer(tmp_path, environ=environ) as server:
        server.request("GET", "/health")
        shown = server.line_with("password of admin is")
        password = shown.split(" is ")[1].split(" ")[0]
        visitor = Visitor(server)
        visitor.log_in("admin", password)

        assert visitor.get("/settings", accept="application/json").status == 200
        assert not any("admin123" in line for line in server.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_so(tmp_path: Path, number: signal.Signals) -> None:
    server = RealServer(tmp_path).start()

    server.process.send_signal(number)

    assert server.process.wait(timeout=SECONDS) == 0
    server.stop()


def test_a_stop_during_a_restart_is_a_stop(tmp_path: Path) -> None:
    body = {"model": "claude-opus-5-5", "max_tokens": 99, "messages": HELLO}
    with ScriptedUpstream() as upstream, RealServer(tmp_path) as server:
        server.add_provider(
            name="Slow",
            endpoint=f"{upstream.url}/v1",
            api_key=KEY,
            default_model="scripted-large",
        )
        go_on = threading.Event()
        upstream.say(Reply(text="one two", chunk_chars=3, fault=stall(4, until=go_on)))
        connection = http.client.HTTPConnection(
            "127.0.0.1", server.port, timeout=SECONDS
        )
        headers = {"x-api-key": server.make_admin_key()}
        streamed = json.dumps({**body, "stream": True})
        connection.request("POST", "/v1/messages", streamed, headers)
        response = connection.getresponse()
        assert server.script("POST", "/restart").status == 202

        server.process.send_signal(signal.SIGTERM)
        go_on.set()

        assert b"message_stop" in response.read()
        connection.close()
        assert server.process.wait(timeout=SECONDS) == 0
        assert len([line for line in server.lines if " is at http" in line]) == 1


def test_the_demo_answers_without_a_key_and_keeps_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environ = {"TMPDIR": str(temporary), "ADMIN_PASSWORD": ""}
    with RealServer(tmp_path / "tmp", environ=environ, args=("--demo",)) as server:
        body = {"model": "claude-opus-5", "max_tokens": 99, "messages": HELLO}
        server.line_with("nothing is kept")
        exports = dict(
            line.split("export ")[1].split("=", 1)
            for line in server.lines
            if "export ANTHROPIC" in line
        )
        key = exports["ANTHROPIC_AUTH_TOKEN"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

        answer = server.request(
            "POST", "/v1/messages", json.dumps(body).encode(), headers
        )
        code = server.stop()

    assert exports["ANTHROPIC_BASE_URL"] == server.url
    assert answer.status == 200
    assert "what is this?" in answer.json()["content"][0]["text"]
    assert code == 0
    assert list(temporary.iterdir()) == []
