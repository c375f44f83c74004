"""An error under /v1 as an answer, and what every failure is told and known by."""

from __future__ import annotations

import logging
import os
from typing import Any

from aiproxy.errors import AIProxyError
from aiproxy.protocol import messages
from aiproxy.web.response import Response

log = logging.getLogger("aiproxy.web")

NOT_FOUND = "there is nothing at this address"
NOT_TAKEN = "this address does not take this method"
INTERNAL = "something went wrong inside the server. Its log names the cause."


def api_error(error: AIProxyError, request_id: str) -> Response:
    """The envelope that every client of the Messages API understands."""
    headers = {
        "request-id": request_id,
        **error.headers,
        "content-type": "application/json",
    }
    return Response(messages.envelope(error, request_id), headers, error.status)


def internal_error(request_id: str, cause: BaseException | None = None) -> AIProxyError:
    """For the client; its cause, or the exception in hand, goes to the text log."""
    log.error("%s failed", request_id, exc_info=cause or True)
    return AIProxyError(INTERNAL, status=500)


def request_id_of(environ: dict[str, Any]) -> str:
    """The one that the HTTP layer gave, or one that it has from now on."""
    found = environ.get("aiproxy.request_id")
    if found is None:
        found = environ["aiproxy.request_id"] = "req_" + os.urandom(12).hex()
    return str(found)
