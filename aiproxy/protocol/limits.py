"""The output limit: too high, too dear, or under a name that the model refuses."""

from __future__ import annotations

import re

from aiproxy.protocol import remedies
from aiproxy.protocol.patterns import lazy_pattern
from aiproxy.protocol.refusals import UNKNOWN, WANTED, Refusal
from aiproxy.protocol.remedies import Lesson

MIN_AFFORDABLE = 4096
_MIN_LIMIT = 16  # smaller numbers belong to names of models

_N = r"(?<![\w.-])([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?![\w]|\.[0-9])"
_OUTPUT_NAMED = lazy_pattern(
    r"max(?:imum)?[_ ]?(?:completion|output|new)?[_ ]?tokens"
    r"|(?:output|completion) tokens",
    re.IGNORECASE,
)
_CUES = (
    r"at most|up to|no more than|exceeds?|maximum|<=|≤|less than or equal to|range"
    r"|lower than|less than|smaller than|below|limit|limited to|between [0-9]+ and"
    r"|supports?|max(?: is|:| of)?"
)
_MAXIMA = tuple(
    lazy_pattern(pattern, re.IGNORECASE)
    for pattern in (
        rf"\[ ?[0-9]{{1,9}} ?, ?{_N} ?\]",
        rf"> {_N},? which is the maximum",
        rf"\(inclusive\) to {_N}",
        # A look ahead, as the number behind one cue may stand within another.
        rf"(?=(?:{_CUES})[^0-9]{{0,80}}?{_N})",
    )
)
_EXCLUSIVE = lazy_pattern(rf"{_N} \(exclusive\)|(?<!or )(?:less|smaller) than `?{_N}")
_CAN_AFFORD = lazy_pattern(rf"can only afford {_N}", re.IGNORECASE)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def affordable(refusal: Refusal) -> Lesson | None:
    """OpenRouter: the account's credit covers a shorter answer."""
    found = _CAN_AFFORD.search(refusal.text)
    limit = remedies.output_limit(refusal.sent)
    if found is None or limit is None:
        return None
    tokens = _number(found.group(1))
    if not MIN_AFFORDABLE <= tokens < limit:
        return None
    note = f"max_tokens lowered to {tokens}: all that the account can afford"
    return Lesson(remedies.LIMIT, value=tokens, note=note, remember=False)


def output_limit(refusal: Refusal) -> Lesson | None:
    limit = remedies.output_limit(refusal.sent)
    if limit is None or not _OUTPUT_NAMED.search(refusal.text):
        return None
    for pattern in _MAXIMA:
        for found in pattern.finditer(refusal.text):
            tokens = _number(found.group(1))
            if _MIN_LIMIT <= tokens < limit:
                tokens -= _is_exclusive(found.group(1), refusal.text)
                note = f"max_tokens lowered to {tokens}, the provider's maximum"
                return Lesson(remedies.LIMIT, value=tokens, note=note)
    return None


def _is_exclusive(number: str, text: str) -> bool:
    return any(number in found.groups() for found in _EXCLUSIVE.finditer(text))


def renamed_limit(refusal: Refusal) -> Lesson | None:
    old, new = remedies.OUTPUT_LIMITS
    if new in refusal.sent:
        old, new = new, old
    refused = refusal.names(old)
    wanted = refusal.names(new) and WANTED.search(refusal.text)
    if old not in refusal.sent or not (refused or wanted):
        return None
    if refused and not (UNKNOWN.search(refusal.text) or refusal.names(new)):
        return None
    return Lesson(remedies.RENAME, old, new, note=f"{old} sent as {new}")
