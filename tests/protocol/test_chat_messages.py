"""The order that Chat Completions demands, whatever the history looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import reasoning
from aiproxy.protocol.target import Target
from tests.protocol.translating import (
    assistant,
    body,
    call,
    image,
    result,
    system,
    target,
    text,
    translated,
    user,
)
from tests.validators.chat_request import problems

REMINDER = "<system-reminder>\n{}\n</system-reminder>".format


def shape(*messages: dict[str, Any], to: Target | None = None) -> list[Any]:
    """The translated messages, short: role and what stands in them."""
    sent = body(*messages, to=to)
    assert problems(sent) == []
    found = []
    for message in sent["messages"]:
        what = [message["role"]]
        if message["role"] == "tool":
            what.append(message["tool_call_id"])
        if message["content"] is not None:
            what.append(message["content"])
        what += [entry["id"] for entry in message.get("tool_calls", ())]
        found.append(tuple(what))
    return found


# --- calls and results


def test_a_call_and_its_result() -> None:
    messages = translated(
        user("go"),
        assistant("on it", call("toolu_1", x="ü")),
        user(result("toolu_1", "y")),
    )

    assert messages[1:] == [
        {
            "role": "assistant",
            "content": "on it",
            "tool_calls": [
                {
                    "id": "toolu_1",
                    "type": "function",
                    "function": {"name": "Bash", "arguments": '{"x":"ü"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "y"},
    ]


def test_content_is_null_with_calls_only() -> None:
    messages = translated(user("go"), assistant(call("1")), user(result("1", "y")))

    assert messages[1]["content"] is None


def test_results_pair_by_id_in_the_order_of_the_calls() -> None:
    assert shape(
        user("go"),
        assistant(call("a"), call("b"), call("c")),
        user(result("c", "3"), result("a", "1"), result("b", "2")),
    )[2:] == [("tool", "a", "1"), ("tool", "b", "2"), ("tool", "c", "3")]


def test_what_stood_before_a_result_comes_after_it() -> None:
    assert shape(
        user("go"), assistant(call("a")), user("wait", result("a", "1"), "next")
    )[2:] == [("tool", "a", "1"), ("user", "wait\n\nnext")]


def test_results_may_come_in_several_messages() -> None:
    assert shape(
        user("go"),
        assistant(call("a"), call("b")),
        user(result("b", "2")),
        user("by the way"),
        user(result("a", "1")),
        assistant("done"),
    )[2:] == [
        ("tool", "a", "1"),
        ("tool", "b", "2"),
        ("user", "by the way"),
        ("assistant", "done"),
    ]


def test_a_missing_result_says_that_the_call_was_interrupted() -> None:
    messages = shape(
        user("go"), assistant(call("a"), call("b")), user(result("b", "2"), "stop")
    )

    assert messages[2][:2] == ("tool", "a")
    assert "interrupted" in messages[2][2]
    assert messages[3:] == [("tool", "b", "2"), ("user", "stop")]


def test_calls_at_the_very_end_are_answered_too() -> None:
    messages = shape(user("go"), assistant(call("a")))

    assert messages[-1][:2] == ("tool", "a")
    assert "interrupted" in messages[-1][2]


def test_a_second_result_becomes_text_of_the_user() -> None:
    messages = shape(
        user("go"), assistant(call("a")), user(result("a", "1"), result("a", "again"))
    )

    assert messages[2] == ("tool", "a", "1")
    assert messages[3][0] == "user"
    assert "again" in messages[3][1]


@pytest.mark.parametrize(
    "history",
    [
        (),
        (user("go"), assistant("no call")),
        (user("go"), assistant(call("b")), user(result("b", "2")), assistant("x")),
    ],
)
def test_a_result_whose_call_is_gone_becomes_text_of_the_user(history: Any) -> None:
    messages = shape(*history, user(result("a", "from before", is_error=True), "on"))

    label = "[result of an earlier tool call]"
    assert messages[-1] == ("user", f"{label}\nError: from before\n\non")


def test_a_picture_of_a_stray_result_is_shown() -> None:
    (message,) = translated(user(result("gone", image())))

    label, picture = message["content"]
    assert label == {"type": "text", "text": "[result of an earlier tool call]"}
    assert picture["type"] == "image_url"


def test_a_stray_result_of_nothing_is_a_stray_result() -> None:
    assert shape(user(result("gone"))) == [
        ("user", "[result of an earlier tool call]\n(no output)")
    ]


def test_a_result_in_a_later_turn_is_a_stray_one() -> None:
    messages = shape(
        user("go"),
        assistant(call("a")),
        user("never mind"),
        assistant("fine"),
        user(result("a", "late")),
    )

    assert "interrupted" in messages[2][2]
    assert messages[-1][0] == "user"
    assert "late" in messages[-1][1]


def test_equal_ids_in_one_turn_are_numbered_and_answered_in_order() -> None:
    assert shape(
        user("go"),
        assistant(call("a"), call("a")),
        user(result("a", "first"), result("a", "second")),
    )[1:] == [
        ("assistant", "a", "a_2"),
        ("tool", "a", "first"),
        ("tool", "a_2", "second"),
    ]


def test_calls_without_an_id_still_pair() -> None:
    messages = translated(
        user("go"),
        assistant({"type": "tool_use", "name": "Bash", "input": {}}),
        user({"type": "tool_result", "content": "out"}),
    )

    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]
    assert messages[2]["content"] == "out"


def test_ids_of_ours_go_back_as_the_provider_made_them() -> None:
    ours = "toolu_aipabcdef_functions_2eRead_3a0"

    assert shape(user("go"), assistant(call(ours)), user(result(ours, "x")))[1:] == [
        ("assistant", "functions.Read:0"),
        ("tool", "functions.Read:0", "x"),
    ]


def test_a_result_in_an_assistant_message_is_its_text() -> None:
    messages = shape(user("go"), assistant(result("a", "odd")), user("b"))

    assert messages[1] == ("assistant", "[result of an earlier tool call]\nodd")


# --- arguments


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"a": 12345678901234567890123, "b": 0.1, "c": -0.0, "d": 1e300},
        {"deep": [[{"x": [None, True, False]}]], "": "", "é": "😀\u2028"},
        {"text": '"quoted" \\ and\nlines'},
    ],
)
def test_arguments_are_the_input_exactly(given: dict[str, Any]) -> None:
    use = {"type": "tool_use", "id": "1", "name": "Bash", "input": given}
    arguments = translated(user("go"), assistant(use))[1]["tool_calls"][0]["function"][
        "arguments"
    ]

    assert json.loads(arguments) == given
    assert arguments == json.dumps(given, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        (None, {}),
        ("", {}),
        ('{"a": 1}', {"a": 1}),
        ("not json", {"_invalid_arguments": "not json"}),
        ("[1]", {"_invalid_arguments": "[1]"}),
        ([1], {"_invalid_arguments": "[1]"}),
        (5, {"_invalid_arguments": "5"}),
    ],
)
def test_arguments_are_an_object_whatever_the_input_was(
    given: Any, arguments: dict[str, Any]
) -> None:
    use = {"type": "tool_use", "id": "1", "name": "Bash", "input": given}
    sent = translated(user("go"), assistant(use))[1]["tool_calls"][0]

    assert json.loads(sent["function"]["arguments"]) == arguments


@pytest.mark.parametrize("name", [None, "", 5, ["Bash"]])
def test_a_call_without_a_name_is_refused(name: Any) -> None:
    use = {"type": "tool_use", "id": "1", "name": name, "input": {}}

    with pytest.raises(InvalidRequest, match=r"^messages\.1\.content\.0\.name"):
        translated(user("go"), assistant(use))


def test_calls_in_history_are_sent_without_any_tools() -> None:
    sent = body(user("go"), assistant(call("1")), user(result("1", "x")))

    assert "tools" not in sent
    assert sent["messages"][1]["tool_calls"]


# --- turns


def test_neighbours_of_one_role_merge() -> None:
    assert shape(
        user("a"), user("b"), assistant("c"), assistant("d", call("1")), user("e")
    )[:2] == [("user", "a\n\nb"), ("assistant", "c\n\nd", "1")]


@pytest.mark.parametrize(
    "nothing",
    [
        assistant(""),
        assistant(),
        {"role": "assistant"},
        assistant({"type": "thinking", "thinking": "hm", "signature": "foreign"}),
        assistant({"type": "redacted_thinking", "data": "foreign"}),
    ],
)
def test_a_turn_of_nothing_vanishes_and_its_neighbours_merge(nothing: Any) -> None:
    assert shape(user("a"), nothing, user("b")) == [("user", "a\n\nb")]


def test_a_user_turn_of_nothing_vanishes_too() -> None:
    assert shape(user("a"), assistant("b"), user(""), assistant("c"), user("d")) == [
        ("user", "a"),
        ("assistant", "b\n\nc"),
        ("user", "d"),
    ]


def test_results_find_their_calls_past_a_vanished_turn() -> None:
    assert shape(
        user("go"), assistant(call("1")), user(), assistant(""), user(result("1", "x"))
    )[1:] == [("assistant", "1"), ("tool", "1", "x")]


@pytest.mark.parametrize(
    "messages", [[user("")], [user()], [system("")], [assistant("")], [user(None)]]
)
def test_a_request_of_nothing_is_refused(messages: Any) -> None:
    with pytest.raises(InvalidRequest, match="messages"):
        translated(*messages)


def test_a_prefill_stays_last() -> None:
    assert shape(user("a"), assistant("Sure, "))[-1] == ("assistant", "Sure, ")


def test_mistral_is_told_that_an_answer_goes_on() -> None:
    mistral = target("mistral-large-latest", "mistral")

    assert translated(user("a"), assistant("Sure, "), to=mistral)[-1] == {
        "role": "assistant",
        "content": "Sure, ",
        "prefix": True,
    }
    for messages in (
        (user("a"), assistant("b"), user("c")),
        (user("a"), assistant("b", call("1"))),
    ):
        assert not any("prefix" in m for m in translated(*messages, to=mistral))


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("mistral-large-latest", "mistral"),
        ("ft:a-model", "mistral"),
        ("devstral-small", "vllm"),
    ],
)
def test_mistral_never_sees_a_user_right_behind_a_tool(
    model: str, dialect: str
) -> None:
    messages = translated(
        user("go"),
        assistant(call("1")),
        user(result("1", "x"), "next"),
        to=target(model, dialect),
    )

    assert [message["role"] for message in messages] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]
    assert len(messages[3]["content"].split()) == 1


def test_others_do() -> None:
    messages = shape(user("go"), assistant(call("1")), user(result("1", "x"), "next"))

    assert [message[0] for message in messages] == ["user", "assistant", "tool", "user"]


# --- system messages


def test_a_system_message_ends_the_user_turn_before_it() -> None:
    assert shape(user("a"), system("s"), assistant("b"), user("c")) == [
        ("user", f"a\n\n{REMINDER('s')}"),
        ("assistant", "b"),
        ("user", "c"),
    ]


def test_a_system_message_behind_results_follows_them() -> None:
    assert shape(user("go"), assistant(call("1")), user(result("1", "x")), system("s"))[
        2:
    ] == [("tool", "1", "x"), ("user", REMINDER("s"))]


def test_a_system_message_behind_an_answer_heads_the_next_user_turn() -> None:
    assert shape(user("a"), assistant("b"), system("s"), user("c"))[2:] == [
        ("user", f"{REMINDER('s')}\n\nc")
    ]


def test_a_system_message_never_stands_between_calls_and_results() -> None:
    assert shape(
        user("go"), assistant(call("1")), system("s"), user(result("1", "x"), "next")
    )[2:] == [("tool", "1", "x"), ("user", f"{REMINDER('s')}\n\nnext")]
    assert shape(
        user("go"),
        assistant(call("1")),
        system("s"),
        assistant("more"),
        user(result("1", "x")),
    )[1:] == [("assistant", "more", "1"), ("tool", "1", "x"), ("user", REMINDER("s"))]
    assert shape(
        user("go"),
        assistant("first"),
        assistant(call("1")),
        system("s"),
        assistant("more"),
        user(result("1", "x")),
    )[1:] == [
        ("assistant", "first\n\nmore", "1"),
        ("tool", "1", "x"),
        ("user", REMINDER("s")),
    ]


def test_a_system_message_behind_the_last_answer_is_the_last_user_turn() -> None:
    assert shape(user("a"), assistant("b"), system("s"))[2:] == [
        ("user", REMINDER("s"))
    ]


def test_a_system_message_that_the_model_answered_is_a_turn_of_its_own() -> None:
    assert shape(user("a"), assistant("b"), system("s"), assistant("c"), user("d")) == [
        ("user", "a"),
        ("assistant", "b"),
        ("user", REMINDER("s")),
        ("assistant", "c"),
        ("user", "d"),
    ]


def test_a_system_message_before_a_prefill_stays_before_it() -> None:
    assert shape(user("a"), assistant("b"), system("s"), assistant("c")) == [
        ("user", "a"),
        ("assistant", "b"),
        ("user", REMINDER("s")),
        ("assistant", "c"),
    ]


def test_a_system_message_may_come_first_and_keeps_its_place() -> None:
    assert shape(system("s"), user("a"), system("t"), user("b")) == [
        ("user", f"{REMINDER('s')}\n\na\n\n{REMINDER('t')}\n\nb")
    ]


def test_a_system_message_may_be_a_string_a_list_or_nothing() -> None:
    several = system(text("s"), text(""), text("t"))

    assert shape(user("a"), several) == [
        ("user", f"a\n\n{REMINDER('s' + chr(10) * 2 + 't')}")
    ]
    for empty in (system(), system(""), {"role": "system"}, system(text(" "))):
        assert shape(user("a"), empty) == [("user", "a")]


def test_a_picture_in_a_system_message_follows_the_reminder() -> None:
    (message,) = translated(user("a"), system("s", image()))

    assert [part["type"] for part in message["content"]] == [
        "text",
        "text",
        "image_url",
    ]
    assert message["content"][1]["text"] == REMINDER("s")


def test_an_addition_names_its_tool_in_the_reminder() -> None:
    addition = {
        "type": "tool_addition",
        "tool": {"type": "tool_reference", "name": "mcp__x__y"},
    }
    (message,) = shape(user("a"), system(text("connected"), addition))

    assert (
        message[1]
        == f"a\n\n{REMINDER('connected' + chr(10) * 2 + 'Loaded: mcp__x__y')}"
    )


def test_there_is_only_one_system_message_and_it_comes_first() -> None:
    sent = body(user("a"), system("s"), assistant("b"), system("t"), system="top")

    roles = [message["role"] for message in sent["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


# --- thoughts


def own(to: Target, text: str = "hm", *fields: str, **more: Any) -> dict[str, Any]:
    """A thinking block as the translator of answers makes it."""
    signature = reasoning.pack(
        to.reasoning_key, fields or ("reasoning_content",), text=text, **more
    )
    return {"type": "thinking", "thinking": text, "signature": signature}


def test_own_reasoning_returns_on_every_assistant_message() -> None:
    to = target("some-model", "vllm")
    messages = translated(
        user("a"),
        assistant(own(to, "one"), "b"),
        user("c"),
        assistant(own(to, "two", "reasoning"), call("1")),
        user(result("1", "x")),
        to=to,
    )

    assert messages[1]["reasoning_content"] == "one"
    assert messages[3]["reasoning"] == "two"
    assert "aip1." not in json.dumps(messages)


def test_several_thoughts_of_a_turn_return_joined() -> None:
    to = target()
    first, second = own(to, "one "), own(to, "two")

    for answers in (
        [assistant(first, "b", second)],
        [assistant(first, "b"), assistant(second, "c")],
    ):
        messages = translated(user("a"), *answers, user("d"), to=to)

        assert messages[1]["reasoning_content"] == "one two"


def test_thoughts_of_another_provider_or_model_are_dropped() -> None:
    here = target("m")
    for other in (target("n"), target("m", endpoint="https://other.example")):
        messages = translated(user("a"), assistant(own(other), "b"), user("c"), to=here)

        assert messages[1] == {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "SECRET", "signature": "EqQBCkYIARgC"},
        {"type": "thinking", "thinking": "SECRET", "signature": ""},
        {"type": "thinking", "thinking": "SECRET"},
        {"type": "thinking", "thinking": ["SECRET"], "signature": ["SECRET"]},
        {"type": "thinking", "thinking": "SECRET", "signature": "aip1.SECRET"},
        {"type": "redacted_thinking", "data": "SECRET"},
        {"type": "redacted_thinking"},
    ],
)
def test_foreign_thoughts_are_dropped_text_and_signature(block: Any) -> None:
    sent = body(user("a"), assistant(block, "b"), user("c"))

    assert "SECRET" not in json.dumps(sent)


def test_details_return_whole_and_in_order() -> None:
    to = target("google/gemini-3-pro", "openrouter")
    shown = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
    sealed = [{"type": "reasoning.encrypted", "data": "d", "id": "x", "index": 1}]
    opaque = {
        "type": "redacted_thinking",
        "data": reasoning.pack(to.reasoning_key, (), sealed),
    }

    messages = translated(
        user("a"),
        assistant(own(to, "hm", "reasoning", details=shown), "b", call("1"), opaque),
        user(result("1", "x")),
        to=to,
    )

    assert messages[1]["reasoning_details"] == shown + sealed
    assert messages[1]["reasoning"] == "hm"


def test_extra_content_returns_on_its_own_call() -> None:
    to = target("gemini-3-pro", "gemini")
    extra = {"google": {"thought_signature": "abc"}}
    sealed = {
        "type": "redacted_thinking",
        "data": reasoning.pack(to.reasoning_key, calls={"toolu_b": extra}),
    }

    calls = translated(
        user("go"), assistant(sealed, call("toolu_a"), call("toolu_b")), to=to
    )[1]["tool_calls"]

    assert calls[1]["extra_content"] == extra


@pytest.mark.parametrize("maker", ["google", "vertex"])
def test_a_signed_first_call_of_gemini_s_stays_as_it_is(maker: str) -> None:
    to = target("gemini-3-pro", "gemini")
    extra = {maker: {"thought_signature": "abc"}}
    sealed = {
        "type": "redacted_thinking",
        "data": reasoning.pack(to.reasoning_key, calls={"1": extra}),
    }

    calls = translated(user("go"), assistant(sealed, call("1"), call("2")), to=to)[1][
        "tool_calls"
    ]

    assert calls[0]["extra_content"] == extra
    assert "extra_content" not in calls[1]


def test_gemini_s_endpoint_skips_the_check_of_foreign_calls() -> None:
    messages = translated(
        user("go"),
        assistant(call("1"), call("2")),
        user(result("1", "x"), result("2", "y")),
        assistant(call("3")),
        to=target("gemini-3-pro", "gemini"),
    )
    skip = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    calls = messages[1]["tool_calls"] + messages[4]["tool_calls"]

    assert [entry.get("extra_content") for entry in calls] == [skip, None, skip]


def test_what_an_unsigned_call_of_gemini_s_came_with_stays_beside() -> None:
    to = target("gemini-3-pro", "gemini")
    extra = {"google": {"x": 1}, "other": {"y": 2}}
    sealed = {
        "type": "redacted_thinking",
        "data": reasoning.pack(to.reasoning_key, calls={"1": extra}),
    }

    message = translated(user("go"), assistant(sealed, call("1")), to=to)[1]

    assert message["tool_calls"][0]["extra_content"] == {
        "google": {"x": 1, "thought_signature": "skip_thought_signature_validator"},
        "other": {"y": 2},
    }


def test_nobody_else_gets_extra_content() -> None:
    messages = translated(
        user("go"), assistant(call("1")), to=target("google/gemini-3", "openrouter")
    )

    assert "extra_content" not in messages[1]["tool_calls"][0]


@pytest.mark.parametrize(
    ("model", "filler"), [("deepseek-v4", ""), ("kimi-k2.6", " "), ("qwen3", None)]
)
def test_families_that_demand_reasoning_get_some_on_every_call(
    model: str, filler: str | None
) -> None:
    history = (user("go"), assistant("a"), user("b"), assistant(call("1")), user("c"))
    to = target(model)

    thinking = translated(*history, to=to)
    silent = translated(*history, to=to, thinking={"type": "disabled"})

    assert thinking[3].get("reasoning_content") == filler
    assert "reasoning_content" not in thinking[1]
    assert "reasoning_content" not in silent[3]
