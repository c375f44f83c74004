"""A client's request in the provider's own format: translated, or passed through.

Two formats, two functions, one result: `Prepared` is all that the relay needs to send
a request, to heal it when it is refused, and to read the answer.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from aiproxy.protocol import (
    endpoint,
    from_chat,
    passthrough,
    prompt,
    remedies,
    to_chat,
    token_count,
)
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.passthrough import PassthroughRequest, PassthroughStream
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.protocol.reply import Outcome, ReplyContext
from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import ChatRequest
from aiproxy.records import dataclass, replace
from aiproxy.store.providers import Provider
from aiproxy.stream import StreamTranslator


@dataclass(frozen=True)
class ClientRequest:
    """What the client asked, parsed once for every provider that may be tried."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]  # lower-case names
    message_id: str = ""
    nonce: str = ""
    stream_upstream: bool = False  # off also where Settings switch streaming off


@dataclass(frozen=True)
class Prepared:
    """One request for one provider: what goes up, and how the answer is read."""

    url: str
    body: dict[str, Any]
    headers: Mapping[str, str]  # beside authentication
    target: Target
    raw_estimate: int  # of input tokens, as counted here
    input_estimate: int  # corrected by what this model's own counts taught us
    notes: tuple[str, ...]
    new_stream: Callable[[], StreamTranslator]
    read_answer: Callable[[bytes, str], tuple[dict[str, Any], Outcome]]
    dropped_betas: tuple[str, ...] = ()


def prepare(
    request: ClientRequest,
    provider: Provider,
    model: str,
    *,
    custom: PromptConfig | None = None,
    ratio: float = 1.0,
    secrets: Sequence[str] = (),
) -> Prepared:
    """Raises InvalidRequest for what cannot be said in the provider's format.

    `custom` is the system prompt's configuration where the route asks for it; `ratio`
    corrects the estimate of input tokens; `secrets` never appear in an error.
    """
    body = with_prompt(request, model, custom)
    target = target_of(provider, model)
    passes = provider.api_format == "anthropic"
    key = None if passes else target.reasoning_key
    counted = token_count.count(body, reasoning_key=key)
    draft = _Draft(request, body, provider, target, counted, ratio, tuple(secrets))
    return _pass_through(draft) if passes else _translate(draft)


def with_prompt(
    request: ClientRequest, model: str, custom: PromptConfig | None
) -> Mapping[str, Any]:
    """The request's body with the custom system prompt, where the route asks for it."""
    if custom is None:
        return request.body
    return prompt.apply(
        request.body, custom, upstream_model=model, client_headers=request.headers
    )


def target_of(provider: Provider, model: str) -> Target:
    """What the translator may know of a stored provider."""
    return Target.of(
        endpoint=provider.endpoint,
        model=model,
        dialect=provider.dialect,
        max_output_tokens=provider.max_output_tokens,
        context_window=provider.context_window,
        send_reasoning=provider.send_reasoning,
        extra_body=provider.extra_body,
        full_compat=has_full_compat(provider),
    )


def has_full_compat(provider: Provider) -> bool:
    """`auto` trusts Anthropic's own host alone to know all of its API."""
    if provider.compat == "auto":
        return endpoint.is_anthropic(provider.endpoint)
    return provider.compat == "full"


@dataclass(frozen=True)
class _Draft:
    """What both formats begin with."""

    request: ClientRequest
    body: Mapping[str, Any]  # with the custom prompt, if it applies
    provider: Provider
    target: Target
    counted: int
    ratio: float
    secrets: tuple[str, ...]

    @property
    def estimate(self) -> int:
        return max(1, round(self.counted * self.ratio))

    def reply_context(self, made: ChatRequest | PassthroughRequest) -> ReplyContext:
        context = made.reply_context(
            model=str(self.request.body.get("model") or ""),
            message_id=self.request.message_id,
            nonce=self.request.nonce,
            input_estimate=self.estimate,
        )
        return replace(
            context,
            provider=self.provider.name,
            secrets=self.secrets,
            max_tokens=remedies.output_limit(made.body),
            context_window=self.provider.context_window,
        )


def _translate(draft: _Draft) -> Prepared:
    body = draft.body
    if body.get("stream") is True and not draft.request.stream_upstream:
        body = {**body, "stream": False}
    chat = to_chat.build_chat_request(body, draft.target)
    reply = draft.reply_context(chat)

    def read_answer(data: bytes, _: str) -> tuple[dict[str, Any], Outcome]:
        # Told by its first byte: providers get the content type wrong.
        answer = from_chat.translate_answer(data, reply)
        return answer.message, answer.outcome

    return Prepared(
        url=endpoint.request_url(draft.provider.endpoint, "openai"),
        body=chat.body,
        headers=chat.headers,
        target=draft.target,
        raw_estimate=draft.counted,
        input_estimate=draft.estimate,
        notes=tuple(chat.notes),
        new_stream=lambda: ChatStreamTranslator(reply),
        read_answer=read_answer,
    )


def _pass_through(draft: _Draft) -> Prepared:
    made = passthrough.build_request(draft.body, draft.target)
    reply = draft.reply_context(made)
    body = made.body
    if body.get("stream") is True and not draft.request.stream_upstream:
        body = {**body, "stream": False}

    def read_answer(data: bytes, _: str) -> tuple[dict[str, Any], Outcome]:
        answer = passthrough.translate_answer(data, reply)
        return answer.message, answer.outcome

    return Prepared(
        url=endpoint.request_url(draft.provider.endpoint, "anthropic"),
        body=body,
        headers={},
        target=draft.target,
        dropped_betas=made.dropped_betas,
        raw_estimate=draft.counted,
        input_estimate=draft.estimate,
        notes=made.notes,
        new_stream=lambda: PassthroughStream(reply),
        read_answer=read_answer,
    )
