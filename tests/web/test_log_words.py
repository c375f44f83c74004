"""Every failure has words and a next step that its reader may take."""

from __future__ import annotations

import json

import pytest

from aiproxy.web import log_words
from tests.entries import log_entry


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "200"),
        (429, "429 rate limit"),
        (502, "502 no answer"),
        (499, "499 client left"),
        (418, "418 failed"),
    ],
)
def test_a_status_is_a_number_and_words(status, words):
    assert log_words.status_words(status) == words


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ({"status": 401}, "/provider/edit/7"),
        ({"status": 404}, "/provider/edit/7"),
        ({"status": 502}, "/provider/edit/7"),
        ({"status": 402}, ""),
        ({"status": 499}, ""),
        (
            {"status": 400, "error_message": "prompt is too long: 2 > 1"},
            "/provider/edit/7",
        ),
        ({"status": 401, "provider": ""}, "/connect"),
        ({"status": 404, "provider": ""}, "/help"),
        ({"status": 429, "provider": ""}, "/settings"),
    ],
)
def test_advice_leads_where_it_can_be_followed(fields, link):
    advice = log_words.advice(log_entry(**fields), 7)

    assert advice.sentence
    assert advice.link == link
    assert bool(advice.link_text) == bool(link)


def test_who_may_not_edit_gets_no_link_to_the_provider():
    assert log_words.advice(log_entry(status=401), None).link == ""


def test_the_json_of_a_row_has_the_contracts_fields_and_no_row_ids():
    entry = log_entry(user_id=3, key_id=4, notes=("a",), bodies=(b"1",))

    shown = json.loads(json.dumps(log_words.entry_object(entry)))

    assert set(shown) >= {
        "id",
        "time",
        "user",
        "key_prefix",
        "alias",
        "provider",
        "model_requested",
        "model",
        "session_id",
        "agent_id",
        "stream",
        "status",
        "error_type",
        "stop_reason",
        "duration_ms",
        "first_token_ms",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "usage_estimated",
        "attempts",
        "notes",
    }
    assert not {"user_id", "key_id", "bodies", "has_bodies"} & set(shown)


def test_input_is_all_that_went_in():
    entry = log_entry(input_tokens=1, cache_read_tokens=2, cache_write_tokens=4)

    assert log_words.input_tokens(entry) == 7
