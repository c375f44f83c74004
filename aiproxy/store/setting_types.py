"""How a setting's text becomes its value: one parser a kind, a sentence on failure.

Values arrive as text (environment, flag, form) or as JSON values (scripts).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Callable
from urllib.parse import urlsplit

from aiproxy.records import dataclass

TEXT, INTEGER, BOOLEAN, CHOICE, LIST = "text", "integer", "boolean", "choice", "list"

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class Unfit(ValueError):
    """A value that a setting cannot have; the message is for the form."""


@dataclass(frozen=True)
class Setting:
    """What the form, the environment and README say of one setting."""

    name: str
    default: Any
    kind: str
    help: str
    env: tuple[str, ...]  # the first one set holds
    needs_restart: bool = False
    is_secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    clean: Callable[[str], str] | None = None  # raises Unfit with a sentence

    def parse(self, value: Any) -> Any:
        """The typed value; raises Unfit with a sentence for the form."""
        if self.kind == INTEGER:
            return self._integer(value)
        if self.kind == BOOLEAN:
            return _boolean(value)
        if self.kind == LIST:
            return self._list(value)
        if not isinstance(value, str):
            raise Unfit("This must be text.")
        text = value.strip()
        if self.kind == CHOICE:
            return self._choice(text)
        if len(text) > 2048 or not text.isprintable():
            raise Unfit("At most 2,048 characters, all of them printable.")
        return self.clean(text) if self.clean else text

    def _integer(self, value: Any) -> int:
        text = str(value).strip() if isinstance(value, (int, str)) else ""
        if isinstance(value, bool) or not re.fullmatch("[0-9]{1,12}", text):
            raise Unfit("This must be a whole number.")
        if not self.minimum <= int(text) <= self.maximum:
            raise Unfit(f"Between {self.minimum} and {self.maximum}.")
        return int(text)

    def _choice(self, text: str) -> str:
        for choice in self.choices:
            if text.lower() == choice.lower():
                return choice
        raise Unfit(f"One of {', '.join(self.choices)}.")

    def _list(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = re.split(r"[\s,]+", value)
        if not isinstance(value, (list, tuple)):
            raise Unfit("This must be a list.")
        if len(value) > 200 or not all(isinstance(entry, str) for entry in value):
            raise Unfit("At most 200 entries, all of them text.")
        entries = [entry.strip() for entry in value if entry.strip()]
        if self.clean:
            entries = [self.clean(entry) for entry in entries]
        return tuple(dict.fromkeys(entries))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower() if isinstance(value, (int, str)) else "?"
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Unfit("This must be true or false.")


def clean_bind_host(text: str) -> str:
    """An address or name to listen on; brackets around IPv6 are dropped."""
    host = text.strip("[]")
    if _is_address(host) or _HOST.fullmatch(host):
        return host
    raise Unfit("This must be a host name or an IP address.")


def clean_host(text: str) -> str:
    """A name that a Host header may hold, without port."""
    host = text.lower().strip("[]").rstrip(".")
    if _is_address(host) or _HOST.fullmatch(host):
        return host
    raise Unfit(f"{text[:100]!r} is not a host name or address (without port).")


def clean_network(text: str) -> str:
    """An address or CIDR block."""
    try:
        return str(ipaddress.ip_network(text.strip("[]"), strict=False))
    except ValueError:
        raise Unfit(f"{text[:100]!r} is not an address or network.") from None


def clean_base_path(text: str) -> str:
    """`/prefix` without a final slash, or nothing."""
    path = "/" + text.strip("/") if text.strip("/") else ""
    if path and (not _BASE_PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
        raise Unfit("This must be a path such as /aiproxy.")
    return path


def clean_public_url(text: str) -> str:
    """`http(s)://host[:port][/path]` without a final slash, or nothing."""
    if not text:
        return ""
    if not _is_public_url(text):
        raise Unfit("This must be an address such as https://ai.example.org.")
    return text.rstrip("/")


def _is_public_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_place = bool(clean_host(parts.hostname or "")) and parts.port != 0
    except ValueError:
        return False
    has_more = "@" in parts.netloc or parts.query or parts.fragment
    # It stands in lines for a shell: nothing in it may mean something there.
    path = parts.path.rstrip("/")
    is_plain = not path or bool(_BASE_PATH.fullmatch(path))
    is_web = parts.scheme in ("http", "https")
    return is_place and is_web and is_plain and not has_more


def clean_secret_key(text: str) -> str:
    """Long enough not to be guessed."""
    if len(text) < 16:
        raise Unfit("At least 16 characters, random ones.")
    return text


def clean_log_dir(text: str) -> str:
    """A folder's name."""
    if not text:
        raise Unfit("A folder is needed.")
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
