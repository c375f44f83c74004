"""What the commands do and print, but for `serve`, which needs nothing of it."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Callable, Mapping

from aiproxy import __version__, commands, config
from aiproxy.errors import ConfigError
from aiproxy.security import passwords
from aiproxy.security.passwords import Passwords
from aiproxy.store import maintenance

Action = Callable[[argparse.Namespace, Mapping[str, str]], int]


def _check(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    url = options.url or commands.own_address(commands.read_settings(environ))
    commands.check(url)
    print(f"{url} is ready")
    return 0


def _connect(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    shell = options.shell or commands.usual_shell(environ)
    print(commands.client_lines(environ, options.alias, shell))
    return 0


def _version(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    print(f"aiproxy {__version__}")
    return 0


def _reset_password(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = config.database_path(environ)
    password = _read_password(options.user)
    problem = passwords.problem(password, options.user)
    if problem:
        raise ConfigError(problem)
    name = maintenance.reset_password(path, options.user, Passwords().hash(password))
    print(f"The password of {name} is set; all sessions of {name} have ended.")
    return 0


def _read_password(user: str) -> str:
    """Typed twice without an echo, or the first line that a script sends."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    try:
        password = getpass.getpass(f"New password of {user}: ")
        if getpass.getpass("The same again: ") != password:
            raise ConfigError("the two are not the same: nothing was changed")
    except EOFError:
        raise ConfigError("no password was typed: nothing was changed") from None
    return password


def _unlock(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    maintenance.unlock(config.database_path(environ), options.user)
    print(f"{options.user or 'Everybody'} may try to log in again.")
    return 0


def _backup(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    maintenance.backup(config.database_path(environ), options.file)
    print(f"The database is copied to {options.file}. Keep it safe: it holds keys.")
    return 0


def _restore(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    kept = maintenance.restore(config.database_path(environ), options.file)
    print(f"{options.file} is in place.")
    if kept:
        print(f"What was there before is kept as {kept}.")
    return 0


def _export(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    path = config.database_path(environ)
    maintenance.export(path, options.file, with_keys=options.with_keys)
    warning = " It holds the providers' keys." if options.with_keys else ""
    print(f"The configuration is written to {options.file}.{warning}")
    return 0


def _import(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    for note in maintenance.import_file(config.database_path(environ), options.file):
        print(note)
    print(f"{options.file} is imported.")
    return 0


ACTIONS: dict[str, Action] = {
    "check": _check,
    "connect": _connect,
    "version": _version,
    "reset-password": _reset_password,
    "unlock": _unlock,
    "backup": _backup,
    "restore": _restore,
    "export": _export,
    "import": _import,
}
