"""Every recorded stream, replayed whole, by event and byte by byte."""

from __future__ import annotations

import json

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.protocol import from_chat
from tests import golden
from tests.protocol.answering import fold
from tests.validators import messages_stream


@pytest.mark.parametrize("case", golden.CASES)
@pytest.mark.parametrize("size", [0, 1, 3, 1 << 20])
def test_a_recorded_stream_becomes_what_is_expected(case, size):
    assert golden.replay(case, size) == golden.expected(case)


@pytest.mark.parametrize("case", golden.CASES)
def test_what_is_expected_is_a_good_stream_or_an_error(case):
    expected = golden.expected(case)
    if expected.startswith(b"HTTP "):
        status, _, body = expected.partition(b"\n\n")
        assert 400 <= int(status[len("HTTP ") :]) <= 599
        assert json.loads(body)["type"] == "error"
    else:
        assert messages_stream.problems(expected) == []


@pytest.mark.parametrize("case", golden.CASES)
def test_folded_into_one_message_it_says_the_same(case):
    expected = golden.expected(case)
    try:
        message = from_chat.translate_answer(golden.upstream(case), golden.reply(case))
    except UpstreamError:
        assert expected.startswith(b"HTTP ") or b"event: error" in expected
        return
    streamed = fold(expected)
    assert {name: streamed[name] for name in message.message} == message.message


def test_there_are_streams_of_every_kind():
    assert len(golden.CASES) >= 30
