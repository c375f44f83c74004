"""Which value holds: command-line flag, environment, database, default.

Also the first start, as the first password depends on the address to listen on. What
cannot be used stops the start with one line.
"""

from __future__ import annotations

import os
import time
from typing import Any, Mapping

from aiproxy.errors import ConfigError, StoreError
from aiproxy.records import dataclass, field
from aiproxy.security import passwords, tokens
from aiproxy.security.passwords import Passwords
from aiproxy.store import first_start, settings, snapshot
from aiproxy.store.database import Database
from aiproxy.store.first_start import FirstAdmin
from aiproxy.store.setting_types import Setting, Unfit
from aiproxy.store.settings import FULL_LOGGING, SETTINGS, Fixed, Settings

DATABASE_PATH = "DATABASE_PATH"
ADMIN_PASSWORD = "ADMIN_PASSWORD"  # noqa: S105 - the variable's name
SECRETS_DIR = "SECRETS_DIR"
DEFAULT_DATABASE = "app.db"

# What the environment sets besides the settings' own variables.
ENVIRONMENT_ONLY: Mapping[str, str] = {
    DATABASE_PATH: f"The database file ({DEFAULT_DATABASE}).",
    ADMIN_PASSWORD: "The admin's first password. Read at the first start only.",
    SECRETS_DIR: "A folder below which file: references to keys may read.",
}
# Flags whose name is not the setting's.
_FLAGS: Mapping[str, str] = {"server_host": "--host", "server_port": "--port"}


@dataclass(frozen=True)
class Prepared:
    """An open database with everything in it that a server needs to start."""

    database: Database
    settings: Settings
    fixed: Mapping[str, Fixed]
    # Made just now because nobody gave one: to be shown once, on standard error.
    random_password: str = field(default="", repr=False)


def database_path(environ: Mapping[str, str]) -> str:
    """The database file, from the environment alone."""
    return environ.get(DATABASE_PATH, "").strip() or DEFAULT_DATABASE


def fixed_values(
    flags: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Fixed]:
    """Settings that a flag or a variable fixes; raises ConfigError.

    A flag that is None was not given; an empty variable counts as not set.
    """
    fixed: dict[str, Fixed] = {}
    short_form = FULL_LOGGING.upper()
    if environ.get(short_form, "").strip():
        switch = SETTINGS["enable_streaming"]  # any that is on or off
        is_full = _parsed(switch, environ[short_form], short_form)
        fixed["log_bodies"] = Fixed("all" if is_full else "none", short_form)
    for name, setting in SETTINGS.items():
        for variable in setting.env:
            text = environ.get(variable, "").strip()
            if text:
                fixed[name] = Fixed(_parsed(setting, text, variable), variable)
                break
    for name, value in flags.items():
        if value is not None:
            flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
            fixed[name] = Fixed(_parsed(SETTINGS[name], value, flag), flag)
    return fixed


def prepare(
    flags: Mapping[str, Any], environ: Mapping[str, str], hasher: Passwords
) -> Prepared:
    """Open the database, make it at the first start, and judge the settings."""
    os.umask(0o077)  # before the first file is made, for all that follow
    fixed = fixed_values(flags, environ)
    path = database_path(environ)
    if not os.path.exists(path):
        # Before a file is made that would have to be deleted again.
        _check_admin_password(environ)
    database = Database(path).open()
    try:
        return _prepare(database, fixed, environ, hasher)
    except StoreError as exc:
        database.close()
        raise ConfigError(exc.message) from exc
    except BaseException:
        database.close()
        raise


def _prepare(
    database: Database,
    fixed: Mapping[str, Fixed],
    environ: Mapping[str, str],
    hasher: Passwords,
) -> Prepared:
    db = database.connection()
    loaded = settings.load(db, fixed)
    for name, problem in settings.problems(loaded).items():
        raise ConfigError(f"{_source_of(name, fixed)}: {problem}")
    random_password = ""
    if first_start.is_due(db):
        password = _first_password(loaded, environ)
        if password is None:
            password = random_password = passwords.make_random()
        admin = FirstAdmin(
            hasher.hash(password),
            must_change_password=password == passwords.DEFAULT_PASSWORD,
        )
        with database.transaction():
            secret_key = tokens.make_secret_key()
            first_start.fill(db, admin, secret_key=secret_key, now=int(time.time()))
    elif not loaded.secret_key:
        with database.transaction():
            settings.save(db, {"secret_key": tokens.make_secret_key()})
    # Whatever a request would stumble over stops the start instead.
    loaded = snapshot.load(db, fixed).settings
    return Prepared(database, loaded, fixed, random_password)


def _first_password(loaded: Settings, environ: Mapping[str, str]) -> str | None:
    """The admin's first password; None: one has to be made."""
    _check_admin_password(environ)
    given = environ.get(ADMIN_PASSWORD, "")
    if given:
        return given
    return passwords.DEFAULT_PASSWORD if loaded.is_loopback_bind else None


def _check_admin_password(environ: Mapping[str, str]) -> None:
    given = environ.get(ADMIN_PASSWORD, "")
    problem = passwords.problem(given, first_start.ADMIN) if given else ""
    if problem:
        raise ConfigError(f"{ADMIN_PASSWORD} cannot be used: {problem}")


def _parsed(setting: Setting, value: Any, source: str) -> Any:
    try:
        return setting.parse(value)
    except Unfit as exc:
        raise ConfigError(f"{source} cannot be used: {exc}") from None


def _source_of(name: str, fixed: Mapping[str, Fixed]) -> str:
    return fixed[name].source if name in fixed else f"the setting {name}"
