"""What a refusal names: read in the provider's words, compared with what was sent."""

from __future__ import annotations

import re
from typing import Any, Mapping

from aiproxy.protocol import error_text
from aiproxy.protocol.patterns import lazy_pattern
from aiproxy.records import dataclass

# Words of everyday English: only as the name of a parameter do they count.
_EVERYDAY = frozenset({"stop", "reasoning", "thinking"})
UNKNOWN = lazy_pattern(
    r"unsupported|not support|unexpected|extra|unknown|unrecognized|not permitted"
    r"|not allowed|forbidden|not recognized|invalid (?:field|property|argument)",
    re.IGNORECASE,
)
WANTED = lazy_pattern(
    r"missing|required|must be (?:passed|provided|included|set|present|non-empty)"
    r"|passed back|pass back|provide|expect|should be (?:passed|included)|need",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Refusal:
    """One refused request."""

    text: str  # the provider's words, with the parameter where it names one
    sent: Mapping[str, Any]
    api_format: str

    def names(self, parameter: str) -> bool:
        """Whether the provider speaks of this parameter, in any spelling."""
        return is_named(parameter, self.text)


def text_of(body: bytes, parsed: Any) -> str:
    """All that may name a parameter; never the request that some quote back."""
    error = error_text.error_object(parsed)
    words = error_text.words(body, parsed)
    lines = [str(error[key]) for key in ("code", "type", "message") if error.get(key)]
    if error.get("param"):
        lines.insert(0, f"'{error['param']}'")  # it reads like a quoted name
    text = "\n".join([*(line for line in lines if line not in words), words])
    return text[: 2 * error_text.MAX_READ]


def is_named(name: str, text: str) -> bool:
    """Snake, camel, dotted, spaced; an everyday word only as a parameter's name."""
    spelling = "[_. -]?".join(map(re.escape, name.split("_")))
    if name not in _EVERYDAY:
        return bool(
            re.search(rf"(?<![A-Za-z0-9_]){spelling}(?![A-Za-z0-9_])", text, re.I)
        )
    kinds = "parameters?|arguments?|fields?|property|option|key|param|input"
    return bool(
        re.search(
            rf"""["'`]{name}(?:\.\w+)*["'`]
              | (?:{kinds}|supplied|body|supports?|invalid)[ :.]+{name}(?![\w-])
              | (?<![\w-]){name}\ (?:{kinds})(?!\w)
              | (?<![\w-]){name}(?:\.\w+)?:[ ]
              | :\ {name}\.?\s*\Z
              | (?<![\w-]){name}\ is\ not\ (?:supported|available|allowed)""",
            text,
            re.IGNORECASE | re.VERBOSE | re.MULTILINE,
        )
    )
