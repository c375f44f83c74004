"""`check` and `connect`: what the command line asks of a server and its database."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import urllib.error
import urllib.request
from typing import Iterator, Mapping
from urllib.parse import urlsplit

from aiproxy import config
from aiproxy import connect as client
from aiproxy.errors import AIProxyError, ConfigError
from aiproxy.resolve import CUSTOM_SUFFIX, known_names
from aiproxy.store import snapshot as snapshots
from aiproxy.store.database import Database
from aiproxy.store.providers import Provider
from aiproxy.store.settings import Settings
from aiproxy.store.snapshot import Snapshot
from aiproxy.web.admin.connect import usual_options

CHECK_SECONDS = 5.0
READY = "/ready"


class NotReady(AIProxyError):
    """The server is not there, or is stopping."""


@contextlib.contextmanager
def reading(environ: Mapping[str, str]) -> Iterator[Snapshot]:
    """The configuration as a server beside us has it; the database must exist."""
    path = config.database_path(environ)
    if not os.path.exists(path):
        raise ConfigError(
            f"there is no database {path}: start the server once, or set DATABASE_PATH"
        )
    database = Database(path, is_server=False).open()
    try:
        fixed = config.fixed_values({}, environ)
        yield snapshots.load(database.connection(), fixed)
    finally:
        database.close()


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that hold for a server started here, first start or not."""
    if os.path.exists(config.database_path(environ)):
        with reading(environ) as snapshot:
            return snapshot.settings
    fixed = config.fixed_values({}, environ)
    return Settings(**{name: entry.value for name, entry in fixed.items()})


def own_address(settings: Settings) -> str:
    """Where a client on this machine reaches the server."""
    host = settings.server_host
    if ":" in host:
        host = f"[{host}]"
    origin = f"http://{host}:{settings.server_port}"
    return client.client_base_url(origin) + settings.base_path.rstrip("/")


def check(url: str) -> None:
    """Return when the server at this address is ready; else raise NotReady."""
    address = url.rstrip("/")
    if not address.endswith(READY):
        address += READY
    if urlsplit(address).scheme not in ("http", "https"):
        raise NotReady(f"{url} is no http address")
    # Whatever proxy the environment names, a health check asks the server itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=CHECK_SECONDS):
            return
    except urllib.error.HTTPError as exc:
        exc.close()
        raise NotReady(f"{address} answers {exc.code}: see the server's log") from None
    except (OSError, ValueError, http.client.HTTPException) as exc:
        reason = getattr(exc, "reason", exc)
        words = getattr(reason, "strerror", None) or str(reason) or "no answer"
        raise NotReady(
            f"{address} does not answer ({words}): start the server, or name its"
            " address with --url"
        ) from None


def usual_shell(environ: Mapping[str, str]) -> str:
    """The writing that the shell around us understands."""
    if environ.get("SHELL", "").endswith("/fish"):
        return "fish"
    return "powershell" if os.name == "nt" else "bash"


def client_lines(environ: Mapping[str, str], alias: str, shell: str) -> str:
    """The lines that point the client at this server, by alias or as it is active."""
    with reading(environ) as snapshot:
        settings = snapshot.settings
        provider = _provider(snapshot, alias.lower())
    origin = settings.public_url or own_address(settings)
    base_url = client.client_base_url(origin, alias.lower())
    connection = client.build(
        base_url,
        token=_token(settings, base_url),
        context_window=provider.context_window if provider else None,
        max_output_tokens=provider.max_output_tokens if provider else None,
        options=usual_options(provider),
        bypass_proxy=client.bypasses_proxy(base_url, environ),
    )
    return connection.snippets[shell]


def _provider(snapshot: Snapshot, name: str) -> Provider | None:
    """Who answers by this name; raises ConfigError for one that nothing has."""
    if not name:
        return snapshot.active_provider
    for candidate in (name, _without_suffix(name)):
        alias = snapshot.find_alias(candidate) if candidate == name else None
        if alias is not None and alias.provider_id is None:
            return snapshot.active_provider
        if alias is not None:
            return snapshot.providers.get(alias.provider_id or 0)
        provider = snapshot.find_provider(candidate)
        if provider is not None:
            return provider
    known = ", ".join(known_names(snapshot)) or "none"
    raise ConfigError(f"there is no alias or provider named {name!r}. Known: {known}")


def _without_suffix(name: str) -> str:
    # The custom prompt answers at the provider's slug with this suffix.
    return name[: -len(CUSTOM_SUFFIX)] if name.endswith(CUSTOM_SUFFIX) else name


def _token(settings: Settings, base_url: str) -> str:
    """A key is asked for unless the client is on this machine, or nobody needs one."""
    if settings.proxy_auth == "off":
        return client.NO_TOKEN
    if settings.proxy_auth == "required" or not _is_loopback(base_url):
        return client.TOKEN_PLACEHOLDER
    return client.NO_TOKEN if settings.is_loopback_bind else client.TOKEN_PLACEHOLDER


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
