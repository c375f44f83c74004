"""Both translators, and the recorder around them, are what the pump expects."""

import inspect

import pytest

from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.passthrough import PassthroughStream
from aiproxy.protocol.reply import ReplyContext
from aiproxy.recorder import Recorder
from aiproxy.stream import StreamTranslator

REPLY = ReplyContext(model="m", message_id="msg_1", nonce="nonce1")


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChatStreamTranslator(REPLY),
        lambda: PassthroughStream(REPLY),
        lambda: Recorder(ChatStreamTranslator(REPLY), None),
    ],
    ids=["chat", "passthrough", "recorder"],
)
def test_a_translator_has_all_that_the_pump_uses(make):
    translator = make()

    assert (translator.started, translator.done, translator.finish_seen) == (
        False,
        False,
        False,
    )
    assert translator.outcome.error is None
    for name, method in inspect.getmembers(StreamTranslator, inspect.isfunction):
        if not name.startswith("_"):
            theirs = inspect.signature(getattr(type(translator), name))
            assert list(theirs.parameters) == list(inspect.signature(method).parameters)
