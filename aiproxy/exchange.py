"""One proxied request while it runs: who asked, who answered, what the log will say."""

from __future__ import annotations

import threading
import time
from typing import Mapping

from aiproxy.bodies import Bodies
from aiproxy.errors import AIProxyError
from aiproxy.protocol import json_codec
from aiproxy.protocol.masking import mask
from aiproxy.protocol.reply import Outcome
from aiproxy.records import dataclass, field
from aiproxy.services import Services
from aiproxy.store.request_log import Body, LogEntry
from aiproxy.upstream.cancellation import Cancellation

MAX_NOTES = 20
MAX_NOTE_LENGTH = 300


@dataclass
class Exchange:
    """Filled in as the request goes on; `finish` writes it to the log, once."""

    services: Services
    request_id: str
    alias: str  # as in the path; "" for the active provider
    headers: Mapping[str, str]  # the client's, lower-case names
    raw: bytes
    cancel: Cancellation
    user: str = ""
    user_id: int | None = None
    key_id: int | None = None
    key_prefix: str = ""
    secrets: list[str] = field(default_factory=list)
    provider: str = ""  # slug
    model_requested: str = ""
    model: str = ""
    session_id: str = ""
    stream: bool = False
    attempts: int = 0
    notes: list[str] = field(default_factory=list)
    upstream_request_id: str = ""
    is_logged: bool = True
    bodies: Bodies | None = None
    started: float = field(default_factory=time.monotonic)
    first_token_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _has_place: bool = False
    _is_finished: bool = False

    def __post_init__(self) -> None:
        if self.is_logged and self.services.settings.log_bodies != "none":
            self.bodies = Bodies(self.services.body_room)
            self.bodies.put("client_request", self.raw)

    def take_place(self) -> None:
        """Count among the requests in flight until `finish`; raises Overloaded."""
        self.services.running.enter()
        self._has_place = True

    @classmethod
    def unlogged(
        cls, services: Services, raw: bytes, headers: Mapping[str, str]
    ) -> Exchange:
        """For a count: it makes no log entry and takes no place among requests."""
        return cls(services, "", "", headers, raw, Cancellation(), is_logged=False)

    def note(self, text: str) -> None:
        """Something that the reader of the log should know: repaired, fallen back."""
        text = mask(text, self.secrets)[:MAX_NOTE_LENGTH]
        if text and text not in self.notes and len(self.notes) < MAX_NOTES:
            self.notes.append(text)

    def read_session(self, request: Mapping[str, object]) -> None:
        """The client's own session id: its header, else `metadata.user_id`."""
        self.session_id = _printable(self.headers.get("x-claude-code-session-id", ""))
        if self.session_id:
            return
        metadata = request.get("metadata")
        user_id = metadata.get("user_id") if isinstance(metadata, dict) else None
        if isinstance(user_id, str) and user_id.startswith("{"):
            try:
                inner = json_codec.decode_text(user_id)
            except AIProxyError:
                return
            found = inner.get("session_id") if isinstance(inner, dict) else None
            if isinstance(found, str):
                self.session_id = _printable(found)

    def answer_headers(self) -> dict[str, str]:
        """What every proxied answer says of itself."""
        headers = {"request-id": self.request_id}
        if self.provider:
            headers["x-aiproxy-provider"] = self.provider
            headers["x-aiproxy-attempts"] = str(self.attempts)
        if self.model:
            headers["x-aiproxy-model"] = header_text(self.model)
        if self.upstream_request_id:
            headers["x-aiproxy-upstream-request-id"] = self.upstream_request_id
        return headers

    def finish(
        self,
        *,
        status: int = 200,
        error: BaseException | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        """Log it and give its place free; later calls change nothing."""
        with self._lock:
            if self._is_finished:
                return
            self._is_finished = True
        if self._has_place:
            self.services.running.leave()
        outcome = outcome or Outcome()
        error = error or outcome.error
        if status == 200 and isinstance(error, AIProxyError):
            status = error.status  # a stream that broke is no success
        entry = self._entry(status, error, outcome)
        self.services.log_writer.add(entry)
        self.services.metrics.record(entry)
        self.services.log_request(entry, error)

    def _entry(
        self, status: int, error: BaseException | None, outcome: Outcome
    ) -> LogEntry:
        error_type, message = _describe(error)
        usage = outcome.usage
        for note in outcome.notes:
            self.note(note)
        if usage.cost is not None:
            self.note(f"cost {usage.cost:g}")
        finished = time.monotonic()
        return LogEntry(
            id=self.request_id,
            time=self.services.now(),
            user_id=self.user_id,
            user=self.user,
            key_id=self.key_id,
            key_prefix=self.key_prefix,
            alias=self.alias[:64],
            provider=self.provider,
            model_requested=self.model_requested[:200],
            model=self.model[:200],
            session_id=self.session_id,
            agent_id=_printable(self.headers.get("x-claude-code-agent-id", "")),
            stream=self.stream,
            status=status,
            error_type=error_type,
            error_message=mask(message, self.secrets)[:2000],
            stop_reason=outcome.stop_reason or "",
            duration_ms=_milliseconds(finished - self.started),
            first_token_ms=(
                None
                if self.first_token_at is None
                else _milliseconds(self.first_token_at - self.started)
            ),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_input_tokens,
            cache_write_tokens=usage.cache_creation_input_tokens,
            usage_estimated=usage.estimated,
            attempts=self.attempts,
            notes=tuple(self.notes),
            bodies=self._kept_bodies(is_failure=bool(error_type) or status >= 400),
        )

    def _kept_bodies(self, *, is_failure: bool) -> tuple[Body, ...] | None:
        kept, mode = self.bodies, self.services.settings.log_bodies
        if kept is None:
            return None
        try:
            if mode == "none" or (mode == "errors" and not is_failure):
                return None
            return kept.without(self.secrets)
        finally:
            kept.close()


def header_text(text: str) -> str:
    """A header value: printable ASCII, everything else as a question mark."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)[:200]


def _describe(error: BaseException | None) -> tuple[str, str]:
    if error is None:
        return "", ""
    if isinstance(error, AIProxyError):
        return error.error_type, error.message
    return "api_error", type(error).__name__


def _milliseconds(seconds: float) -> int:
    return max(0, int(seconds * 1000))


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:100]
