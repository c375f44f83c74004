"""What is wrong now, each with its next step: the first thing the dashboard shows."""

from __future__ import annotations

import os
import shutil
from typing import Mapping

from aiproxy.records import dataclass
from aiproxy.services import Services
from aiproxy.store.providers import Provider
from aiproxy.store.statistics import Streak
from aiproxy.web import figures, provider_state
from aiproxy.web.routing import Visitor

RECENT_SECONDS = 86_400  # an older failure is history
LOW_DISK_BYTES = 200_000_000
# One failure of these kinds stays until somebody acts; others may pass by themselves.
_LASTING = (401, 402, 403)

_VERBS: Mapping[int, str] = {
    401: "refuses its key",
    402: "has no credit left",
    403: "refuses its key",
    404: "does not know the model",
    429: "asks to wait",
    529: "is overloaded",
}


@dataclass(frozen=True)
class Problem:
    """A sentence and up to two links; `kind` is err or warn."""

    sentence: str
    kind: str = "warn"
    since: int = 0  # a moment that the sentence goes on with
    detail: str = ""
    links: tuple[tuple[str, str], ...] = ()  # path and words
    offers_restart: bool = False

    @property
    def plain(self) -> str:
        """The same for a script."""
        since = f" since {figures.utc(self.since)} UTC" if self.since else ""
        return f"{self.sentence}{since} {self.detail}".strip()


def find(
    services: Services, visitor: Visitor, streaks: Mapping[str, Streak]
) -> list[Problem]:
    """Everything an admin should act on, worst first; members cannot act."""
    if not visitor.is_admin:
        return []
    snapshot = services.snapshot
    found = [
        problem
        for provider in snapshot.providers.values()
        for problem in _of_provider(services, provider, streaks.get(provider.slug))
    ]
    found += _of_active(services)
    found += _of_server(services, visitor)
    return sorted(found, key=lambda problem: problem.kind != "err")


def _of_provider(
    services: Services, provider: Provider, streak: Streak | None
) -> list[Problem]:
    if streak is None or not provider.enabled or not streak.failures:
        return []
    if services.now() - streak.last_used > RECENT_SECONDS:
        return []
    # A change after the last failure may have mended it; a passed test has.
    if provider.updated_at > streak.last_used or (
        provider.test_kind == "ok" and (provider.tested_at or 0) > streak.last_used
    ):
        return []
    if streak.failures < 2 and streak.last_status not in _LASTING:
        return []
    verb = _VERBS.get(streak.last_status, "does not answer properly")
    number = figures.plural(streak.failures, "request")
    edit = f"/provider/edit/{provider.id}"
    step = "Change the key" if streak.last_status in (401, 403) else "Open it"
    return [
        Problem(
            f"{provider.name} {verb}",
            "err",
            since=streak.since,
            detail=f"({streak.last_status}, {number} failed).",
            links=(
                (edit, step),
                (f"/logs?provider={provider.slug}&status=failed", "see the requests"),
            ),
        )
    ]


def _of_active(services: Services) -> list[Problem]:
    snapshot = services.snapshot
    active = snapshot.active_provider
    if active is None:
        has_key = any(
            provider.enabled and not provider_state.lacks_key(provider)
            for provider in snapshot.providers.values()
        )
        # Without any key the checklist says what to do first.
        if not has_key:
            return []
        return [
            Problem(
                "No provider is active, so the plain base URL and aliases that follow"
                " the active one do not answer.",
                links=(("/providers", "Activate one"),),
            )
        ]
    if not active.enabled:
        return [
            Problem(
                f"{active.name} is the active provider, but it is off.",
                links=((f"/provider/edit/{active.id}", "Turn it on"),),
            )
        ]
    return []


def _of_server(services: Services, visitor: Visitor) -> list[Problem]:
    found = []
    if services.is_restart_required():
        found.append(
            Problem(
                "Saved settings wait for a restart.",
                links=(("/settings", "See which"),),
                offers_restart=services.restart is not None,
            )
        )
    found += _of_disk(services)
    dropped = services.log_writer.dropped
    if dropped:
        found.append(
            Problem(
                f"{figures.plural(dropped, 'row')} of the request log could not be"
                " written. The server's text log says why."
            )
        )
    if not services.settings.is_loopback_bind and not visitor.is_secure:
        found.append(
            Problem(
                "This server can be reached from the network, and this page came in"
                " clear: passwords and keys can be read on the way. Put a TLS proxy"
                " before it.",
                links=(("/settings", "Settings"),),
            )
        )
    return found


def _of_disk(services: Services) -> list[Problem]:
    if not services.database.is_in_place():
        return [
            Problem(
                "The database's file, or its -wal or -shm, was moved, deleted or"
                " replaced while the server runs. Requests go on, but nothing can be"
                " saved or logged: put it back, or restart the server.",
                "err",
            )
        ]
    folder = os.path.dirname(services.database.path)
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return []  # a network folder that does not say
    if free >= LOW_DISK_BYTES:
        return []
    return [
        Problem(
            f"The disk is nearly full: {figures.size(free)} free. Requests go on, but"
            " nothing can be saved or logged once it is full.",
            "err",
            links=(("/settings", "Keep less"),),
        )
    ]
