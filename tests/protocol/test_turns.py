"""Turns alternate, whatever the messages do."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import history
from aiproxy.protocol.reasoning import Thought
from aiproxy.protocol.turns import AssistantTurn, Call, Result, TurnBuilder, UserTurn
from tests.protocol.translating import assistant, call, result, user


def part(words: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": words}]


def answer(*texts: str, calls: tuple[str, ...] = ()) -> AssistantTurn:
    made = [Call(client_id, "Bash", "{}") for client_id in calls]
    return AssistantTurn(texts=list(texts), calls=made)


def test_equal_neighbours_merge() -> None:
    builder = TurnBuilder([])
    builder.add_user([part("a")])
    builder.add_user([part("b")])
    builder.add_answer(answer("c"), 2)
    builder.add_answer(answer("d", calls=("1",)), 3)

    assert builder.finish() == [
        UserTurn([part("a"), part("b")]),
        answer("c", "d", calls=("1",)),
    ]


def test_nothing_is_no_turn() -> None:
    builder = TurnBuilder([])
    builder.add_user([])
    builder.add_answer(answer(), 1)
    builder.add_reminder([])

    assert builder.finish() == []


def test_thoughts_alone_are_no_answer() -> None:
    thinking = AssistantTurn(thoughts=[Thought("hm")])

    assert thinking.is_empty


def test_a_reminder_ends_a_user_turn_or_begins_the_next() -> None:
    builder = TurnBuilder([])
    builder.add_reminder(part("first"))
    builder.add_user([part("a")])
    builder.add_reminder(part("end"))
    builder.add_answer(answer("b"), 3)
    builder.add_reminder(part("head"))
    builder.add_reminder(part("and more"))
    builder.add_user([])
    builder.add_user([part("c")])

    assert builder.finish() == [
        UserTurn([part("first"), part("a"), part("end")]),
        answer("b"),
        UserTurn([part("head") + part("and more"), part("c")]),
    ]


def test_a_reminder_that_was_answered_is_a_user_turn() -> None:
    builder = TurnBuilder([])
    builder.add_answer(answer("a"), 0)
    builder.add_reminder(part("s"))
    builder.add_answer(answer(), 2)
    builder.add_answer(answer("b"), 3)
    builder.add_reminder(part("t"))

    assert builder.finish() == [
        answer("a"),
        UserTurn([part("s")]),
        answer("b"),
        UserTurn([part("t")]),
    ]


def test_a_reminder_does_not_part_calls_from_their_results() -> None:
    messages = history.read(
        [assistant(call("1")), assistant("b"), user(result("1", "x"))]
    ).messages
    builder = TurnBuilder(messages)
    builder.add_answer(answer(calls=("1",)), 0)
    builder.add_reminder(part("s"))
    builder.add_answer(answer("b"), 1)
    builder.add_user([part("results")])

    first, second = builder.finish()
    assert isinstance(first, AssistantTurn)
    assert first.texts == ["b"]
    assert first.calls
    assert second == UserTurn([part("s"), part("results")])


def test_a_result_for_a_later_call_of_the_same_id_holds_nothing_back() -> None:
    messages = history.read(
        [assistant(call("1")), assistant(call("1")), user(result("1", "x"))]
    ).messages
    builder = TurnBuilder(messages)
    builder.add_answer(answer(calls=("1",)), 0)
    builder.add_reminder(part("s"))
    builder.add_answer(answer(calls=("1",)), 1)

    assert builder.finish()[1] == UserTurn([part("s")])


def test_a_result_knows_its_call() -> None:
    assert Result(result("1", "x"), "here").client_id == "1"


@given(st.lists(st.sampled_from("aAuUs")))
def test_turns_alternate(messages: list[str]) -> None:
    builder = TurnBuilder([])
    for number, kind in enumerate(messages):
        if kind in "aA":
            builder.add_answer(answer(*(["x"] if kind == "A" else [])), number)
        elif kind in "uU":
            builder.add_user([part("u")] if kind == "U" else [])
        else:
            builder.add_reminder(part("s"))
    turns = builder.finish()

    kinds = [type(turn) for turn in turns]
    assert all(one is not other for one, other in zip(kinds, kinds[1:]))
    shown = [
        p for t in turns if isinstance(t, UserTurn) for item in t.items for p in item
    ]
    assert len(shown) == sum(kind in "Us" for kind in messages)
