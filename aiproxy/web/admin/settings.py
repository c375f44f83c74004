"""Settings: every one declared in store/settings.py, shown in groups and saved at once.

What the environment fixes is shown as fixed. The few that hold only from the next start
on offer the restart.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from bottle import HTTPResponse

from aiproxy.services import Services
from aiproxy.store import settings as store
from aiproxy.store.setting_types import BOOLEAN, CHOICE, INTEGER, LIST
from aiproxy.store.settings import SETTINGS, Settings
from aiproxy.web import forms, render
from aiproxy.web.admin.dashboard import next_address
from aiproxy.web.render import Flash
from aiproxy.web.routing import ADMIN, Route, Visitor

PATH = "/settings"


class Group(NamedTuple):
    """Settings that belong together on the page."""

    title: str
    names: tuple[str, ...]


# The two columns of the page.
COLUMNS = (
    (
        Group("Who may", ("require_authentication", "proxy_auth")),
        Group("Requests", ("enable_streaming", "request_timeout", "connect_timeout")),
        Group(
            "Rate limit",
            ("rate_limit_enabled", "rate_limit_requests", "rate_limit_window"),
        ),
        Group("What is kept", ("log_bodies", "log_retention_days", "log_max_mb")),
    ),
    (
        Group(
            "Address",
            ("server_host", "server_port", "base_path", "public_url", "allowed_hosts"),
        ),
        Group("Behind a proxy", ("trusted_proxies", "session_cookie_secure")),
        Group("Log and stop", ("log_dir", "log_format", "log_level", "shutdown_grace")),
    ),
)

LABELS: Mapping[str, str] = {
    "allowed_hosts": "Allowed hosts",
    "base_path": "Base path",
    "connect_timeout": "Connect timeout",
    "enable_streaming": "Streaming",
    "log_bodies": "Bodies",
    "log_dir": "Log folder",
    "log_format": "Log format",
    "log_level": "Log level",
    "log_max_mb": "Database size",
    "log_retention_days": "Retention",
    "proxy_auth": "API keys",
    "public_url": "Public URL",
    "rate_limit_enabled": "Rate limit",
    "rate_limit_requests": "Requests",
    "rate_limit_window": "Window",
    "request_timeout": "Request timeout",
    "require_authentication": "Login",
    "server_host": "Host",
    "server_port": "Port",
    "session_cookie_secure": "Secure cookie",
    "shutdown_grace": "Grace at a stop",
    "trusted_proxies": "Trusted proxies",
}

CHOICE_WORDS: Mapping[str, Mapping[str, str]] = {
    "proxy_auth": {
        "auto": "Auto: for all but local requests",
        "required": "Required, always",
        "off": "Off",
    },
    "log_bodies": {
        "none": "None",
        "errors": "Of failed requests",
        "all": "Of all requests",
    },
}


def show_settings(services: Services, visitor: Visitor) -> HTTPResponse:
    """All settings, in groups."""
    return render.page(
        services,
        visitor,
        "settings",
        json=_object(services),
        **_context(services, visitor, _shown(services.settings)),
    )


def save_settings(services: Services, visitor: Visitor) -> HTTPResponse:
    """Save; a script changes the fields it names, the form sends all of its own."""
    fields = forms.read()
    sent = _sent(services, fields)
    before = store.restart_fields(services.started_with, services.settings)
    values, errors = store.parse_changes(
        sent, services.settings, services.snapshot.fixed
    )
    if errors:
        typed = {**_shown(services.settings), **sent}
        return render.invalid(
            services,
            visitor,
            "settings",
            errors=errors,
            **_context(services, visitor, typed),
        )
    with services.transaction() as db:
        store.save(db, values)
    waiting = store.restart_fields(services.started_with, services.settings)
    return render.done(
        services,
        visitor,
        PATH,
        flash=_saved_words([name for name in waiting if name not in before]),
        json=_object(services),
    )


def _sent(services: Services, fields: forms.Fields) -> dict[str, Any]:
    """The named fields; a form's absent checkbox is off, what is fixed is not sent."""
    fixed = services.snapshot.fixed
    if fields.is_json:
        return {name: fields.raw(name) for name in fields.names()}
    sent = {name: fields.raw(name) for name in LABELS if name in fields}
    for name, setting in SETTINGS.items():
        if setting.kind == BOOLEAN and name not in fixed:
            sent[name] = name in fields
    return sent


def _saved_words(waiting: list[str]) -> Flash:
    if not waiting:
        return Flash("The settings are saved and in effect.")
    names = " and ".join(LABELS[name].lower() for name in waiting)
    verb = "changes" if len(waiting) == 1 else "change"
    return Flash(f"Saved. The {names} {verb} at the next restart.", kind="warn")


def _shown(settings: Settings) -> dict[str, Any]:
    """Values as the form shows them: a list is a line an entry."""
    shown = {}
    for name, setting in SETTINGS.items():
        if not setting.is_secret:
            value = getattr(settings, name)
            shown[name] = "\n".join(value) if setting.kind == LIST else value
    return shown


def _object(services: Services) -> dict[str, Any]:
    return {
        "settings": store.visible(services.settings),
        "fixed": dict(services.snapshot.fixed),
        "restart_required": services.is_restart_required(),
    }


def _context(
    services: Services, visitor: Visitor, values: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "columns": COLUMNS,
        "labels": LABELS,
        "declared": SETTINGS,
        "fixed_by": services.snapshot.fixed,
        "kinds": {"boolean": BOOLEAN, "choice": CHOICE, "integer": INTEGER},
        "is_list": lambda name: SETTINGS[name].kind == LIST,
        "options": _options,
        "values": values,
        "waiting": [
            LABELS[name]
            for name in store.restart_fields(services.started_with, services.settings)
        ],
        "can_restart": services.restart is not None,
        "next_address": next_address(services, visitor),
    }


def _options(name: str) -> list[tuple[str, str]]:
    words = CHOICE_WORDS.get(name, {})
    return [(choice, words.get(choice, choice)) for choice in SETTINGS[name].choices]


ROUTES = [
    Route("GET", PATH, show_settings, access=ADMIN),
    Route("POST", PATH, save_settings, access=ADMIN),
]
