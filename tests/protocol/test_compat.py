"""A strict Messages upstream gets no half of a beta."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aiproxy.protocol import compat

BASH = {"name": "Bash", "input_schema": {"type": "object"}}
SEARCH = {"name": "ToolSearch", "input_schema": {"type": "object"}}
FETCH = {"name": "WebFetch", "input_schema": {"type": "object"}, "defer_loading": True}
PLACEHOLDER = {
    "name": "DeferredToolPlaceholder",
    "input_schema": {},
    "defer_loading": True,
}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def system(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "system", "content": content, **more}


def reminder(words: str, **more: Any) -> dict[str, Any]:
    return text(f"<system-reminder>\n{words}\n</system-reminder>", **more)


def result(tool_use_id: str, content: Any = "ok") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": tool_use_id, "content": content}


def plain(body: dict[str, Any]) -> dict[str, Any]:
    return compat.strict({"max_tokens": 32000, "messages": [], **body})[0]


# Fields


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context_management", {"edits": []}),
        ("container", {"skills": []}),
        ("mcp_servers", [{"type": "url"}]),
        ("safeguards", [{"type": "dangerous_tool_use"}]),
        ("speed", "fast"),
        ("diagnostics", {}),
        ("fallbacks", ["x"]),
        ("betas", ["x"]),
        ("anthropic_beta", ["x"]),
        ("output_config", {"effort": "high"}),
    ],
)
def test_a_betas_field_goes(name, value):
    assert name not in plain({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata", {"user_id": "u"}),
        ("service_tier", "auto"),
        ("temperature", 0.5),
        ("top_k", 3),
        ("stop_sequences", ["x"]),
        ("some_new_field", {"a": [1]}),
    ],
)
def test_other_fields_stay(name, value):
    assert plain({name: value})[name] == value


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_the_format_of_the_answer_is_kept(name):
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    given = {"format": schema, "effort": "low"} if name == "output_config" else schema

    body = plain({name: given})

    assert body["output_config"] == {"format": schema}
    assert "output_format" not in body


def test_a_body_without_betas_stays_the_same_object():
    body = {"model": "m", "max_tokens": 9, "messages": [user(text("hi"))]}

    assert compat.strict(body) == (body, ())


def test_the_body_that_came_in_is_not_changed():
    body = {
        "max_tokens": 32000,
        "thinking": {"type": "adaptive", "display": "updates"},
        "context_management": {},
        "tools": [BASH, FETCH, PLACEHOLDER],
        "messages": [user(text("hi")), system("be brief")],
    }
    before = copy.deepcopy(body)
    compat.strict(body)

    assert body == before


def test_what_was_changed_is_noted():
    _, notes = compat.strict({"messages": [system("x")], "speed": "fast"})

    assert notes == ("beta fields dropped", "system turns as reminders")


# Thinking


@pytest.mark.parametrize(
    ("effort", "budget"),
    [
        ("minimal", 1024),
        ("low", 2048),
        ("medium", 8192),
        ("high", 16384),
        ("xhigh", 32768),
        ("max", 64000),
    ],
)
def test_adaptive_thinking_becomes_the_budget_of_its_effort(effort, budget):
    body = plain(
        {
            "max_tokens": 128000,
            "thinking": {"type": "adaptive", "display": "updates"},
            "output_config": {"effort": effort},
        }
    )

    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}


def test_adaptive_thinking_without_an_effort_is_high():
    body = plain({"max_tokens": 128000, "thinking": {"type": "adaptive"}})

    assert body["thinking"]["budget_tokens"] == 16384


def test_the_effort_of_the_newest_message_counts():
    body = plain(
        {
            "max_tokens": 128000,
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "high"},
            "messages": [
                user(text("hi")),
                system("a", output_config={"effort": "low"}),
            ],
        }
    )

    assert body["thinking"]["budget_tokens"] == 2048


def test_a_budget_leaves_room_for_the_answer():
    body = plain({"max_tokens": 8192, "thinking": {"type": "adaptive"}})

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 4096}


@pytest.mark.parametrize(
    "fields", [{"max_tokens": 64}, {"tool_choice": {"type": "tool", "name": "Bash"}}]
)
def test_thinking_is_off_where_it_could_not_be_on(fields):
    body = plain({"thinking": {"type": "adaptive"}, "tools": [BASH], **fields})

    assert body["thinking"] == {"type": "disabled"}


def test_a_budget_of_the_clients_own_stays():
    thinking = {"type": "enabled", "budget_tokens": 31999}

    assert (
        plain({"thinking": {**thinking, "display": "updates"}})["thinking"] == thinking
    )


@pytest.mark.parametrize(
    ("limit", "thinking"),
    [
        (8192, {"type": "enabled", "budget_tokens": 4096}),
        (1500, {"type": "enabled", "budget_tokens": 1024}),
        (1024, {"type": "disabled"}),
    ],
)
def test_a_budget_fits_below_a_lowered_limit(limit, thinking):
    body = {
        "max_tokens": limit,
        "thinking": {"type": "enabled", "budget_tokens": 127999},
    }

    assert compat.with_fitting_budget(body)["thinking"] == thinking


def test_a_budget_as_large_as_the_limit_is_lowered():
    thinking = {"type": "enabled", "budget_tokens": 4096}
    body = compat.with_fitting_budget({"max_tokens": 4096, "thinking": thinking})

    assert body["thinking"]["budget_tokens"] == 2048


@pytest.mark.parametrize(
    ("choice", "is_forced"),
    [
        ("required", True),
        ({"type": "any"}, True),
        ({"type": "tool", "name": "a"}, True),
        ({"type": "function", "function": {"name": "a"}}, True),
        ("auto", False),
        ({"type": "auto"}, False),
        ({"type": "none"}, False),
        (None, False),
    ],
)
def test_a_forced_choice_is_known_in_either_format(choice, is_forced):
    assert compat.is_forced(choice) is is_forced


# System turns

TURNS = {
    "after a user": (
        [user(text("hi")), system("be brief")],
        [user(text("hi"), reminder("be brief"))],
    ),
    "after a string": (
        [{"role": "user", "content": "hi"}, system("be brief")],
        [user(text("hi"), reminder("be brief"))],
    ),
    "after results": (
        [user(result("t"), text("x")), system("be brief")],
        [user(result("t"), text("x"), reminder("be brief"))],
    ),
    "after an assistant": (
        [user(text("hi")), assistant(text("a")), system("s"), user(text("b"))],
        [user(text("hi")), assistant(text("a")), user(reminder("s"), text("b"))],
    ),
    "never before results": (
        [assistant({"type": "tool_use"}), system("s"), user(result("t"), text("b"))],
        [assistant({"type": "tool_use"}), user(result("t"), reminder("s"), text("b"))],
    ),
    "first": ([system("s"), user(text("a"))], [user(reminder("s"), text("a"))]),
    "last after an assistant": (
        [user(text("a")), assistant(text("b")), system("s")],
        [user(text("a")), assistant(text("b")), user(reminder("s"))],
    ),
    "between two assistants": (
        [assistant(text("a")), system("s"), assistant(text("b")), user(text("c"))],
        [
            assistant(text("a")),
            user(reminder("s")),
            assistant(text("b")),
            user(text("c")),
        ],
    ),
    "two in a row": (
        [user(text("a")), system("s"), system("t")],
        [user(text("a"), reminder("s"), reminder("t"))],
    ),
    "list": (
        [user(text("a")), system([text("s"), text("t", cache_control={"type": "e"})])],
        [user(text("a"), reminder("s\n\nt", cache_control={"type": "e"}))],
    ),
    "empty list": ([user(text("a")), system([])], [user(text("a"))]),
    "empty string": ([user(text("a")), system("")], [user(text("a"))]),
}


@pytest.mark.parametrize(("messages", "expected"), TURNS.values(), ids=TURNS)
def test_a_system_turn_becomes_text_of_a_user(messages, expected):
    assert plain({"messages": messages})["messages"] == expected


def test_no_message_keeps_settings_of_its_own():
    body = plain(
        {"messages": [{**user(text("a")), "output_config": {"effort": "low"}}]}
    )

    assert body["messages"] == [user(text("a"))]


# Tools


def test_fields_of_tools_that_a_beta_asks_for_go():
    fields = {
        "defer_loading": False,
        "eager_input_streaming": True,
        "input_examples": [],
        "allowed_callers": ["x"],
        "strict": True,
    }

    assert plain({"tools": [{**BASH, **fields}]})["tools"] == [BASH]


def test_a_tool_that_was_not_loaded_waits():
    assert plain({"tools": [SEARCH, FETCH, PLACEHOLDER]})["tools"] == [SEARCH]


LOADED = {key: value for key, value in FETCH.items() if key != "defer_loading"}


@pytest.mark.parametrize(
    "message",
    [
        user(result("t", [{"type": "tool_reference", "tool_name": "WebFetch"}])),
        assistant({"type": "tool_use", "id": "t", "name": "WebFetch", "input": {}}),
        system(
            [
                {
                    "type": "tool_addition",
                    "tool": {"type": "tool_reference", "name": "WebFetch"},
                }
            ]
        ),
    ],
)
def test_a_loaded_tool_is_offered(message):
    body = plain({"tools": [SEARCH, FETCH], "messages": [user(text("a")), message]})

    assert body["tools"] == [SEARCH, LOADED]


def test_without_a_search_all_tools_are_offered():
    assert plain({"tools": [BASH, FETCH]})["tools"] == [BASH, LOADED]


def test_a_tool_defined_on_the_way_joins_the_tools():
    addition = {
        "type": "tool_addition",
        "tool": {"type": "tool_definition", "definition": BASH},
    }
    body = plain({"tools": [SEARCH], "messages": [user(text("a")), system([addition])]})

    assert body["tools"] == [SEARCH, BASH]
    assert body["messages"] == [user(text("a"), reminder("Loaded: Bash"))]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_reference", "tool_name": "WebFetch"},
        {"type": "tool_addition", "tool": {"tool_name": "WebFetch"}},
    ],
)
def test_a_loaded_tools_text_keeps_the_cache_mark(block):
    mark = {"type": "ephemeral"}
    body = plain({"messages": [user({**block, "cache_control": mark})]})

    assert body["messages"] == [user(text("Loaded: WebFetch", cache_control=mark))]


def test_a_system_turn_names_the_tools_that_it_adds():
    addition = {"type": "tool_addition", "tool": {"tool_name": "WebFetch"}}
    message = system([text("new:"), addition])

    assert plain({"messages": [user(text("a")), message]})["messages"] == [
        user(text("a"), reminder("new:\n\nLoaded: WebFetch"))
    ]
    assert compat.without_system_role({"messages": [system([addition])]}) == {
        "messages": [user(reminder("Loaded: WebFetch"))]
    }


def test_the_placeholder_of_a_search_is_no_tool():
    assert plain({"tools": [{**PLACEHOLDER, "defer_loading": False}, BASH]})[
        "tools"
    ] == [BASH]


def test_a_loaded_tool_is_named_as_text():
    reference = {"type": "tool_reference", "tool_name": "WebFetch"}
    body = plain({"messages": [user(result("t", [reference]))]})

    assert body["messages"] == [user(result("t", [text("Loaded: WebFetch")]))]


@pytest.mark.parametrize(
    "kind",
    ["mcp_toolset", "tool_search_tool_regex_20251119", "code_execution_20250825"],
)
def test_a_betas_server_tool_goes_and_an_empty_list_with_it(kind):
    tool = {"type": kind, "name": "x"}
    body = plain({"tools": [tool], "tool_choice": {"type": "auto"}})

    assert "tools" not in body
    assert "tool_choice" not in body


@pytest.mark.parametrize("kind", ["web_search_20250305", "bash_20250124"])
def test_other_tools_of_anthropics_stay(kind):
    tool = {"type": kind, "name": "x"}

    assert plain({"tools": [tool]})["tools"] == [tool]


# Blocks


def test_cache_marks_lose_only_what_a_beta_asks_for():
    mark = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
    body = plain(
        {
            "system": [text("s", cache_control=mark)],
            "tools": [{**BASH, "cache_control": mark}],
            "messages": [user(text("a", cache_control=mark))],
        }
    )
    kept = {"type": "ephemeral"}

    assert body["system"] == [text("s", cache_control=kept)]
    assert body["tools"] == [{**BASH, "cache_control": kept}]
    assert body["messages"] == [user(text("a", cache_control=kept))]


def test_signed_and_unknown_blocks_stay():
    blocks = [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "some_new_block", "x": [1]},
    ]

    assert plain({"messages": [assistant(*blocks)]})["messages"] == [assistant(*blocks)]


@pytest.mark.parametrize(
    "kind",
    [
        "mcp_tool_result",
        "tool_search_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
    ],
)
def test_a_result_of_a_betas_server_tool_becomes_text(kind):
    block = {"type": kind, "tool_use_id": "t", "content": [text("found")]}
    body = plain({"messages": [assistant(block)]})
    name = kind[: -len("_tool_result")]

    assert body["messages"] == [assistant(text(f"[{name}]\nfound"))]


def test_a_call_of_a_betas_server_tool_becomes_text():
    use = {"type": "server_tool_use", "name": "code_execution", "input": {}}
    body = plain({"messages": [assistant(use)]})

    assert body["messages"] == [assistant(text("[used code_execution]"))]


@pytest.mark.parametrize("name", ["web_search", "web_fetch"])
def test_a_call_of_a_plain_server_tool_stays(name):
    use = {"type": "server_tool_use", "id": "s", "name": name, "input": {}}

    assert plain({"messages": [assistant(use)]})["messages"] == [assistant(use)]


def test_blocks_of_a_betas_server_tool_become_text():
    use = {"type": "mcp_tool_use", "name": "find", "server_name": "docs", "input": {}}
    body = plain({"messages": [assistant(use)]})

    assert body["messages"] == [assistant(text("[used docs find]"))]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": None},
        {"messages": [None, 3, {"role": "system"}, {"role": "user"}]},
        {"tools": [None, 3], "system": 7, "thinking": "x", "output_config": []},
        {"tools": {}, "thinking": {"type": "adaptive"}, "max_tokens": "x"},
        {"messages": [{"role": "user", "content": [None, {"type": 3}]}]},
        {"messages": [{"role": [], "content": [{"type": {}, "name": []}]}]},
        {"tools": [{"name": [], "type": {}, "defer_loading": True}, {"name": {}}]},
        {"tool_choice": {"type": []}, "thinking": {"type": "adaptive"}},
        {"thinking": {"type": []}, "output_config": {"effort": []}},
        {"messages": [{"content": [{"type": "tool_reference", "tool_name": []}]}]},
        {"messages": [{"content": [{"type": "tool_addition", "tool": {"name": {}}}]}]},
    ],
)
def test_odd_bodies_are_the_upstreams_to_refuse(body):
    compat.strict(body)


def test_a_definition_alone_makes_a_list_of_tools():
    addition = {
        "type": "tool_addition",
        "tool": {"type": "tool_definition", "definition": BASH},
    }
    body = plain({"messages": [user(text("a")), system([addition])]})

    assert body["tools"] == [BASH]


def test_a_tool_defined_twice_is_offered_once():
    addition = {
        "type": "tool_addition",
        "tool": {"type": "tool_definition", "definition": BASH},
    }
    messages = [user(text("a")), system([addition]), system([addition])]

    assert plain({"tools": [BASH], "messages": messages})["tools"] == [BASH]


def test_an_uploaded_file_is_noted():
    upload = {"type": "container_upload", "file_id": "file_1"}
    (turn,) = plain({"messages": [user(upload)]})["messages"]

    assert "file_1" in turn["content"][0]["text"]
