"""Services over a fresh database and scripted providers, without pages or a server.

`ask` sends a Messages request through the relay and reads the answer to its end, as
the pump would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from aiproxy import relay
from aiproxy.errors import AIProxyError, UpstreamBroken
from aiproxy.exchange import Exchange
from aiproxy.services import Services
from aiproxy.store import log_search, providers, settings
from aiproxy.store.database import Database
from aiproxy.store.log_search import LogQuery
from aiproxy.store.request_log import LogEntry
from aiproxy.stream import Reply, Stream
from aiproxy.upstream.cancellation import Cancellation
from tests.patience import SECONDS
from tests.scripted_upstream import KEY, ScriptedUpstream


@dataclass
class Answered:
    """What a client saw."""

    headers: Mapping[str, str]
    body: bytes
    events: list[dict[str, Any]] = field(default_factory=list)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        if self.events:
            return "".join(
                event["delta"].get("text", "")
                for event in self.events
                if event["type"] == "content_block_delta"
            )
        return "".join(block.get("text", "") for block in self.json()["content"])


class RelaySite:
    """Close it at the end."""

    def __init__(self, folder: Path, **saved: Any) -> None:
        database = Database(str(folder / "app.db")).open()
        with database.transaction() as db:
            settings.save(db, {"secret_key": "s" * 43, **saved})
        self.services = Services(database=database)
        self._count = 0

    def close(self) -> None:
        self.services.close()

    def add(self, upstream: ScriptedUpstream | str, **fields: Any) -> int:
        """A provider whose upstream this is; the first one is active."""
        address = upstream if isinstance(upstream, str) else upstream.url + "/v1"
        values = {
            "name": "Scripted",
            "endpoint": address,
            "api_key": KEY,
            "default_model": "scripted-large",
            **fields,
        }
        with self.services.transaction() as db:
            return providers.insert(db, **values)

    def exchange(self, body: Any, **fields: Any) -> Exchange:
        self._count += 1
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        values = {
            "services": self.services,
            "request_id": f"req_{self._count}",
            "alias": "",
            "headers": {},
            "raw": raw,
            "cancel": Cancellation(),
            **fields,
        }
        return Exchange(**values)

    def ask(self, body: Any, name: str | None = None, **fields: Any) -> Answered:
        exchange = self.exchange(body, **fields)
        exchange.take_place()
        reply = relay.answer(exchange, name)
        return read(reply)

    def log(self) -> list[LogEntry]:
        """What the request log holds, newest first."""
        assert self.services.log_writer.flush()
        db = self.services.database.connection()
        return log_search.search(db, LogQuery())[0]


def read(reply: Reply) -> Answered:
    """The whole of an answer."""
    if reply.stream is None:
        return Answered(reply.headers, reply.body)
    body = b"".join(_pumped(reply.stream))
    events = [
        json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")
    ]
    return Answered(reply.headers, body, events)


def _pumped(stream: Stream) -> list[bytes]:
    out, failure = [stream.first], None
    while not stream.translator.done:
        try:
            data = stream.source.read_some(timeout=SECONDS)
        except (UpstreamBroken, AIProxyError) as exc:
            out.append(stream.translator.fail(exc))
            failure = exc
            break
        out.append(stream.translator.feed(data) if data else stream.translator.end())
    stream.source.close()
    stream.on_end(failure)
    return out
