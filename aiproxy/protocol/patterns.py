"""Regular expressions that are compiled when they are first used.

For those that read providers' errors and prompts: compiling them is an eighth of the
start, and most of them are never asked.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Asked at the first use alone: what is kept on the object is found before.
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = re.compile(self._text, self._flags)
        self.__dict__.update(
            search=compiled.search,
            match=compiled.match,
            fullmatch=compiled.fullmatch,
            sub=compiled.sub,
            findall=compiled.findall,
            finditer=compiled.finditer,
        )
        return getattr(compiled, name)


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, but later."""
    return cast("re.Pattern[str]", _Pattern(text, flags))
