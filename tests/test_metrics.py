"""Counters as Prometheus reads them."""

from aiproxy.metrics import Metrics
from aiproxy.records import replace
from tests.entries import log_entry


def test_requests_are_counted_by_provider_and_status():
    metrics = Metrics()
    for status in (200, 200, 429):
        metrics.record(log_entry(provider="openrouter", status=status))

    text = metrics.render({})

    assert 'aiproxy_requests_total{provider="openrouter",status="200"} 2' in text
    assert 'aiproxy_requests_total{provider="openrouter",status="429"} 1' in text


def test_tokens_are_counted_by_kind():
    metrics = Metrics()
    metrics.record(log_entry(provider="p", input_tokens=5, cache_read_tokens=7))

    text = metrics.render({})

    assert 'aiproxy_tokens_total{provider="p",kind="input"} 5' in text
    assert 'aiproxy_tokens_total{provider="p",kind="cache_read"} 7' in text


def test_a_histogram_counts_upwards_to_infinity():
    metrics = Metrics()
    for milliseconds in (50, 800, 900_000):
        metrics.record(log_entry(provider="p", duration_ms=milliseconds))

    lines = metrics.render({}).splitlines()

    name = "aiproxy_request_duration_seconds"
    assert f'{name}_bucket{{provider="p",le="0.1"}} 1' in lines
    assert f'{name}_bucket{{provider="p",le="1"}} 2' in lines
    assert f'{name}_bucket{{provider="p",le="+Inf"}} 3' in lines
    assert f'{name}_count{{provider="p"}} 3' in lines


def test_gauges_are_written_with_their_help():
    text = Metrics().render({"aiproxy_open_streams": ("gauge", "Streams.", 3)})

    assert "# HELP aiproxy_open_streams Streams." in text
    assert "\naiproxy_open_streams 3\n" in text


def test_no_word_of_a_client_becomes_a_label():
    metrics = Metrics()
    entry = log_entry(provider="p")
    metrics.record(replace(entry, user="ann", model_requested="words", alias="words"))

    assert "ann" not in metrics.render({})
    assert "words" not in metrics.render({})
