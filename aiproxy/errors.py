"""Every failure that a client can meet, named by what the caller can do about it.

Each error knows its HTTP status and its Anthropic error type; `envelope` in
`protocol/messages.py` writes it out. Only messages made for the client go in: no
stack, path, SQL or secret.
"""

from __future__ import annotations

from typing import Mapping

# https://docs.anthropic.com/en/api/errors, and the contract for the rest.
ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def error_type_for(status: int) -> str:
    """The Anthropic error type for an HTTP status (4xx and 5xx)."""
    if status in ERROR_TYPES:
        return ERROR_TYPES[status]
    return "invalid_request_error" if status < 500 else "api_error"


class AIProxyError(Exception):
    """A failure with an answer: `status`, `error_type`, `message`, extra `headers`."""

    status = 500

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        error_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        self.error_type = error_type or error_type_for(self.status)
        self.headers: dict[str, str] = dict(headers or {})


class InvalidRequest(AIProxyError):
    """The client sent something that cannot be used; saying so is the answer."""

    status = 400


class AuthenticationFailed(AIProxyError):
    """No valid personal key or session."""

    status = 401


class PermissionDenied(AIProxyError):
    """Known, but not allowed."""

    status = 403


class NotFound(AIProxyError):
    """No such alias, model, page or row."""

    status = 404


class Conflict(AIProxyError):
    """Refused because of the present state, such as the last enabled admin."""

    status = 409


class RequestTooLarge(AIProxyError):
    """A body over its limit."""

    status = 413


class RateLimited(AIProxyError):
    """Too many requests; `headers` hold `retry-after` in whole seconds."""

    status = 429


class Overloaded(AIProxyError):
    """More requests in flight than the server carries."""

    status = 529


class Unavailable(AIProxyError):
    """The server is stopping, or its database does not answer."""

    status = 503


class ClientGone(AIProxyError):
    """The client hung up; nobody is there to answer. Logged as 499."""

    status = 499

    def __init__(self, message: str = "the client closed the connection") -> None:
        super().__init__(message, error_type="client_closed")


class UpstreamError(AIProxyError):
    """The provider failed or refused; `status` is what the client is told.

    `upstream_status` is what the provider said (None without an answer),
    `retryable` whether a `fallback` may be asked, `body` the provider's own
    Anthropic-shaped error body where it passes unchanged, else None. `refusal` is what
    an error inside a 200 said, for whoever may heal it: not masked, never told.
    """

    status = 502
    refusal = b""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        error_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        upstream_status: int | None = None,
        retryable: bool = False,
        body: bytes | None = None,
    ) -> None:
        super().__init__(message, status=status, error_type=error_type, headers=headers)
        self.upstream_status = upstream_status
        self.retryable = retryable
        self.body = body


class UpstreamUnreachable(UpstreamError):
    """No connection: `kind` is dns, connect, tls or refused (an address we refuse)."""

    def __init__(self, message: str, *, kind: str = "connect") -> None:
        super().__init__(message, retryable=True)
        self.kind = kind


class UpstreamTimeout(UpstreamError):
    """The provider was silent for too long."""

    status = 504

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class UpstreamBroken(UpstreamError):
    """The provider's answer is cut, reset, too large or not HTTP."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class ConfigError(AIProxyError):
    """Start-up cannot go on; the message is one line that says what to do."""


class StoreError(AIProxyError):
    """The database refused; the message says why and what to do."""

    status = 503


class SlugTaken(StoreError):
    """Another provider or alias already has this name (field `slug` or `alias`)."""

    status = 422

    def __init__(self, slug: str) -> None:
        super().__init__(f"the name {slug!r} is already taken")
        self.slug = slug
