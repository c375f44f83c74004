"""Every command has an action, and each says what it has done (see test_cli.py)."""

from __future__ import annotations

import argparse

from aiproxy import __version__, actions, cli


def test_each_command_but_serve_has_one():
    parser = cli.build_parser()
    commands = next(
        action.choices
        for action in parser._actions  # noqa: SLF001 - argparse has no public way
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
    )

    assert set(actions.ACTIONS) == set(commands) - {"serve"}


def test_the_version_is_said(capsys):
    assert actions.ACTIONS["version"](argparse.Namespace(), {}) == 0
    assert capsys.readouterr().out == f"aiproxy {__version__}\n"


def test_an_export_says_whether_it_holds_keys(tmp_path, capsys, monkeypatch):
    environ = {"DATABASE_PATH": str(tmp_path / "app.db")}
    from aiproxy import config
    from aiproxy.security.passwords import Passwords

    config.prepare({}, environ, Passwords(4, min_cost=4)).database.close()
    for with_keys, words in ((False, "config.json.\n"), (True, "providers' keys.\n")):
        options = argparse.Namespace(
            file=str(tmp_path / "config.json"), with_keys=with_keys
        )
        (tmp_path / "config.json").unlink(missing_ok=True)
        assert actions.ACTIONS["export"](options, environ) == 0
        assert capsys.readouterr().out.endswith(words)
