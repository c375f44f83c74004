"""What a test has found, in words that say what to do next."""

from __future__ import annotations

import re
from typing import Any

from aiproxy.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from aiproxy.protocol.patterns import lazy_pattern
from aiproxy.records import asdict, dataclass

_NO_MODEL = lazy_pattern(
    r"model.{0,120}?(?:not[ _]?(?:found|exist|available|supported|permitted)"
    r"|does(?: not|n't) exist|unknown|invalid|is not a valid|deprecated|decommissioned"
    r"|no access|not have access|deactivated)"
    r"|(?:unknown|invalid|no such|unsupported|missing|not have access to)"
    r"(?: the)? model|no endpoints found for|not a valid model|model_not_found"
    r"|\Amodel: ",
    re.IGNORECASE | re.DOTALL,
)
_NO_TOOLS = lazy_pattern(
    r"support tool use|(?:not|n't) support (?:tools?|function)|tools? (?:is|are) not",
    re.IGNORECASE,
)
_CONNECTION_KINDS = ("dns", "connect", "tls")


@dataclass(frozen=True)
class ProbeResult:
    """One test's verdict; `kind` is one of the contract's."""

    ok: bool
    kind: str  # ok dns connect tls timeout auth model quota format path http
    url: str
    latency_ms: int
    status: int | None
    model: str
    message: str
    # An address of the same server that does work, where the tested one has no API.
    suggested_endpoint: str = ""

    def as_json(self) -> dict[str, Any]:
        """The answer to a script, and to the page."""
        fields = asdict(self)
        if not self.suggested_endpoint:
            del fields["suggested_endpoint"]
        return fields


@dataclass(frozen=True)
class Finding:
    """What came back: the answer, or how it failed."""

    name: str  # the provider's
    host: str
    model: str
    has_key: bool
    patience_seconds: float = 20.0
    error: UpstreamError | None = None
    is_html: bool = False
    tells_error: bool = False  # in the words of an API, if behind a 200
    calls_tool: bool = False
    streams: bool = True


def judge(finding: Finding, seconds: float) -> tuple[str, str]:
    """The kind of the verdict, and its message."""
    if finding.error is not None:
        return _judge_failure(finding, finding.error)
    if not finding.calls_tool:
        return "ok", (
            "It answers but calls no tool. Claude Code needs tools: choose another"
            " model."
        )
    works = f"It works. {finding.model} answered in {seconds:.1f} s."
    if not finding.streams:
        return "ok", f"{works} Tools work too, but it does not stream."
    return "ok", f"{works} Streaming and tools work too."


def no_such_model(name: str, model: str, listed: int | None) -> str:
    """The message for a model that the provider does not have."""
    choice = f"one of the {listed} it lists" if listed else "another one"
    return f'{name} has no model "{model}". Choose {choice}.'


def other_address(endpoint: str) -> str:
    """The message for an address without an API, where another one has it."""
    return f"There is no API at this address, but {endpoint} works. Save that instead."


def _judge_failure(finding: Finding, error: UpstreamError) -> tuple[str, str]:
    if isinstance(error, UpstreamUnreachable):
        return _judge_connection(finding, error)
    if isinstance(error, UpstreamTimeout):
        return "timeout", (
            f"No answer within {finding.patience_seconds:.0f} s. Try again or choose a"
            " faster model."
        )
    return _judge_answer(finding, error)


def _judge_connection(finding: Finding, error: UpstreamUnreachable) -> tuple[str, str]:
    kind = error.kind if error.kind in _CONNECTION_KINDS else "connect"
    reason = "name not found" if kind == "dns" else error.message.rstrip(".")
    where = f"No server answers at {finding.host}: {reason}."
    return kind, f"{where} Check the endpoint."


def _judge_answer(finding: Finding, error: UpstreamError) -> tuple[str, str]:
    status = error.upstream_status
    for judge_one in (_judge_refusal, _judge_quota, _judge_place):
        verdict = judge_one(finding, error, status or 0)
        if verdict is not None:
            return verdict
    reason = error.message.rstrip(".")
    if status == 200 and not finding.tells_error:
        return "format", (
            f"{finding.name} answers, but not as this API does: {reason}."
            " Choose the other format, or check the endpoint."
        )
    told = f" {status}" if status else ""
    return "http", f"{finding.name} answered{told}: {error.message}"


def _judge_refusal(
    finding: Finding, error: UpstreamError, status: int
) -> tuple[str, str] | None:
    if status not in {400, 401, 403, 404, 410, 422}:
        return None
    is_key = error.status == 401  # xAI says 400 to a wrong one
    if not is_key and not finding.is_html:
        if _NO_TOOLS.search(error.message):
            return "model", (
                f"{finding.model} cannot use tools. Claude Code needs tools: choose"
                " another model."
            )
        if _NO_MODEL.search(error.message):
            return "model", no_such_model(finding.name, finding.model, None)
    if not is_key and status != 403:
        return None
    if not finding.has_key:
        return "auth", f"{finding.name} wants a key ({status}). Paste one."
    said = f" It says: {error.message}" if status == 403 and not finding.is_html else ""
    return "auth", (
        f"{finding.name} refused the key ({status}). Paste it again or make a new one."
        + said
    )


def _judge_quota(
    finding: Finding, error: UpstreamError, status: int
) -> tuple[str, str] | None:
    if status == 402 or (status == 429 and "x-should-retry" in error.headers):
        return "quota", f"The key works, but the account has no credit: {error.message}"
    if status == 429:
        seconds = error.headers.get("retry-after", "5")
        return "quota", f"The key works, but {finding.name} asks to wait {seconds} s."
    return None


def _judge_place(
    finding: Finding, error: UpstreamError, status: int
) -> tuple[str, str] | None:
    if 300 <= status <= 399:
        return "path", (
            f"This address only redirects ({status}), and redirects are not followed."
            " Check the endpoint: it usually begins with https:// and ends in /v1."
        )
    is_page = finding.is_html and status < 500
    if status in {404, 405, 410} or is_page:
        return "path", "There is no API at this address. It usually ends in /v1."
    return None
