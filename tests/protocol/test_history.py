"""The look over a conversation: what it refuses and what it notes."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import history
from tests.protocol.translating import assistant, call, result, system, text, user


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        {},
        "hello",
        5,
        ["hello"],
        [None],
        [{"content": "no role"}],
        [{"role": "tool", "content": "x"}],
        [{"role": "developer", "content": "x"}],
        [{"role": ["user"], "content": "x"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": {"type": "text", "text": "x"}}],
        [{"role": "user", "content": ["x"]}],
    ],
)
def test_messages_that_cannot_be_understood_are_refused(messages: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^messages"):
        history.read(messages)


def test_content_becomes_a_list_of_blocks() -> None:
    past = history.read([user("a"), user(text("b")), {"role": "user"}, user(None)])

    assert [message.blocks for message in past.messages] == [
        [{"type": "text", "text": "a"}],
        [{"type": "text", "text": "b"}],
        [],
        [],
    ]


def test_names_are_noted_in_the_order_they_come_up() -> None:
    reference = {"type": "tool_reference", "tool_name": "Loaded"}
    added = {"type": "tool_reference", "name": "Added"}
    defined = {"type": "tool_definition", "definition": {"name": "Defined"}}
    searched = {
        "type": "tool_search_tool_result",
        "content": {"tool_references": [{"tool_name": "Searched"}]},
    }
    past = history.read(
        [
            user("hi"),
            system({"type": "tool_addition", "tool": added}),
            assistant(call("1", "Called"), searched),
            user(result("1", reference)),
            system({"type": "tool_addition", "tool": defined}),
        ]
    )

    assert list(past.named) == ["Added", "Called", "Searched", "Loaded", "Defined"]
    assert past.definitions == [{"name": "Defined"}]


def test_the_effort_is_that_of_the_newest_system_message_alone() -> None:
    low = {"output_config": {"effort": "low"}}
    high = {"output_config": {"effort": "high"}}

    assert history.read([system("s", **low), {**user("u"), **high}]).effort == "low"
    assert history.read([system("s", **low), system("t")]).effort is None


def test_every_id_of_the_history_is_noted() -> None:
    server = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search"}
    past = history.read([assistant(call("a"), server), user(result("b", "x"))])

    assert past.tool_ids == {"a", "b", "srvtoolu_1"}


def test_the_last_text_of_the_user_is_noted() -> None:
    past = history.read(
        [user("first"), user("second", "third", text(" ")), user(result("1", "out"))]
    )

    assert past.last_user_text == "third"


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "tool_use", "name": 5},
        {"type": "tool_result", "content": 5},
        {"type": "tool_result", "content": [5, {"type": "tool_reference"}]},
        {"type": "tool_reference", "tool_name": ["x"]},
        {"type": "tool_addition", "tool": "x"},
        {"type": "tool_addition", "tool": {"definition": 5, "name": 7}},
        {"type": "tool_search_tool_result", "content": {"tool_references": 5}},
        {"type": ["tool_use"]},
        {},
    ],
)
def test_odd_blocks_are_looked_at_without_harm(odd: dict[str, Any]) -> None:
    past = history.read([{"role": "user", "content": [odd]}])

    assert not past.named
