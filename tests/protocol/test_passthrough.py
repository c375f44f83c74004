"""What of a request changes on its way to a Messages upstream."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec, reasoning
from aiproxy.protocol.passthrough import build_request
from aiproxy.protocol.target import Target
from aiproxy.records import replace

FULL = Target.of(
    endpoint="https://api.anthropic.com", model="claude-up", full_compat=True
)
STRICT = Target.of(endpoint="https://llm.example/anthropic", model="up")
ENVELOPE = reasoning.pack("0123456789ab", ["reasoning_content"], text="ours")
OURS = {"type": "thinking", "thinking": "ours", "signature": ENVELOPE}
OURS_SEALED = {"type": "redacted_thinking", "data": ENVELOPE}
FOREIGN = {"type": "thinking", "thinking": "theirs", "signature": "EqQBCkYIBxgC=="}
FOREIGN_SEALED = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"}
BILLING = "x-anthropic-billing-header: cc_version=2.1.331; cc_entrypoint=cli;"

# As Claude Code sends it, with things that nobody knows yet.
REQUEST: dict[str, Any] = {
    "future_field": {"deep": [1, 2.5, None, "\u00e9\u2028"]},
    "model": "claude-opus-5-5",
    "system": [
        {
            "type": "text",
            "text": "s",
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "system", "content": "be brief", "output_config": {"effort": "low"}},
        {
            "role": "assistant",
            "content": [
                FOREIGN,
                FOREIGN_SEALED,
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "Bash",
                    "input": {"n": 2**60},
                },
                {"type": "future_block", "x": []},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
            ],
        },
    ],
    "tools": [
        {"name": "Bash", "defer_loading": True, "input_schema": {"$schema": "x"}}
    ],
    "metadata": {"user_id": "u"},
    "max_tokens": 128000,
    "thinking": {"type": "adaptive", "display": "updates"},
    "context_management": {"edits": []},
    "safeguards": [{"type": "dangerous_tool_use"}],
    "output_config": {"effort": "medium"},
    "stream": True,
}


def built(request: dict[str, Any], target: Target = FULL) -> dict[str, Any]:
    return build_request(request, target).body


def test_the_body_goes_up_as_it_came_but_for_the_model():
    sent = json_codec.encode(built(REQUEST))

    assert sent == json_codec.encode({**REQUEST, "model": "claude-up"})


def test_the_order_of_keys_stays():
    assert list(built(REQUEST)) == list(REQUEST)


def test_the_request_itself_is_not_changed():
    before = copy.deepcopy(REQUEST)
    for target in (FULL, STRICT):
        built(REQUEST, target)

    assert before == REQUEST


@pytest.mark.parametrize(
    ("maximum", "expected"), [(None, 128000), (200000, 128000), (64000, 64000)]
)
def test_max_tokens_is_capped(maximum, expected):
    target = Target.of(
        endpoint="https://api.anthropic.com",
        model="m",
        full_compat=True,
        max_output_tokens=maximum,
    )

    assert built(REQUEST, target)["max_tokens"] == expected


def test_a_cap_keeps_the_budget_below_it_and_is_noted():
    target = Target.of(
        endpoint="https://x.example",
        model="m",
        full_compat=True,
        max_output_tokens=8000,
    )
    thinking = {"type": "enabled", "budget_tokens": 127999}
    made = build_request({**REQUEST, "thinking": thinking}, target)

    assert made.body["thinking"]["budget_tokens"] < 8000
    assert made.notes == ("max_tokens lowered to 8000",)


@pytest.mark.parametrize(
    ("system", "kept"),
    [
        ([{"type": "text", "text": BILLING}, {"type": "text", "text": "a"}], 1),
        ([{"type": "text", "text": BILLING}], None),
        (f"{BILLING}\nrest", "rest"),
        (BILLING, None),
        ("about " + BILLING, "about " + BILLING),
        ([{"type": "text", "text": "about " + BILLING}], 1),
        ("", ""),
        ([], 0),
    ],
)
def test_the_billing_line_goes(system, kept):
    body = built({**REQUEST, "system": system})

    if kept is None:
        assert "system" not in body
    elif isinstance(kept, int):
        assert body["system"] == (system[-kept:] if kept else [])
    else:
        assert body["system"] == kept


def test_our_own_thoughts_go_and_foreign_ones_stay():
    turn = {
        "role": "assistant",
        "content": [OURS, FOREIGN, OURS_SEALED, FOREIGN_SEALED],
    }
    body = built({**REQUEST, "messages": [turn]})

    assert body["messages"] == [
        {"role": "assistant", "content": [FOREIGN, FOREIGN_SEALED]}
    ]


def test_a_turn_of_nothing_but_our_thoughts_vanishes_and_its_neighbours_merge():
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [OURS]},
        {"role": "user", "content": [{"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
    ]
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    assert built({**REQUEST, "messages": messages})["messages"] == [
        {"role": "user", "content": texts},
        {"role": "user", "content": "c"},
    ]


def test_extra_body_comes_last():
    target = Target.of(
        endpoint="https://x.example",
        model="m",
        full_compat=True,
        max_output_tokens=10,
        extra_body={"max_tokens": 5, "safeguards": None, "x": {"y": 1}},
    )
    body = built(REQUEST, target)

    assert body["max_tokens"] == 5
    assert body["x"] == {"y": 1}
    assert "safeguards" not in body


def test_a_strict_upstream_gets_no_betas():
    body = built(REQUEST, STRICT)

    assert "context_management" not in body
    assert "output_config" not in body
    assert "safeguards" not in body
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert [message["role"] for message in body["messages"]] == [
        "user",
        "assistant",
        "user",
    ]
    assert body["tools"] == [{"name": "Bash", "input_schema": {"$schema": "x"}}]
    assert body["future_field"] == REQUEST["future_field"]


def test_what_a_strict_upstream_does_not_get_is_noted():
    notes = build_request(REQUEST, STRICT).notes

    assert "beta fields dropped" in notes


def test_a_null_of_the_clients_stays():
    target = replace(FULL, extra_body={"x": 1, "model": None})
    body = built({"model": "m", "messages": [], "container": None}, target)

    assert body == {"messages": [], "container": None, "x": 1}


def test_stop_sequences_are_remembered_for_the_answer():
    request = {**REQUEST, "stop_sequences": ["</a>", "", " ", "b", 3]}

    assert build_request(request, FULL).stop_sequences == ("</a>", "b")


def test_the_context_of_the_answer_knows_the_clients_model():
    made = build_request({**REQUEST, "stop_sequences": ["b"]}, FULL)
    reply = made.reply_context(
        model="claude-opus-5-5", message_id="msg_1", nonce="abcdef", input_estimate=7
    )

    assert (reply.model, reply.input_estimate) == ("claude-opus-5-5", 7)
    assert reply.stop_sequences == ("b",)


@pytest.mark.parametrize("messages", [None, "x", {}, 3])
def test_messages_that_are_no_list_are_refused(messages):
    with pytest.raises(InvalidRequest, match="messages"):
        build_request({"model": "m", "messages": messages}, FULL)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "content", "role", "tool", "signature"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(
    body=st.fixed_dictionaries(
        {"messages": st.lists(JSON, max_size=4)},
        optional=dict.fromkeys(
            (
                "system",
                "tools",
                "thinking",
                "output_config",
                "max_tokens",
                "stop_sequences",
                "tool_choice",
            ),
            JSON,
        ),
    ),
    target=st.sampled_from([FULL, STRICT]),
)
def test_no_body_raises_anything_but_our_own_errors(body, target):
    made = build_request(body, target)

    json.dumps(made.body)
