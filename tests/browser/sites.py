"""Sites in the states that the pages must look right in, and every page's address."""

from __future__ import annotations

from pathlib import Path

from aiproxy.records import replace
from aiproxy.store import aliases, log_search, providers, request_log, settings
from aiproxy.store.log_search import LogQuery
from tests.browser import sample_log
from tests.browser.served import Served
from tests.support import Site

NEWEST = "NEWEST"  # stands for the id of the newest request
FAILED = "FAILED"  # ... of the newest one that failed

# What an admin can open, by a short name.
PAGES = {
    "dashboard": "/",
    "dashboard-failed": "/?range=7d&measure=failed",
    "dashboard-latency": "/?range=7d&measure=latency",
    "dashboard-tokens": "/?range=1h&measure=tokens",
    "requests": "/logs",
    "requests-filtered": "/logs?status=failed&range=all&model=grok-4",
    "requests-nothing": "/logs?q=nothing-is-like-this",
    "request": f"/logs/{NEWEST}",
    "request-raw": f"/logs/{NEWEST}?body=3&view=raw",
    "request-beside": f"/logs/{NEWEST}?body=4&view=beside",
    "request-failed": f"/logs/{FAILED}",
    "usage": "/usage",
    "usage-grouped": "/usage?group_by=day,provider,model,session",
    "providers": "/providers",
    "provider-new": "/provider/new",
    "provider-edit": "/provider/edit/3",
    "aliases": "/aliases",
    "alias-edit": "/aliases?edit=1",
    "prompt": "/prompt-config",
    "users": "/users",
    "settings": "/settings",
    "profile": "/profile",
    "connect": "/connect?alias=fast",
    "connect-more": "/connect?shell=settings_json&chosen=1&with=tools&with=slow",
    "help": "/help",
    "not-found": "/nowhere",
}
MEMBER_PAGES = {
    name: PAGES[name]
    for name in (
        "dashboard",
        "requests",
        "usage",
        "providers",
        "aliases",
        "profile",
        "connect",
        "help",
    )
}
_LONG = (
    "a-very-long-name-that-no-column-was-ever-made-for/with-a-path-and-a-version:2026"
)


def empty(folder: Path) -> Served:
    """The morning after the installation: a password, and nothing else."""
    return Served(Site(folder))


def refused(folder: Path) -> Served:
    """The first key was pasted, and the provider does not take it."""
    return _tested(
        folder,
        kind="auth",
        message="OpenRouter refused the key (401). Paste it again or make a new one.",
    )


def tested(folder: Path) -> Served:
    """The first key works; Claude Code does not know where to go yet."""
    message = "It works. gpt-5.1 answered in 1.2 s. Streaming and tools work too."
    return _tested(folder, kind="ok", message=message)


def _tested(folder: Path, *, kind: str, message: str) -> Served:
    served = empty(folder)
    served.give_keys("openrouter")
    now = served.site.services.now()
    with served.site.services.transaction() as db:
        providers.record_test(
            db,
            served.site.provider("openrouter").id,
            kind=kind,
            message=message,
            latency_ms=1200,
            now=now,
        )
    return served


def full(folder: Path) -> Served:
    """A week of use: three providers, aliases, some failures, bodies."""
    served = Served(Site(folder))
    served.give_keys("openrouter", "grok-direct", "chutes")
    with served.site.services.transaction() as db:
        chutes = served.site.provider("chutes").id
        aliases.insert(db, alias="fast", provider_id=chutes)
        aliases.insert(db, alias="whoever", provider_id=None, prompt="custom")
        settings.save(db, {"log_bodies": "all"})
    served.fill_log(700)
    return served


def failing(folder: Path) -> Served:
    """The same, but one provider refuses its key and a restart is due."""
    served = full(folder)
    services = served.site.services
    services.restart = lambda: None
    now = services.now()
    refused = [
        replace(
            entry,
            id=f"{entry.id}_refused",
            time=now - 60 * (20 - place),
            provider="chutes",
            status=401,
            error_type="authentication_error",
            error_message="Invalid API key. Make a new one in your account.",
        )
        for place, entry in enumerate(sample_log.entries(now, number=17, days=0.1))
    ]
    db = services.database.connection()
    with services.database.writing(db):
        request_log.add_many(db, refused)
    with services.transaction() as db:
        settings.save(db, {"server_port": 8123})
    return served


def overfull(folder: Path) -> Served:
    """Names longer than any column, numbers larger than any tile."""
    served = Served(Site(folder))
    services = served.site.services
    with services.transaction() as db:
        provider = providers.insert(
            db,
            name=f"Provider {_LONG}",
            slug="p" * 64,
            endpoint=f"https://{'long-' * 10}host.example/v1",
            api_key="sk-or-v1-made-up-7741",
            model_sonnet=_LONG,
            model_haiku=_LONG[::-1],
        )
        providers.activate(db, provider)
        for number in range(12):
            aliases.insert(db, alias=f"{'a' * 60}{number:02}", provider_id=provider)
    now = services.now()
    entries = [
        replace(
            entry,
            provider="p" * 64,
            alias="a" * 60 + "00",
            model=_LONG,
            model_requested=f"claude-{_LONG}",
            input_tokens=entry.input_tokens * 9_999,
            output_tokens=entry.output_tokens * 9_999,
            duration_ms=entry.duration_ms * 20,
            error_message=entry.error_message * 12,
            notes=(_LONG * 3, "a short note"),
            user="u" * 80,
        )
        for entry in sample_log.entries(now, number=300)
    ]
    entries[-1] = sample_log.with_bodies(entries[-1], padding=60_000)
    db = services.database.connection()
    with services.database.writing(db):
        request_log.add_many(db, entries)
    return served


STATES = {
    "empty": empty,
    "refused": refused,
    "tested": tested,
    "full": full,
    "failing": failing,
    "overfull": overfull,
}


def address(served: Served, path: str) -> str:
    """The path with the ids of this site's requests in it; "" where it has none."""
    for word, status in ((NEWEST, ""), (FAILED, "failed")):
        if word in path:
            query = LogQuery(status=status, per_page=1)
            db = served.site.services.database.connection()
            entries, _ = log_search.search(db, query)
            path = path.replace(word, entries[0].id) if entries else ""
    return path
