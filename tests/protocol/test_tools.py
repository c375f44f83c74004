"""Names, definitions and choices of tools, there and back."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import InvalidRequest
from aiproxy.protocol.tools import ToolNames
from tests.protocol.translating import (
    assistant,
    body,
    call,
    chat,
    result,
    system,
    target,
    tool,
    tool_names,
    translated,
    user,
)

LONG = "mcp__a_server_with_a_long_name__a_tool_whose_name_is_longer_than_allowed"
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def deferred(name: str) -> dict[str, Any]:
    return tool(name, defer_loading=True)


SEARCH = tool("ToolSearch")
PLACEHOLDER = deferred("DeferredToolPlaceholder")


# --- definitions


def test_a_tool_has_name_description_and_parameters_and_nothing_else() -> None:
    extras = {
        "type": "custom",
        "cache_control": {"type": "ephemeral"},
        "eager_input_streaming": True,
        "input_examples": [{}],
        "allowed_callers": ["direct"],
        "defer_loading": False,
        "strict": True,
        "of_next_month": 1,
    }

    assert body(tools=[tool("Read", **extras)])["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "Read",
                "description": "Read!",
                "parameters": {
                    "type": "object",
                    "properties": {"command": {"type": "string"}},
                },
            },
        }
    ]


@pytest.mark.parametrize("description", [None, ""])
def test_no_description_is_fine(description: Any) -> None:
    function = body(tools=[tool("Read", description=description)])["tools"][0]

    assert set(function["function"]) == {"name", "parameters"}


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}])
def test_a_tool_without_parameters_has_none(schema: Any) -> None:
    sent = body(tools=[{"name": "Now", "input_schema": schema}])["tools"][0]

    assert sent["function"]["parameters"] == {"type": "object", "properties": {}}


def test_gemini_gets_clean_schemas_whoever_serves_it() -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1, "title": "t"}}}
    for dialect in ("gemini", "openrouter", "generic"):
        sent = body(
            tools=[{"name": "x", "input_schema": schema}],
            to=target("google/gemini-3-pro", dialect),
        )["tools"][0]

        assert sent["function"]["parameters"]["properties"] == {
            "a": {"type": "string", "enum": ["1"]}
        }


def test_schemas_are_known_by_the_upstream_s_names() -> None:
    sent = chat(tools=[tool("a.b")])

    assert set(sent.tool_schemas) == {"a_b"}
    assert sent.tool_schemas["a_b"]["properties"] == {"command": {"type": "string"}}


def test_a_tool_that_is_declared_twice_is_sent_once() -> None:
    assert tool_names(body(tools=[tool("A"), tool("B"), tool("A")])) == ["A", "B"]


@pytest.mark.parametrize("tools", [None, []])
def test_without_tools_nothing_about_tools_is_sent(tools: Any) -> None:
    sent = body(
        tools=tools,
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )

    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(sent)


@pytest.mark.parametrize(
    "tools",
    [
        "Bash",
        {},
        ["Bash"],
        [{"input_schema": {}}],
        [{"name": "", "input_schema": {}}],
        [{"name": 5, "input_schema": {}}],
        [{"name": "x", "input_schema": "schema"}],
        [{"name": "x", "input_schema": [], "type": "custom"}],
        [{"name": "x", "input_schema": {}, "description": 5}],
        [{"name": "x", "type": 5}],
    ],
)
def test_tools_that_cannot_be_understood_are_refused(tools: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^tools"):
        body(tools=tools)


# --- names


def test_a_legal_name_keeps_itself() -> None:
    names = ["Bash", "mcp__files__read", "a-b", "x" * 64]

    assert tool_names(body(tools=[tool(name) for name in names])) == names


def test_other_characters_become_underscores() -> None:
    names = ["files.read", "a b", "ü", "a:b/c", "a-b.c"]

    assert tool_names(body(tools=[tool(name) for name in names])) == [
        *("files_read", "a_b", "_", "a_b_c", "a-b_c")
    ]


def test_a_long_name_is_cut_and_ends_in_its_hash() -> None:
    (name,) = tool_names(body(tools=[tool(LONG)]))

    digest = hashlib.sha256(LONG.encode()).hexdigest()[:8]
    assert len(name) == 64
    assert LONG.startswith(name[:50])
    assert name.endswith(digest)


def test_a_name_of_more_than_64_characters_is_cut() -> None:
    whole, cut = tool_names(body(tools=[tool("x" * 64), tool("x" * 65)]))

    assert whole == "x" * 64
    assert len(cut) == 64


def test_a_name_that_looks_cut_already_keeps_itself() -> None:
    (cut,) = tool_names(body(tools=[tool(LONG)]))

    first, second = tool_names(body(tools=[tool(LONG), tool(cut)]))

    assert second == cut
    assert first != cut
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", first)


def test_names_that_collide_get_distinct_ones() -> None:
    declared = ["a.b", "a:b", "a_b", "a b"]

    names = tool_names(body(tools=[tool(name) for name in declared]))

    assert len(set(names)) == 4
    assert names[2] == "a_b"  # the legal one keeps itself, though it came later
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)


def test_one_table_serves_tools_choice_history_and_answer() -> None:
    sent = chat(
        user("go"),
        assistant(call("1", LONG), call("2", "files.read")),
        user(result("1", "a"), result("2", "b")),
        tools=[tool(LONG), tool("files.read")],
        tool_choice={"type": "tool", "name": LONG},
    )
    long, short = tool_names(sent.body)
    history = sent.body["messages"][1]["tool_calls"]

    assert [entry["function"]["name"] for entry in history] == [long, short]
    assert sent.body["tool_choice"]["function"]["name"] == long
    assert sent.tool_names == {long: LONG, short: "files.read"}


def test_a_call_that_can_only_be_told_of_has_the_upstream_s_name() -> None:
    sent = body(user(call("1", "files.read")), tools=[tool("files.read")])

    assert sent["messages"][0]["content"] == "[called files_read: {}]"


def test_a_name_that_only_the_history_knows_is_made_legal_too() -> None:
    sent = chat(
        user("go"),
        assistant(call("1", "gone.tool"), call("2", "gone_tool")),
        user("on"),
        tools=[tool("Bash")],
    )
    names = [c["function"]["name"] for c in sent.body["messages"][1]["tool_calls"]]

    assert names[0] == "gone_tool"
    assert names[1] not in ("gone_tool", "Bash")
    assert sent.tool_names[names[1]] == "gone_tool"


def test_what_the_history_calls_renames_no_declared_tool() -> None:
    messages = (user("go"), assistant(call("1", "a:b")), user(result("1", "x")))

    assert tool_names(body(*messages, tools=[tool("a.b")])) == ["a_b"]


@given(st.lists(st.text(max_size=80) | st.sampled_from(["a.b", "a:b", "a_b"])))
def test_names_are_legal_distinct_and_lead_back(declared: list[str]) -> None:
    names = ToolNames(declared)
    upstream = [names.upstream(name) for name in dict.fromkeys(declared)]

    assert len(set(upstream)) == len(upstream)
    for name in declared:
        sent = names.upstream(name)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", sent)
        assert names.as_client_names()[sent] == name
        if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            assert sent == name


# --- deferred tools


def test_the_placeholder_is_never_sent() -> None:
    assert tool_names(body(tools=[tool("Bash"), PLACEHOLDER])) == ["Bash"]


@pytest.mark.parametrize("loader", [SEARCH, PLACEHOLDER, tool("tool_search")])
def test_a_deferred_tool_waits_until_it_is_named(loader: dict[str, Any]) -> None:
    names = tool_names(body(tools=[tool("Bash"), loader, deferred("WebFetch")]))

    assert "WebFetch" not in names
    assert "Bash" in names


NAMED = {
    "a reference in a result": (
        assistant(call("1", "ToolSearch")),
        user(result("1", {"type": "tool_reference", "tool_name": "WebFetch"})),
    ),
    "a reference in a message": (
        user({"type": "tool_reference", "tool_name": "WebFetch"}, "loaded"),
    ),
    "an addition": (
        system(
            {
                "type": "tool_addition",
                "tool": {"type": "tool_reference", "name": "WebFetch"},
            }
        ),
    ),
    "a call": (assistant(call("1", "WebFetch")), user(result("1", "page"))),
}


@pytest.mark.parametrize("messages", NAMED.values(), ids=NAMED)
def test_a_deferred_tool_is_offered_once_it_is_named(messages: Any) -> None:
    tools = [deferred("WebFetch"), SEARCH, tool("Bash"), deferred("Other"), PLACEHOLDER]

    assert tool_names(body(user("go"), *messages, tools=tools)) == [
        *("WebFetch", "ToolSearch", "Bash")
    ]


@pytest.mark.parametrize(
    "tools",
    [
        [deferred("WebFetch")],
        [deferred("WebFetch"), tool("Bash")],
        [deferred("WebFetch"), deferred("ToolSearch")],
        [
            deferred("WebFetch"),
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search"},
        ],
    ],
)
def test_a_deferred_tool_is_offered_when_nothing_could_load_it(tools: Any) -> None:
    assert "WebFetch" in tool_names(body(tools=tools))


@pytest.mark.parametrize("no", [False, None])
def test_a_tool_that_is_not_deferred_never_waits(no: Any) -> None:
    tools = [tool("Read", defer_loading=no), SEARCH, PLACEHOLDER]

    assert tool_names(body(tools=tools)) == ["Read", "ToolSearch"]


def test_a_deferred_tool_that_is_forced_is_offered() -> None:
    sent = body(
        tools=[SEARCH, deferred("WebFetch")],
        tool_choice={"type": "tool", "name": "WebFetch"},
    )

    assert "WebFetch" in tool_names(sent)
    assert sent["tool_choice"]["function"]["name"] == "WebFetch"


def test_a_definition_in_an_addition_joins_the_tools_behind_them() -> None:
    definition = {"name": "mcp__late__x", "description": "d", "input_schema": {}}
    addition = {
        "type": "tool_addition",
        "tool": {"type": "tool_definition", "definition": definition},
    }
    again = {**addition, "tool": {**addition["tool"], "name": "ignored"}}

    sent = body(user("go"), system(addition), system(again), tools=[tool("Bash")])

    assert tool_names(sent) == ["Bash", "mcp__late__x"]
    assert "mcp__late__x" in sent["messages"][0]["content"]


def test_definitions_in_additions_come_in_order() -> None:
    first, second = (
        {"type": "tool_addition", "tool": {"definition": tool(name)}}
        for name in ("late", "early")
    )

    sent = body(user("go"), system(first), assistant("x"), user("y"), system(second))

    assert tool_names(sent) == ["late", "early"]


def test_loading_a_tool_leaves_the_messages_before_it_alone() -> None:
    tools = [SEARCH, deferred("a.b"), deferred("a:b")]
    before = [user("go"), assistant(call("1", "ToolSearch"))]
    loaded = user(result("1", {"type": "tool_reference", "tool_name": "a:b"}))

    short = translated(*before, user(result("1", "none")), tools=tools)
    long = translated(*before, loaded, tools=tools)

    assert long[:2] == short[:2]
    name = tool_names(body(*before, loaded, tools=tools))[-1]
    assert long[2]["content"] == f"Loaded: {name}"


# --- server tools


@pytest.mark.parametrize(
    "server_tool",
    [
        WEB_SEARCH,
        {"type": "web_fetch_20250910", "name": "web_fetch"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "tool_search_tool_bm25_20251119", "name": "tool_search"},
        {"type": "mcp_toolset", "mcp_server_name": "x"},
        {"type": "of_next_month_20270101"},
    ],
)
def test_server_tools_are_left_out_and_noted(server_tool: Any) -> None:
    sent = chat(tools=[server_tool, tool("Bash")])
    alone = body(tools=[server_tool], tool_choice={"type": "any"})

    assert tool_names(sent.body) == ["Bash"]
    assert any(server_tool["type"] in note for note in sent.notes)
    assert not {"tools", "tool_choice"} & set(alone)


def test_openrouter_searches_the_web_itself() -> None:
    to = target("x-ai/grok-4", "openrouter")
    plain = body(tools=[WEB_SEARCH], to=to, tool_choice={"type": "auto"})
    place = {"type": "approximate", "city": "Bern"}

    assert plain["tools"] == [
        {"type": "openrouter:web_search", "parameters": {"max_uses": 8}}
    ]
    assert plain["tool_choice"] == "auto"
    assert body(
        tools=[
            {**WEB_SEARCH, "allowed_domains": ["a.example"], "user_location": place}
        ],
        to=to,
    )["tools"] == [
        {
            "type": "openrouter:web_search",
            "parameters": {
                "allowed_domains": ["a.example"],
                "user_location": place,
                "max_uses": 8,
            },
        }
    ]
    excluding = {**WEB_SEARCH, "allowed_domains": [], "blocked_domains": ["b.example"]}
    assert body(tools=[excluding], to=to)["tools"] == [
        {
            "type": "openrouter:web_search",
            "parameters": {"excluded_domains": ["b.example"], "max_uses": 8},
        }
    ]


@pytest.mark.parametrize("uses", [None, 0, -1, "8", True, 2.5])
def test_a_limit_of_searches_that_is_none_is_not_sent(uses: Any) -> None:
    to = target("x-ai/grok-4", "openrouter")

    assert body(tools=[{**WEB_SEARCH, "max_uses": uses}], to=to)["tools"] == [
        {"type": "openrouter:web_search"}
    ]


def test_openrouter_runs_no_other_tool_for_us() -> None:
    code = {"type": "code_execution_20250825", "name": "code_execution"}

    assert "tools" not in body(tools=[code], to=target("x", "openrouter"))


def test_openrouter_never_gets_allowed_and_excluded_domains_together() -> None:
    both = {"allowed_domains": ["a.example"], "blocked_domains": ["b.example"]}
    sent = body(tools=[{**WEB_SEARCH, **both}], to=target("x", "openrouter"))

    assert sent["tools"][0]["parameters"] == {
        "allowed_domains": ["a.example"],
        "max_uses": 8,
    }


@pytest.mark.parametrize("dialect", ["generic", "xai", "openrouter"])
def test_no_field_of_a_search_that_is_gone_is_sent(dialect: str) -> None:
    sent = body(tools=[WEB_SEARCH, tool()], to=target("grok-4.3", dialect))

    assert not {"search_parameters", "web_search_options", "plugins"} & set(sent)


def test_the_query_is_known_where_a_search_was_offered() -> None:
    asked = chat(user("find bees"), tools=[WEB_SEARCH])

    assert asked.search_query == "find bees"
    for other in (tool(), {"type": "web_fetch_20250910", "name": "web_fetch"}):
        assert chat(user("find bees"), tools=[other]).search_query is None


def test_anthropic_s_client_tools_get_their_schema_and_their_name() -> None:
    editor = {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}
    sent = body(tools=[{"type": "bash_20250124", "name": "bash"}, editor])

    assert tool_names(sent) == ["bash", "str_replace_based_edit_tool"]
    assert all(entry["function"]["description"] for entry in sent["tools"])
    assert "command" in sent["tools"][0]["function"]["parameters"]["properties"]


def test_a_tool_with_a_type_and_a_schema_is_the_client_s() -> None:
    sent = body(tools=[{"type": "of_next_month", "name": "x", "input_schema": {}}])

    assert tool_names(sent) == ["x"]


def test_a_schema_that_the_client_gives_wins_over_ours() -> None:
    schema = {"type": "object", "properties": {"script": {"type": "string"}}}
    sent = body(
        tools=[{"type": "bash_20250124", "name": "bash", "input_schema": schema}]
    )

    assert sent["tools"][0]["function"] == {"name": "bash", "parameters": schema}


# --- choice


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        (
            {"type": "tool", "name": "Bash"},
            {"type": "function", "function": {"name": "Bash"}},
        ),
        ({"type": "tool", "name": "web_search"}, None),
        ({"type": "tool", "name": "nobody"}, None),
        (None, None),
    ],
)
def test_choices(choice: Any, sent: Any) -> None:
    request = body(tools=[tool("Bash"), WEB_SEARCH], tool_choice=choice)

    assert request.get("tool_choice") == sent
    assert "parallel_tool_calls" not in request


@pytest.mark.parametrize("kind", ["auto", "any", "tool"])
def test_calls_one_by_one(kind: str) -> None:
    choice = {"type": kind, "name": "Bash", "disable_parallel_tool_use": True}

    assert (
        body(tools=[tool("Bash")], tool_choice=choice)["parallel_tool_calls"] is False
    )


def test_calls_at_once_are_the_default() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": False}

    assert "parallel_tool_calls" not in body(tools=[tool()], tool_choice=choice)


@pytest.mark.parametrize(
    "choice", ["auto", ["auto"], {}, {"type": "some"}, {"type": "tool"}, {"type": []}]
)
def test_a_choice_that_cannot_be_understood_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidRequest, match="tool_choice"):
        body(tools=[tool()], tool_choice=choice)
