"""A translator whose input and output are kept, for the bodies of the request log."""

from __future__ import annotations

from aiproxy.bodies import Bodies
from aiproxy.errors import AIProxyError
from aiproxy.protocol.reply import Outcome
from aiproxy.stream import StreamTranslator


class Recorder:
    """Behaves as the translator that it is given."""

    def __init__(self, translator: StreamTranslator, bodies: Bodies) -> None:
        self._translator = translator
        self._bodies = bodies

    @property
    def started(self) -> bool:
        return self._translator.started

    @property
    def done(self) -> bool:
        return self._translator.done

    @property
    def finish_seen(self) -> bool:
        return self._translator.finish_seen

    @property
    def outcome(self) -> Outcome:
        return self._translator.outcome

    def feed(self, data: bytes) -> bytes:
        self._bodies.add("upstream_response", data)
        return self._kept(self._translator.feed(data))

    def begin(self) -> bytes:
        return self._kept(self._translator.begin())

    def end(self) -> bytes:
        return self._kept(self._translator.end())

    def fail(self, error: AIProxyError) -> bytes:
        return self._kept(self._translator.fail(error))

    def _kept(self, events: bytes) -> bytes:
        self._bodies.add("client_response", events)
        return events
