"""What a lesson changes in the requests that follow, and what it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.protocol import remedies
from aiproxy.protocol.remedies import Lesson, apply, dropped_betas, output_limit
from aiproxy.protocol.target import Target

TARGET = Target.of(endpoint="https://llm.example/v1", model="m")
LESSONS = [
    Lesson(remedies.DROP, "temperature"),
    Lesson(remedies.DROP, "messages.output_config"),
    Lesson(remedies.RENAME, "max_tokens", "max_completion_tokens"),
    Lesson(remedies.LIMIT, value=4096),
    Lesson(remedies.EFFORT, value="low high"),
    Lesson(remedies.KEEP_THINKING),
    Lesson(remedies.THINK_NOT_WHEN_FORCED),
    Lesson(remedies.NO_CACHE_CONTROL),
    Lesson(remedies.NO_REASONING_HISTORY),
    Lesson(remedies.NEED_REASONING_HISTORY),
    Lesson(remedies.CLEAN_SCHEMAS),
    Lesson(remedies.NO_IMAGES),
    Lesson(remedies.NO_SYSTEM_ROLE),
    Lesson(remedies.BUDGET),
    Lesson(remedies.NO_SERVER_TOOL, "web_search_20250305"),
]


def after(body: dict[str, Any], *lessons: Lesson) -> dict[str, Any]:
    return apply(body, lessons, TARGET)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.kind)
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None, "tools": 3, "tool_choice": 1, "thinking": "x"},
        {"messages": [None, "x", {"role": "user", "content": [None, "y"]}]},
        {"tools": [None, {"function": 3}], "reasoning": "x"},
        {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        {"tool_choice": {"type": []}, "thinking": {"type": {}}, "reasoning_effort": []},
        {"messages": [{"role": {}, "content": [{"type": []}], "tool_calls": []}]},
        {"tools": [{"type": [], "name": {}}], "output_config": {"effort": 3}},
    ],
)
def test_a_request_that_a_lesson_is_not_about_stays_the_same(lesson, body):
    assert after(body, lesson) == body


def test_lessons_add_up_in_order():
    body = {"max_tokens": 9000, "temperature": 1}
    lessons = (
        Lesson(remedies.DROP, "temperature"),
        Lesson(remedies.RENAME, "max_tokens", "max_completion_tokens"),
        Lesson(remedies.LIMIT, value=4096),
    )

    assert after(body, *lessons) == {"max_completion_tokens": 4096}


def test_a_renamed_field_keeps_its_place():
    body = {"a": 1, "max_tokens": 2, "b": 3}
    lesson = Lesson(remedies.RENAME, "max_tokens", "max_completion_tokens")

    assert list(after(body, lesson)) == ["a", "max_completion_tokens", "b"]


def test_a_limit_that_is_low_enough_is_not_raised():
    assert after({"max_tokens": 100}, Lesson(remedies.LIMIT, value=4096)) == {
        "max_tokens": 100
    }


def test_a_budget_of_thinking_stays_below_a_lowered_limit():
    thinking = {"type": "enabled", "budget_tokens": 16000}
    body = {"max_tokens": 32000, "thinking": thinking}

    assert after(body, Lesson(remedies.LIMIT, value=8000))["thinking"] == {
        "type": "enabled",
        "budget_tokens": 4000,
    }


def test_a_budget_of_reasoning_stays_below_a_lowered_limit():
    body = {"max_tokens": 32000, "reasoning": {"max_tokens": 16000}}

    assert after(body, Lesson(remedies.LIMIT, value=8000)) == {
        "max_tokens": 8000,
        "reasoning": {"max_tokens": 4000},
    }


@pytest.mark.parametrize(
    ("sent", "level"),
    [
        ("max", "high"),
        ("high", "high"),
        ("medium", "low"),
        ("none", "low"),
        ("odd", "odd"),
    ],
)
def test_an_effort_becomes_the_next_lower_level(sent, level):
    body = {"reasoning_effort": sent}

    assert after(body, Lesson(remedies.EFFORT, value="low high")) == {
        "reasoning_effort": level
    }


def test_cache_marks_in_schemas_and_inputs_are_the_clients_own():
    mark = {"cache_control": {"type": "ephemeral"}}
    schema = {"type": "object", "properties": {**mark}}
    body = {
        **mark,
        "system": [{"type": "text", "text": "s", **mark}],
        "tools": [{"name": "a", "input_schema": schema, **mark}],
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "input": {**mark}, **mark}],
            }
        ],
    }

    assert after(body, Lesson(remedies.NO_CACHE_CONTROL)) == {
        "system": [{"type": "text", "text": "s"}],
        "tools": [{"name": "a", "input_schema": schema}],
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "input": {**mark}}]}
        ],
    }


def test_notes_do_not_make_lessons_differ():
    one, other = (Lesson(remedies.DROP, "stop", note=note) for note in ("a", "b"))

    assert one == other
    assert len({one, other}) == 1


def test_betas_go_with_what_they_ask_for():
    lessons = [
        Lesson(remedies.DROP, "temperature"),
        Lesson(remedies.DROP, "context_management"),
        Lesson(remedies.DROP, "output_config"),
        Lesson(remedies.DROP, "output_config.effort"),
        Lesson(remedies.DROP, "messages.output_config"),
        Lesson(remedies.NO_SYSTEM_ROLE),
    ]

    assert dropped_betas(lessons) == (
        "context-management-",
        "effort-",
        "structured-outputs-",
        "effort-",
        "per-turn-control-",
        "mid-conversation-system-",
        "per-turn-control-",
    )


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": "5"}, None),
        ({"max_tokens": True}, None),
        ({}, None),
    ],
)
def test_the_output_limit_is_found_under_either_name(body, limit):
    assert output_limit(body) == limit


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "tool_calls": [{}], "reasoning_content": "thought"},
    ],
)
def test_only_calls_without_a_thought_get_an_empty_one(message):
    lesson = Lesson(remedies.NEED_REASONING_HISTORY)

    assert after({"messages": [message]}, lesson) == {"messages": [message]}


def test_a_note_tells_the_model_of_each_image():
    image = {"type": "image", "source": {"type": "url", "url": "https://x.example/a"}}
    text = {"type": "text", "text": "what is this?"}
    body = {"messages": [{"role": "user", "content": [image, text]}]}

    (message,) = after(body, Lesson(remedies.NO_IMAGES))["messages"]
    assert message["content"] == [
        {
            "type": "text",
            "text": "[An image was here. This model cannot see images.]",
        },
        text,
    ]
