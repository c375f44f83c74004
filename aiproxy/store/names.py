"""The names that stand in a path: providers' slugs and aliases.

An alias may take over a provider's name on purpose, as it is looked up first; a slug
must be free, or its provider could not be reached.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Container

MAX_NAME_LENGTH = 64
_READ_LENGTH = 200  # as much as a name may have
CUSTOM_SUFFIX = "-custom"
RESERVED = frozenset({"v1", "count_tokens", "batches", "models"})

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_OTHER = re.compile(r"[^a-z0-9._]+")


def normalise(name: str) -> str:
    """As stored and looked up: case does not matter."""
    return name.strip().lower()


def problem(name: str) -> str:
    """What forbids this name, in words for the form; empty: nothing."""
    if not _NAME.fullmatch(name):
        return (
            "Use 1 to 64 lower-case letters, digits, dots, hyphens and underscores,"
            " beginning with a letter or digit."
        )
    if name in RESERVED:
        return f"The name {name} has a meaning of its own in addresses."
    return ""


def slugify(name: str, taken: Container[str] = ()) -> str:
    """A slug made from a display name, numbered where it is taken."""
    # No more of it than could matter: a long run of accents takes the square of time.
    name = name[:_READ_LENGTH]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    base = _OTHER.sub("-", plain.lower()).strip("-._")[: MAX_NAME_LENGTH - 4]
    base = base.rstrip("-._") or "provider"
    slug, number = base, 1
    while slug in taken or problem(slug) or slug.endswith(CUSTOM_SUFFIX):
        number += 1
        slug = f"{base}-{number}"
    return slug
