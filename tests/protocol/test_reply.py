"""What goes along with an answer."""

from __future__ import annotations

from aiproxy.protocol.reply import Outcome, ReplyContext, Usage


def test_usage_has_all_four_numbers_always() -> None:
    assert Usage(1, 2, 3, 4).as_dict() == {
        "input_tokens": 1,
        "cache_creation_input_tokens": 4,
        "cache_read_input_tokens": 3,
        "output_tokens": 2,
    }


def test_searches_are_counted_where_there_were_any() -> None:
    usage = Usage(web_search_requests=2).as_dict()

    assert usage["server_tool_use"] == {"web_search_requests": 2}


def test_no_secret_is_shown_by_a_context() -> None:
    reply = ReplyContext(
        model="m", message_id="msg_1", nonce="abcdef", secrets=("sk-secret",)
    )

    assert "sk-secret" not in repr(reply)


def test_each_outcome_has_its_own_usage() -> None:
    first, second = Outcome(), Outcome()
    first.usage.output_tokens = 5

    assert second.usage.output_tokens == 0
