"""Any provider's failure as the Anthropic error that makes the client do right.

Claude Code acts on status, type and a few texts: what it should repeat keeps a
status that it repeats, what it should not says so, and a full context always reads
the same. The words stay the provider's own, less its key.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from aiproxy.errors import ERROR_TYPES, UpstreamError, error_type_for
from aiproxy.protocol import (
    error_text,
    json_codec,
    messages,
    overflow,
    retry_after,
    status_words,
)
from aiproxy.protocol.masking import mask, mask_bytes
from aiproxy.protocol.patterns import lazy_pattern
from aiproxy.records import dataclass, replace

# Statuses that are told as another; what is not listed, by its hundreds.
_STATUSES: Mapping[int, int] = {
    401: 401,
    402: 402,
    403: 403,
    404: 404,
    408: 504,
    413: 413,
    429: 429,
    500: 500,
    503: 503,
    504: 504,
    522: 504,
    524: 504,
    529: 529,
}
_STATUS_BY_TYPE: Mapping[str, int] = {
    **{name: status for status, name in ERROR_TYPES.items()},
    "timeout_error": 504,
}
_QUOTA = lazy_pattern(
    r"insufficient[_ ](?:quota|balance|funds|credits?)|exceeded_current_quota"
    r"|exceeded your current quota|\bbilling\b|credit balance|(?:no|out of) credits?\b"
    r"|quota (?:has been )?(?:exhausted|used up)|payment required|prepaid",
    re.IGNORECASE,
)
_OVERLOADED = lazy_pattern(
    r"overloaded|out of capacity|(?:at|over|no|insufficient|max(?:imum)?) capacity"
    r"|capacity (?:exceeded|reached|limit)",
    re.IGNORECASE,
)
_CAPABILITY = lazy_pattern(
    r"no (?:allowed )?(?:endpoints?|providers?)\b.{0,60}\bsupport"
    r"|does(?: not|n't) support (?:tool|function|image|vision|file|audio|image input)",
    re.IGNORECASE | re.DOTALL,
)
_FAILED_BEHIND = lazy_pattern(
    r"provider returned (?:an )?error|upstream[_ ](?:error|failure|provider|server)"
    r"|(?:error|failure|timeout) (?:from|at|in|of) (?:the )?upstream"
    r"|upstream (?:request |connection |service |connect )?(?:failed|error|timed out)"
    r"|upstream .{0,40}(?:unavailable|unreachable|failed)|bad gateway"
    r"|all (?:providers|upstreams|endpoints) (?:have )?failed",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Failure:
    """What is known of one failed answer."""

    status: int  # as the provider said, or the code inside its 200
    said: int | None  # the same, or the 200 of an error without a code
    headers: Mapping[str, str]
    parsed: Any
    words: str  # the provider's own, not masked
    provider: str
    secrets: Sequence[str]
    now: float

    @property
    def text(self) -> str:
        """Words, code and type: where the meaning is looked for."""
        error = error_text.error_object(self.parsed)
        marks = (error.get("code"), error.get("type"), error.get("message"))
        text = " ".join([self.words, *(str(mark) for mark in marks if mark)])
        return text[: 2 * error_text.MAX_READ]


def to_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    provider: str = "the provider",
    secrets: Sequence[str] = (),
    input_estimate: int = 0,
    max_tokens: int | None = None,
    context_window: int | None = None,
    api_format: str = "openai",
    inside_200: bool = False,
    now: float = 0.0,
) -> UpstreamError:
    """What the client is told of an answer that is no answer.

    `headers` in any case; `max_tokens` as sent; `context_window` as configured, for
    words that do not tell it; `now` (UTC seconds) for a `retry-after` that is a date.
    `inside_200`: the status said that all was well.
    """
    parsed = error_text.parse(body)
    code = error_text.code_of(parsed) if inside_200 else status
    failure = _Failure(
        status=code or 502,
        said=code or status or None,
        headers={name.lower(): value for name, value in headers.items()},
        parsed=parsed,
        words=error_text.words(body, parsed),
        provider=provider,
        secrets=secrets,
        now=now,
    )
    kind = status_words.of_kind(parsed, failure.text) if code is None else None
    if kind is not None:
        failure = replace(failure, status=kind, said=kind)
    # Without a code of its own an error inside a 200 may be any kind of error.
    full = overflow.find(400 if code is None else code, failure.text, parsed)
    is_own_error = api_format == "anthropic" and messages.is_error(parsed)
    is_told_well = is_own_error and code == 400 and _is_in_clients_words(failure.words)
    if full is not None and not is_told_well:
        told = overflow.message(
            full,
            _shown(failure),
            input_estimate=input_estimate,
            max_tokens=max_tokens,
            context_window=context_window,
        )
        found = UpstreamError(
            error_text.shortened(told), status=400, upstream_status=failure.said
        )
    elif is_own_error and status // 100 != 3:
        found = _passed(failure, body, inside_200=inside_200)
    else:
        found = _translated(failure, inside_200=inside_200)
    if inside_200:
        found.refusal = _refusal(failure)
    return found


def _refusal(failure: _Failure) -> bytes:
    """What healing reads of a refusal, and no more: the rest may be large."""
    error = error_text.error_object(failure.parsed)
    marks = {key: error[key] for key in ("code", "type", "param") if error.get(key)}
    return json_codec.encode({"error": {"message": failure.words, **marks}})


def from_chunk(
    error: Any,
    *,
    mid_stream: bool = False,
    provider: str = "the provider",
    secrets: Sequence[str] = (),
    input_estimate: int = 0,
    max_tokens: int | None = None,
    context_window: int | None = None,
) -> UpstreamError:
    """The error inside a chunk: its `error` value, or the whole chunk.

    Before the first event (not `mid_stream`) it keeps its status; later only the
    type of the error event counts.
    """
    holder = error if _holds_error(error) else {"error": error}
    found = to_error(
        200,
        {},
        json_codec.encode(holder),
        provider=provider,
        secrets=secrets,
        input_estimate=input_estimate,
        max_tokens=max_tokens,
        context_window=context_window,
        inside_200=True,
    )
    if mid_stream:
        found.error_type = _event_type(found, holder)
    return found


def _holds_error(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("error"))


def _event_type(error: UpstreamError, holder: Mapping[str, Any]) -> str:
    if error.status == 400 and error.message.startswith(overflow.PHRASE):
        return error.error_type
    code = error_text.code_of(holder)
    told = error_text.error_object(holder)
    kind = f"{told.get('type') or ''} {told.get('code') or ''}"
    if code == 429 or "rate_limit" in kind:
        return "rate_limit_error"
    if code in {503, 529} or "overloaded" in (error.message + kind).lower():
        return "overloaded_error"
    return "api_error"


def _is_in_clients_words(words: str) -> bool:
    """Anthropic's own two texts, which need no translation."""
    return bool(
        re.match(
            r"prompt is too long: \d+ tokens > \d+"
            r"|input length and `max_tokens` exceed",
            words,
        )
    )


