"""One trial of a provider: a short message with one tool, sent and read as any other.

Built, healed and translated by the modules that carry a client's requests, so that
what works here works for the client.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any, Mapping, Protocol

from aiproxy.errors import UpstreamBroken, UpstreamError, UpstreamTimeout
from aiproxy.protocol import (
    endpoint,
    error_text,
    headers,
    healing,
    json_codec,
    passthrough,
    sse,
    to_chat,
    upstream_errors,
)
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.target import Target
from aiproxy.records import dataclass, replace
from aiproxy.upstream.response import UpstreamResponse
from aiproxy.upstream.transport import Transport, UpstreamCall
from aiproxy.upstream.verdicts import Finding

MAX_HEALING_STEPS = 3
MAX_ANSWER_BYTES = 1 << 20
MAX_LIST_BYTES = 8 << 20
MAX_MODELS = 5000
# What a client asks for where nothing is mapped: it goes up as it is.
FALLBACK_MODEL = "claude-sonnet-4-5"

_TOOL = {
    "name": "report_status",
    "description": "Reports the result of the connection test.",
    "input_schema": {
        "type": "object",
        "properties": {"status": {"type": "string"}},
        "required": ["status"],
    },
}
_REQUEST: Mapping[str, Any] = {
    "model": "",
    "max_tokens": 1024,
    "messages": [
        {
            "role": "user",
            "content": 'Connection test. Call the tool report_status with status "ok".',
        }
    ],
    "tools": [_TOOL],
    "stream": True,
}
_MESSAGE_ID, _NONCE = "msg_probe", "probe0"
_ERROR = re.compile(r'"error"\s*:\s*[{"]')


class Tested(Protocol):
    """The fields of a provider that a test needs; `api_key` is the key itself."""

    @property
    def name(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def api_format(self) -> str: ...
    @property
    def default_model(self) -> str: ...
    @property
    def auth_method(self) -> str: ...
    @property
    def auth_header(self) -> str: ...
    @property
    def custom_headers(self) -> Mapping[str, str]: ...
    @property
    def model_haiku(self) -> str: ...
    @property
    def model_sonnet(self) -> str: ...
    @property
    def model_opus(self) -> str: ...
    @property
    def model_map(self) -> Mapping[str, str]: ...
    @property
    def extra_body(self) -> Mapping[str, Any]: ...
    @property
    def max_output_tokens(self) -> int | None: ...
    @property
    def dialect(self) -> str: ...
    @property
    def compat(self) -> str: ...
    @property
    def http_proxy(self) -> str: ...
    @property
    def ca_file(self) -> str: ...


def name_of(provider: Tested) -> str:
    """What a verdict calls it."""
    return provider.name or endpoint.host_of(provider.endpoint)


def model_of(provider: Tested) -> str:
    """The model that most requests will ask for."""
    names = (
        provider.default_model,
        provider.model_sonnet,
        provider.model_opus,
        provider.model_haiku,
        *provider.model_map.values(),
    )
    return next(filter(None, names), FALLBACK_MODEL)


class Caller:
    """Calls one provider; all that it does has to be done within its patience."""

    def __init__(
        self,
        transport: Transport,
        provider: Tested,
        *,
        connect_timeout: float,
        user_agent: str,
        patience_seconds: float,
    ) -> None:
        self.provider = provider
        self._transport = transport
        self._connect_timeout = connect_timeout
        self._user_agent = user_agent
        self._patience_seconds = patience_seconds
        self._deadline = time.monotonic() + patience_seconds

    def ask(self, address: str) -> Finding:
        """One message; refused for a parameter, once more without it."""
        finding = Finding(
            name=name_of(self.provider),
            host=endpoint.host_of(address),
            model=model_of(self.provider),
            has_key=bool(self.provider.api_key),
            patience_seconds=self._patience_seconds,
        )
        trial = _Trial(self, address, self._target(address, finding.model))
        try:
            trial.run()
        except UpstreamError as exc:
            seen = replace(
                finding, is_html=trial.is_html, tells_error=trial.tells_error
            )
            return replace(seen, error=exc)
        return replace(finding, calls_tool=trial.calls_tool, streams=trial.streams)

    def list_models(self) -> list[str]:
        """Raises UpstreamError."""
        provider = self.provider
        url = endpoint.models_url(provider.endpoint, provider.api_format)
        if provider.api_format == "anthropic":
            url += "?limit=1000"  # its pages hold twenty
        response = self.send(url, b"", method="GET")
        body = self.read(response, MAX_LIST_BYTES)
        if response.status != 200:
            raise self.to_error(response, body)
        found = ids_in(error_text.parse(body))
        if found is None:
            raise self.to_error(response, body, inside_200=True)
        return found

    def left(self) -> float:
        """Seconds of patience; raises UpstreamTimeout when there are none."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise UpstreamTimeout("the provider did not answer in time")
        return seconds

    def send(self, url: str, body: bytes, *, method: str = "POST") -> UpstreamResponse:
        provider = self.provider
        head = headers.upstream_headers(
            api_format=provider.api_format,
            auth_method=provider.auth_method,
            auth_header=provider.auth_header,
            api_key=provider.api_key,
            custom_headers=provider.custom_headers,
            client_headers={},
            user_agent=self._user_agent,
        )
        call = UpstreamCall(
            url=url,
            headers=head,
            body=body,
            method=method,
            connect_timeout=min(self.left(), self._connect_timeout),
            read_timeout=self.left(),
            total_timeout=self.left(),
            http_proxy=provider.http_proxy,
            ca_file=provider.ca_file,
        )
        return self._transport.send(call)

    def read(self, response: UpstreamResponse, limit: int) -> bytes:
        """The whole body, however slowly it drips."""
        body = b""
        try:
            while True:
                data = response.read_some(timeout=self.left())
                if not data:
                    return body
                body += data
                if len(body) > limit:
                    raise UpstreamBroken("the provider's answer is too large")
        finally:
            response.close()

    def to_error(
        self, response: UpstreamResponse, body: bytes, *, inside_200: bool = False
    ) -> UpstreamError:
        return upstream_errors.to_error(
            response.status,
            response.headers,
            body,
            provider=name_of(self.provider),
            secrets=self.secrets,
            api_format=self.provider.api_format,
            inside_200=inside_200,
            now=time.time(),
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        provider = self.provider
        own = headers.secrets_of(
            provider.api_key,
            auth_method=provider.auth_method,
            custom_headers=provider.custom_headers,
            http_proxy=provider.http_proxy,
        )
        return (*own, *self._transport.secrets)

    def _target(self, address: str, model: str) -> Target:
        provider = self.provider
        is_own = provider.compat == "auto" and endpoint.is_anthropic(address)
        return Target.of(
            endpoint=address,
            model=model,
            dialect=provider.dialect,
            max_output_tokens=provider.max_output_tokens,
            extra_body=provider.extra_body,
            full_compat=is_own or provider.compat == "full",
        )


@dataclass(frozen=True)
class _Refusal:
    """An answer that is none, and what it teaches."""

    error: UpstreamError
    lesson: healing.Lesson | None


class _Trial:
    """One address asked, at most four times; keeps what was seen on the way."""

    def __init__(self, caller: Caller, address: str, target: Target) -> None:
        self.is_html = False
        self.tells_error = False
        self.calls_tool = False
        self.streams = True
        self._caller = caller
        self._url = endpoint.request_url(address, caller.provider.api_format)
        self._target = target
        self._passes = caller.provider.api_format == "anthropic"
        made: to_chat.ChatRequest | passthrough.PassthroughRequest
        if self._passes:
            made = passthrough.build_request(_REQUEST, target)
        else:
            made = to_chat.build_chat_request(_REQUEST, target)
        self._body = made.body
        self._reply = replace(
            made.reply_context(
                model=target.model,
                message_id=_MESSAGE_ID,
                nonce=_NONCE,
                input_estimate=1,
            ),
            provider=name_of(caller.provider),
            secrets=caller.secrets,
        )

    def run(self) -> None:
        """Raises UpstreamError for everything that is no good answer."""
        lessons: list[healing.Lesson] = []
        while True:
            body = healing.apply(self._body, lessons, self._target)
            refusal = self._ask(body)
            if refusal is None:
                return
            if refusal.lesson is None or len(lessons) == MAX_HEALING_STEPS:
                raise refusal.error
            lessons.append(refusal.lesson)

    def _ask(self, body: dict[str, Any]) -> _Refusal | None:
        """None for an answer."""
        caller = self._caller
        response = caller.send(self._url, json_codec.encode(body))
        try:
            if response.status == 200:
                self._read_stream(response)
                return None
            told = caller.read(response, MAX_ANSWER_BYTES)
        except UpstreamError as exc:
            return _Refusal(exc, self._learn(healing.status_of(exc), exc.refusal, body))
        finally:
            response.close()
        self._note_kind(told)
        lesson = self._learn(response.status, told, body)
        return _Refusal(caller.to_error(response, told), lesson)

    def _learn(
        self, status: int, told: bytes, sent: dict[str, Any]
    ) -> healing.Lesson | None:
        api_format = self._caller.provider.api_format
        return healing.learn(status, told, sent, api_format=api_format)

    def _read_stream(self, response: UpstreamResponse) -> None:
        stream: passthrough.PassthroughStream | ChatStreamTranslator
        if self._passes:
            stream = passthrough.PassthroughStream(self._reply)
        else:
            stream = ChatStreamTranslator(self._reply)
        events: list[bytes] = []
        head = b""
        while not stream.done:
            data = response.read_some(timeout=self._caller.left())
            if len(head) < 4096:
                head += data[:4096]
                self._note_kind(head)
            events.append(stream.feed(data) if data else stream.end())
        self.streams = not head.lstrip().startswith(b"{")
        if isinstance(stream.outcome.error, UpstreamError):
            self.tells_error = True
            raise stream.outcome.error
        self.calls_tool = calls_tool(b"".join(events))

    def _note_kind(self, body: bytes) -> None:
        text = body[:4096].decode("utf-8", "replace")
        self.is_html = error_text.is_html(text)
        self.tells_error = bool(_ERROR.search(text))


def calls_tool(events: bytes) -> bool:
    decoder = sse.SSEDecoder()
    for event in [*decoder.feed(events), *decoder.finish()]:
        if event.type == "content_block_start":
            block = json.loads(event.data).get("content_block")
            if isinstance(block, dict) and block.get("type") == "tool_use":
                return True
    return False


def ids_in(parsed: Any) -> list[str] | None:
    """`data` of OpenAI and Anthropic, `models` of some, Together's bare list."""
    if isinstance(parsed, dict):
        parsed = parsed.get("data", parsed.get("models"))
    if not isinstance(parsed, list):
        return None
    found = [
        entry.get("id") or entry.get("name") if isinstance(entry, dict) else entry
        for entry in parsed[:MAX_MODELS]
    ]
    return list(dict.fromkeys(name for name in found if isinstance(name, str) and name))
