"""A provider's address: what is called, and which addresses are never called.

Text only, no name is resolved here. `check` judges what an admin typed,
`is_refused_address` the address a socket is connected to: both are needed, for a
harmless name may resolve to a metadata service.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import NamedTuple, Union
from urllib.parse import SplitResult, urlsplit, urlunsplit

_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

MAX_URL_LENGTH = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}
ANTHROPIC_HOST = "api.anthropic.com"

_SUFFIXES = {"openai": "/chat/completions", "anthropic": "/messages"}

_REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "fe80::/10",
        "100.100.100.200/32",  # Alibaba Cloud
        "192.0.0.192/32",  # Oracle Cloud
        "168.63.129.16/32",  # Azure's wire server
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # Google Cloud
        "fd00:42::42/128",  # Scaleway
    )
)
_REFUSED_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.azure.com",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
# Spelt out, as ipaddress' is_private also counts documentation ranges.
_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        # What a kernel takes for the machine itself.
        "0.0.0.0/32",
        "::/128",
    )
)
_PRIVATE_SUFFIXES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
# Networks that carry an IPv4 address in their last 32 bits (6to4 apart).
_EMBEDDING_NETWORKS = tuple(
    ipaddress.IPv6Network(text)
    for text in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "::ffff:0:0:0/96")
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\^`{}|<>\"]")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


class Origin(NamedTuple):
    """Where a key may go: it never follows an endpoint to another one."""

    scheme: str
    host: str
    port: int


@functools.lru_cache(maxsize=256)
def request_url(endpoint: str, api_format: str) -> str:
    """The URL that gets the request, from any of the usual ways to write it."""
    parts = _split(endpoint)
    suffix = _SUFFIXES[api_format]
    path = parts.path.rstrip("/")
    if path.endswith(suffix):
        return _join(parts, path)
    return _join(parts, _versioned(_without_suffix(path), api_format) + suffix)


def models_url(endpoint: str, api_format: str) -> str:
    """The URL that lists the provider's models."""
    parts = _split(endpoint)
    path = _without_suffix(parts.path.rstrip("/"))
    return _join(parts, _versioned(path, api_format) + "/models")


def count_tokens_url(endpoint: str) -> str:
    """The URL of a Messages upstream's token count."""
    parts = urlsplit(request_url(endpoint, "anthropic"))
    return _join(parts, parts.path + "/count_tokens")


def origin(endpoint: str) -> Origin:
    """Scheme, host and port in one spelling, so that they can be compared."""
    parts = _split(endpoint)
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        port = None
    return Origin(scheme, host_of(endpoint), port or DEFAULT_PORTS.get(scheme, 0))


def host_of(endpoint: str) -> str:
    """The host in canonical form (case, dots, IDNA, number forms), or ""."""
    try:
        host = _split(endpoint).hostname or ""
    except ValueError:
        return ""
    return _canonical(host)


def check(endpoint: str) -> list[str]:
    """What forbids this endpoint, in words for the form; empty: nothing."""
    if len(endpoint) > MAX_URL_LENGTH:
        return [f"The address is longer than {MAX_URL_LENGTH} characters."]
    problem = _syntax_problem(endpoint.strip())
    if problem:
        return [problem]
    host = host_of(endpoint)
    if is_refused_host(host):
        return [f"{host} is a link-local or cloud metadata address: not allowed."]
    return []


def warning(endpoint: str) -> str:
    """What an admin should know about an endpoint that is allowed, or ""."""
    target = origin(endpoint)
    if target.scheme == "http" and not is_private_host(target.host):
        return (
            f"Plain http: the key and all prompts travel to {target.host} in clear."
            " Use https if the provider has it."
        )
    return ""


def is_refused_host(host: str) -> bool:
    """A name or address in any spelling that stands for a metadata service."""
    host = _canonical(host)
    return host in _REFUSED_NAMES or is_refused_address(host)


def is_refused_address(ip: str) -> bool:
    """For the address of a connected socket: True means not to send a byte."""
    address = _address(ip.lower().partition("%")[0])
    if address is None:
        return False
    candidates = [address, *_embedded(address)]
    return any(_within(candidate, _REFUSED_NETWORKS) for candidate in candidates)


