"""What a trial reads of an answer. The trial itself: see test_probe.py."""

from __future__ import annotations

import pytest

from aiproxy.upstream import trial


@pytest.mark.parametrize(
    ("parsed", "ids"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}, ["a", "b"]),
        ({"models": [{"name": "a"}]}, ["a"]),
        ([{"id": "a", "type": "chat"}, "b"], ["a", "b"]),
        ({"data": [None, {"id": 3}, {"id": ""}, {}]}, []),
        ({"data": {}}, None),
        ({"error": "x"}, None),
        (None, None),
    ],
)
def test_the_ids_of_a_list_are_found_in_every_shape(parsed, ids):
    assert trial.ids_in(parsed) == ids


def start(kind: str, *, event: str = "content_block_start") -> bytes:
    return b'event: %s\ndata: {"content_block":{"type":"%s"}}\n\n' % (
        event.encode(),
        kind.encode(),
    )


@pytest.mark.parametrize(
    ("events", "calls"),
    [
        (start("text") + start("tool_use"), True),
        (start("text"), False),
        (start("tool_use", event="ping"), False),
        (b"", False),
    ],
)
def test_a_call_is_seen_in_the_clients_events(events, calls):
    assert trial.calls_tool(events) is calls
