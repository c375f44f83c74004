"""What a request's head says of its origin, before anything is read or routed.

One value for the raw head (the HTTP layer judges it before the body comes) and for a
WSGI environ, so both are judged by the same rules (security.md sections 1 and 2).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Iterable, Mapping, Sequence, Union
from urllib.parse import urlsplit

from aiproxy.errors import InvalidRequest, PermissionDenied
from aiproxy.records import dataclass, field
from aiproxy.store.settings import Settings

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_HOST = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_FORWARDING = ("forwarded", "x-real-ip", "via")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_ANY_HOST = ("/health", "/ready")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class RequestHead:
    """Method, path (decoded, without base path) and headers (lower-case names)."""

    method: str
    path: str
    headers: Mapping[str, str]
    peer: str = ""
    query: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> RequestHead:
        """The same head as WSGI presents it."""
        headers: dict[str, str] = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        return cls(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            headers=headers,
            peer=environ.get("REMOTE_ADDR", ""),
            query=environ.get("QUERY_STRING", ""),
        )

    @property
    def is_api(self) -> bool:
        """True under /v1: the proxy side, whose errors are in the API's shape."""
        return self.path == "/v1" or self.path.startswith("/v1/")

    @property
    def host(self) -> str:
        return self.headers.get("host", "")


@dataclass(frozen=True)
class Frontier:
    """How the server is reached: what it is bound to and whom it believes."""

    bind_host: str = "127.0.0.1"
    base_path: str = ""
    allowed_hosts: tuple[str, ...] = ()
    public_url: str = ""
    trusted_proxies: tuple[Network, ...] = field(default_factory=tuple)

    @classmethod
    def of(cls, settings: Settings, *, bind_host: str, base_path: str) -> Frontier:
        """`bind_host` and `base_path` hold from start; the rest from each save."""
        return cls(
            bind_host=bind_host,
            base_path=base_path,
            allowed_hosts=tuple(
                host.lower().strip("[]") for host in settings.allowed_hosts
            ),
            public_url=settings.public_url,
            trusted_proxies=parse_networks(settings.trusted_proxies),
        )

    @property
    def is_loopback_bind(self) -> bool:
        return is_loopback_name(self.bind_host)

    def _allowed_names(self) -> Iterable[str]:
        yield from self.allowed_hosts
        public = urlsplit(self.public_url)
        if public.hostname:
            yield public.hostname.lower()

    def check_host(self, head: RequestHead) -> None:
        """Refuse a Host that a rebinding page would send; 400 for an odd one."""
        host = head.host
        if not host:
            return  # HTTP/1.0; the HTTP layer refuses its absence in HTTP/1.1
        name = _host_name(host)
        if name is None:
            raise InvalidRequest("the Host header is not a name or address with a port")
        if head.path in _ANY_HOST:
            return
        if not self.is_loopback_bind and not self.allowed_hosts:
            return
        if is_loopback_name(name) or name in self._allowed_names():
            return
        raise PermissionDenied(
            f"this server does not answer to the name {name!r}. If it is yours, add it"
            " to ALLOWED_HOSTS (Settings: allowed hosts)."
        )

    def check_origin(self, head: RequestHead) -> None:
        """Refuse what another site's page sent, with or without a credential."""
        if not head.is_api and head.method in ("GET", "HEAD"):
            return
        origin = head.headers.get("origin")
        if origin is not None and not self._is_own_origin(origin, head.host):
            raise PermissionDenied("requests from other web sites are refused (Origin)")
        site = head.headers.get("sec-fetch-site")
        if site is not None and site.strip().lower() not in ("same-origin", "none"):
            raise PermissionDenied(
                "requests from other web sites are refused (Sec-Fetch-Site)"
            )

    def _is_own_origin(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            port = parts.port
        except ValueError:
            return False
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path:
            return False
        name = parts.hostname.lower()
        if name in self.allowed_hosts:
            return True
        default = _DEFAULT_PORTS[parts.scheme]
        here = (name, str(port) if port else default)
        if host and here == _split_host(host, default):
            return True
        public = urlsplit(self.public_url)
        if not public.hostname or public.scheme != parts.scheme:
            return False
        return here == (public.hostname.lower(), str(public.port or default))

    def is_trusted_proxy(self, address: str) -> bool:
        if not self.trusted_proxies:
            return False
        ip = _address(address)
        return ip is not None and any(
            ip in network
            for network in self.trusted_proxies
            if network.version == ip.version
        )

    def client_address(self, head: RequestHead) -> str:
        """The peer, or behind trusted proxies the rightmost untrusted address."""
        if not self.is_trusted_proxy(head.peer):
            return head.peer
        hops = [h.strip() for h in head.headers.get("x-forwarded-for", "").split(",")]
        client = head.peer
        for hop in reversed([h for h in hops if h]):
            ip = _address(hop)
            if ip is None:
                break
            client = str(ip)
            if not self.is_trusted_proxy(client):
                break
        return client

    def scheme(self, head: RequestHead) -> str:
        """`https` only where a trusted proxy says so."""
        proto = head.headers.get("x-forwarded-proto", "").strip().lower()
        if proto == "https" and self.is_trusted_proxy(head.peer):
            return "https"
        return "http"

    def is_local(self, head: RequestHead) -> bool:
        """security.md section 1.6: this machine, directly, by a loopback name."""
        name = _host_name(head.host) if head.host else None
        return (
            self.is_loopback_bind
            and is_loopback_name(head.peer)
            and name is not None
            and is_loopback_name(name)
            and not any(
                header in _FORWARDING or header.startswith("x-forwarded")
                for header in head.headers
            )
        )

    def base_url(self, head: RequestHead) -> str:
        """Where this client reached us; Host is allowed by now, or public_url rules."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = head.host or "localhost"
        return f"{self.scheme(head)}://{host}{self.base_path}"


def parse_networks(entries: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and CIDR blocks; Settings has checked that they parse."""
    return tuple(ipaddress.ip_network(entry, strict=False) for entry in entries)


def is_loopback_name(name: str) -> bool:
    """localhost, 127.0.0.0/8, ::1; brackets allowed; nothing that DNS could rebind."""
    name = name.strip().strip("[]").lower()
    if name in _LOOPBACK_NAMES:
        return True
    ip = _address(name)
    return ip is not None and ip.is_loopback


def _address(
    text: str,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = getattr(ip, "ipv4_mapped", None)
    return mapped if mapped is not None else ip


def _host_name(host: str) -> str | None:
    match = _HOST.fullmatch(host)
    if match is None or int(match.group("port") or 0) > 65535:
        return None
    name = match.group("name").lower()
    if name.startswith("["):
        return name.strip("[]") if _address(name) is not None else None
    return name


def _split_host(host: str, default_port: str) -> tuple[str, str]:
    match = _HOST.fullmatch(host)
    if match is None:
        return "", ""
    return match.group("name").lower().strip("[]"), match.group("port") or default_port
