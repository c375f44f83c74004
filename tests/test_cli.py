"""The command line: what each command prints, and its exit code."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import sys
from pathlib import Path
from typing import Callable

import pytest

from aiproxy import __version__, cli
from aiproxy.security.passwords import Passwords
from tests.support import Site

Run = Callable[..., int]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database as after a first start, named by the environment."""
    site = Site(tmp_path)
    site.close()
    path = next(tmp_path.glob("*.db"))
    monkeypatch.setenv("DATABASE_PATH", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(str(database))
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_printed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = cli.main(arguments)
    except SystemExit as exc:
        code = int(str(exc.code))

    assert code == 0
    assert capsys.readouterr().out == f"aiproxy {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["serve", "--port", "70000"],
        ["serve", "--port", "eighty"],
        ["backup"],
        ["--wrong"],
    ],
)
def test_wrong_usage_is_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)

    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    commands = commands_in(cli.build_parser().format_help())

    assert {"serve", "check", "connect", "reset-password", "import"} <= set(commands)
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0
        assert command in capsys.readouterr().out


def commands_in(text: str) -> list[str]:
    """The commands that a help text lists."""
    return re.findall(r"^    ([a-z-]+)(?: |$)", text, re.MULTILINE)


def test_serve_is_meant_where_no_command_is_named() -> None:
    assert cli.with_command([]) == ["serve"]
    assert cli.with_command(["--demo"]) == ["serve", "--demo"]
    assert cli.with_command(["check"]) == ["check"]
    assert cli.with_command(["--help"]) == ["--help"]


def test_a_failure_is_one_line_and_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "none.db"))

    code = cli.main(["backup", str(tmp_path / "copy.db")])

    printed = capsys.readouterr()
    assert code == 1
    assert printed.out == ""
    assert printed.err.startswith("aiproxy: ")
    assert printed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_password_comes_from_standard_input(
    database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a brand new password\n"))

    assert cli.main(["reset-password"]) == 0

    query = "SELECT password_hash FROM users WHERE username = 'admin'"
    stored = str(rows(database, query)[0][0])
    assert Passwords().verify("a brand new password", stored)
    assert "admin" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("user", "password"), [("nobody", "a brand new password"), ("admin", "short")]
)
def test_a_password_that_cannot_be_set_changes_nothing(
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    password: str,
) -> None:
    query = "SELECT password_hash FROM users"
    before = rows(database, query)
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))

    assert cli.main(["reset-password", user]) == 1
    assert rows(database, query) == before


def test_unlock_leaves_a_mark_for_the_server(database: Path) -> None:
    assert cli.main(["unlock", "admin"]) == 0
    assert cli.main(["unlock"]) == 0
    assert cli.main(["unlock", "nobody"]) == 1


def test_a_backup_can_be_put_back(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.bak"
    users = rows(database, "SELECT username FROM users")

    assert cli.main(["backup", str(copy)]) == 0
    changed = sqlite3.connect(str(database))
    changed.execute("DELETE FROM providers")
    changed.commit()
    changed.close()
    assert cli.main(["restore", str(copy)]) == 0

    assert rows(database, "SELECT COUNT(*) FROM providers")[0][0]
    assert rows(database, "SELECT username FROM users") == users
    assert "before-restore" in capsys.readouterr().out


def test_an_export_can_be_imported(database: Path, tmp_path: Path) -> None:
    exported = tmp_path / "export.json"

    assert cli.main(["export", str(exported)]) == 0
    assert cli.main(["import", str(exported)]) == 0

    providers = json.loads(exported.read_text())["providers"]
    assert len(providers) == rows(database, "SELECT COUNT(*) FROM providers")[0][0]
    assert not any(provider.get("api_key") for provider in providers)


def test_connect_prints_lines_for_a_shell(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["connect", "openrouter", "--shell", "bash"]) == 0

    printed = capsys.readouterr().out
    address = "http://127.0.0.1:8000/v1/messages/openrouter"
    assert f"export ANTHROPIC_BASE_URL={address}\n" in printed
    assert printed.endswith("claude\n")


def test_connect_names_what_exists_when_asked_for_something_else(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["connect", "opemrouter"]) == 1
    assert "openrouter" in capsys.readouterr().err
