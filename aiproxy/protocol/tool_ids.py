"""Tool ids: unique and legal for the client, the provider's own on the way back.

An id that clients cannot use is carried inside one of ours, so that nothing has to
be remembered here: `toolu_aip` + six characters of this answer + `_` + the original.
"""

from __future__ import annotations

import hashlib
import re
from typing import AbstractSet

PREFIX = "toolu_aip"
MIN_PASSING = 20  # shorter ids are counters more often than not, and would repeat

_LEGAL = re.compile(r"[A-Za-z0-9_-]+\Z")
_LEGAL_UPSTREAM = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")  # OpenAI refuses more than 40
_OURS = re.compile(
    PREFIX + r"[A-Za-z0-9]{6}_((?:[A-Za-z0-9-]|_[0-9a-f]{2})*)(?:_r[0-9]+)?\Z"
)
_TO_ESCAPE = re.compile(rb"[^A-Za-z0-9-]")
_ESCAPED = re.compile(rb"_([0-9a-f]{2})")


def to_client(
    original: str | None, *, nonce: str, seen: AbstractSet[str], number: int
) -> str:
    """The id that the client gets for a call of this answer.

    `seen` holds every id of the history and of this answer so far (the caller adds
    each); `number` is the call's place in the answer, for a call without an id.
    """
    if original and _may_pass(original) and original not in seen:
        return original
    stem = f"{PREFIX}{nonce}_{_escape(original) if original else number}"
    client_id, repeat = stem, number
    while client_id in seen:  # the provider repeated itself within one answer
        client_id = f"{stem}_r{repeat}"
        repeat += 1
    return client_id


def _may_pass(original: str) -> bool:
    return (
        len(original) >= MIN_PASSING
        and _LEGAL.match(original) is not None
        # Would be taken for one of ours when it comes back.
        and not original.startswith(PREFIX)
    )


def _escape(original: str) -> str:
    raw = original.encode("utf-8", "surrogatepass")
    escaped = _TO_ESCAPE.sub(lambda found: b"_%02x" % found.group()[0], raw)
    return escaped.decode("ascii")


def original_of(client_id: str) -> str | None:
    """The provider's own id inside one of ours; None for any other id."""
    found = _OURS.match(client_id)
    if not found:
        return None
    raw = _ESCAPED.sub(
        lambda escaped: bytes((int(escaped.group(1), 16),)), found.group(1).encode()
    )
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


def is_legal_upstream(tool_id: str) -> bool:
    """Whether every provider takes this id."""
    return _LEGAL_UPSTREAM.match(tool_id) is not None


def hashed(client_id: str) -> str:
    """A legal stand-in, the same in call and result."""
    digest = hashlib.sha256(client_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest[:32]}"


class UpstreamIds:
    """Gives out the ids of one translated request, in the order of its calls."""

    def __init__(self, *, dialect: str, family: str) -> None:
        self._dialect = dialect
        self._family = family
        self._calls = 0  # over the conversation
        self._used: set[str] = set()  # what may not come again
        self._repeats: dict[str, int] = {}

    def start_turn(self) -> None:
        """A provider's own ids may repeat from turn to turn, not within one."""
        if self._family != "claude":  # refuses repetitions anywhere
            self._used.clear()
            self._repeats.clear()

    def take(self, client_id: str, name: str) -> str:
        """The id for the next call; `name` is the upstream's name of its tool."""
        number = self._calls
        self._calls += 1
        wanted = tool_id = self._wanted(client_id, name, number)
        while tool_id in self._used:
            tool_id = self._numbered(wanted)
        self._used.add(tool_id)
        return tool_id

    def _wanted(self, client_id: str, name: str, number: int) -> str:
        original = original_of(client_id)
        own = client_id if original is None else original
        if self._dialect == "mistral":
            return own if _MISTRAL.match(own) else _nine(client_id)
        if self._family == "kimi" and original is None:
            return own if _KIMI.match(own) else f"functions.{name}:{number}"
        # Claude and OpenAI check ids, so another provider's odd ones are replaced.
        too_long = self._dialect == "openai" and len(own) > 40
        checked = original is None or too_long or self._family in {"claude", "gpt-5"}
        return own if not checked or is_legal_upstream(own) else hashed(client_id)

    def _numbered(self, wanted: str) -> str:
        stem = wanted[:32]  # with any number still within 40 characters
        repeat = self._repeats[stem] = self._repeats.get(stem, 1) + 1
        if self._dialect == "mistral":
            return _nine(f"{wanted}_{repeat}")
        if self._family == "kimi" and _KIMI.match(wanted):
            head, _, number = wanted.rpartition(":")
            return f"{head}:{int(number) + 1000 * repeat}"
        return f"{stem}_{repeat}"


_MISTRAL = re.compile(r"[A-Za-z0-9]{9}\Z")  # its API refuses any other [opencode#1680]
_KIMI = re.compile(r"functions\..+:[0-9]{1,9}\Z", re.DOTALL)
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _nine(source: str) -> str:
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()
    number, letters = int.from_bytes(digest, "big"), ""
    for _ in range(9):
        number, at = divmod(number, len(_ALPHANUMERIC))
        letters += _ALPHANUMERIC[at]
    return letters
