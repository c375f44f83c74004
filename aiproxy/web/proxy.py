"""The /v1 routes: Anthropic's Messages API in, Anthropic's Messages API out."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, NamedTuple

from aiproxy import models, relay
from aiproxy.errors import AIProxyError, RequestTooLarge
from aiproxy.exchange import Exchange
from aiproxy.head import RequestHead
from aiproxy.protocol import json_codec
from aiproxy.services import Services
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.web import health
from aiproxy.web.guard import Caller
from aiproxy.web.response import Response

MAX_BODY_BYTES = 32 * 1024 * 1024
MIN_SECRET_LENGTH = 8  # shorter words are found in everything
MAX_SECRETS = 20  # of one request: each costs a look at all that is kept


class Call(NamedTuple):
    """One request under /v1, past the guard."""

    services: Services
    environ: dict[str, Any]
    head: RequestHead
    caller: Caller
    request_id: str
    alias: str | None  # as in the path; None for the active provider

    def read_body(self) -> bytes:
        length = int(self.environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY_BYTES:
            raise RequestTooLarge(
                f"the request body is larger than {MAX_BODY_BYTES >> 20} MiB"
            )
        stream = self.environ["wsgi.input"]
        body: bytes = stream.read(length)
        stream.close()  # one copy is enough
        return body


def post_message(call: Call) -> Response:
    """A Messages request: answered whole, or parked on the pump as a stream."""
    exchange = _exchange(call, call.read_body())
    settings = call.services.settings
    try:
        if settings.rate_limit_enabled:
            call.services.rate_limiter.check(
                call.caller.rate_key,
                limit=settings.rate_limit_requests,
                window=settings.rate_limit_window,
            )
        exchange.take_place()
    except AIProxyError as exc:
        exchange.finish(status=exc.status, error=exc)
        raise
    reply = relay.answer(exchange, call.alias)
    if reply.stream is not None:
        call.environ["aiproxy.stream"] = reply.stream
    return Response(reply.body, reply.headers)


def count_tokens(call: Call) -> Response:
    """`{"input_tokens": n}`; no log entry, no rate limit."""
    counted = relay.count_tokens(
        call.services, call.alias, call.read_body(), call.head.headers
    )
    return _json(call, {"input_tokens": counted})


def list_models(call: Call) -> Response:
    """Every alias and provider as a model id that the client accepts."""
    return _json(call, models.list_models(call.services.snapshot, call.alias))


def get_model(call: Call, model: str) -> Response:
    """One entry of that list."""
    return _json(call, models.get_model(call.services.snapshot, call.alias, model))


def health_of(call: Call) -> Response:
    """Whether the process serves."""
    return health.health(call.services)


def readiness(call: Call) -> Response:
    """Whether new work is welcome."""
    return health.ready(call.services)


def probe(call: Call) -> Response:
    """The client's connectivity check: 200 and nothing else, also for unknown names."""
    return Response(b"", {"content-type": "text/plain"})


def record_rejection(
    services: Services, head: RequestHead, error: AIProxyError, request_id: str
) -> None:
    """A Messages request that was refused on its head is an entry of the log too."""
    is_message = head.method == "POST" and not head.path.endswith("/count_tokens")
    if not is_message or not head.path.startswith("/v1/messages"):
        return
    alias = head.path[len("/v1/messages") :].strip("/").partition("/")[0]
    address = services.frontier().client_address(head)
    call = Call(services, {}, head, Caller(address=address), request_id, alias)
    _exchange(call, b"").finish(status=error.status, error=error)


def _exchange(call: Call, raw: bytes) -> Exchange:
    user, key = call.caller.user, call.caller.key
    return Exchange(
        services=call.services,
        request_id=call.request_id,
        alias=call.alias or "",
        headers=call.head.headers,
        raw=raw,
        cancel=call.environ.get("aiproxy.cancel") or Cancellation(),
        user=user.username if user else "",
        user_id=user.id if user else None,
        key_id=key.id if key else None,
        key_prefix=key.prefix if key else "",
        secrets=_client_secrets(call.head.headers),
    )


def _client_secrets(headers: Mapping[str, str]) -> list[str]:
    """The credentials that came with a request, ours or not: none may be logged."""
    found = []
    for name in ("authorization", "x-api-key", "cookie"):
        # Sent twice, a header arrives joined by a comma; cookies are pairs.
        for word in re.split(r"[\s,;]+", headers.get(name, "")):
            value = word.partition("=")[2] if name == "cookie" else word
            if len(value) >= MIN_SECRET_LENGTH and value not in found:
                found.append(value)
    return found[:MAX_SECRETS]


def _json(call: Call, body: Mapping[str, Any]) -> Response:
    headers = {"content-type": "application/json", "request-id": call.request_id}
    return Response(json_codec.encode(body), headers)


class ApiRoute(NamedTuple):
    """A path; `<alias>` is passed in `Call`, `<model>` by name and to the path's end.

    HEAD is answered where GET is.
    """

    method: str
    path: str
    answer: Callable[..., Response]


_ALIAS = "/v1/messages/<alias>"

ROUTES = (
    ApiRoute("POST", "/v1/messages", post_message),
    ApiRoute("POST", "/v1/messages/count_tokens", count_tokens),
    ApiRoute("POST", _ALIAS, post_message),
    ApiRoute("POST", _ALIAS + "/count_tokens", count_tokens),
    ApiRoute("POST", _ALIAS + "/v1/messages", post_message),
    ApiRoute("POST", _ALIAS + "/v1/messages/count_tokens", count_tokens),
    ApiRoute("GET", "/v1/models", list_models),
    ApiRoute("GET", "/v1/models/<model>", get_model),
    ApiRoute("GET", _ALIAS + "/v1/models", list_models),
    ApiRoute("GET", _ALIAS + "/v1/models/<model>", get_model),
    ApiRoute("GET", "/health", health_of),
    ApiRoute("GET", "/ready", readiness),
    ApiRoute("HEAD", "/", probe),
    ApiRoute("HEAD", "/api/hello", probe),
    ApiRoute("GET", "/api/hello", probe),
    ApiRoute("HEAD", _ALIAS, probe),
    ApiRoute("HEAD", _ALIAS + "/api/hello", probe),
    ApiRoute("GET", _ALIAS + "/api/hello", probe),
)
