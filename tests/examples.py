"""How many examples a property test tries."""

from __future__ import annotations

from hypothesis import settings

_USUAL = 100


def examples(count: int) -> int:
    """So many, or fewer where the profile is brief: on a second Python."""
    return max(10, count * settings.default.max_examples // _USUAL)
