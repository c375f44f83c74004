"""One Messages request: which providers are asked, in turn, and how it is logged.

Runs on a worker as far as the upstream's first event, so that an error still has its
real status; from there the pump carries the stream.
"""

from __future__ import annotations

import os
from typing import Any, Mapping

from aiproxy.attempt import Attempt
from aiproxy.errors import AIProxyError, InvalidRequest, UpstreamError
from aiproxy.exchange import Exchange
from aiproxy.formats import ClientRequest
from aiproxy.protocol import token_count, tool_list
from aiproxy.resolve import chain_of, resolve
from aiproxy.services import Services
from aiproxy.stream import Reply


def answer(exchange: Exchange, name: str | None) -> Reply:
    """Answer the exchange; every way out of here is logged. Raises AIProxyError."""
    try:
        return _answer(exchange, name)
    except AIProxyError as exc:
        exc.headers = {**exc.headers, **exchange.answer_headers()}
        exchange.finish(status=exc.status, error=exc)
        raise
    except BaseException as exc:
        exchange.finish(status=500, error=exc)
        raise


def _answer(exchange: Exchange, name: str | None) -> Reply:
    services = exchange.services
    body = tool_list.decode_request(exchange.raw)
    exchange.raw = b""  # a stream may be long, and this much of each adds up
    exchange.model_requested = _model_of(body)
    exchange.stream = body.get("stream") is True
    exchange.read_session(body)
    # Names are told to holders of a key only: a local port is open to others too.
    route = resolve(
        services.snapshot,
        name,
        exchange.model_requested,
        may_list=exchange.key_id is not None,
    )
    exchange.alias = route.name or exchange.alias
    random = os.urandom(15).hex()
    request = ClientRequest(
        body=body,
        headers=exchange.headers,
        message_id=f"msg_{random[6:]}",
        nonce=random[:6],
        stream_upstream=exchange.stream and services.settings.enable_streaming,
    )
    chain = chain_of(services.snapshot, route.provider)
    for position, provider in enumerate(chain):
        is_last = position == len(chain) - 1
        attempt = Attempt(exchange, route, request, provider, may_fall_back=not is_last)
        try:
            return attempt.run()
        except UpstreamError as exc:
            if is_last or not exc.retryable:
                raise
            exchange.note(f"{provider.slug} failed ({exc.status}): {exc.message}")
    raise InvalidRequest("no provider is left to ask")


def count_tokens(
    services: Services, name: str | None, raw: bytes, headers: Mapping[str, str]
) -> int:
    """Input tokens of a Messages request: the provider's own count, or an estimate."""
    body = tool_list.decode_request(raw)
    if not isinstance(body.get("messages"), list):
        raise InvalidRequest("messages: a list of messages is needed")
    try:
        route = resolve(services.snapshot, name, _model_of(body), may_list=False)
    except InvalidRequest:
        return token_count.count(body)  # no provider is needed to count
    exchange = Exchange.unlogged(services, raw, headers)
    exchange.model_requested = _model_of(body)
    request = ClientRequest(body, headers)
    return Attempt(exchange, route, request, route.provider).count_tokens()


def _model_of(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise InvalidRequest("model: must be a string")
    return model or ""
