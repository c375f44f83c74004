"""What the log says of a request, and that it is said once."""

import pytest

from aiproxy.errors import ClientGone, UpstreamError
from aiproxy.exchange import MAX_NOTES, header_text
from aiproxy.protocol.reply import Outcome, Usage
from tests.relay_site import RelaySite


@pytest.fixture
def site(tmp_path):
    site = RelaySite(tmp_path)
    yield site
    site.close()


def test_an_exchange_is_logged_once_and_gives_its_place_free(site):
    exchange = site.exchange({})
    exchange.take_place()
    assert site.services.running.requests == 1
    exchange.finish()
    exchange.finish(status=500)

    assert site.services.running.requests == 0
    assert [entry.status for entry in site.log()] == [200]


@pytest.mark.parametrize(
    ("error", "outcome", "status", "error_type"),
    [
        (None, Outcome(), 200, ""),
        (ClientGone(), Outcome(), 499, "client_closed"),
        (None, Outcome(error=UpstreamError("cut")), 502, "api_error"),
        (UpstreamError("x", status=529), Outcome(), 529, "overloaded_error"),
    ],
)
def test_a_stream_that_went_wrong_is_no_success(
    site, error, outcome, status, error_type
):
    site.exchange({}).finish(error=error, outcome=outcome)

    [entry] = site.log()
    assert (entry.status, entry.error_type) == (status, error_type)


def test_usage_notes_and_cost_are_written_down(site):
    usage = Usage(10, 5, 3, 2, estimated=True, cost=0.25)
    exchange = site.exchange({})
    exchange.note("fell back")
    exchange.finish(outcome=Outcome(usage=usage, stop_reason="end_turn"))

    [entry] = site.log()
    assert (entry.input_tokens, entry.output_tokens) == (10, 5)
    assert (entry.cache_read_tokens, entry.cache_write_tokens) == (3, 2)
    assert entry.usage_estimated
    assert entry.notes == ("fell back", "cost 0.25")


def test_notes_are_masked_and_bounded(site):
    exchange = site.exchange({}, secrets=["sk-very-secret-key"])
    for number in range(100):
        exchange.note(f"{number} sk-very-secret-key " + "x" * 1000)
    exchange.finish()

    [entry] = site.log()
    assert len(entry.notes) <= MAX_NOTES
    assert "sk-very-secret-key" not in "".join(entry.notes)


def test_an_error_is_masked_in_the_log_whoever_made_its_words(site):
    exchange = site.exchange({}, secrets=["sk-very-secret-key"])
    exchange.finish(error=UpstreamError("refused: sk-very-secret-key"))

    [entry] = site.log()
    assert entry.error_message.startswith("refused: ")
    assert "sk-very" not in entry.error_message


def test_a_header_holds_no_character_that_could_break_it():
    assert header_text("grok-4\r\nset-cookie: x") == "grok-4??set-cookie: x"
    assert header_text("模型") == "??"


@pytest.mark.parametrize(
    "metadata", [None, {}, {"user_id": 1}, {"user_id": "{"}, {"user_id": "[1]"}, "x"]
)
def test_odd_metadata_names_no_session(site, metadata):
    exchange = site.exchange({})
    exchange.read_session({"metadata": metadata})

    assert exchange.session_id == ""
