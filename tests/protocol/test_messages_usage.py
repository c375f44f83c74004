"""What a Messages upstream counted."""

from __future__ import annotations

import pytest

from aiproxy.protocol.messages_usage import complete, tap
from aiproxy.protocol.reply import Usage


def test_all_numbers_are_taken_over():
    usage = Usage()
    tap(
        usage,
        {
            "input_tokens": 5,
            "cache_read_input_tokens": 7,
            "cache_creation_input_tokens": 9,
            "output_tokens": 11,
            "server_tool_use": {"web_search_requests": 2},
        },
    )

    assert usage == Usage(5, 11, 7, 9, web_search_requests=2)


def test_a_later_zero_erases_no_input_but_output_is_always_the_newest():
    usage = Usage(input_tokens=5, output_tokens=3)
    tap(usage, {"input_tokens": 0, "output_tokens": 0})

    assert (usage.input_tokens, usage.output_tokens) == (5, 0)


@pytest.mark.parametrize(
    "told", [None, [], "x", {"input_tokens": -1}, {"input_tokens": True}]
)
def test_odd_numbers_are_none(told):
    usage = Usage()
    tap(usage, told)

    assert usage == Usage()


def test_an_upstream_that_counts_nothing_is_estimated():
    usage = Usage()
    complete(usage, input_estimate=120)

    assert usage == Usage(input_tokens=120, estimated=True)


def test_a_cached_prompt_is_counted_well_enough():
    usage = Usage(cache_read_input_tokens=7)
    complete(usage, input_estimate=120)

    assert usage == Usage(cache_read_input_tokens=7)
