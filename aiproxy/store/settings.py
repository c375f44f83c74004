"""The settings: each declared once, with default, environment variable and help.

Stored as JSON, a row each; a row exists only for what was saved. What a flag or the
environment fixes comes from config.py and goes before the stored value.
"""

from __future__ import annotations

import ipaddress
import json
import sqlite3
from typing import Any, Mapping

from aiproxy.errors import StoreError
from aiproxy.records import dataclass, field, fields
from aiproxy.store import setting_types as types
from aiproxy.store.setting_types import Setting

LOOPBACK_NAMES = ("localhost",)


def _declare(default: Any, kind: str, text: str, env: str = "", **options: Any) -> Any:
    metadata = {"kind": kind, "help": text, "env": tuple(env.split()), **options}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """All settings, typed, as they hold now."""

    server_host: str = _declare(
        "127.0.0.1",
        types.TEXT,
        "Address to listen on. Anything but a loopback address is reachable from the"
        " network: put a TLS proxy before it.",
        "SERVER_HOST",
        needs_restart=True,
        clean=types.clean_bind_host,
    )
    server_port: int = _declare(
        8000,
        types.INTEGER,
        "Port to listen on.",
        "SERVER_PORT PORT",
        needs_restart=True,
        maximum=65535,
    )
    secret_key: str = _declare(
        "",
        types.TEXT,
        "Signs the forms. Made at the first start and never shown.",
        is_secret=True,
        clean=types.clean_secret_key,
    )
    require_authentication: bool = _declare(
        True,
        types.BOOLEAN,
        "Ask for a login on the pages. Off counts for local requests only.",
    )
    proxy_auth: str = _declare(
        "auto",
        types.CHOICE,
        "Personal API keys under /v1: auto asks for one unless the request is local;"
        " off is refused on an address other than loopback.",
        choices=("auto", "required", "off"),
    )
    session_cookie_secure: bool = _declare(
        False,
        types.BOOLEAN,
        "Send the session cookie over https only.",
    )
    enable_streaming: bool = _declare(
        True,
        types.BOOLEAN,
        "Ask providers for streams. Off: answers come in one piece.",
    )
    request_timeout: int = _declare(
        600,
        types.INTEGER,
        "Longest silence of a provider, in seconds.",
        minimum=1,
        maximum=86400,
    )
    connect_timeout: int = _declare(
        10,
        types.INTEGER,
        "Longest wait for a connection to a provider, in seconds.",
        minimum=1,
        maximum=300,
    )
    rate_limit_enabled: bool = _declare(
        True, types.BOOLEAN, "Limit the requests under /v1."
    )
    rate_limit_requests: int = _declare(
        600,
        types.INTEGER,
        "Requests that a key, or an address without one, may send in the window.",
        minimum=1,
        maximum=100_000,
    )
    rate_limit_window: int = _declare(
        60,
        types.INTEGER,
        "Length of the window, in seconds.",
        minimum=1,
        maximum=86400,
    )
    trusted_proxies: tuple[str, ...] = _declare(
        (),
        types.LIST,
        "Addresses or networks whose X-Forwarded-For and -Proto are believed.",
        clean=types.clean_network,
    )
    base_path: str = _declare(
        "",
        types.TEXT,
        "Path before all others, such as /aiproxy.",
        needs_restart=True,
        clean=types.clean_base_path,
    )
    public_url: str = _declare(
        "",
        types.TEXT,
        "Address before a reverse proxy. Its host is allowed; Connect shows it.",
        clean=types.clean_public_url,
    )
    allowed_hosts: tuple[str, ...] = _declare(
        (),
        types.LIST,
        "Further names that this server is called by.",
        clean=types.clean_host,
    )
    log_bodies: str = _declare(
        "none",
        types.CHOICE,
        "Keep requests' bodies: none, errors or all. Bodies hold your code and prompts;"
        " they are kept 7 days.",
        choices=("none", "errors", "all"),
    )
    log_dir: str = _declare(
        "logs",
        types.TEXT,
        "Folder of the text log.",
        needs_restart=True,
        clean=types.clean_log_dir,
    )
    log_retention_days: int = _declare(
        30,
        types.INTEGER,
        "Days that requests are kept for.",
        minimum=1,
        maximum=3650,
    )
    log_max_mb: int = _declare(
        512,
        types.INTEGER,
        "Size of the database, in MB, beyond which the oldest bodies and requests go.",
        minimum=1,
        maximum=1_000_000,
    )
    log_format: str = _declare(
        "text",
        types.CHOICE,
        "Lines of the log: text or json.",
        needs_restart=True,
        choices=("text", "json"),
    )
    log_level: str = _declare(
        "INFO",
        types.CHOICE,
        "What is logged: DEBUG, INFO, WARNING or ERROR.",
        needs_restart=True,
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    shutdown_grace: int = _declare(
        30,
        types.INTEGER,
        "Seconds that running requests get at a stop.",
        maximum=3600,
    )

    @property
    def enable_full_logging(self) -> bool:
        """The short form of `log_bodies` for scripts."""
        return self.log_bodies == "all"

    @property
    def is_loopback_bind(self) -> bool:
        """True where only this machine can connect."""
        if self.server_host.lower() in LOOPBACK_NAMES:
            return True
        try:
            return ipaddress.ip_address(self.server_host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class Fixed:
    """A value that does not come from the database, and what it comes from."""

    value: Any
    source: str  # a variable or a flag


def _setting(entry: Any) -> Setting:
    options = dict(entry.metadata)
    options["env"] = options["env"] or (entry.name.upper(),)
    return Setting(name=entry.name, default=entry.default, **options)


SETTINGS: Mapping[str, Setting] = {
    entry.name: _setting(entry) for entry in fields(Settings)
}
# Accepted besides them: true writes "all" to log_bodies, false "none".
FULL_LOGGING = "enable_full_logging"


def load(db: sqlite3.Connection, fixed: Mapping[str, Fixed] | None = None) -> Settings:
    """The settings that hold: fixed ones, then stored ones, then defaults."""
    rows = db.execute("SELECT name, value FROM settings").fetchall()
    values = {}
    for row in rows:
        if row["name"] in SETTINGS:
            values[row["name"]] = _stored(row["name"], row["value"])
    for name, entry in (fixed or {}).items():
        values[name] = entry.value
    return Settings(**values)


def save(db: sqlite3.Connection, changes: Mapping[str, Any]) -> None:
    """Store values that `parse_changes` gave."""
    for name, value in changes.items():
        db.execute("DELETE FROM settings WHERE name = ?", (name,))
        db.execute(
            "INSERT INTO settings (name, value) VALUES (?, ?)",
            (name, json.dumps(SETTINGS[name].parse(value))),
        )


def parse_changes(
    changes: Mapping[str, Any],
    current: Settings,
    fixed: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Values to save and messages by field, from a form's or script's fields.

    `fixed` names the variable that fixes a setting: another value for it is refused.
    Unknown names are refused; an empty secret keeps the stored one.
    """
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, raw in _without_short_form(changes, errors).items():
        setting = SETTINGS.get(name)
        if setting is None:
            errors[name] = "There is no such setting."
            continue
        if setting.is_secret and raw == "":
            continue
        try:
            value = setting.parse(raw)
        except ValueError as exc:
            errors[name] = str(exc)
            continue
        if value == getattr(current, name):
            # What is fixed is not stored: it would outlive the variable.
            if name not in (fixed or {}):
                values[name] = value
        elif name in (fixed or {}):
            errors[name] = f"Set by {(fixed or {})[name]}. Change it there."
        else:
            values[name] = value
    return values, {**errors, **_conflicts(values, current, errors)}


def problems(settings: Settings) -> dict[str, str]:
    """What single values do not show: settings that exclude one another."""
    if settings.proxy_auth == "off" and not settings.is_loopback_bind:
        return {
            "proxy_auth": "Off is refused while the server listens on more than"
            " loopback: anyone could spend your credit."
        }
    return {}


def visible(settings: Settings) -> dict[str, Any]:
    """Name to value for JSON, without secrets."""
    shown: dict[str, Any] = {
        name: getattr(settings, name)
        for name, setting in SETTINGS.items()
        if not setting.is_secret
    }
    for name, value in shown.items():
        if isinstance(value, tuple):
            shown[name] = list(value)
    shown[FULL_LOGGING] = settings.enable_full_logging
    return shown


def restart_fields(started: Settings, now: Settings) -> list[str]:
    """The settings that have been saved but hold only after a restart."""
    return [
        name
        for name, setting in SETTINGS.items()
        if setting.needs_restart and getattr(started, name) != getattr(now, name)
    ]


def _stored(name: str, text: str) -> Any:
    try:
        return SETTINGS[name].parse(json.loads(text))
    except ValueError as exc:
        raise StoreError(
            f"the stored setting {name} cannot be used ({exc}): delete its row in the"
            " table settings, or save it anew"
        ) from None


def _without_short_form(
    changes: Mapping[str, Any], errors: dict[str, str]
) -> dict[str, Any]:
    rest = {name: raw for name, raw in changes.items() if name != FULL_LOGGING}
    if FULL_LOGGING in changes and "log_bodies" not in changes:
        short = Setting(FULL_LOGGING, False, types.BOOLEAN, "", ())
        try:
            rest["log_bodies"] = "all" if short.parse(changes[FULL_LOGGING]) else "none"
        except ValueError as exc:
            errors[FULL_LOGGING] = str(exc)
    return rest


def _conflicts(
    values: Mapping[str, Any], current: Settings, errors: Mapping[str, str]
) -> dict[str, str]:
    merged = {name: getattr(current, name) for name in SETTINGS}
    found = problems(Settings(**{**merged, **values}))
    return {name: text for name, text in found.items() if name not in errors}
