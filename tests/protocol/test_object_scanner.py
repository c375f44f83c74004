"""The scanner of one JSON object: what it lets through is always a good start."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol.object_scanner import MAX_DEPTH, ObjectScanner


def scanned(*pieces):
    scanner = ObjectScanner()
    return scanner, [scanner.feed(piece) for piece in pieces]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=5), json_values, min_size=1, max_size=4)
styles = st.sampled_from(
    [{}, {"indent": 1}, {"ensure_ascii": False}, {"separators": (",", ":")}]
)


@given(objects, styles, st.integers(1, 7))
def test_an_object_passes_unchanged_however_it_is_cut(value, style, size):
    text = json.dumps(value, **style).encode("utf-8", "replace").decode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    scanner, out = scanned(*pieces)

    assert json.loads("".join(out)) == json.loads(text)
    assert "".join(out) == text
    assert scanner.closed


@given(objects, st.data())
def test_what_was_sent_can_always_be_ended(value, data):
    text = json.dumps(value)
    end = data.draw(st.integers(0, len(text)))
    scanner, out = scanned(text[:end])

    ended = "".join(out) + (scanner.cut_short() or "{}"[bool(scanner.sent) :])
    if not scanner.closed:
        assert isinstance(json.loads(ended), dict)
    abandoned = "".join(out) + scanner.abandon('"why"', '"x"')
    if not scanner.closed:
        assert json.loads(abandoned)["why"] == "x"


def test_text_of_a_value_flows_character_by_character():
    _, out = scanned('{"a": "', "x", "y", '"}')

    assert out == ['{"a": "', "x", "y", '"}']


def test_a_comma_waits_for_the_member_after_it():
    _, out = scanned('{"a":"x"', ",", ' "b"', ":", '"')

    assert out == ['{"a":"x"', "", "", "", ', "b":"']


@pytest.mark.parametrize("literal", ["true", "false", "null", "-12.5e+3", "0", "12"])
def test_a_literal_waits_until_it_is_complete(literal):
    _, out = scanned('{"a":', *literal, "}")

    assert out == [*[""] * (len(literal) + 1), '{"a":' + literal + "}"]


def test_half_an_escape_waits_for_the_rest():
    _, out = scanned('{"a":"\\', "n\\u00", 'e9"}')

    assert out == ['{"a":"', "\\n", '\\u00e9"}']


def test_an_escaped_half_character_waits_for_the_other():
    _, out = scanned('{"a":"\\ud83d', "\\ude", "00\\ud83d", 'x\\ude00"}')

    assert "".join(out) == '{"a":"\\ud83d\\ude00\\ufffdx\\ufffd"}'


def test_an_empty_object_waits_for_a_real_one():
    scanner, out = scanned("{", " }", "\n", '{"a":1}')

    assert "".join(out) == '{"a":1}'
    assert scanner.closed


def test_a_member_that_is_repeated_is_the_last_one_then():
    scanner, out = scanned('{"a":"x","b":"y","a":"z')
    ended = "".join(out) + (scanner.cut_short() or "")

    assert json.loads(ended) == {"a": None, "b": "y"}


def test_what_follows_the_object_is_dropped():
    _, out = scanned('{"a":1}{"a":1}', "more")

    assert out == ['{"a":1}', ""]


def test_what_follows_an_empty_object_is_dropped_if_it_is_none():
    scanner, out = scanned("{}", "x", '{"a":1}')

    assert out == ["", "", ""]
    assert scanner.closed


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("[1]", ""),
        ('{"a":1,}', '{"a":1'),
        ('{"a":1 "b":2}', '{"a":1'),
        ('{"a" 1}', ""),
        ('{"a":}', ""),
        ('{"a":01}', ""),
        ('{"a":+1}', ""),
        ('{"a":.5}', ""),
        ('{"a":NaN}', ""),
        ('{"a":True}', ""),
        ('{"a":1e999}', ""),
        ('{"a":"x\ny"}', '{"a":"x'),
        ('{"a":"x\\qy"}', '{"a":"x'),
        ("{'a':1}", ""),
        ("{a:1}", ""),
        ('{"a":[1,]}', '{"a":[1'),
        ('{"a":[1}', '{"a":[1'),
        ('{"a":{"b":1]', '{"a":{"b":1'),
        ('{"a":1,,', '{"a":1'),
    ],
)
def test_nothing_passes_from_the_first_offence_on(text, sent):
    for pieces in ([text], list(text)):
        scanner, out = scanned(*pieces)

        assert "".join(out) == sent
        assert scanner.unread is not None


def test_objects_are_refused_below_the_deepest_level():
    deep = '{"a":' * (MAX_DEPTH - 1) + "{" + "}" * MAX_DEPTH
    assert scanned(deep)[0].closed

    too_deep = '{"a":' * MAX_DEPTH + "{" + "}" * (MAX_DEPTH + 1)
    assert scanned(too_deep)[0].too_deep


def test_an_integer_of_any_length_stays_exact():
    _, out = scanned('{"a":' + "9" * 900 + "}")

    assert json.loads("".join(out)) == {"a": int("9" * 900)}


@pytest.mark.parametrize("piece", ["1", '"', "[", " ", "\\", "{", "a", "\n"])
@pytest.mark.parametrize("head", ['{"a":', '{"a":"', '{"', "{"])
def test_time_is_linear_in_hostile_pieces(head, piece):
    scanner, _ = scanned(head)
    started = time.process_time()
    for _ in range(50_000):
        scanner.feed(piece)

    assert time.process_time() - started < 3
