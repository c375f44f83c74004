"""Envelopes for thoughts, pieces of reasoning_details, and what goes back."""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import reasoning
from aiproxy.protocol.reasoning import DetailMerger, Thought
from tests.protocol import strategies
from tests.protocol.translating import target

KEY = "0123456789ab"


def opened(envelope: str) -> Any:
    coded = envelope[len(reasoning.PREFIX) :]
    packed = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    return json.loads(zlib.decompress(packed))


def sealed(content: Any) -> str:
    return sealed_bytes(json.dumps(content).encode())


def sealed_bytes(data: bytes) -> str:
    packed = zlib.compress(data)
    return reasoning.PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def test_an_envelope_holds_what_is_wanted_back() -> None:
    calls = {"toolu_1": {"google": {"thought_signature": "s"}}}
    details = [{"type": "reasoning.encrypted", "data": "x", "index": 0}]

    envelope = reasoning.pack(KEY, ["reasoning"], details, calls)

    assert envelope.startswith("aip1.")
    assert opened(envelope) == {
        "key": KEY,
        "fields": ["reasoning"],
        "details": details,
        "calls": calls,
    }
    assert reasoning.unpack(envelope, KEY) == Thought(
        "", ("reasoning",), tuple(details), calls
    )


detail_lists = st.lists(
    st.dictionaries(
        st.sampled_from(["type", "text", "summary", "data", "signature", "index"]),
        strategies.json_values() | strategies.visible_text,
        max_size=5,
    ),
    max_size=4,
)


@given(
    strategies.visible_text,
    detail_lists,
    st.lists(st.sampled_from(["reasoning", "reasoning_content", "<think>"])),
    st.dictionaries(strategies.visible_text, st.just({"google": {"s": 1}})),
)
def test_what_is_packed_is_unpacked(
    text: str, details: Any, fields: list[str], calls: Any
) -> None:
    shown = [{"type": "reasoning.text", "text": text, "signature": "s"}, *details]
    clean = json.loads(json.dumps(shown, ensure_ascii=False).encode("utf-8", "replace"))

    thought = reasoning.unpack(
        reasoning.pack(KEY, fields, clean, calls, text=text), KEY, text=text
    )

    assert thought == Thought(text, tuple(fields), tuple(clean), calls)


def test_texts_that_the_block_shows_are_left_out() -> None:
    text = "a long thought " * 1000
    details = [{"type": "reasoning.text", "text": text, "index": 0}]

    envelope = reasoning.pack(KEY, ["reasoning"], details, text=text)

    assert opened(envelope)["details"] == [
        {"type": "reasoning.text", "text": None, "index": 0}
    ]
    thought = reasoning.unpack(envelope, KEY, text=text)
    assert thought is not None
    assert list(thought.details) == details


def test_texts_of_several_details_are_found_in_their_order() -> None:
    details = [
        {"type": "reasoning.summary", "summary": "one"},
        {"type": "reasoning.summary", "summary": "two"},
        {"type": "reasoning.summary", "summary": "not shown"},
        {"type": "reasoning.text", "text": ""},
    ]
    envelope = reasoning.pack(KEY, [], details, text="one\n\ntwo")

    thought = reasoning.unpack(envelope, KEY, text="one\n\ntwo")

    assert thought is not None
    assert list(thought.details) == details


def test_an_envelope_beside_another_text_is_worth_nothing() -> None:
    envelope = reasoning.pack(KEY, [], [{"type": "t", "text": "abc"}], text="abc")

    assert reasoning.unpack(envelope, KEY, text="ab") is None


@pytest.mark.parametrize(
    "signature",
    [
        None,
        5,
        "",
        "EqQBCkYIARgCIkD",
        "aip1.",
        "aip1.%%%",
        "aip1.AAAA",
        "aip2." + sealed({"key": KEY})[5:],
        sealed({"key": KEY})[:-4],
        sealed_bytes(b'{"key":'),
        sealed_bytes(b'{"key":"\xff"}'),
        sealed([KEY]),
        sealed({}),
        sealed({"key": "another one!"}),
        sealed({"key": KEY, "fields": "reasoning"}),
        sealed({"key": KEY, "fields": [1]}),
        sealed({"key": KEY, "details": ["x"]}),
        sealed({"key": KEY, "calls": []}),
        sealed({"key": KEY, "calls": {"a": 1}}),
        sealed({"key": KEY, "details": [{}], "shown": [[0, "text", 0, 9]]}),
        sealed(
            {"key": KEY, "details": [{}], "shown": [[0, "text", 0, 9]], "length": 3}
        ),
        sealed({"key": KEY, "details": [], "shown": [[0, "text", 0, 1]], "length": 3}),
        sealed(
            {"key": KEY, "details": [{}], "shown": [[0, "text", 2, 1]], "length": 3}
        ),
        *(
            sealed({"key": KEY, "details": [{}], "shown": [entry], "length": 3})
            for entry in ("x", [], [0, "text"], ["0", "text", 0, 1], [0, "t", 0.0, 1])
        ),
        sealed(
            {"key": KEY, "details": [{}], "shown": [[True, "t", 0, 1]], "length": 3}
        ),
        "aip1." + "A" * 10_000_000,
    ],
)
def test_broken_and_foreign_envelopes_are_dropped(signature: Any) -> None:
    assert reasoning.unpack(signature, KEY, text="abc") is None


