"""Arguments: what is mended, what is cut off, what only the model may read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol.arguments import INVALID, ArgumentStream, decode, to_object
from tests.protocol.test_object_scanner import objects


def streamed(text, *, cut=False, size=1):
    """The object that pieces of this size end up as, checked on the way."""
    stream = ArgumentStream()
    sent = ""
    for at in range(0, len(text), size):
        sent += stream.feed(text[at : at + size])
    return decode(sent + stream.finish(cut=cut))


MENDED = {
    "strict": ('{"a": 1, "b": [true, null]}', {"a": 1, "b": [True, None]}),
    "nothing": ("", {}),
    "blank": (" \n", {}),
    "null": ("null", {}),
    "Python's null": ("None", {}),
    "an empty object": ("{}", {}),
    "an empty object and more": ("{}{}\n", {}),
    "an empty object, then a real one": ('{}{"a": 1}', {"a": 1}),
    "an object that is repeated": ('{"a": 1}{"a": 1}', {"a": 1}),
    "an object and a remark": ('{"a": 1} as asked', {"a": 1}),
    "JSON in a JSON string": (json.dumps('{"a": "x\ny"}'), {"a": "x\ny"}),
    "twice in a string": (json.dumps(json.dumps('{"a": 1}')), {"a": 1}),
    "an empty string in a string": ('""', {}),
    "a code fence": ('```json\n{"a": 1}\n```', {"a": 1}),
    "a bare code fence": ('```{"a": 1}```', {"a": 1}),
    "a code fence that never ends": ('```json\n{"a": 1}', {"a": 1}),
    "trailing commas": (
        '{"a": [1, 2, ], "b": {"c": 1,},}',
        {"a": [1, 2], "b": {"c": 1}},
    ),
    "no numbers": (
        '{"a": NaN, "b": [Infinity, -Infinity]}',
        {"a": None, "b": [None, None]},
    ),
    "a number beyond numbers": ('{"a": 1e999, "b": 2}', {"a": None, "b": 2}),
    "raw control characters": ('{"a": "x\ty\nz\x01"}', {"a": "x\ty\nz\x01"}),
    "single quotes": ("{'a': 'it\\'s \"so\"'}", {"a": 'it\'s "so"'}),
    "Python's words": (
        "{'a': True, 'b': False, 'c': None}",
        {"a": True, "b": False, "c": None},
    ),
    "Python's words among JSON": ('{"a": True, "b": [None]}', {"a": True, "b": [None]}),
    "mixed quotes": ("{'a': \"it's\"}", {"a": "it's"}),
    "a Python escape": ("{'a': '\\x41'}", {"a": "A"}),
    "missing brackets": ('{"a": [{"b": "c"', {"a": [{"b": "c"}]}),
    "a missing bracket inside": ('{"a": [1, 2}', {"a": [1, 2]}),
    "a missing bracket after a comma": ('{"a": [1, 2],', {"a": [1, 2]}),
    "a missing bracket after a word": ('{"a": true', {"a": True}),
    "a missing bracket after a Python word": ('{"a": True', {"a": True}),
    "a raw line end in a JSON string": ('"{\\"a\\":\n1}"', {"a": 1}),
    "only an opening bracket": ("{", {}),
    "several at once": ("```\n{'a': [True, NaN,],", {"a": [True, None]}),
    "a half character": ('{"a": "\\ud83d"}', {"a": "\ufffd"}),
    "a byte order mark": ('\ufeff{"a": 1}', {"a": 1}),
    "a key twice": ('{"a": 1, "a": 2}', {"a": 2}),
}


@pytest.mark.parametrize(("text", "expected"), MENDED.values(), ids=MENDED)
def test_what_can_only_mean_one_object_is_mended(text, expected):
    assert to_object(text) == expected
    assert streamed(text) == expected
    assert streamed(text, size=3) == expected


UNFINISHED = {
    "in a string": ('{"a": 1, "b": "hel', {"a": 1, "b": None}),
    "in an escape": ('{"a": "x\\', {"a": None}),
    "in a number": ('{"a": 12', {"a": None}),
    "in a number in a list": ('{"a": "x", "b": [1, 2', {"a": "x", "b": None}),
    "in a word": ('{"a": 1, "b": tru', {"a": 1, "b": None}),
    "deep in a string": ('{"a": {"b": ["c', {"a": None}),
    "in a key": ('{"a": 1, "fi', {"a": None}),
    "after a key": ('{"a": 1, "b"', {"a": 1, "b": None}),
    "after a colon": ('{"a": 1, "b":', {"a": 1, "b": None}),
    "in a repeated key's string": (
        '{"a": 1, "b": 2, "a": "x',
        {"a": None, "b": 2},
    ),
    "in a single quoted string": ("{'a': 1, 'b': 'x", {"a": 1, "b": None}),
    "in a string around it": (json.dumps('{"a": "x"}')[:-4], {"a": None}),
    "between values in a string around it": ('"{\\"a\\": [1]', {"a": None}),
    "in a raw control character's string": ('{"a": "x\ny', {"a": None}),
}


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(("text", "expected"), UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_value_is_never_completed(text, expected, cut):
    assert to_object(text, cut=cut) == expected
    assert streamed(text, cut=cut) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "b": 2', {"a": 1, "b": None}),
        ('{"a": "x"', {"a": None}),
        ('{"a": "x",', {"a": None}),
        ('{"a": "x", "b": {"c": 1}', {"a": "x", "b": None}),
        ('{"a": true', {"a": None}),
        ("{'a': 1, 'b': [2]", {"a": 1, "b": None}),
        ("{", {INVALID: "{"}),
        ("", {INVALID: ""}),
        ('{"fi', {INVALID: '{"fi'}),
    ],
)
def test_arguments_cut_by_the_token_limit_cannot_run(text, expected):
    assert to_object(text, cut=True) == expected
    assert streamed(text, cut=True) == expected


def test_arguments_that_were_complete_at_the_limit_run():
    assert to_object('{"a": 1}', cut=True) == {"a": 1}
    assert to_object("{}", cut=True) == {}
    assert to_object('{"a": 1,}', cut=True) == {"a": 1}


BEYOND_REPAIR = [
    "hello",
    "[1, 2]",
    "5",
    '"hello"',
    "{a: 1}",
    '{"a": }',
    '{"a": 01}',
    '{"a" 1}',
    '{"a": 1 "b": 2}',
    '{"a": "\\q"}',
    '{"a": 1]',
    '{"a": ' + "[" * 250 + "]" * 250 + "}",
    "```\nnot json\n```",
]


@pytest.mark.parametrize("text", BEYOND_REPAIR)
def test_what_is_no_object_is_for_the_model_to_read(text):
    assert to_object(text) == {INVALID: text}
    assert streamed(text) == {INVALID: text}


def test_members_that_were_sent_before_the_offence_mean_nothing():
    stream = ArgumentStream()
    sent = stream.feed('{"command": "rm", "force": yes}')
    whole = json.loads(sent + stream.finish(cut=False))

    assert whole["command"] is None
    assert whole[INVALID] == '{"command": "rm", "force": yes}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, {"b": "é"}]}, {"a": [1, {"b": "é"}]}),
        ({}, {}),
        (None, {}),
        ([1], {INVALID: "[1]"}),
        (7, {INVALID: "7"}),
        (False, {INVALID: "false"}),
        ({"a": float("nan")}, {"a": None}),
        ({"a": 10**60}, {"a": 10**60}),
    ],
)
def test_values_that_are_no_strings(value, expected):
    assert to_object(value) == expected


@pytest.mark.parametrize(("depth", "key"), [(200, "a"), (201, INVALID), (900, INVALID)])
def test_a_value_nested_too_deeply_is_refused(depth, key):
    deep = {}
    for _ in range(depth - 1):
        deep = {"a": deep}

    assert list(to_object(deep)) == [key]
    assert list(streamed(json.dumps(deep))) == [key]


def test_more_than_the_limit_is_an_error():
    stream = ArgumentStream(max_chars=10)
    stream.feed('{"a":"')

    with pytest.raises(UpstreamBroken, match="10 characters"):
        stream.feed("xxxxx")


@given(objects)
def test_an_object_is_itself(value):
    text = json.dumps(value)

    assert streamed(text) == json.loads(text) == to_object(text)


_characters = st.sampled_from([*"{}[]\",:'\\ntrue1-.e \n`", '"a":', "\\ud83d", "NaN"])


@given(
    st.lists(_characters, max_size=25).map("".join), st.booleans(), st.integers(1, 9)
)
def test_any_text_ends_as_an_object_however_it_is_cut(text, cut, size):
    whole = to_object(text, cut=cut)

    assert isinstance(whole, dict)
    assert streamed(text, cut=cut, size=size) == whole


@given(objects, st.data())
def test_half_an_object_never_equals_the_whole(value, data):
    text = json.dumps(value)
    end = data.draw(st.integers(0, len(text) - 1))
    half = streamed(text[:end], cut=True)

    assert half != json.loads(text) or None in value.values()
    assert INVALID in half or None in half.values()
