"""One provider asked for one request: sent, healed if refused, its answer begun."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

from aiproxy import formats, models
from aiproxy.errors import AIProxyError, UpstreamError, UpstreamTimeout
from aiproxy.exchange import Exchange
from aiproxy.formats import ClientRequest, Prepared
from aiproxy.protocol import (
    endpoint,
    from_chat,
    headers,
    healing,
    json_codec,
    model_map,
    passthrough,
    remedies,
    token_count,
    tool_list,
    upstream_errors,
)
from aiproxy.protocol.healing import Lesson
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.protocol.reply import Outcome
from aiproxy.protocol.target import Target
from aiproxy.recorder import Recorder
from aiproxy.records import dataclass, field
from aiproxy.resolve import Route
from aiproxy.security import credentials
from aiproxy.store.providers import Provider
from aiproxy.stream import Reply, Stream, StreamTranslator
from aiproxy.upstream.response import UpstreamResponse
from aiproxy.upstream.transport import UpstreamCall

COMMIT_SECONDS = 20.0  # of silence after a 200: the client must see a head by then
FALLBACK_SECONDS = 120.0  # the longest wait for a first event while another may answer
COUNT_SECONDS = 2.0
ERROR_SECONDS = 30.0  # for the body of an error
LONGEST_SECONDS = 6 * 3600.0  # for an answer in one piece, as for a stream
MAX_COUNT_BYTES = 65536
MAX_HEALING_STEPS = 3
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024
SSE_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
JSON_HEADERS = {"content-type": "application/json"}

_Tried = Tuple[Lesson, Dict[str, Any]]  # and the body that was refused before it


class Refused(Exception):
    """The provider answered with an error, before anything reached the client."""

    def __init__(self, error: UpstreamError, status: int, body: bytes) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status
        self.body = body


@dataclass
class Attempt:
    """One provider of the chain, asked once, or a few times where it heals."""

    exchange: Exchange
    route: Route
    request: ClientRequest
    provider: Provider
    may_fall_back: bool = False
    api_key: str = field(default="", repr=False)

    def run(self) -> Reply:
        """The reply, or UpstreamError; `retryable` says that another may be asked."""
        prepared = self._prepare()
        book = self.exchange.services.lessons
        model = prepared.target.model
        lessons = list(book.known(self.provider.id, model))
        tried: _Tried | None = None
        for step in range(MAX_HEALING_STEPS + 1):
            body = healing.apply(prepared.body, lessons, prepared.target)
            try:
                reply = self._send(prepared, body, healing.dropped_betas(lessons))
            except Refused as refused:
                self._remember(tried, refused, model)
                lesson = self._learn(refused, body)
                if lesson is None or lesson in lessons or step == MAX_HEALING_STEPS:
                    raise refused.error from None
                self.exchange.note(lesson.note)
                lessons.append(lesson)
                tried = lesson, body
            else:
                self._remember(tried, None, model)
                return reply
        raise AssertionError("the loop above returns or raises")

    def count_tokens(self) -> int:
        """The provider's own count where it has one and is quick, else the estimate."""
        provider, services = self.provider, self.exchange.services
        model = self._model()
        target = formats.target_of(provider, model)
        ratio = services.lessons.ratio(provider.id, model)
        passes = provider.api_format == "anthropic"
        key = None if passes else target.reasoning_key
        body = self.request.body
        # What would be sent: on a custom alias that is another system prompt. A count
        # of a part (only tools, only messages) brings none, and gets none.
        if body.get("system"):
            body = formats.with_prompt(self.request, model, self._custom_prompt())
        estimate = token_count.count(body, ratio, reasoning_key=key)
        if not passes:
            return estimate
        try:
            counted = self._ask_count(body, target)
        except (AIProxyError, KeyError, TypeError, ValueError):
            return estimate
        return counted if counted > 0 else estimate

    def _custom_prompt(self) -> PromptConfig | None:
        return self.exchange.services.snapshot.prompt if self.route.is_custom else None

    def _ask_count(self, body: Mapping[str, Any], target: Target) -> int:
        self.api_key = credentials.resolve(self.provider.api_key)
        made = passthrough.build_request(body, target)
        url = endpoint.count_tokens_url(self.provider.endpoint)
        call = self._call(
            url,
            made.body,
            target,
            {},
            made.dropped_betas,
            read_timeout=COUNT_SECONDS,
            total_timeout=COUNT_SECONDS,
        )
        response = self.exchange.services.transport.send(call)
        try:
            if response.status != 200:
                return 0
            counted = json_codec.decode_object(response.read_all(MAX_COUNT_BYTES))
            return int(counted["input_tokens"])
        finally:
            response.close()

    def _prepare(self) -> Prepared:
        exchange, provider = self.exchange, self.provider
        services = exchange.services
        exchange.attempts += 1
        exchange.upstream_request_id = ""  # that of the provider before
        exchange.provider = provider.slug
        exchange.model = self._model()
        self.api_key = credentials.resolve(provider.api_key)
        exchange.secrets += headers.secrets_of(
            self.api_key,
            auth_method=provider.auth_method,
            custom_headers=provider.custom_headers,
            http_proxy=provider.http_proxy,
        )
        exchange.secrets += services.transport.secrets
        prepared = formats.prepare(
            self.request,
            provider,
            exchange.model,
            custom=self._custom_prompt(),
            ratio=services.lessons.ratio(provider.id, exchange.model),
            secrets=exchange.secrets,
        )
        for note in prepared.notes:
            exchange.note(note)
        return prepared

    def _model(self) -> str:
        provider = self.provider
        is_own = provider.id == self.route.provider.id
        return model_map.upstream_model(
            self.exchange.model_requested,
            alias_model=self.route.model if is_own else "",
            model_map=provider.model_map,
            tiers={
                "haiku": provider.model_haiku,
                "sonnet": provider.model_sonnet,
                "opus": provider.model_opus,
            },
            default_model=provider.default_model,
            offered=models.mapped_names(provider),
        )

    def _call(
        self,
        url: str,
        body: Mapping[str, Any],
        target: Target,
        extra_headers: Mapping[str, str],
        dropped_betas: Sequence[str],
        *,
        read_timeout: float,
        total_timeout: float,
    ) -> UpstreamCall:
        provider, services = self.provider, self.exchange.services
        head = headers.upstream_headers(
            api_format=provider.api_format,
            auth_method=provider.auth_method,
            auth_header=provider.auth_header,
            api_key=self.api_key,
            custom_headers={**extra_headers, **provider.custom_headers},
            client_headers=self.request.headers,
            full_compat=target.full_compat,
            dropped_betas=dropped_betas,
            user_agent=services.user_agent,
        )
        return UpstreamCall(
            url=url,
            headers=head,
            body=tool_list.encode_request(body),
            connect_timeout=min(services.settings.connect_timeout, read_timeout),
            read_timeout=read_timeout,
            total_timeout=total_timeout,
            http_proxy=provider.http_proxy,
            ca_file=provider.ca_file,
            cancel=self.exchange.cancel,
        )

    def _send(
        self, prepared: Prepared, body: dict[str, Any], refused_betas: Sequence[str]
    ) -> Reply:
        exchange = self.exchange
        call = self._call(
            prepared.url,
            body,
            prepared.target,
            prepared.headers,
            [*prepared.dropped_betas, *refused_betas],
            read_timeout=self._longest_silence(),
            total_timeout=LONGEST_SECONDS,
        )
        if exchange.bodies is not None:
            exchange.bodies.put("upstream_request", call.body)
        response = exchange.services.transport.send(call)
        exchange.upstream_request_id = headers.upstream_request_id(
            response.headers, exchange.secrets
        )
        try:
            return self._read(prepared, response)
        except UpstreamError as exc:
            response.close()
            # Some providers say 200 first and what is wrong then: that heals too.
            raise Refused(exc, healing.status_of(exc), exc.refusal) from exc
        except BaseException:
            response.close()
            raise

    def _read(self, prepared: Prepared, response: UpstreamResponse) -> Reply:
        if response.status != 200:
            raise self._refusal(prepared, response)
        if self.request.stream_upstream:
            return self._begin_stream(prepared, response)
        return self._whole_answer(prepared, response)

    def _longest_silence(self) -> float:
        seconds = float(self.exchange.services.settings.request_timeout)
        return min(seconds, FALLBACK_SECONDS) if self.may_fall_back else seconds

    # An answer that is no answer

    def _refusal(self, prepared: Prepared, response: UpstreamResponse) -> Refused:
        body = response.read_all(MAX_ERROR_BYTES, ERROR_SECONDS)
        response.release()
        if self.exchange.bodies is not None:
            self.exchange.bodies.add("upstream_response", body)
        error = upstream_errors.to_error(
            response.status,
            response.headers,
            body,
            provider=self.provider.name,
            secrets=self.exchange.secrets,
            input_estimate=prepared.input_estimate,
            max_tokens=remedies.output_limit(prepared.body),
            context_window=self.provider.context_window,
            api_format=self.provider.api_format,
            now=time.time(),
        )
        error.headers = {
            **headers.downstream_headers(response.headers, self.exchange.secrets),
            **error.headers,
        }
        return Refused(error, response.status, body)

    def _remember(
        self, tried: _Tried | None, refused: Refused | None, model: str
    ) -> None:
        """Keep a lesson that has helped: the next answer says nothing of it any more.

        A refusal may quote its client, who would teach others what he likes.
        """
        if tried is None or not tried[0].remember:
            return
        lesson, body = tried
        if refused is None or self._learn(refused, body) != lesson:
            book = self.exchange.services.lessons
            book.remember(self.provider.id, model, lesson)

    def _learn(self, refused: Refused, sent: dict[str, Any]) -> Lesson | None:
        return healing.learn(
            refused.status, refused.body, sent, api_format=self.provider.api_format
        )

    # An answer in one piece

    def _whole_answer(self, prepared: Prepared, response: UpstreamResponse) -> Reply:
        exchange = self.exchange
        data = response.read_all(MAX_ANSWER_BYTES)
        response.release()
        if exchange.bodies is not None:
            exchange.bodies.add("upstream_response", data)
        kind = response.headers.get("content-type", "")
        message, outcome = prepared.read_answer(data, kind)
        self._observer(prepared)(outcome)
        head = {
            **headers.downstream_headers(response.headers, exchange.secrets),
            **exchange.answer_headers(),
        }
        if exchange.stream:  # streaming is switched off in Settings
            head.update(SSE_HEADERS)
            body = from_chat.as_events(message)
        else:
            head.update(JSON_HEADERS)
            body = json_codec.encode(message)
        if exchange.bodies is not None:
            exchange.bodies.add("client_response", body)
        exchange.first_token_at = time.monotonic()
        exchange.finish(outcome=outcome)
        return Reply(head, body)

    # A stream

    def _begin_stream(self, prepared: Prepared, response: UpstreamResponse) -> Reply:
        exchange = self.exchange
        translator: StreamTranslator = prepared.new_stream()
        if exchange.bodies is not None:
            translator = Recorder(translator, exchange.bodies)
        first = self._first_events(translator, response)
        exchange.first_token_at = time.monotonic()
        exchange.services.running.add_stream()

        # Not `self`, not `prepared`: they hold the request, and a stream may be long.
        observe = self._observer(prepared)

        def on_end(failure: BaseException | None) -> None:
            exchange.services.running.remove_stream()
            observe(translator.outcome)
            exchange.finish(error=failure, outcome=translator.outcome)

        stream = Stream(
            source=response,
            translator=translator,
            first=first,
            idle_seconds=float(exchange.services.settings.request_timeout),
            on_end=on_end,
        )
        head = {
            **headers.downstream_headers(response.headers, exchange.secrets),
            **exchange.answer_headers(),
            **SSE_HEADERS,
        }
        return Reply(head, stream=stream)

    def _first_events(
        self, translator: StreamTranslator, response: UpstreamResponse
    ) -> bytes:
        """Wait for the first event that is no error; comments do not count."""
        patience = FALLBACK_SECONDS if self.may_fall_back else COMMIT_SECONDS
        deadline = time.monotonic() + patience
        silence = self._longest_silence()
        out = []
        while not (translator.started or translator.done):
            left = deadline - time.monotonic()
            try:
                data = _read_some(response, min(left, silence))
            except UpstreamTimeout:
                if self.may_fall_back or silence < left:
                    raise
                out.append(translator.begin())
                break
            out.append(translator.feed(data) if data else translator.end())
        return b"".join(out)

    def _observer(self, prepared: Prepared) -> Callable[[Outcome], None]:
        lessons, model = self.exchange.services.lessons, prepared.target.model
        return lessons.observer(self.provider.id, model, prepared.raw_estimate)


def _read_some(response: UpstreamResponse, seconds: float) -> bytes:
    """What is there; no flood of comments makes the time longer."""
    if seconds <= 0:
        raise UpstreamTimeout("the provider's answer did not begin in time")
    return response.read_some(timeout=seconds)