def test_an_envelope_that_inflates_beyond_the_limit_is_dropped() -> None:
    bomb = sealed({"key": KEY, "fields": ["x" * (reasoning.MAX_ENVELOPE_BYTES + 1)]})

    assert len(bomb) < 20_000
    assert reasoning.unpack(bomb, KEY) is None


def test_an_envelope_may_hold_almost_four_mebibytes() -> None:
    detail = {"type": "reasoning.encrypted", "data": "x" * (4 * 1024 * 1024 - 1000)}

    thought = reasoning.unpack(reasoning.pack(KEY, [], [detail]), KEY)

    assert thought is not None
    assert thought.details == (detail,)


@given(st.text() | st.binary().map(lambda raw: "aip1." + raw.hex()))
def test_no_signature_makes_it_fail(signature: str) -> None:
    assert reasoning.unpack(signature, KEY) is None


def test_ours_are_known_whoever_they_are_for() -> None:
    assert reasoning.is_ours(reasoning.pack("another one!"))
    assert not reasoning.is_ours("EqQBCkYIARgCIkD")
    assert not reasoning.is_ours(None)


def merged(*pieces: dict[str, Any]) -> list[dict[str, Any]]:
    merger = DetailMerger()
    for piece in pieces:
        merger.add(piece)
    return merger.take()


def test_pieces_of_one_type_and_index_are_one_item() -> None:
    assert merged(
        {"type": "reasoning.text", "text": "Let ", "index": 0, "signature": None},
        {"type": "reasoning.text", "text": "me", "index": 0},
        {"type": "reasoning.text", "text": "", "index": 0, "signature": "sig"},
        {"type": "reasoning.text", "index": 0, "signature": ""},
    ) == [{"type": "reasoning.text", "text": "Let me", "index": 0, "signature": "sig"}]


def test_summaries_and_data_grow_too() -> None:
    assert merged(
        {"type": "reasoning.summary", "summary": "a", "id": "rs_1"},
        {"type": "reasoning.summary", "summary": "b", "id": "rs_1"},
        {"type": "reasoning.encrypted", "data": "c", "index": 1},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
        {"type": "reasoning.encrypted", "data": "e", "index": "two"},
        {"type": "reasoning.encrypted", "data": "f", "index": "two"},
    ) == [
        {"type": "reasoning.summary", "summary": "ab", "id": "rs_1"},
        {"type": "reasoning.encrypted", "data": "cd", "index": 1},
        {"type": "reasoning.encrypted", "data": "ef", "index": "two"},
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"type": "a", "index": 0}, {"type": "b", "index": 0}),
        ({"type": "a", "index": 0}, {"type": "a", "index": 1}),
        ({"type": "a", "id": "x"}, {"type": "a", "id": "y"}),
        ({"type": "a", "id": "x", "index": 0}, {"type": "a", "id": "y", "index": 0}),
        ({"type": "a", "data": "x"}, {"type": "a", "data": "y"}),
    ],
)
def test_other_pieces_are_items_of_their_own(first: Any, second: Any) -> None:
    assert merged(first, second) == [first, second]


def test_running_text_without_index_or_id_is_one_item() -> None:
    assert merged({"type": "t", "text": "a"}, {"type": "t", "text": "b"}) == [
        {"type": "t", "text": "ab"}
    ]


def test_a_merger_is_empty_after_it_was_emptied() -> None:
    merger = DetailMerger()
    assert not merger
    merger.add({"type": "t", "text": "a"})
    assert merger
    assert merger.take() == [{"type": "t", "text": "a"}]
    assert not merger
    assert merger.take() == []


@given(st.lists(st.dictionaries(strategies.visible_text, strategies.json_values())))
def test_no_piece_makes_the_merger_fail(pieces: list[dict[str, Any]]) -> None:
    assert len(merged(*pieces)) <= len(pieces)


def given_back(
    *thoughts: Thought, calls: bool = True, content: str | None = "text", **more: Any
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [{}]
    reasoning.give_back(message, thoughts, target(**more))
    message.pop("tool_calls", None)
    message.pop("role")
    return message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["reasoning_content"], {"content": "text", "reasoning_content": "hm"}),
        (["reasoning"], {"content": "text", "reasoning": "hm"}),
        (
            ["reasoning", "reasoning_content"],
            {"content": "text", "reasoning_content": "hm"},
        ),
        (["<think>"], {"content": "<think>hm</think>\n\ntext"}),
        (["<thinking>"], {"content": "<thinking>hm</thinking>\n\ntext"}),
        (["<thought>"], {"content": "<thought>hm</thought>\n\ntext"}),
        (["reasoning", "<think>"], {"content": "text", "reasoning": "hm"}),
        (["reasoning_details"], {"content": "text"}),
        ([], {"content": "text"}),
        (
            ["thinking"],
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "text"},
                ]
            },
        ),
    ],
)
def test_a_thought_returns_under_the_name_it_came(
    fields: list[str], expected: dict[str, Any]
) -> None:
    assert given_back(Thought("hm", tuple(fields))) == expected


