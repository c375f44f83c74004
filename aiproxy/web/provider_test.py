"""The Test button's way to a provider: its key resolved, its verdict remembered."""

from __future__ import annotations

from aiproxy.errors import UpstreamError
from aiproxy.protocol import endpoint
from aiproxy.records import replace
from aiproxy.security import credentials
from aiproxy.security.credentials import CredentialMissing
from aiproxy.services import Services
from aiproxy.store import providers
from aiproxy.store.providers import Provider
from aiproxy.upstream import probe
from aiproxy.upstream.probe import ProbeResult


def run(services: Services, provider: Provider) -> ProbeResult:
    """Send one short message; the verdict, whatever happens, and never the key."""
    try:
        api_key = credentials.resolve(provider.api_key)
    except CredentialMissing as exc:
        return ProbeResult(
            ok=False,
            kind="auth",
            url=endpoint.request_url(provider.endpoint, provider.api_format),
            latency_ms=0,
            status=None,
            model="",
            message=f"{exc.message[:1].upper()}{exc.message[1:]}.",
        )
    return probe.probe(
        services.transport,
        replace(provider, api_key=api_key),
        connect_timeout=float(services.settings.connect_timeout),
        user_agent=services.user_agent,
    )


def run_and_record(services: Services, provider: Provider) -> ProbeResult:
    """Test a stored provider; the list shows the verdict from then on."""
    result = run(services, provider)
    record(services, provider, result)
    return result


def record(services: Services, provider: Provider, result: ProbeResult) -> None:
    """Keep a verdict on what is stored."""
    with services.transaction() as db:
        providers.record_test(
            db,
            provider.id,
            kind=result.kind,
            message=result.message,
            latency_ms=result.latency_ms,
            now=services.now(),
        )


def list_models(services: Services, provider: Provider) -> list[str]:
    """The ids that the provider lists; raises UpstreamError with its own words."""
    try:
        return probe.list_models(
            services.transport,
            replace(provider, api_key=credentials.resolve(provider.api_key)),
            connect_timeout=float(services.settings.connect_timeout),
            user_agent=services.user_agent,
        )
    except UpstreamError as exc:
        # Never a 401 of ours: the script would think that its session has ended.
        raise UpstreamError(exc.message, status=502) from exc
