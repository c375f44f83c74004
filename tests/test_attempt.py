"""How long one provider is waited for, and what is done when it stays silent."""

import json
import re
import threading
import time
from dataclasses import replace
from email.utils import formatdate

import pytest

from aiproxy import attempt, relay
from aiproxy.errors import AIProxyError, UpstreamError, UpstreamTimeout
from aiproxy.protocol import token_count
from aiproxy.store import prompts
from tests.patience import SECONDS
from tests.raw_peer import RawServer, answering, read_request, until_closed
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
        lambda ask: Reply(text="at last", fault=stall(0))
    ) as upstream:
        site.add(upstream)
        exchange = site.exchange(STREAMED)
        exchange.take_place()
        before = time.monotonic()
        reply = relay.answer(exchange, None)

        assert time.monotonic() - before < SECONDS  # of the 100 of its silence
        assert b"message_start" in reply.stream.first
        reply.stream.source.close()
        reply.stream.on_end(None)


def test_the_waits_are_those_of_the_contract():
    assert attempt.COMMIT_SECONDS == 20
    assert attempt.FALLBACK_SECONDS == 120
    assert attempt.COUNT_SECONDS == 2


def test_with_a_fallback_the_first_event_is_awaited_longer(site, monkeypatch):
    monkeypatch.setattr(attempt, "COMMIT_SECONDS", 0.05)
    with ScriptedUpstream(
        lambda ask: Reply(text="late", fault=stall(0, seconds=0.3))
    ) as slow, ScriptedUpstream() as second:
        site.add(slow, slug="first", fallback="second")
        site.add(second, slug="second")

        answered = site.ask(STREAMED, "first")

    assert answered.headers["x-aiproxy-provider"] == "first"


def test_with_a_fallback_a_silent_provider_is_given_up(site, monkeypatch):
    monkeypatch.setattr(attempt, "FALLBACK_SECONDS", 0.3)
    with ScriptedUpstream(
        lambda ask: Reply(text="late", fault=stall(0))
    ) as silent, ScriptedUpstream() as second:
        site.add(silent, slug="first", fallback="second")
        site.add(second, slug="second")

        answered = site.ask(STREAMED, "first")

    assert answered.headers["x-aiproxy-provider"] == "second"


def test_a_silent_200_is_given_up_where_settings_allow_no_such_silence(tmp_path):
    site = RelaySite(tmp_path, request_timeout=1)
    with ScriptedUpstream(lambda ask: Reply(text="late", fault=stall(0))) as silent:
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
        lambda ask: Reply(fault=silence())
    ) as silent, ScriptedUpstream() as second:
        site.add(silent, slug="first", fallback="second")
        site.add(second, slug="second")

        assert site.ask(HELLO, "first").headers["x-aiproxy-provider"] == "second"


def test_without_a_fallback_a_provider_may_think_as_long_as_the_setting(tmp_path):
    site = RelaySite(tmp_path, request_timeout=1)
    try:
        with ScriptedUpstream(lambda ask: Reply(fault=silence())) as silent:
            site.add(silent)
            with pytest.raises(UpstreamTimeout) as caught:
                site.ask(HELLO)
        assert caught.value.status == 504
        assert site.log()[0].status == 504
    finally:
        site.close()


@pytest.mark.parametrize(
    ("status", "told", "is_believed"),
    [(200, 4321, True), (200, 0, False), (200, -1, False), (404, 4321, False)],
)
def test_a_count_is_the_providers_own_where_it_is_one(
    site, monkeypatch, status, told, is_believed
):
    monkeypatch.setattr(attempt, "COUNT_SECONDS", SECONDS)
    body = json.dumps({"input_tokens": told}).encode()
    head = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    raw = json.dumps(HELLO).encode()
    with RawServer(answering(head + body)) as upstream:
        site.add(upstream.url, api_format="anthropic")
        counted = relay.count_tokens(site.services, None, raw, {})

    assert counted == (told if is_believed else token_count.count(HELLO))


