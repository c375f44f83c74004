"""Ids that clients can use, and the providers' own on the way back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import dialects, tool_ids
from aiproxy.protocol.tool_ids import UpstreamIds

NONCE = "aB3dE9"


def to_client(original: str | None, *seen: str, number: int = 0) -> str:
    return tool_ids.to_client(original, nonce=NONCE, seen=set(seen), number=number)


def upstream_ids(
    *client_ids: str, dialect: str = "generic", family: str = "", name: str = "Bash"
) -> list[str]:
    ids = UpstreamIds(dialect=dialect, family=family)
    ids.start_turn()
    return [ids.take(client_id, name) for client_id in client_ids]


@pytest.mark.parametrize(
    ("original", "client_id"),
    [
        ("call_0123456789abcdefghij", "call_0123456789abcdefghij"),
        ("x" * 20, "x" * 20),
        ("x" * 500, "x" * 500),
        ("x" * 19, "toolu_aipaB3dE9_" + "x" * 19),
        ("call_0", "toolu_aipaB3dE9_call_5f0"),
        ("functions.Read:12", "toolu_aipaB3dE9_functions_2eRead_3a12"),
        ("é", "toolu_aipaB3dE9__c3_a9"),
        ("a-b", "toolu_aipaB3dE9_a-b"),
        (None, "toolu_aipaB3dE9_7"),
        ("", "toolu_aipaB3dE9_7"),
    ],
)
def test_long_legal_ids_pass_and_others_are_carried(
    original: str | None, client_id: str
) -> None:
    assert to_client(original, number=7) == client_id


def test_an_id_of_the_history_is_not_given_out_again() -> None:
    original = "call_0123456789abcdefghij"

    client_id = to_client(original, original)

    assert client_id != original
    assert tool_ids.original_of(client_id) == original


def test_an_id_that_came_twice_in_one_answer_leads_back_too() -> None:
    first = to_client("call_0")
    second = to_client("call_0", first, number=1)

    assert second != first
    assert tool_ids.original_of(second) == "call_0"


def test_an_id_that_looks_like_ours_is_carried_too() -> None:
    original = "toolu_aipABCDEF_x_but_a_provider_made_it"

    assert tool_ids.original_of(to_client(original)) == original


@given(
    st.lists(st.none() | st.text(max_size=30), max_size=8),
    st.text("abcXYZ019", min_size=6, max_size=6),
)
def test_ids_are_legal_unique_and_lead_back(
    originals: list[str | None], nonce: str
) -> None:
    seen: set[str] = set()
    for number, original in enumerate(originals):
        client_id = tool_ids.to_client(original, nonce=nonce, seen=seen, number=number)

        assert re.fullmatch(r"[A-Za-z0-9_-]+", client_id)
        assert client_id not in seen
        seen.add(client_id)
        if original:
            assert tool_ids.original_of(client_id) in (original, None)
            assert upstream_ids(client_id) == [original]


@pytest.mark.parametrize(
    "foreign",
    ["toolu_01A", "call_0", "", "toolu_aip", "toolu_aip123456", "toolu_aip12345_x"],
)
def test_ids_that_are_not_ours_hold_nothing(foreign: str) -> None:
    assert tool_ids.original_of(foreign) is None


def test_a_made_up_id_of_ours_that_holds_no_text_is_left_alone() -> None:
    assert tool_ids.original_of("toolu_aipABCDEF__ff") is None


def test_legal_foreign_ids_stay() -> None:
    ids = ["toolu_01A", "call-1_B", "a" * 40]

    assert upstream_ids(*ids) == ids


@pytest.mark.parametrize("foreign", ["a" * 41, "call.1", "ü", "", "a b"])
def test_illegal_foreign_ids_become_a_hash(foreign: str) -> None:
    (tool_id,) = upstream_ids(foreign)

    assert re.fullmatch(r"call_[0-9a-f]{32}", tool_id)
    assert upstream_ids(foreign) == [tool_id]


def test_half_a_character_in_an_id_does_no_harm() -> None:
    odd = "call\ud83d"

    assert re.fullmatch(r"call_[0-9a-f]{32}", upstream_ids(odd)[0])
    assert re.fullmatch(r"[A-Za-z0-9]{9}", upstream_ids(odd, dialect="mistral")[0])
    assert upstream_ids(to_client(odd)) == [odd]


def test_repeated_ids_of_one_turn_are_numbered() -> None:
    assert upstream_ids("x", "x", "x_2", "x") == ["x", "x_2", "x_2_2", "x_3"]


def test_numbered_ids_stay_within_forty_characters() -> None:
    ids = upstream_ids(*["a" * 40] * 12)

    assert len(set(ids)) == 12
    assert max(map(len, ids)) <= 40


def test_ids_may_come_again_in_another_turn() -> None:
    ids = UpstreamIds(dialect="generic", family="")
    taken = []
    for _ in range(2):
        ids.start_turn()
        taken += [ids.take("toolu_aipaB3dE9_call_5f0", "Bash") for _ in range(2)]

    assert taken == ["call_0", "call_0_2"] * 2


def test_claude_gets_no_id_twice_in_a_conversation() -> None:
    ids = UpstreamIds(dialect="openrouter", family="claude")
    taken = []
    for _ in range(2):
        ids.start_turn()
        taken.append(ids.take("toolu_aipaB3dE9_call_5f0", "Bash"))

    assert taken == ["call_0", "call_0_2"]


@pytest.mark.parametrize("family", ["claude", "gpt-5"])
def test_illegal_originals_are_cleaned_for_those_who_check(family: str) -> None:
    (tool_id,) = upstream_ids("toolu_aipaB3dE9_functions_2eX_3a0", family=family)

    assert re.fullmatch(r"call_[0-9a-f]{32}", tool_id)


def test_openai_gets_no_id_that_is_too_long_for_it() -> None:
    long = to_client("x." * 25)
    short = to_client("x.y")

    assert upstream_ids(short, dialect="openai", family="gpt") == ["x.y"]
    (tool_id,) = upstream_ids(long, dialect="openai", family="gpt")
    assert re.fullmatch(r"call_[0-9a-f]{32}", tool_id)


@pytest.mark.parametrize("family", ["", "gemini", "grok", "kimi", "qwen"])
def test_originals_go_back_byte_for_byte(family: str) -> None:
    original = "functions.X:0 ü/" + "y" * 50

    assert upstream_ids(to_client(original), family=family) == [original]


def test_mistral_gets_nine_alphanumerics() -> None:
    odd = ("toolu_01A", "x", "x", "", "abcDEF12", "abcDEF1234", "abc_DEF-1", "a" * 60)
    ids = upstream_ids(*odd, dialect="mistral")

    assert all(re.fullmatch(r"[A-Za-z0-9]{9}", tool_id) for tool_id in ids)
    assert len(set(ids)) == len(ids)


def test_mistral_s_own_ids_go_back() -> None:
    client_id = to_client("aB3dE9fGh")

    assert upstream_ids(client_id, "abcDEF123", dialect="mistral") == [
        "aB3dE9fGh",
        "abcDEF123",
    ]


def test_kimi_gets_foreign_ids_counted_over_the_conversation() -> None:
    ids = UpstreamIds(dialect="moonshot", family="kimi")
    ids.start_turn()
    first = [ids.take("toolu_01A", "Bash"), ids.take("toolu_01B", "Read")]
    ids.start_turn()
    second = [ids.take(to_client("functions.Read:2"), "Read"), ids.take("x", "Bash")]

    assert first == ["functions.Bash:0", "functions.Read:1"]
    assert second == ["functions.Read:2", "functions.Bash:3"]


def test_an_id_in_kimi_s_own_form_stays() -> None:
    assert upstream_ids("functions.Bash:7", family="kimi") == ["functions.Bash:7"]


def test_kimi_s_count_does_not_run_into_its_own_ids() -> None:
    ids = upstream_ids(to_client("functions.Bash:1"), "toolu_01A", family="kimi")

    assert ids[0] == "functions.Bash:1"
    assert re.fullmatch(r"functions\.Bash:\d+", ids[1])
    assert ids[0] != ids[1]


@given(
    st.lists(st.sampled_from(["a", "a_2", "b" * 50, "c.d", "", "e"]), max_size=12),
    st.sampled_from(dialects.NAMES),
    st.sampled_from(["", "claude", "gpt-5", "kimi", "mistral"]),
)
def test_ids_of_a_turn_are_always_unique(
    client_ids: list[str], dialect: str, family: str
) -> None:
    ids = upstream_ids(*client_ids, dialect=dialect, family=family)

    assert len(set(ids)) == len(ids)