def test_tags_return_only_beside_calls() -> None:
    thought = Thought("hm", ("<think>",))

    assert given_back(thought, calls=False) == {"content": "text"}
    assert given_back(thought, content=None) == {"content": "<think>hm</think>"}


def test_thoughts_of_one_turn_are_joined() -> None:
    thoughts = [
        Thought("a", ("reasoning",), ({"index": 0},)),
        Thought("b", ("reasoning",), ({"index": 1},)),
    ]

    assert given_back(*thoughts) == {
        "content": "text",
        "reasoning": "ab",
        "reasoning_details": [{"index": 0}, {"index": 1}],
    }


def test_details_that_nothing_tells_apart_stay_apart() -> None:
    one, two = {"type": "reasoning.text", "text": "a"}, {"type": "t", "text": "b"}
    thoughts = [Thought("", (), (one, two)), Thought("", (), (one,))]

    assert given_back(*thoughts)["reasoning_details"] == [one, two, one]


def test_a_thought_from_details_alone_returns_in_no_field() -> None:
    thoughts = [Thought("a", ("reasoning",)), Thought("b", ("reasoning_details",))]

    assert given_back(*thoughts) == {"content": "text", "reasoning": "a"}


def test_a_late_piece_joins_its_item() -> None:
    text = {"type": "reasoning.text", "text": "a", "index": 0}
    sealed = {"type": "reasoning.encrypted", "data": "x"}
    late = {"type": "reasoning.text", "signature": "s", "index": 0}
    thoughts = [
        Thought("a", ("reasoning_details",), (text, sealed)),
        Thought("", (), (late, sealed)),
    ]

    back = given_back(*thoughts)["reasoning_details"]
    assert back == [{**text, "signature": "s"}, sealed, sealed]


def test_details_that_are_not_shown_are_packed_in_linear_time() -> None:
    details = [{"text": f"y{number}", "index": number} for number in range(20_000)]
    started = time.process_time()
    envelope = reasoning.pack(KEY, [], details, text="x" * 2_000_000)

    assert time.process_time() - started < 2
    thought = reasoning.unpack(envelope, KEY, text="x" * 2_000_000)
    assert thought is not None
    assert list(thought.details) == details


@pytest.mark.parametrize("dialect", ["groq", "cerebras", "mistral"])
def test_those_who_refuse_reasoning_get_none(dialect: str) -> None:
    thought = Thought("hm", ("reasoning", "reasoning_content"), ({"a": 1},))

    assert given_back(thought, dialect=dialect) == {"content": "text"}


def test_the_provider_s_setting_decides() -> None:
    thought = Thought("hm", ("reasoning",), ({"a": 1},))
    always = given_back(thought, dialect="groq", send_reasoning="always")
    never = given_back(thought, send_reasoning="never")

    assert always["reasoning"] == "hm"
    assert always["reasoning_details"] == [{"a": 1}]
    assert never == {"content": "text"}
    tagged = Thought("hm", ("<think>",))
    assert given_back(tagged, send_reasoning="never") == {"content": "text"}


@pytest.mark.parametrize(
    ("model", "filler"),
    [("deepseek-v4", ""), ("kimi-k2.6", " "), ("some-model", None), ("grok-4", None)],
)
def test_a_missing_thought_is_filled_in_where_it_is_demanded(
    model: str, filler: str | None
) -> None:
    message: dict[str, Any] = {"tool_calls": [{}]}

    reasoning.fill(message, target(model))

    assert message.get("reasoning_content") == filler


@pytest.mark.parametrize(
    "message",
    [
        {"content": "no calls"},
        {"tool_calls": [{}], "reasoning": "there"},
        {"tool_calls": [{}], "reasoning_content": "there"},
        {"tool_calls": [{}], "reasoning_details": [{}]},
    ],
)
def test_nothing_is_filled_in_elsewhere(message: dict[str, Any]) -> None:
    before = dict(message)

    reasoning.fill(message, target("deepseek-v4"))

    assert message == before


@pytest.mark.parametrize("more", [{"dialect": "groq"}, {"send_reasoning": "never"}])
def test_nothing_is_filled_in_where_reasoning_is_not_wanted(more: Any) -> None:
    message: dict[str, Any] = {"tool_calls": [{}]}

    reasoning.fill(message, target("kimi-k2-instruct", **more))

    assert message == {"tool_calls": [{}]}