def test_a_slow_count_is_answered_by_the_estimate(site, monkeypatch):
    monkeypatch.setattr(attempt, "COUNT_SECONDS", 0.2)
    raw = b'{"messages": [{"role": "user", "content": "hello"}]}'
    with RawServer(until_closed) as upstream:
        site.add(upstream.url, api_format="anthropic")

        assert relay.count_tokens(site.services, None, raw, {}) > 0


@pytest.mark.parametrize(
    "error",
    [
        {"code": 400, "message": "Unsupported parameter: 'temperature'"},
        {"type": "invalid_request_error", "message": "'temperature' is not supported"},
        "Unsupported parameter: 'temperature' is not supported with this model",
        {"code": 400, "message": "Unsupported value", "param": "temperature"},
        {"code": "1210", "message": "temperature must be 1"},  # a code of its own
    ],
    ids=["a number", "a kind", "words alone", "a parameter", "another number"],
)
@pytest.mark.parametrize("is_event", [False, True], ids=["plain", "an event"])
@pytest.mark.parametrize("asked", [HELLO, STREAMED], ids=["whole", "streamed"])
def test_a_lesson_in_a_200_heals_like_one_in_a_400(site, error, is_event, asked):
    told = json.dumps({"error": error}).encode()
    told = b"data: %s\n\n" % told if is_event else told

    def picky(ask):
        if "temperature" in ask.body:
            return Reply(fault=replace(refuse(200, ""), body=told))
        return Reply(text="fine")

    with ScriptedUpstream(picky) as upstream:
        site.add(upstream)
        assert site.ask({**asked, "temperature": 0.1}).text == "fine"


@pytest.mark.parametrize("api_format", ["openai", "anthropic"])
def test_a_count_is_of_the_prompt_that_would_be_sent(site, monkeypatch, api_format):
    monkeypatch.setattr(attempt, "COUNT_SECONDS", SECONDS)
    long, short = "word " * 4000, "Be a poet."
    tools = [{"name": "Bash", "input_schema": {"type": "object"}}]
    raw = json.dumps({**HELLO, "system": long, "tools": tools}).encode()
    with site.services.transaction() as db:
        prompts.save(db, use_custom_prompt=True, prompt_template=short)
    with ScriptedUpstream() as upstream:
        site.add(upstream, slug="first", api_format=api_format)

        plain = relay.count_tokens(site.services, "first", raw, {})
        custom = relay.count_tokens(site.services, "first-custom", raw, {})

    assert plain > 4000
    assert custom < 200
    if api_format == "anthropic":
        assert short.encode() in upstream.received[-1].body


def test_a_count_of_a_part_gets_no_prompt_that_it_did_not_bring(site):
    tools = [{"name": "Bash", "input_schema": {"type": "object"}}]
    raw = json.dumps({**HELLO, "tools": tools}).encode()
    with site.services.transaction() as db:
        prompts.save(db, use_custom_prompt=True, prompt_template="word " * 4000)
    with ScriptedUpstream() as upstream:
        site.add(upstream, slug="first")

        plain = relay.count_tokens(site.services, "first", raw, {})
        assert relay.count_tokens(site.services, "first-custom", raw, {}) == plain


def test_a_full_context_without_numbers_gets_those_that_are_configured(site):
    words = "Prompt exceeds maximum context length"
    with ScriptedUpstream(lambda ask: Reply(fault=refuse(400, words))) as upstream:
        site.add(upstream, context_window=1000)
        with pytest.raises(AIProxyError) as caught:
            site.ask({**HELLO, "system": "word " * 4000})

    assert re.match(
        r"prompt is too long: [0-9]+ tokens > 1000 maximum\Z", caught.value.message
    )


