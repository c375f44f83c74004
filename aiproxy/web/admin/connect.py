"""Connect: the lines that point Claude Code at this server, for one alias and shell."""

from __future__ import annotations

import os
from typing import Mapping

from bottle import HTTPResponse

from aiproxy import connect as client
from aiproxy.errors import NotFound
from aiproxy.protocol import endpoint
from aiproxy.records import dataclass
from aiproxy.services import Services
from aiproxy.store import statistics
from aiproxy.store.api_keys import ApiKey
from aiproxy.store.providers import Provider
from aiproxy.store.request_log import LogEntry
from aiproxy.web import incoming, log_words, provider_state, query, render
from aiproxy.web.routing import Route, Visitor

PATH = "/connect"
# Where a snippet goes so that it is still there tomorrow.
PLACES: Mapping[str, str] = {
    "bash": "Paste into a terminal. To keep them, add the export lines to ~/.bashrc"
    " or ~/.zshrc.",
    "fish": "Paste into a terminal. To keep them, add the set lines to"
    " ~/.config/fish/config.fish.",
    "powershell": "Paste into PowerShell. To keep them, add the first lines to the"
    " file that $PROFILE names.",
    "cmd": "Paste into a command prompt. They hold until its window is closed.",
    "settings_json": "Goes into ~/.claude/settings.json, or .claude/settings.json of"
    " one project. Start claude anew afterwards.",
    "vscode": "Goes into the user settings of VS Code: Ctrl+Shift+P, then Preferences:"
    " Open User Settings (JSON). Reload the window afterwards.",
}


@dataclass(frozen=True)
class Target:
    """One name that a client's base URL may end in, and who answers there."""

    name: str
    words: str
    provider: Provider | None


def show_connect(services: Services, visitor: Visitor) -> HTTPResponse:
    """The lines for the alias and shell that the address names."""
    choices = targets(services)
    target = _chosen(choices, query.text("alias").lower())
    shell = query.choice("shell", client.SHELLS, _usual_shell())
    options = _options(target)
    connection = connection_for(services, visitor, target, options=options)
    # Only a script gets every writing: the page shows one.
    json = {
        "base_url": connection.base_url,
        "env": connection.env,
        "snippets": connection.snippets,
    }
    return render.page(
        services,
        visitor,
        "connect",
        json=json,
        targets=choices,
        target=target,
        shell=shell,
        shells=client.SHELL_LABELS,
        shell_links={
            name: PATH + _query(target, name, options) for name in client.SHELLS
        },
        place=PLACES[shell],
        snippet=connection.snippets[shell],
        connection=connection,
        offered=client.OPTIONS,
        chosen=options,
        needs_key=needs_key(services, visitor),
        own_keys=valid_keys(services, visitor),
        last=last_request(services, visitor),
        status_words=log_words.status_words,
    )


def targets(services: Services) -> list[Target]:
    """Every base URL there is: the active provider, providers, aliases."""
    snapshot = services.snapshot
    active = snapshot.active_provider
    words = "Whichever is active" + (f" (now {active.name})" if active else "")
    found = [Target("", words, active)]
    for alias in snapshot.aliases:
        provider = (
            active
            if alias.provider_id is None
            else snapshot.providers.get(alias.provider_id)
        )
        whose = provider.name if provider else "nobody yet"
        found.append(Target(alias.alias, f"{alias.alias} (alias, {whose})", provider))
    taken = {target.name for target in found}
    for provider in snapshot.providers.values():
        if provider.enabled and provider.slug not in taken:
            state = ", needs a key" if provider_state.lacks_key(provider) else ""
            label = f"{provider.slug} ({provider.name}{state})"
            found.append(Target(provider.slug, label, provider))
    return found


def connection_for(
    services: Services,
    visitor: Visitor,
    target: Target,
    *,
    token: str = "",
    options: list[str] | None = None,
) -> client.Connection:
    """What a client of this visitor sets for a target; `token` is a key just made."""
    base_url = client.client_base_url(
        services.settings.public_url or visitor.base_url, target.name
    )
    provider = target.provider
    options = list(options if options is not None else usual_options(provider))
    # Our own environment tells of the client's where both are on one machine.
    bypass = visitor.is_local and client.bypasses_proxy(base_url, os.environ)
    if not token:
        is_needed = needs_key(services, visitor)
        token = client.TOKEN_PLACEHOLDER if is_needed else client.NO_TOKEN
    return client.build(
        base_url,
        token=token,
        context_window=provider.context_window if provider else None,
        max_output_tokens=provider.max_output_tokens if provider else None,
        options=options,
        bypass_proxy=bypass or "noproxy" in options,
    )


def usual_options(provider: Provider | None) -> list[str]:
    """What helps with this provider without being asked for."""
    if provider is None:
        return []
    chosen = []
    is_anthropic = endpoint.is_anthropic(provider.endpoint)
    if provider.api_format == "anthropic" and not is_anthropic:
        chosen.append("plain")
    if endpoint.is_private_host(endpoint.host_of(provider.endpoint)):
        chosen.append("slow")
    return chosen


def needs_key(services: Services, visitor: Visitor) -> bool:
    """Whether a client that comes the way this visitor came must send a key."""
    policy = services.settings.proxy_auth
    return policy == "required" or (policy == "auto" and not visitor.is_local)


def valid_keys(services: Services, visitor: Visitor) -> list[ApiKey]:
    """The visitor's own keys that work now."""
    now = services.now()
    return [
        key
        for key in services.snapshot.keys.values()
        if visitor.user and key.user_id == visitor.user.id and key.is_valid(now)
    ]


def last_request(services: Services, visitor: Visitor) -> LogEntry | None:
    """The newest entry of the log that this visitor may see."""
    db = services.database.connection()
    return next(iter(statistics.latest(db, limit=1, user_id=own_rows(visitor))), None)


def own_rows(visitor: Visitor) -> int | None:
    """Whose requests a visitor sees: a member's own, everybody's for an admin."""
    return None if visitor.is_admin or visitor.user is None else visitor.user.id


def _chosen(choices: list[Target], name: str) -> Target:
    for target in choices:
        # The custom prompt answers at the provider's slug with this suffix.
        if name in (target.name, f"{target.name}-custom" if target.name else ""):
            return Target(name, target.words, target.provider)
    raise NotFound(f"there is no alias or provider named {name}")


def _options(target: Target) -> list[str]:
    # An unticked box sends nothing, so the form says that it was there.
    if query.text("chosen"):
        asked = query.texts("with")
        return [name for name in (*client.OPTION_KEYS, "noproxy") if name in asked]
    return usual_options(target.provider)


def _query(target: Target, shell: str, options: list[str]) -> str:
    start = query.encode({"alias": target.name, "shell": shell})
    if options == usual_options(target.provider):
        return start
    return "&".join([start, "chosen=1", *(f"with={name}" for name in options)])


def _usual_shell() -> str:
    return "powershell" if "Windows" in incoming.header("User-Agent") else "bash"


ROUTES = [Route("GET", PATH, show_connect)]