def _passed(failure: _Failure, body: bytes, *, inside_200: bool) -> UpstreamError:
    """An Anthropic-shaped error: status and body as they came, but for the key."""
    error = failure.parsed["error"]
    status = failure.status
    if inside_200:
        status = _STATUS_BY_TYPE.get(error["type"], failure.status)
    return UpstreamError(
        mask(error["message"], failure.secrets),
        status=status,
        error_type=error["type"],
        headers=_headers(failure, status),
        upstream_status=status if inside_200 else failure.said,
        retryable=_is_retryable(failure, status),
        body=mask_bytes(body, failure.secrets),
    )


def _translated(failure: _Failure, *, inside_200: bool) -> UpstreamError:
    status = _status(failure)
    return UpstreamError(
        error_text.shortened(_told(failure, status, inside_200=inside_200)),
        status=status,
        error_type=error_type_for(status),
        headers=_headers(failure, status),
        upstream_status=failure.said,
        retryable=_is_retryable(failure, status),
    )


def _status(failure: _Failure) -> int:
    status = failure.status
    if status == 400 and status_words.is_bad_key(failure.text):
        return 401
    if status == 404 and _CAPABILITY.search(failure.text):
        # The client hides the text of a 404 and speaks of the model's name.
        return 400
    if status == 503 and _OVERLOADED.search(failure.text):
        return 529
    if status in _STATUSES:
        return _STATUSES[status]
    return 400 if 400 <= status <= 499 else 502


def _told(failure: _Failure, status: int, *, inside_200: bool) -> str:
    shown = _shown(failure)
    if 300 <= failure.status <= 399:
        return (
            f"{failure.provider} answered with a redirect ({failure.status}), which is"
            " not followed: the key goes nowhere else. Check the endpoint."
        )
    if status == 401:
        return f"The API key of the provider {failure.provider} was refused: {shown}"
    if inside_200 and not failure.words:
        return f"{failure.provider} answered 200 without an answer in it"
    return shown


def _shown(failure: _Failure) -> str:
    words = failure.words or error_text.status_line(failure.status)
    return error_text.shortened(mask(words, failure.secrets))


def _headers(failure: _Failure, status: int) -> dict[str, str]:
    if status in {401, 402}:
        return {"x-should-retry": "false"}
    delay = retry_after.seconds(
        failure.headers, failure.parsed, failure.text, now=failure.now
    )
    if status not in {429, 529}:
        # 503 and others: what the provider asks for, where it does.
        asked = "retry-after" in failure.headers and delay is not None
        return {"retry-after": str(delay)} if asked else {}
    headers = {
        "retry-after": str(retry_after.DEFAULT_SECONDS if delay is None else delay)
    }
    if status == 429 and delay is None and _QUOTA.search(failure.text):
        headers["x-should-retry"] = "false"
    return headers


def _is_retryable(failure: _Failure, status: int) -> bool:
    """Whether another provider may be asked: contract §1, Fallback."""
    if failure.status in {408, 429} or failure.status < 400 or failure.status >= 500:
        return True
    if status in {429, 529} or status >= 500:
        return True
    return failure.status in {400, 404} and bool(_FAILED_BEHIND.search(failure.text))
