"""What a stream takes and gives is kept, and comes out as it would without."""

from __future__ import annotations

from aiproxy.bodies import Bodies, BodyRoom
from aiproxy.errors import UpstreamBroken
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.recorder import Recorder
from tests.protocol.answering import REPLY

CHUNK = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def test_both_sides_are_kept_and_nothing_changes():
    bodies = Bodies(BodyRoom())
    recorder = Recorder(ChatStreamTranslator(REPLY), bodies)
    plain = ChatStreamTranslator(REPLY)

    given = [recorder.feed(CHUNK), recorder.feed(END), recorder.end()]

    assert given == [plain.feed(CHUNK), plain.feed(END), plain.end()]
    kept = {body.part: body.content for body in bodies.without(())}
    assert kept["upstream_response"] == CHUNK + END
    assert kept["client_response"] == b"".join(given)
    assert recorder.started
    assert recorder.done
    assert recorder.finish_seen
    assert recorder.outcome == plain.outcome


def test_how_it_begins_and_breaks_is_kept_too():
    bodies = Bodies(BodyRoom())
    recorder = Recorder(ChatStreamTranslator(REPLY), bodies)

    given = recorder.begin() + recorder.fail(UpstreamBroken("cut off"))

    assert b"message_start" in given
    assert b"event: error" in given
    kept = {body.part: body.content for body in bodies.without(())}
    assert kept["client_response"] == given