def is_private_host(host: str) -> bool:
    """Loopback, a private address, or a name that exists in a local network only."""
    host = _canonical(host)
    address = _address(host)
    if address is None:
        # A name without a dot is a machine or container beside us.
        return bool(host) and ("." not in host or host.endswith(_PRIVATE_SUFFIXES))
    candidates = [address, *_embedded(address)]
    return any(_within(candidate, _PRIVATE_NETWORKS) for candidate in candidates)


@functools.lru_cache(maxsize=256)
def is_anthropic(endpoint: str) -> bool:
    """Anthropic's own host: it knows all of its API."""
    host = host_of(endpoint)
    return host == ANTHROPIC_HOST or host.endswith(".anthropic.com")


def _split(endpoint: str) -> SplitResult:
    return urlsplit(endpoint.strip())


def _join(parts: SplitResult, path: str) -> str:
    # Azure keeps its api-version in the query: it stays, at the end.
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _without_suffix(path: str) -> str:
    for suffix in _SUFFIXES.values():
        if path.endswith(suffix):
            return path[: -len(suffix)]
    return path


def _versioned(path: str, api_format: str) -> str:
    if not path:
        return "/v1"
    if api_format == "anthropic" and not path.endswith("/v1"):
        return path + "/v1"
    return path


def _syntax_problem(endpoint: str) -> str:
    if not endpoint:
        return "The address is missing."
    if _UNSAFE.search(endpoint):
        return "The address holds a space or a character that no address may have."
    try:
        parts, port = urlsplit(endpoint), urlsplit(endpoint).port
    except ValueError:
        return "This is not an address."
    return _parts_problem(parts, port)


def _parts_problem(parts: SplitResult, port: int | None) -> str:
    if parts.scheme.lower() not in DEFAULT_PORTS:
        return "The address must begin with https:// or http://."
    if "@" in parts.netloc:
        return "The address must not hold a user name: the key has its own field."
    if parts.fragment:
        return "The address must not hold a #."
    if port == 0 or not _is_host(_canonical(parts.hostname or "")):
        return "The address has no usable host."
    return ""


def _is_host(host: str) -> bool:
    if ":" in host:
        return _address(host) is not None
    return bool(_NAME.fullmatch(host)) and ".." not in host


def _canonical(host: str) -> str:
    """One spelling: lower case, IDNA, no final dot, numbers as plain addresses."""
    host = host.strip("[]").lower()
    if not host.isascii():
        try:
            # Also makes ASCII of full-width digits and ideographic full stops.
            host = host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return ""
    host = host.rstrip(".")
    address = _address(host)
    return host if address is None else str(address)


def _address(host: str) -> _Address | None:
    """An IP address as the C library reads it: octal, hex and short forms too."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host.partition("%")[0])
        except ValueError:
            return None
    numbers = [_number(part) for part in host.split(".")]
    if len(numbers) > 4 or None in numbers:
        return None
    return _from_numbers([number for number in numbers if number is not None])


def _from_numbers(numbers: list[int]) -> _Address | None:
    # inet_aton(3): the last number fills all the bytes that are left.
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for position, number in enumerate(leading):
        value += number << (24 - 8 * position)
    return ipaddress.IPv4Address(value)


def _number(text: str) -> int | None:
    if re.fullmatch(r"0x[0-9a-f]{1,32}", text):
        return int(text, 16)
    if re.fullmatch(r"0[0-7]{1,32}", text):
        return int(text, 8)
    if re.fullmatch(r"[0-9]{1,32}", text):
        return int(text, 10)
    return None


def _embedded(address: _Address) -> list[_Address]:
    """The IPv4 addresses that an IPv6 address is a road to."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_Address] = []
    if any(address in network for network in _EMBEDDING_NETWORKS):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    return found


def _within(address: _Address, networks: tuple[object, ...]) -> bool:
    return any(
        isinstance(network, (ipaddress.IPv4Network, ipaddress.IPv6Network))
        and network.version == address.version
        and address in network
        for network in networks
    )
