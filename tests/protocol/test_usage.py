"""Token counts: what each provider means, in the client's terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import usage


def counted(counts, **given):
    return usage.from_chat(counts, **given)


def numbers(counts, **given):
    made = counted(counts, **given)
    return (
        made.input_tokens,
        made.output_tokens,
        made.cache_read_input_tokens,
        made.cache_creation_input_tokens,
    )


BASE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (BASE, (100, 20, 0, 0)),
        ({**BASE, "prompt_tokens_details": {"cached_tokens": 60}}, (40, 20, 60, 0)),
        ({**BASE, "prompt_cache_hit_tokens": 60}, (40, 20, 60, 0)),
        ({**BASE, "cached_tokens": 60}, (40, 20, 60, 0)),
        ({**BASE, "cache_read_input_tokens": 60}, (40, 20, 60, 0)),
        (
            {
                **BASE,
                "prompt_tokens_details": {
                    "cached_tokens": 60,
                    "cache_write_tokens": 30,
                },
            },
            (10, 20, 60, 30),
        ),
        ({**BASE, "cache_creation_input_tokens": 30}, (70, 20, 0, 30)),
        (
            {**BASE, "cached_tokens": 500, "cache_creation_input_tokens": 500},
            (0, 20, 100, 0),
        ),
        (
            {
                **BASE,
                "prompt_tokens_details": {"cached_tokens": 60},
                "prompt_cache_hit_tokens": 50,
            },
            (40, 20, 60, 0),
        ),
        (
            {**BASE, "prompt_cache_hit_tokens": 60, "cached_tokens": 50},
            (40, 20, 60, 0),
        ),
        (
            {**BASE, "cached_tokens": 60, "cache_read_input_tokens": 50},
            (40, 20, 60, 0),
        ),
        ({**BASE, "cached_tokens": 1 << 60}, (100, 20, 0, 0)),
        (
            {**BASE, "prompt_tokens_details": None, "cached_tokens": "60"},
            (100, 20, 0, 0),
        ),
        ({**BASE, "cached_tokens": -5}, (100, 20, 0, 0)),
        ({**BASE, "cached_tokens": 5.5}, (100, 20, 0, 0)),
        ({**BASE, "cached_tokens": True}, (100, 20, 0, 0)),
    ],
)
def test_cache_reads_and_writes_stand_apart_from_the_input(counts, expected):
    assert numbers(counts) == expected


def test_reasoning_that_the_completion_leaves_out_is_added():
    xai = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 420,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }

    assert numbers(xai) == (100, 320, 0, 0)


def test_reasoning_may_stand_beside_the_completion():
    counts = {**BASE, "total_tokens": 420, "reasoning_tokens": 300}

    assert numbers(counts) == (100, 320, 0, 0)


def test_only_gemini_has_more_in_its_total_than_it_names():
    assert numbers({**BASE, "total_tokens": 180}) == (100, 20, 0, 0)


def test_reasoning_that_the_completion_includes_is_not_added_twice():
    openai = {
        "prompt_tokens": 100,
        "completion_tokens": 320,
        "total_tokens": 420,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }

    assert numbers(openai) == (100, 320, 0, 0)


def test_without_a_total_nothing_is_added():
    counts = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }

    assert numbers(counts) == (100, 20, 0, 0)


def test_gemini_counts_its_thoughts_in_the_total_alone():
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 180}

    assert numbers(counts, dialect="gemini") == (100, 80, 0, 0)
    assert numbers({**counts, "total_tokens": None}, dialect="gemini")[1] == 20


def test_gemini_without_thoughts_is_counted_by_its_total():
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 115}

    assert numbers(counts, dialect="gemini") == (100, 15, 0, 0)


@pytest.mark.parametrize(
    "counts",
    [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": None}],
)
def test_estimates_stand_in_for_counts_that_are_missing_or_zero(counts):
    made = counted(counts, input_estimate=70, output_estimate=9)

    assert (made.input_tokens, made.output_tokens, made.estimated) == (70, 9, True)


def test_an_estimate_is_never_zero():
    assert numbers(None) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("counts", "estimated"),
    [
        (BASE, False),
        ({"completion_tokens": 20}, True),
        ({"prompt_tokens": 100}, True),
    ],
)
def test_an_estimate_says_that_it_is_one(counts, estimated):
    assert counted(counts).estimated is estimated


def test_an_output_of_zero_beside_a_real_input_is_believed():
    assert numbers({"prompt_tokens": 5, "completion_tokens": 0}) == (5, 0, 0, 0)


def test_an_output_that_is_missing_is_estimated():
    assert numbers({"prompt_tokens": 5}, output_estimate=9) == (5, 9, 0, 0)


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        ({"usage": {"a": 1}}, {"a": 1}),
        ({"choices": [{"usage": {"a": 1}}]}, {"a": 1}),
        ({"x_groq": {"usage": {"a": 1}}}, {"a": 1}),
        ({"usage": None, "choices": [{"usage": {"a": 1}}]}, {"a": 1}),
        ({"usage": None, "choices": None, "x_groq": "?"}, None),
        ({"usage": [], "choices": ["?"]}, None),
    ],
)
def test_usage_is_found_wherever_it_is(chunk, expected):
    assert usage.find(chunk) == expected


def test_the_cost_is_kept():
    assert counted({**BASE, "cost": 0.25}).cost == 0.25
    assert counted({**BASE, "cost": 2}).cost == 2.0


@pytest.mark.parametrize(
    "cost", [None, "1", True, -1, -0.5, 10**400, float("inf"), float("nan"), [1]]
)
def test_a_cost_that_is_no_amount_is_none(cost):
    assert counted({**BASE, "cost": cost}).cost is None


def test_searches_are_counted_where_the_provider_tells():
    assert usage.web_searches({"server_tool_use": {"web_search_requests": 3}}) == 3
    assert usage.web_searches({"server_tool_use": None}) == 0
    assert usage.web_searches(None) == 0


_values = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.booleans()
_names = st.sampled_from(
    [
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "cached_tokens",
        "cost",
        "cache_creation_input_tokens",
    ]
)
_details = st.dictionaries(
    st.sampled_from(["cached_tokens", "reasoning_tokens", "cache_write_tokens"]),
    _values,
)


@given(
    st.dictionaries(_names, _values),
    st.none() | _details,
    st.none() | _details,
    st.sampled_from(["generic", "gemini"]),
)
def test_counts_are_never_negative_and_add_up_to_the_prompt(
    counts, prompt, completion, dialect
):
    counts["prompt_tokens_details"] = prompt
    counts["completion_tokens_details"] = completion
    made = counted(counts, dialect=dialect, input_estimate=3, output_estimate=3)
    parts = (
        made.input_tokens,
        made.cache_read_input_tokens,
        made.cache_creation_input_tokens,
    )

    assert min(*parts, made.output_tokens) >= 0
    assert sum(parts) >= 1
    assert max(*parts, made.output_tokens) < 1 << 62  # the request log's integers


def test_an_empty_usage_object_hides_no_other():
    counts = {"prompt_tokens": 5}

    assert usage.find({"usage": {}, "choices": [{"usage": counts}]}) == counts
