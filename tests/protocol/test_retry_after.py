"""How long a provider asks to wait, wherever it says so."""

from __future__ import annotations

import pytest

from aiproxy.protocol.retry_after import seconds

GOOGLE = [
    {
        "error": {
            "code": 429,
            "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
                {
                    "@type": "type.googleapis.com/google.rpc.RetryInfo",
                    "retryDelay": "32.4s",
                },
            ],
        }
    }
]
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"

CASES = {
    "seconds": ({"retry-after": "7"}, None, "", 7),
    "fraction": ({"retry-after": "7.2"}, None, "", 8),
    "zero": ({"retry-after": "0"}, None, "", 0),
    "date": (
        {"retry-after": DATE, "date": "Wed, 21 Oct 2026 07:27:30 GMT"},
        None,
        "",
        30,
    ),
    "past date": (
        {"retry-after": DATE, "date": "Wed, 21 Oct 2026 08:00:00 GMT"},
        None,
        "",
        0,
    ),
    "milliseconds": ({"retry-after-ms": "1500"}, None, "", 2),
    "header before words": ({"retry-after": "3"}, None, "try again in 60s", 3),
    "google": ({}, GOOGLE, "", 33),
    "google object": ({}, GOOGLE[0], "", 33),
    "groq": ({}, None, "Please try again in 7.6s. Need more tokens?", 8),
    "groq minutes": ({}, None, "Please try again in 1m30.5s.", 91),
    "openai ms": ({}, None, "Please try again in 120ms.", 1),
    "gemini": ({}, None, "Please retry in 41.2s.", 42),
    "retry after": ({}, None, "Rate limited. Retry after 30 seconds", 30),
    "wait": ({}, None, "Please wait 2 minutes before the next request", 120),
    "resets": ({}, None, "Your limit resets in 12 seconds", 12),
    "hours": ({}, None, "try again in 1 hour and 5 minutes", 3900),
    "nothing": ({}, None, "Too many requests", None),
    "no delay": ({}, None, "Please try again later.", None),
    "a number of something else": ({}, None, "Limit 30 requests per 1 minute", None),
    "a point in time": ({"retry-after": "1790000000"}, None, "", None),
    "nonsense": (
        {"retry-after": "soon", "retry-after-ms": "x"},
        {"error": 3},
        "",
        None,
    ),
    "negative": ({"retry-after": "-5"}, None, "", None),
    "huge": ({"retry-after": "9" * 5000}, None, "", None),
}


@pytest.mark.parametrize(
    ("headers", "parsed", "text", "delay"), CASES.values(), ids=CASES
)
def test_the_delay_is_whole_seconds_rounded_up(headers, parsed, text, delay):
    assert seconds(headers, parsed, text) == delay


def test_a_date_is_compared_with_our_clock_where_the_provider_shows_none():
    assert seconds({"retry-after": DATE}, None, "", now=1792567665.0) == 15


@pytest.mark.parametrize(
    "date", ["Wed, 99 Oct 2026 99:99:99 GMT", "Wed, 21 Oct 99999999"]
)
def test_an_odd_date_is_none(date):
    assert seconds({"retry-after": date}, None, "", now=1.0) is None
