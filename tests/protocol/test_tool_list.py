"""Tools that come again are recognised, and nothing else is taken for them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import (
    healing,
    json_codec,
    passthrough,
    to_chat,
    token_count,
    tool_list,
)
from aiproxy.protocol.target import Target
from aiproxy.protocol.tool_list import ToolList, ToolLists, Written

TOOLS: list[dict[str, Any]] = [
    {
        "name": f"tool_{number}",
        "description": "Räumt auf. " * 20,
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": 'a "path"\n'},
                "depth": {"type": "integer", "minimum": 1, "default": 1.0},
            },
        },
    }
    for number in range(12)
]
REQUEST = {
    "model": "m",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "hello"}],
    "tools": TOOLS,
}


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.fixture
def lists() -> ToolLists:
    return ToolLists()


def test_the_same_tools_are_the_same_list(lists):
    first = lists.decode(compact(REQUEST))
    other = {**REQUEST, "messages": [{"role": "user", "content": "something else"}]}
    second = lists.decode(compact(other))

    assert isinstance(first["tools"], ToolList)
    assert second["tools"] is first["tools"]
    assert first == REQUEST
    assert second == other


def test_they_are_found_wherever_they_stand_and_with_a_space(lists):
    known = lists.decode(compact(REQUEST))["tools"]
    turned = dict(reversed(list(REQUEST.items())))
    text = compact(turned).replace(b'"tools":', b'"tools": ')

    assert lists.decode(text)["tools"] is known
    assert lists.decode(text) == REQUEST


def test_one_character_makes_other_tools(lists):
    known = lists.decode(compact(REQUEST))["tools"]
    changed = copy.deepcopy(REQUEST)
    changed["tools"][-1]["description"] += "!"

    assert lists.decode(compact(changed)) == changed
    assert lists.decode(compact(changed))["tools"] is not known


@pytest.mark.parametrize("one", [b"1", b"1.0", b"true"])
def test_what_python_calls_equal_is_not_the_same(lists, one):
    lists.decode(compact(REQUEST))
    text = compact(REQUEST).replace(b'"minimum":1,', b'"minimum":%s,' % one)

    assert json_codec.encode(lists.decode(text)) == text


def test_the_list_that_was_used_last_stays_longest(lists):
    def named(name: str) -> bytes:
        return compact({"tools": [{"name": name, "description": "x" * 4000}]})

    kept = lists.decode(named("kept"))["tools"]
    for number in range(3 * tool_list.MAX_KNOWN):
        lists.decode(named(f"other-{number}"))
        assert lists.decode(named("kept"))["tools"] is kept
    for number in range(tool_list.MAX_KNOWN):
        lists.decode(named(f"more-{number}"))

    assert lists.decode(named("kept"))["tools"] is not kept


@pytest.mark.parametrize("size", [10, tool_list.MAX_CHARS + 10])
def test_short_and_huge_ones_are_not_kept(lists, size):
    request = {"tools": [{"name": "a", "description": "x" * size}]}

    assert lists.decode(compact(request)) == request
    assert type(lists.decode(compact(request))["tools"]) is list


TEXT = compact(TOOLS).decode()
TRICKS = [
    '{"metadata":{"tools":%s}}',
    '{"metadata":{"tools":%s},"tools":[]}',
    '{"metadata":{"tools":%s},"tools" :[1]}',
    '{"metadata":{"tools":%s},"\\u0074ools":[1]}',
    '{"tools":%s,"tools":[2]}',
    '{"tools":[2],"tools":%s}',
    '{"x":"\\"tools\\":","tools":%s}',
    '{"a\\"tools":%s}',
    '{"a":"tools","tools":%s}',
    '{"tools":[%s]}',
    '{"tools"\n:\t%s}',
    '{"tools":  %s}',
    '\ufeff{"tools":%s}',
    '  {"tools":%s}  ',
    '["tools",%s]',
    '{"tools":%s',
    '{"tools":%s]}',
    '{"tools":%s,}',
    '{"tools":%s}{}',
    '{"tools":null,"x":%s}',
]


@pytest.mark.parametrize("trick", TRICKS)
def test_every_text_means_what_the_parser_says(lists, trick):
    lists.decode(compact(REQUEST))
    data = (trick % TEXT).encode()

    def outcome(decode: Any) -> Any:
        try:
            return decode(data)
        except InvalidRequest as exc:
            return str(exc)

    expected = outcome(json_codec.decode_object)
    for _ in range(2):
        if isinstance(expected, str):
            assert isinstance(outcome(lists.decode), str)
        else:
            assert outcome(lists.decode) == expected


KEYS = st.sampled_from(["tools", "tool", 'a"tools', "\\", "messages"])
VALUES = st.recursive(
    st.sampled_from(["tools", '"tools":', 1, 1.5, None, True]) | st.just(TOOLS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES), st.booleans())
def test_any_object_comes_out_as_the_parser_reads_it(value, spaced):
    lists = ToolLists()
    lists.decode(compact(REQUEST))
    data = json.dumps(value).encode() if spaced else compact(value)

    for _ in range(2):
        assert lists.decode(data) == json_codec.decode_object(data) == value


@given(st.dictionaries(st.text(), VALUES))
def test_a_request_is_written_as_the_codec_writes_it(value):
    with_tools = {**value, "tools": ToolList(TOOLS), "more": [Written(TOOLS[0]), 1]}

    for _ in range(2):
        assert tool_list.encode_request(value) == json_codec.encode(value)
        assert tool_list.encode_request(with_tools) == json_codec.encode(with_tools)


TARGETS = [
    Target.of(endpoint="https://openrouter.ai/api/v1", model="gpt-5"),
    Target.of(endpoint="https://x.googleapis.com", model="gemini-3-pro"),
    Target.of(endpoint="https://api.mistral.ai/v1", model="mistral-large"),
]


def test_what_is_made_of_them_is_the_same_as_without(lists):
    for _ in range(2):
        for target in TARGETS:
            known = lists.decode(compact(REQUEST))
            fresh = copy.deepcopy(REQUEST)
            assert token_count.count(known) == token_count.count(fresh)
            made = to_chat.build_chat_request(known, target)
            expected = to_chat.build_chat_request(fresh, target)
            written = json_codec.encode(expected.body)
            assert tool_list.encode_request(made.body) == written
            assert made.tool_schemas == expected.tool_schemas
            passed = passthrough.build_request(known, target).body
            assert passed == passthrough.build_request(fresh, target).body


def test_nothing_that_reads_them_changes_them(lists):
    known = lists.decode(compact(REQUEST))
    for target in TARGETS:
        body = to_chat.build_chat_request(known, target).body
        before = tool_list.encode_request(body)
        learnt = []
        for text in (
            "Invalid JSON schema for function tool_0: unknown keyword $schema",
            "tools.0.cache_control: Extra inputs are not permitted",
            "Unknown parameter: 'tools[0].type'",
        ):
            error = json_codec.encode({"error": {"message": text}})
            for api_format in ("openai", "anthropic"):
                lesson = healing.learn(400, error, body, api_format=api_format)
                if lesson is not None:
                    learnt.append(lesson)
                    healing.apply(body, [lesson], target)
        assert learnt
        assert tool_list.encode_request(body) == before == json_codec.encode(body)

    assert list(known["tools"]) == TOOLS
    assert json.loads(known["tools"].json) == TOOLS
