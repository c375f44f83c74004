"""A client's request in the provider's own format: translated, or passed through.

Two formats, two functions, one result: `Prepared` is all that the relay needs to send
a request, to heal it when it is refused, and to read the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from aiproxy.protocol import (
    chat_stream,
    endpoint,
    from_chat,
    prompt,
    to_chat,
    token_count,
)
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.protocol.reply import Outcome
from aiproxy.protocol.target import Target
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
    headers: dict[str, str]  # beside authentication
    target: Target
    dropped_betas: tuple[str, ...]
    raw_estimate: int  # of input tokens, as counted here
    input_estimate: int  # corrected by what this model's own counts taught us
    notes: tuple[str, ...]
    new_stream: Callable[[], StreamTranslator]
    read_answer: Callable[[bytes, str], tuple[dict[str, Any], Outcome]]


def prepare(
    request: ClientRequest,
    provider: Provider,
    model: str,
    *,
    custom: PromptConfig,
    is_custom: bool,
    ratio: float,
) -> Prepared:
    """Raises InvalidRequest for what cannot be said in the provider's format."""
    body = request.body
    if is_custom:
        body = prompt.apply(
            body, custom, upstream_model=model, client_headers=request.headers
        )
    target = target_of(provider, model)
    estimate = token_count.count(body, ratio)
    if provider.api_format == "anthropic":
        return _pass_through(request, body, provider, target, estimate)
    return _translate(request, body, provider, target, estimate)


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


def _translate(
    request: ClientRequest,
    body: Mapping[str, Any],
    provider: Provider,
    target: Target,
    estimate: int,
) -> Prepared:
    if not request.stream_upstream:
        body = {**body, "stream": False}
    chat = to_chat.build_chat_request(body, target)
    reply = chat.reply_context(
        model=str(request.body.get("model") or ""),
        message_id=request.message_id,
        nonce=request.nonce,
        input_estimate=estimate,
    )

    def read_answer(data: bytes, content_type: str) -> tuple[dict[str, Any], Outcome]:
        answer = from_chat.translate_answer(data, reply, content_type)
        return answer.message, answer.outcome

    return Prepared(
        url=endpoint.request_url(provider.endpoint, "openai"),
        body=chat.body,
        headers=chat.headers,
        target=target,
        dropped_betas=(),
        input_estimate=estimate,
        notes=chat.notes,
        new_stream=lambda: chat_stream.ChatStreamTranslator(reply),
        read_answer=read_answer,
    )


def _pass_through(
    request: ClientRequest,
    body: Mapping[str, Any],
    provider: Provider,
    target: Target,
    estimate: int,
) -> Prepared:
    raise NotImplementedError
