"""The HTTP status that an error's words mean, where its number does not say it.

Some providers answer 200 and name the kind of error, without a number; some answer
400 where the key is wrong. What the client (or the healing) does hangs on the status.
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from aiproxy.protocol import error_text
from aiproxy.protocol.patterns import lazy_pattern

# Kinds as `type`, `code` or `status` name them, less case and punctuation.
_KINDS_BY_STATUS: Mapping[int, str] = {
    400: """invalidrequesterror invalidrequest badrequesterror badrequest
        invalidargument invalidparameter invalidparametererror invalidvalue
        unsupportedparameter unsupportedvalue unknownparameter validationerror""",
    401: """authenticationerror invalidauthenticationerror unauthenticated unauthorized
        invalidapikey""",
    402: "billingerror paymentrequired insufficientbalance",
    403: "permissionerror permissiondenied permissiondeniederror forbidden",
    404: "notfounderror resourcenotfounderror notfound modelnotfound",
    413: "requesttoolarge",
    429: """ratelimiterror ratelimitexceeded ratelimitreachederror resourceexhausted
        toomanyrequests insufficientquota exceededcurrentquotaerror""",
    503: "serviceunavailable serviceunavailableerror unavailable",
    504: "timeouterror",
    529: "overloadederror overloaded engineoverloadederror",
}
_KINDS: Mapping[str, int] = {
    kind: status for status, kinds in _KINDS_BY_STATUS.items() for kind in kinds.split()
}
# A parameter refused in so many words, whatever kind the error is said to be.
_REFUSED_PARAMETER = lazy_pattern(
    r"\b(?:unsupported|unrecognized|unknown|unexpected|invalid|extra)"
    r" (?:request )?(?:parameter|argument|field|property|value|input|keyword)"
    r"|extra (?:inputs|fields) (?:are )?not permitted"
    r"|\b(?:does(?: not|n't)|do(?: not|n't)) support (?:the )?"
    r"(?:parameter|[\w.`'\"]+ parameter)"
    r"|\bparameter\b.{0,60}\b(?:is |are )?not (?:supported|allowed|permitted)",
    re.IGNORECASE,
)
# xAI and Gemini say 400 of a key that they do not know.
_BAD_KEY = lazy_pattern(
    r"(?:incorrect|invalid|unknown|expired) (?:x-)?api[ _-]?key"
    r"|api[ _-]?key (?:provided )?(?:is )?(?:not valid|invalid|incorrect|expired)"
    r"|API_KEY_INVALID",
    re.IGNORECASE,
)


def of_kind(parsed: Any, text: str) -> int | None:
    """The status of an error without a numeric code; None where nothing tells it."""
    error = error_text.error_object(parsed)
    for field in ("type", "code", "status"):
        kind = re.sub(r"[^a-z]", "", str(error.get(field) or "").lower()[:60])
        if kind in _KINDS:
            return _KINDS[kind]
    return 400 if _REFUSED_PARAMETER.search(text) else None


def is_bad_key(text: str) -> bool:
    """Whether a 400 is about the provider's API key."""
    return bool(_BAD_KEY.search(text))
