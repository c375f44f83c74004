"""The first ten minutes: from the password to the first answer, ticked by facts."""

from __future__ import annotations

from typing import Any

from bottle import HTTPResponse

from aiproxy.errors import InvalidRequest
from aiproxy.records import dataclass
from aiproxy.security import credentials
from aiproxy.services import Services
from aiproxy.store import providers, statistics
from aiproxy.store.providers import Provider
from aiproxy.store.request_log import LogEntry
from aiproxy.web import forms, provider_state, provider_test, render
from aiproxy.web.admin import connect, personal_keys
from aiproxy.web.routing import ADMIN, Route, Visitor

DONE, NOW, LATER = "done", "now", "later"
CLOSES_AFTER_SECONDS = 86_400  # an installation that has worked for a day knows how

_KEY_ERRORS = "setup-errors"


@dataclass(frozen=True)
class Step:
    """One line; `fact` is what ticked it."""

    name: str
    title: str
    state: str
    fact: str = ""


@dataclass(frozen=True)
class Checklist:
    """The steps, and what the current ones need to show."""

    steps: tuple[Step, ...]
    provider: Provider | None  # whose key was entered last
    entry: LogEntry | None  # the newest request, a good one if there is any
    answered_by: str = ""  # the name of the entry's provider

    @property
    def done(self) -> int:
        return sum(step.state == DONE for step in self.steps)

    @property
    def is_complete(self) -> bool:
        return self.done == len(self.steps)

    @property
    def is_waiting(self) -> bool:
        """Only the first request is missing: the page asks more often."""
        return self.steps[-1].state == NOW

    @property
    def stage(self) -> str:
        """Which steps are open: while it stays, the script leaves the list alone."""
        names = [step.name for step in self.steps if step.state == NOW]
        failed = self.entry is not None and self.entry.status >= 400
        return "-".join([*names, *(["failed"] if failed else [])])


def build(services: Services, visitor: Visitor) -> Checklist | None:
    """The list for this visitor; None once it is hidden or has done its work."""
    if visitor.user is None or visitor.user.hide_checklist:
        return None
    entry = _first_sign(services, visitor)
    works = entry is not None and entry.status < 400
    if works and _is_old_hand(services, visitor):
        return None
    provider = _provider(services) if visitor.is_admin else None
    facts = _admin_facts(services, provider, works=works) if visitor.is_admin else []
    facts += [
        ("tell", "Tell Claude Code where to go", *_told(services, visitor, works)),
        ("arrive", "See the first request arrive", works, ""),
    ]
    steps = []
    is_open = True  # the first step that is not done holds its controls
    for name, title, is_done, fact in facts:
        state = DONE if is_done else NOW if is_open else LATER
        is_open = is_open and is_done
        steps.append(Step(name, title, state, fact))
    answerer = services.snapshot.find_provider(entry.provider) if entry else None
    return Checklist(
        tuple(steps), provider, entry, answerer.name if answerer else "a provider"
    )


def save_key(services: Services, visitor: Visitor) -> HTTPResponse:
    """A preset's key, saved and tested in one go; the list shows the verdict."""
    fields = forms.read()
    provider = services.snapshot.providers.get(fields.number("provider_id") or 0)
    if provider is None:
        raise InvalidRequest("there is no such provider", status=422)
    api_key = fields.key("api_key")
    if not api_key:
        fields.reject("api_key", f"Paste the key that {provider.name} gave you.")
    if fields.errors:
        if render.wants_json():
            return render.invalid(services, visitor, "error", errors=fields.errors)
        found = {"errors": dict(fields.errors), "provider_id": provider.id}
        services.session_memory.put(visitor.session_id, _KEY_ERRORS, found)
        return render.redirect(services, "/#setup")
    with services.transaction() as db:
        providers.update(db, provider.id, api_key=api_key, enabled=True)
    services.lessons.forget(provider.id)
    return _test(services, visitor, provider.id)


def test_provider(services: Services, visitor: Visitor) -> HTTPResponse:
    """The same test again, as after a change or a hiccup."""
    provider_id = forms.read().number("provider_id") or 0
    if provider_id not in services.snapshot.providers:
        raise InvalidRequest("there is no such provider", status=422)
    return _test(services, visitor, provider_id)


def make_key(services: Services, visitor: Visitor) -> HTTPResponse:
    """A personal key for Claude Code, which the list then shows once."""
    if visitor.user is None:
        raise InvalidRequest("no user")
    return personal_keys.make(
        services,
        visitor,
        visitor.user.id,
        name="Claude Code",
        expires_in_days=None,
        path="/#setup",
    )


def take_errors(services: Services, visitor: Visitor) -> dict[str, Any]:
    """What was wrong with the key form a moment ago; nothing of what was typed."""
    return services.session_memory.take(visitor.session_id, _KEY_ERRORS) or {}


def _test(services: Services, visitor: Visitor, provider_id: int) -> HTTPResponse:
    provider = providers.get(services.database.connection(), provider_id)
    result = provider_test.run_and_record(services, provider)
    return render.done(services, visitor, "/#setup", json=result.as_json())


def _first_sign(services: Services, visitor: Visitor) -> LogEntry | None:
    db = services.database.connection()
    own = connect.own_rows(visitor)
    found = statistics.latest(db, limit=1, user_id=own, answered=True)
    return next(iter(found or statistics.latest(db, limit=1, user_id=own)), None)


def _is_old_hand(services: Services, visitor: Visitor) -> bool:
    db = services.database.connection()
    first = statistics.first_time(db, connect.own_rows(visitor))
    return first is not None and services.now() - first > CLOSES_AFTER_SECONDS


def _provider(services: Services) -> Provider | None:
    """The active provider, else the one that came nearest to working."""
    snapshot = services.snapshot
    if snapshot.active_provider is not None:
        return snapshot.active_provider
    ready = [
        provider
        for provider in snapshot.providers.values()
        if provider.enabled and not provider_state.lacks_key(provider)
    ]
    return max(ready, key=lambda provider: provider.updated_at) if ready else None


def _admin_facts(
    services: Services, provider: Provider | None, *, works: bool
) -> list[tuple[str, str, bool, str]]:
    has_key = provider is not None and not provider_state.lacks_key(provider)
    key_fact = test_fact = ""
    if provider is not None and has_key:
        key = credentials.mask(provider.api_key) if provider.api_key else ""
        key_fact = f"{provider.name}, {key or 'no key needed'}"
        test_fact = provider.test_message if provider.test_kind == "ok" else ""
    is_tested = works or (provider is not None and provider.test_kind == "ok")
    return [
        ("password", "Choose your own password", True, ""),
        ("provider", "Add a provider key", has_key, key_fact),
        ("test", "Test it", has_key and is_tested, test_fact),
    ]


def _told(services: Services, visitor: Visitor, works: bool) -> tuple[bool, str]:
    keys = connect.valid_keys(services, visitor)
    if keys:
        return True, f"key {keys[-1].prefix}…"
    return works, ""


ROUTES = [
    Route("POST", "/setup/key", save_key, access=ADMIN),
    Route("POST", "/setup/test", test_provider, access=ADMIN),
    Route("POST", "/setup/personal-key", make_key),
]