@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["a flood", "drops"])
def test_comments_make_the_wait_for_a_first_event_no_longer(site, monkeypatch, pause):
    monkeypatch.setattr(attempt, "COMMIT_SECONDS", 0.3)
    has_left = threading.Event()

    def comment(sock):
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        try:
            while True:
                sock.sendall(b": wait\n\n" * (1 if pause else 1000))
                time.sleep(pause)
        finally:
            has_left.set()

    with RawServer(comment) as upstream:
        site.add(upstream.url + "/v1")
        began = time.monotonic()
        reply = relay.answer(site.exchange(STREAMED), None)
        assert time.monotonic() - began < SECONDS
        assert reply.stream is not None
        assert b"message_start" in reply.stream.first
        reply.stream.source.close()
        reply.stream.on_end(None)
        assert has_left.wait(SECONDS)


def drip(head):
    """A talk whose answer comes a space at a time, for ever."""

    def talk(sock):
        read_request(sock)
        sock.sendall(head + b"content-length: 1000000\r\n\r\n")
        while True:
            sock.sendall(b" ")
            time.sleep(0.02)

    return talk


@pytest.mark.parametrize(
    ("limit", "status"), [("LONGEST_SECONDS", 200), ("ERROR_SECONDS", 500)]
)
def test_a_dripping_answer_ends(site, monkeypatch, limit, status):
    monkeypatch.setattr(attempt, limit, 0.3)
    with RawServer(drip(b"HTTP/1.1 %d X\r\n" % status)) as upstream:
        site.add(upstream.url + "/v1")
        with pytest.raises(UpstreamTimeout, match=r"too long|in time"):
            site.ask(HELLO)

    assert site.log()[0].status == 504


def test_a_dripping_error_is_one_after_which_a_fallback_is_asked(site, monkeypatch):
    monkeypatch.setattr(attempt, "ERROR_SECONDS", 0.2)
    with ScriptedUpstream(lambda ask: Reply(text="here")) as second:
        site.add(second, name="Second", slug="second")
        with RawServer(drip(b"HTTP/1.1 503 X\r\n")) as first:
            site.add(first.url + "/v1", name="First", slug="first", fallback="second")
            assert site.ask(HELLO, "first").text == "here"


def test_a_dripping_count_is_answered_by_the_estimate(site, monkeypatch):
    monkeypatch.setattr(attempt, "COUNT_SECONDS", 0.3)
    raw = b'{"messages": [{"role": "user", "content": "hello"}]}'
    with RawServer(drip(b"HTTP/1.1 200 OK\r\n")) as upstream:
        site.add(upstream.url + "/v1", api_format="anthropic")
        began = time.monotonic()

        assert relay.count_tokens(site.services, None, raw, {}) > 0
        assert time.monotonic() - began < SECONDS


def test_what_an_account_can_afford_is_not_remembered(site):
    words = "You requested up to 9000 tokens, but can only afford 5000."

    def poor(ask):
        if ask.body["max_tokens"] > 5000:
            return Reply(fault=refuse(402, words))
        return Reply(text="fine")

    with ScriptedUpstream(poor) as upstream:
        site.add(upstream)
        for _ in range(2):
            assert site.ask({**HELLO, "max_tokens": 9000}).text == "fine"

        asked = [ask.body["max_tokens"] for ask in upstream.asks]
    assert asked == [9000, 5000, 9000, 5000]


