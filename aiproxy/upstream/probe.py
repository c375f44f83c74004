"""The Test button: one short message with one tool, and a verdict in words.

A key never leaves the host that it was given for: other addresses are tried on the
same server only.
"""

from __future__ import annotations

import time
from typing import Iterator
from urllib.parse import urlsplit

from aiproxy.errors import UpstreamError
from aiproxy.protocol import endpoint, presets
from aiproxy.records import replace
from aiproxy.upstream import verdicts
from aiproxy.upstream.transport import Transport
from aiproxy.upstream.trial import Caller, Tested, name_of
from aiproxy.upstream.verdicts import ProbeResult

PATIENCE_SECONDS = 20.0
__all__ = ["PATIENCE_SECONDS", "ProbeResult", "Tested", "list_models", "probe"]

_USUAL_PATHS = ("/v1", "/api/v1")


def probe(
    transport: Transport,
    provider: Tested,
    *,
    connect_timeout: float = 10.0,
    user_agent: str = "aiproxy",
    patience_seconds: float = PATIENCE_SECONDS,
) -> ProbeResult:
    """Ask once, heal what heals, and judge, all of it within the patience."""
    caller = Caller(
        transport,
        provider,
        connect_timeout=connect_timeout,
        user_agent=user_agent,
        patience_seconds=patience_seconds,
    )
    result = _try(caller, provider.endpoint)
    if result.kind == "path":
        return _with_other_address(caller, result)
    if result.kind == "model" and "has no model" in result.message:
        try:
            listed = len(caller.list_models())
        except UpstreamError:
            return result
        name = name_of(provider)
        told = verdicts.no_such_model(name, result.model, listed)
        return replace(result, message=told)
    return result


def list_models(
    transport: Transport,
    provider: Tested,
    *,
    connect_timeout: float = 10.0,
    user_agent: str = "aiproxy",
    patience_seconds: float = PATIENCE_SECONDS,
) -> list[str]:
    """The ids that the provider itself lists; raises UpstreamError."""
    caller = Caller(
        transport,
        provider,
        connect_timeout=connect_timeout,
        user_agent=user_agent,
        patience_seconds=patience_seconds,
    )
    return caller.list_models()


def _try(caller: Caller, address: str) -> ProbeResult:
    provider = caller.provider
    begun = time.monotonic()
    finding = caller.ask(address)
    seconds = time.monotonic() - begun
    kind, message = verdicts.judge(finding, seconds)
    error = finding.error
    return ProbeResult(
        ok=kind == "ok",
        kind=kind,
        url=endpoint.request_url(address, provider.api_format),
        latency_ms=round(seconds * 1000),
        status=200 if error is None else error.upstream_status,
        model=finding.model,
        message=message,
    )


def _with_other_address(caller: Caller, failed: ProbeResult) -> ProbeResult:
    """The same verdict, and an address that does better, if the server has one."""
    for address in _other_addresses(caller.provider, failed.url):
        result = _try(caller, address)
        # A refused key or model is an API's answer too: here is one.
        if result.ok or result.kind in {"auth", "model", "quota"}:
            told = verdicts.other_address(address)
            return replace(failed, message=told, suggested_endpoint=address)
        if result.kind not in {"path", "http", "format"}:
            break
    return failed


def _other_addresses(provider: Tested, tried: str) -> Iterator[str]:
    """Where else this vendor's API may be, on the very host that the key is for."""
    origin = endpoint.origin(provider.endpoint)
    parts = urlsplit(provider.endpoint.strip())
    base = f"{parts.scheme}://{parts.netloc}"
    preset = presets.of_endpoint(provider.endpoint)
    known = [] if preset is None else [preset.endpoint, *preset.alternatives]
    seen = {tried}
    for address in [*known, *(base + path for path in _USUAL_PATHS)]:
        url = endpoint.request_url(address, provider.api_format)
        if endpoint.origin(address) == origin and url not in seen:
            seen.add(url)
            yield address
