"""How long one provider is waited for, and what is done when it stays silent."""

import time
from dataclasses import replace

import pytest

from aiproxy import attempt, relay
from aiproxy.errors import AIProxyError, UpstreamTimeout
from tests.relay_site import RelaySite
from tests.scripted_upstream import Reply, ScriptedUpstream, refuse, silence, stall
from tests.test_relay import HELLO, STREAMED


@pytest.fixture
def site(tmp_path):
    site = RelaySite(tmp_path)
    yield site
    site.close()


def test_a_silent_200_is_committed_so_that_the_client_sees_a_head(site, monkeypatch):
    monkeypatch.setattr(attempt, "COMMIT_SECONDS", 0.2)
    with ScriptedUpstream(
        lambda ask: Reply(text="at last", fault=stall(0, seconds=0.8))
    ) as upstream:
        site.add(upstream)
        exchange = site.exchange(STREAMED)
        exchange.take_place()
        before = time.monotonic()
        reply = relay.answer(exchange, None)
        waited = time.monotonic() - before

        assert waited < 0.7
        assert b"message_start" in reply.stream.first
        reply.stream.source.close()
        reply.stream.on_end(None)


def test_with_a_fallback_a_silent_provider_is_given_up(site, monkeypatch):
    monkeypatch.setattr(attempt, "FALLBACK_SECONDS", 0.3)
    with ScriptedUpstream(
        lambda ask: Reply(text="late", fault=stall(0, seconds=5))
    ) as silent, ScriptedUpstream() as second:
        site.add(silent, slug="first", fallback="second")
        site.add(second, slug="second")

        answered = site.ask(STREAMED, "first")

    assert answered.headers["x-aiproxy-provider"] == "second"


def test_a_silent_200_is_given_up_where_settings_allow_no_such_silence(tmp_path):
    site = RelaySite(tmp_path, request_timeout=1)
    with ScriptedUpstream(
        lambda ask: Reply(text="late", fault=stall(0, seconds=5))
    ) as silent:
        site.add(silent)
        with pytest.raises(UpstreamTimeout):
            site.ask(STREAMED)
    site.close()


def test_an_upstream_request_id_is_that_of_the_provider_named_beside_it(site):
    with ScriptedUpstream(
        lambda ask: Reply(fault=replace(refuse(503), headers={"x-request-id": "a"}))
    ) as failing:
        site.add(failing, slug="first", fallback="second")
        site.add("http://127.0.0.1:9/v1", slug="second")

        with pytest.raises(AIProxyError) as caught:
            site.ask(HELLO, "first")

    assert caught.value.headers["x-aiproxy-provider"] == "second"
    assert "x-aiproxy-upstream-request-id" not in caught.value.headers


def test_with_a_fallback_a_missing_head_is_given_up_too(site, monkeypatch):
    monkeypatch.setattr(attempt, "FALLBACK_SECONDS", 0.3)
    with ScriptedUpstream(
        lambda ask: Reply(fault=silence(5))
    ) as silent, ScriptedUpstream() as second:
        site.add(silent, slug="first", fallback="second")
        site.add(second, slug="second")

        assert site.ask(HELLO, "first").headers["x-aiproxy-provider"] == "second"


def test_without_a_fallback_a_provider_may_think_as_long_as_the_setting(tmp_path):
    site = RelaySite(tmp_path, request_timeout=1)
    try:
        with ScriptedUpstream(lambda ask: Reply(fault=silence(5))) as silent:
            site.add(silent)
            with pytest.raises(UpstreamTimeout) as caught:
                site.ask(HELLO)
        assert caught.value.status == 504
        assert site.log()[0].status == 504
    finally:
        site.close()


def test_a_slow_count_is_answered_by_the_estimate(site, monkeypatch):
    monkeypatch.setattr(attempt, "COUNT_SECONDS", 0.2)
    raw = b'{"messages": [{"role": "user", "content": "hello"}]}'
    with ScriptedUpstream(counts_tokens=False) as upstream:
        site.add(upstream, api_format="anthropic")

        assert relay.count_tokens(site.services, None, raw, {}) > 0


def test_a_lesson_in_a_200_heals_like_one_in_a_400(site):
    def picky(ask):
        if "temperature" in ask.body:
            text = "Unsupported parameter: 'temperature' is not supported"
            return Reply(fault=refuse(400, text))
        return Reply(text="fine")

    with ScriptedUpstream(picky) as upstream:
        site.add(upstream)
        assert site.ask({**STREAMED, "temperature": 0.1}).text == "fine"


def test_a_recorder_keeps_both_sides_and_changes_nothing(tmp_path):
    texts = []
    for name, kept in (("plain", "none"), ("recorded", "all")):
        site = RelaySite(tmp_path / name, log_bodies=kept)
        with ScriptedUpstream(lambda ask: Reply(text="one two")) as upstream:
            site.add(upstream)
            texts.append(site.ask(STREAMED).text)
        site.close()

    assert texts == ["one two", "one two"]