def test_a_refusal_that_quotes_its_client_teaches_nobody_else(site):
    """Whatever the client makes the provider say, others lose nothing by it."""
    poison = "Unsupported parameter: 'temperature'. image input is not supported"
    picture = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    content = [{"type": "image", "source": picture}, {"type": "text", "text": "hi"}]

    def quoting(ask):
        if "tools" in ask.body:
            words = f"Invalid tool: {ask.body['tools'][0]['function']['description']}"
            return Reply(fault=refuse(400, words))
        return Reply(text="fine")

    messages = [{"role": "user", "content": content}]
    full = {**HELLO, "temperature": 0.5, "messages": messages}
    tool = {"name": "t", "description": poison, "input_schema": {"type": "object"}}
    with ScriptedUpstream(quoting) as upstream:
        site.add(upstream)
        with pytest.raises(UpstreamError):
            site.ask({**full, "tools": [tool]})
        assert len(upstream.asks) > 2  # it was believed for that request
        assert site.ask(full).text == "fine"

        last = upstream.asks[-1].body
    assert last["temperature"] == 0.5
    assert last["messages"][0]["content"][0]["type"] == "image_url"


def test_a_beta_goes_with_the_field_that_was_refused(site):
    def picky(ask):
        if "context_management" in ask.body:
            words = "context_management: Extra inputs are not permitted"
            return Reply(fault=refuse(400, words))
        return Reply(text="fine")

    betas = "context-management-2025-06-27,other-2025-01-01"
    with ScriptedUpstream(picky) as upstream:
        site.add(upstream, api_format="anthropic", compat="full")
        asked = {**HELLO, "context_management": {"edits": []}}
        assert site.ask(asked, headers={"anthropic-beta": betas}).text == "fine"

        sent = [ask.received.headers["anthropic-beta"] for ask in upstream.asks]
    assert sent == [betas, "other-2025-01-01"]


def test_a_providers_settings_choose_the_model(site):
    with ScriptedUpstream() as upstream:
        site.add(
            upstream,
            model_haiku="up-haiku",
            model_sonnet="up-sonnet",
            model_opus="up-opus",
            model_map={"claude-special": "up-special", "x": "claude-opus-own"},
        )
        expected = {
            "claude-haiku-4-5": "up-haiku",
            "claude-sonnet-4-5": "up-sonnet",
            "claude-opus-4-5": "up-opus",
            "claude-special": "up-special",
            "claude-opus-own": "claude-opus-own",
            "claude-3": "scripted-large",
        }
        for name in expected:
            site.ask({**HELLO, "model": name})

        assert [ask.model for ask in upstream.asks] == list(expected.values())


# What the answers teach about the estimate

LONG = {**HELLO, "system": "word " * 2000}
RAW = json.dumps(LONG).encode()
MODEL = "scripted-large"


def test_what_was_learnt_corrects_count_and_announcement(site):
    with ScriptedUpstream(lambda ask: Reply(prompt_tokens=0)) as upstream:
        provider_id = site.add(upstream)
        plain = relay.count_tokens(site.services, None, RAW, {})
        site.services.lessons.observe(provider_id, MODEL, real=1500, estimated=1000)

        corrected = relay.count_tokens(site.services, None, RAW, {})
        opened = site.ask({**LONG, "stream": True}).events[0]["message"]

    assert corrected == pytest.approx(plain * 1.5, abs=2)
    assert opened["usage"]["input_tokens"] == pytest.approx(corrected, abs=2)


@pytest.mark.parametrize("cached", [0, 2000])
def test_a_ratio_that_is_right_stays_whatever_a_cache_held(site, cached):
    plain = token_count.count(LONG)
    real = round(plain * 1.25)
    with ScriptedUpstream(
        lambda ask: Reply(text="x", prompt_tokens=real, cached_tokens=cached)
    ) as upstream:
        provider_id = site.add(upstream)
        for _ in range(2):
            site.ask(LONG)

        ratio = site.services.lessons.ratio(provider_id, MODEL)
    assert ratio == pytest.approx(1.25, rel=0.01)


