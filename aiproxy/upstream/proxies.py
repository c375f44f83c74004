"""Which HTTP proxy leads to a provider: its own setting, else the environment's.

As in curl and Go: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either
case (on macOS and Windows the system's settings too). A provider on this machine is
never asked through the environment's proxy, which could not find it.
"""

from __future__ import annotations

import base64
import ipaddress
import time
from typing import Callable, Mapping
from urllib.parse import unquote, urlsplit

from aiproxy.errors import UpstreamUnreachable
from aiproxy.protocol.headers import proxy_secrets
from aiproxy.records import dataclass, field

DIRECT = "none"  # the setting that ignores the environment
REMEMBERED_SECONDS = 30.0


@dataclass(frozen=True)
class Proxy:
    """Where to connect instead of the provider, and as whom."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Raises UpstreamUnreachable for anything but an http:// URL."""
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host = None
        if not host or parts.scheme.lower() != "http":
            raise UpstreamUnreachable(
                "the proxy setting is of no use: it must look like http://host:port"
            )
        return cls(host, port, _basic(parts.username, parts.password))


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")


class ProxyChoice:
    """Remembers for a while what the environment said; asking it takes system calls."""

    def __init__(
        self,
        getproxies: Callable[[], Mapping[str, str]] | None = None,
        bypass: Callable[[str], object] | None = None,
    ) -> None:
        self._getproxies = getproxies
        self._bypass = bypass
        self._known: dict[tuple[str, str, int], tuple[float, Proxy | None]] = {}

    def find(
        self, scheme: str, host: str, port: int, setting: str = ""
    ) -> Proxy | None:
        """None means: connect to the provider itself."""
        setting = setting.strip()
        if setting.lower() == DIRECT:
            return None
        if setting:
            return Proxy.parse(setting)
        if is_loopback(host):
            return None
        key = (scheme, host, port)
        now = time.monotonic()
        known = self._known.get(key)
        if known is None or now - known[0] > REMEMBERED_SECONDS:
            known = self._known[key] = (now, self._from_environment(*key))
        return known[1]

    def _from_environment(self, scheme: str, host: str, port: int) -> Proxy | None:
        # Loaded for the first provider that is not on this machine: it is as large as
        # the rest of the transport.
        from urllib import request  # noqa: PLC0415

        proxies = (self._getproxies or request.getproxies)()
        url = proxies.get(scheme) or proxies.get("all")
        bypass = self._bypass or request.proxy_bypass
        if not url or bypass(f"{host}:{port}"):
            return None
        return Proxy.parse(url)


def secrets_in(environ: Mapping[str, str]) -> list[str]:
    """Passwords in the addresses of proxies, which a proxy might quote."""
    urls = {url for name, url in environ.items() if name.lower().endswith("_proxy")}
    return sorted({secret for url in urls for secret in proxy_secrets(url)})


def is_loopback(host: str) -> bool:
    """True for this machine's own names and addresses."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
