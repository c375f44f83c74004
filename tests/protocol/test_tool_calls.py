"""Calls put together from pieces, however they are dealt out."""

from __future__ import annotations

import pytest

from aiproxy.errors import UpstreamBroken, UpstreamError
from aiproxy.protocol import chat, tool_calls
from aiproxy.protocol.tool_calls import CallTable
from tests.protocol.answering import call, reply


def placed(*pieces, **changes):
    """The calls of these pieces, as (id, name, arguments)."""
    table = CallTable(reply(**changes))
    made = []
    for piece in pieces:
        (read,) = chat.calls_of({"tool_calls": [piece]})
        found, is_new = table.place(read)
        if is_new:
            made.append(found)
        found.add_arguments(read.arguments)
    return [(found.id, found.name, found.finish_arguments(cut=False)) for found in made]


CASES = {
    "by index": (
        [
            call("", index=0, call_id="a", name="f"),
            call("", index=1, call_id="b", name="g"),
            call('{"x":1}', index=0),
            call('{"y":2}', index=1),
        ],
        [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')],
    ),
    "indices from anywhere": (
        [call("{}", index=7, call_id="a", name="f"), call("{}", index=3, name="g")],
        [("a", "f", "{}"), ("", "g", "{}")],
    ),
    "index reused with another id": (
        [
            call('{"x":1}', index=0, call_id="a", name="f"),
            call('{"x":2}', index=0, call_id="b", name="f"),
        ],
        [("a", "f", '{"x":1}'), ("b", "f", '{"x":2}')],
    ),
    "index reused before any arguments": (
        [
            call("", index=0, call_id="a", name="f"),
            call('{"x":2}', index=0, call_id="b", name="g"),
        ],
        [("a", "f", "{}"), ("b", "g", '{"x":2}')],
    ),
    "index missing, ids differ": (
        [
            call('{"x":1}', index=None, call_id="a", name="f"),
            call('{"x":2}', index=None, call_id="b", name="g"),
        ],
        [("a", "f", '{"x":1}'), ("b", "g", '{"x":2}')],
    ),
    "index missing, an earlier id goes on": (
        [
            call('{"x":', index=None, call_id="a", name="f"),
            call('{"y":', index=None, call_id="b", name="g"),
            call("1}", index=None, call_id="a"),
            call("2}", index=None, call_id="b"),
        ],
        [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')],
    ),
    "neither index nor id": (
        [call('{"x"', index=None, call_id="a", name="f"), call(":1}", index=None)],
        [("a", "f", '{"x":1}')],
    ),
    "a name without id after complete arguments": (
        [
            call('{"x":1}', index=None, name="f"),
            call('{"x":2}', index=None, name="f"),
        ],
        [("", "f", '{"x":1}'), ("", "f", '{"x":2}')],
    ),
    "a name without id after an empty object": (
        [call("{}", name="f"), call("{}", name="g")],
        [("", "f", "{}"), ("", "g", "{}")],
    ),
    "a name that is repeated at the end": (
        [call('{"x":1}', call_id="a", name="f"), call("", name="f")],
        [("a", "f", '{"x":1}')],
    ),
    "an empty object, then the real one": (
        [call("{}", call_id="a", name="f"), call('{"x":1}', name="f")],
        [("a", "f", '{"x":1}')],
    ),
    "a whole call that is repeated": (
        [call('{"x":1}', call_id="a", name="f")] * 2,
        [("a", "f", '{"x":1}')],
    ),
    "id and name late": (
        [call(""), call("", name="f"), call("{}", call_id="a")],
        [("a", "f", "{}")],
    ),
    "id and name split": (
        [
            call(call_id="call_"),
            call(call_id="xyz", name="get_"),
            call("{}", name="weather"),
        ],
        [("call_xyz", "get_weather", "{}")],
    ),
    "id and name repeated": (
        [
            call("", call_id="a", name="f"),
            call("{", call_id="a", name="f"),
            call("}", call_id="a", name="f"),
        ],
        [("a", "f", "{}")],
    ),
    "id and name empty and null": (
        [
            call("", call_id="a", name="f"),
            {"index": 0, "id": "", "function": {"name": "", "arguments": "{"}},
            {"index": 0, "id": None, "function": {"name": None, "arguments": "}"}},
            {"index": 0, "id": None, "function": None},
        ],
        [("a", "f", "{}")],
    ),
    "another id without a name after complete arguments": (
        [
            call('{"x":1}', call_id="a", name="f"),
            call('{"y":2}', call_id="b"),
        ],
        [("a", "f", '{"x":1}'), ("b", "", '{"y":2}')],
    ),
    "another id without name or index": (
        [
            call('{"x":', index=None, call_id="a", name="f"),
            call('{"y":2}', index=None, call_id="b"),
        ],
        [("a", "f", '{"x":null}'), ("b", "", '{"y":2}')],
    ),
    "an id after arguments": (
        [call('{"x"', name="f"), call(":1}", call_id="a")],
        [("a", "f", '{"x":1}')],
    ),
    "a name that grows": (
        [call("", call_id="a", name="get"), call("{}", name="get_weather")],
        [("a", "get_weather", "{}")],
    ),
    "a new id for every piece of one call": (
        [
            call('{"x":', call_id="a", name="f"),
            call("1", call_id="b"),
            call("}", call_id="c"),
        ],
        [("a", "f", '{"x":1}')],
    ),
}


@pytest.mark.parametrize(("pieces", "expected"), CASES.values(), ids=CASES)
def test_each_piece_finds_its_call(pieces, expected):
    assert placed(*pieces) == expected


def test_the_declared_names_tell_a_part_from_a_repetition():
    names = {"dodo": "dodo"}

    assert placed(call(name="do"), call("{}", name="do"), tool_names=names) == [
        ("", "dodo", "{}")
    ]
    names = {"do": "do", "dodo": "dodo"}
    assert placed(call(name="do"), call("{}", name="do"), tool_names=names) == [
        ("", "do", "{}")
    ]


def test_a_legacy_call_is_one_call():
    table = CallTable(reply())
    deltas = [
        {"name": "f", "arguments": '{"x"'},
        {"arguments": ":1}"},
        {"name": "f", "arguments": '{"x":1}'},
    ]
    found = []
    for delta in deltas:
        (piece,) = chat.calls_of({"function_call": delta})
        made, _ = table.place(piece)
        made.add_arguments(piece.arguments)
        found.append(made)

    assert found[0] is found[1] is found[2]
    assert found[0].finish_arguments(cut=False) == '{"x":1}'


def test_a_legacy_call_goes_on_behind_another():
    table = CallTable(reply())
    (legacy,) = chat.calls_of({"function_call": {"name": "f", "arguments": "{"}})
    (other,) = chat.calls_of({"tool_calls": [call("{", call_id="a", name="g")]})
    (more,) = chat.calls_of({"function_call": {"arguments": "}"}})
    first, second, third = (table.place(piece)[0] for piece in (legacy, other, more))

    assert first is third
    assert first is not second


def test_whole_calls_are_never_joined():
    table = CallTable(reply())
    (piece,) = chat.calls_of({"tool_calls": [call("", call_id="a", name="f")]})

    assert table.place(piece, is_whole=True)[1]
    assert table.place(piece, is_whole=True)[1]


def test_ids_for_the_client_are_legal_and_unique():
    table = CallTable(reply(seen_tool_ids=frozenset({"call_0123456789abcdefghij"})))
    made = []
    for call_id in [
        "call_0",
        "call_0",
        "",
        "functions.X:0",
        "call_0123456789abcdefghij",
    ]:
        one = tool_calls.Call()
        one.id = call_id
        made.append(table.client_id(one))

    assert len(set(made)) == len(made)
    assert all(made_id.startswith("toolu_aipn0nce1_") for made_id in made)


def test_a_long_id_that_is_new_passes():
    one = tool_calls.Call()
    one.id = "call_0123456789abcdefghij"

    assert CallTable(reply()).client_id(one) == one.id


def test_names_go_back_to_the_clients():
    one = tool_calls.Call()
    one.name = "mcp__a_b"
    assert CallTable(reply()).client_name(one) == "mcp__a.b"

    one.name = "made_up"
    assert CallTable(reply()).client_name(one) == "made_up"


def test_a_call_without_a_name_is_the_only_tool_or_the_one_that_fits():
    table = CallTable(reply())
    assert table.find_name('{"city":"Rome"}') == "get_weather"
    assert table.find_name('{"path":1,"mode":2}') == "mcp__a_b"

    only = CallTable(reply(tool_schemas={"f": {"required": ["x"]}}))
    assert only.find_name("{}") == "f"


@pytest.mark.parametrize("arguments", ["{}", '{"city":1,"path":2,"mode":3}'])
def test_a_call_that_no_tool_or_several_fit_is_an_error(arguments):
    with pytest.raises(UpstreamError, match="without the name"):
        CallTable(reply()).find_name(arguments)


@pytest.mark.parametrize("required", [None, "city", [["city"]], 7])
def test_odd_schemas_do_no_harm(required):
    schemas = {"f": {"required": required}, "g": {"required": ["x"]}}

    assert CallTable(reply(tool_schemas=schemas)).find_name("{}") == "f"


def test_too_many_calls_are_an_error(monkeypatch):
    monkeypatch.setattr(tool_calls, "MAX_CALLS", 3)

    with pytest.raises(UpstreamBroken, match="over 3 tool calls"):
        placed(*(call("{}", index=at, name="f") for at in range(4)))