def test_tokens_written_to_a_cache_are_part_of_the_input(site):
    usage = {
        "prompt_tokens": round(token_count.count(LONG) * 1.25),
        "completion_tokens": 1,
        "prompt_tokens_details": {"cache_write_tokens": 2000},
    }
    choice = {"message": {"content": "x"}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": usage}).encode()
    with ScriptedUpstream(
        lambda ask: Reply(fault=replace(refuse(200, ""), body=body))
    ) as upstream:
        provider_id = site.add(upstream)
        site.ask(LONG)

        ratio = site.services.lessons.ratio(provider_id, MODEL)
    assert ratio == pytest.approx(1.25, rel=0.01)


def test_a_count_leaves_out_the_thoughts_of_others(site):
    thought = {"type": "thinking", "thinking": "hm " * 2000, "signature": "theirs"}
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": "a"}]}
    messages = [*HELLO["messages"], answer, *HELLO["messages"]]
    raw = json.dumps({**HELLO, "messages": messages}).encode()
    with ScriptedUpstream() as upstream:
        site.add(upstream)

        assert relay.count_tokens(site.services, None, raw, {}) < 100


def test_an_anthropic_error_comes_down_byte_for_byte(site):
    error = b'{"type": "error",  "error": {"type": "rate_limit_error", "message": "x"}}'
    with ScriptedUpstream(lambda ask: Reply(fault=refuse(429, body=error))) as upstream:
        site.add(upstream, api_format="anthropic")
        with pytest.raises(AIProxyError) as caught:
            site.ask(HELLO)

    assert (caught.value.status, caught.value.body) == (429, error)


def test_an_error_brings_its_limits_and_when_to_come_again(site):
    told = {
        "retry-after": formatdate(time.time() + 100, usegmt=True),
        "anthropic-ratelimit-requests-remaining": "0",
    }
    with ScriptedUpstream(
        lambda ask: Reply(fault=replace(refuse(429), headers=told))
    ) as upstream:
        site.add(upstream, api_format="anthropic")
        with pytest.raises(AIProxyError) as caught:
            site.ask(HELLO)

    headers = caught.value.headers
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert 40 <= int(headers["retry-after"]) <= 100


@pytest.mark.parametrize("status", [400, 200])
def test_a_full_context_is_told_with_what_was_asked_for(site, status):
    words = "This model's maximum context length is {} tokens."
    both = words.format(32768) + " However, your messages resulted in 20000 tokens."

    def full(ask):
        said = both if ask.body["max_tokens"] == 16000 else words.format(1000)
        body = json.dumps({"error": {"message": said, "code": 400}}).encode()
        return Reply(fault=replace(refuse(status), body=body))

    with ScriptedUpstream(full) as upstream:
        site.add(upstream)
        with pytest.raises(AIProxyError, match=re.escape("20000 + 16000 > 32768")):
            site.ask({**HELLO, "max_tokens": 16000})
        with pytest.raises(AIProxyError, match=r"too long: \d{4} tokens > 1000"):
            site.ask(LONG)


@pytest.mark.parametrize("asked", [HELLO, STREAMED], ids=["whole", "streamed"])
@pytest.mark.parametrize("status", [401, 200])
def test_an_error_never_shows_a_key_and_names_the_provider(site, status, asked):
    key = "plain.word"  # looks like no key: only its value tells
    told = json.dumps({"error": {"message": f"bad key {key}", "code": 401}}).encode()
    with ScriptedUpstream(
        lambda ask: Reply(fault=replace(refuse(status), body=told)),
        key=key,
    ) as upstream:
        site.add(upstream, name="Acme", api_key=key)
        with pytest.raises(AIProxyError) as caught:
            site.ask(asked)

    assert caught.value.message == (
        "The API key of the provider Acme was refused: bad key …"
    )


def test_a_full_context_in_a_200_gets_the_configured_numbers_too(site):
    told = b'{"error": {"message": "Prompt exceeds maximum context length"}}'
    with ScriptedUpstream(
        lambda ask: Reply(fault=replace(refuse(200), body=told))
    ) as upstream:
        site.add(upstream, context_window=1000)
        with pytest.raises(AIProxyError, match=r"too long: \d{4} tokens > 1000"):
            site.ask(LONG)
