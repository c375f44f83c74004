"""One Messages request through the relay, against scripted providers."""

import contextlib
import re

import pytest

from aiproxy import attempt, relay
from aiproxy.errors import AIProxyError, InvalidRequest, NotFound, UpstreamError
from aiproxy.store import aliases, providers, request_log
from aiproxy.upstream.cancellation import Cancellation
from tests.patience import SECONDS
from tests.relay_site import RelaySite
from tests.scripted_upstream import (
    KEY,
    Call,
    Reply,
    ScriptedUpstream,
    die,
    error_event,
    garbage,
    html,
    refuse,
    reset,
)

HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hello"}],
}
STREAMED = {**HELLO, "stream": True}


@pytest.fixture
def site(tmp_path):
    site = RelaySite(tmp_path)
    yield site
    site.close()


@pytest.fixture
def upstream():
    with ScriptedUpstream() as upstream:
        yield upstream
        assert upstream.complaints == []


@pytest.fixture(params=["openai", "anthropic"])
def api_format(request):
    return request.param


@pytest.mark.parametrize("asked", [HELLO, STREAMED], ids=["whole", "streamed"])
def test_an_answer_comes_back_in_both_formats(site, upstream, api_format, asked):
    site.add(upstream, api_format=api_format)
    upstream.say(Reply(text="Good morning."))

    answered = site.ask(asked)

    assert answered.text == "Good morning."
    assert answered.headers["x-aiproxy-provider"] == "scripted"
    assert answered.headers["x-aiproxy-model"] == "scripted-large"
    assert answered.headers["x-aiproxy-attempts"] == "1"
    assert answered.headers["request-id"] == "req_1"


def test_the_client_sees_the_model_that_it_asked_for(site, upstream, api_format):
    site.add(upstream, api_format=api_format)

    assert site.ask(HELLO).json()["model"] == "claude-opus-5-5"
    start = site.ask(STREAMED).events[0]
    assert start["message"]["model"] == "claude-opus-5-5"


def test_every_answer_and_its_calls_have_ids_of_their_own(site, upstream):
    site.add(upstream)
    for _ in range(2):
        upstream.say(Reply(calls=(Call("t", {"a": 1}, id="call_0"),)))

    answers = [site.ask(HELLO).json() for _ in range(2)]
    call_ids = [answer["content"][0]["id"] for answer in answers]

    assert all(re.fullmatch("msg_[0-9a-f]{24}", answer["id"]) for answer in answers)
    assert all(re.fullmatch("toolu_aip[0-9a-f]{6}_call_5f0", id_) for id_ in call_ids)
    assert answers[0]["id"] != answers[1]["id"]
    assert call_ids[0] != call_ids[1]


def test_the_log_holds_what_the_contract_names(site, upstream, api_format):
    site.add(upstream, api_format=api_format)
    upstream.say(Reply(text="Hi.", prompt_tokens=40))
    site.ask(
        STREAMED,
        alias="scripted",
        user="ann",
        key_prefix="aip_abcdefgh",
        headers={
            "x-claude-code-session-id": "session-1",
            "x-claude-code-agent-id": "agent-1",
        },
    )

    [entry] = site.log()

    assert (entry.id, entry.status, entry.stop_reason) == ("req_1", 200, "end_turn")
    assert (entry.user, entry.key_prefix) == ("ann", "aip_abcdefgh")
    assert (entry.alias, entry.provider) == ("scripted", "scripted")
    assert entry.model_requested == "claude-opus-5-5"
    assert entry.model == "scripted-large"
    assert (entry.session_id, entry.agent_id) == ("session-1", "agent-1")
    assert entry.stream is True
    assert entry.input_tokens == 40
    assert entry.output_tokens > 0
    assert entry.usage_estimated is False
    assert entry.first_token_ms is not None
    assert entry.attempts == 1


def test_the_session_is_found_in_the_metadata_too(site, upstream):
    site.add(upstream)
    site.ask({**HELLO, "metadata": {"user_id": '{"session_id": "from-body"}'}})

    assert site.log()[0].session_id == "from-body"


@pytest.mark.parametrize("status", [400, 402, 403, 404, 429, 500, 503, 529])
def test_a_refusal_keeps_its_status_and_words(site, upstream, api_format, status):
    site.add(upstream, api_format=api_format)
    upstream.say(Reply(fault=refuse(status, "the very words")))

    with pytest.raises(UpstreamError, match="the very words") as caught:
        site.ask(STREAMED)

    assert caught.value.status == status
    assert caught.value.headers["request-id"] == "req_1"
    assert caught.value.headers["x-aiproxy-provider"] == "scripted"
    [entry] = site.log()
    assert entry.status == status
    assert "the very words" in entry.error_message


def test_a_refused_key_is_the_providers_and_is_not_retried(site, upstream):
    site.add(upstream, api_key="sk-another-key-entirely")
    with pytest.raises(UpstreamError, match="API key") as caught:
        site.ask(HELLO)

    assert caught.value.status == 401
    assert caught.value.headers["x-should-retry"] == "false"
    assert "sk-another-key-entirely" not in caught.value.message


@pytest.mark.parametrize("fault", [html(200), garbage(), garbage(b"")])
@pytest.mark.parametrize("asked", [HELLO, STREAMED], ids=["whole", "streamed"])
def test_a_200_that_is_no_answer_is_a_bad_gateway(site, upstream, fault, asked):
    site.add(upstream)
    upstream.say(Reply(fault=fault))

    with pytest.raises(UpstreamError) as caught:
        site.ask(asked)

    assert caught.value.status == 502


@pytest.mark.parametrize("fault", [die(4), reset(4)], ids=["closed", "reset"])
def test_a_stream_that_breaks_ends_in_an_error_and_is_logged_as_one(
    site, upstream, api_format, fault
):
    site.add(upstream, api_format=api_format)
    upstream.say(Reply(text="many words " * 40, fault=fault))

    answered = site.ask(STREAMED)

    assert answered.events[-1]["type"] == "error"
    assert "message_stop" not in [event["type"] for event in answered.events]
    assert site.log()[0].status >= 500


def test_an_error_as_first_event_still_has_its_status(site, upstream):
    site.add(upstream)
    upstream.say(Reply(text="x", fault=error_event(0, "at capacity", 529)))

    with pytest.raises(UpstreamError, match="at capacity") as caught:
        site.ask(STREAMED)

    assert caught.value.status == 529


def test_a_fallback_answers_when_the_first_is_overloaded(site, upstream, api_format):
    with ScriptedUpstream(lambda ask: Reply(fault=refuse(529, "busy"))) as busy:
        site.add(busy, name="First", slug="first", fallback="second")
        site.add(upstream, name="Second", slug="second", api_format=api_format)
        upstream.say(Reply(text="from the second"))

        answered = site.ask(STREAMED, "first")

    assert answered.text == "from the second"
    assert answered.headers["x-aiproxy-provider"] == "second"
    assert answered.headers["x-aiproxy-attempts"] == "2"
    [entry] = site.log()
    assert (entry.provider, entry.attempts, entry.alias) == ("second", 2, "first")
    assert any("first failed" in note for note in entry.notes)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_a_fallback_is_asked_after_what_may_pass_elsewhere(site, upstream, status):
    with ScriptedUpstream(lambda ask: Reply(fault=refuse(status))) as failing:
        site.add(failing, slug="first", fallback="second")
        site.add(upstream, slug="second")

        assert site.ask(HELLO, "first").headers["x-aiproxy-provider"] == "second"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_fallback_is_not_asked_after_any_other_refusal(site, upstream, status):
    with ScriptedUpstream(lambda ask: Reply(fault=refuse(status))) as failing:
        site.add(failing, slug="first", fallback="second")
        site.add(upstream, slug="second")

        with pytest.raises(UpstreamError):
            site.ask(HELLO, "first")

    assert upstream.asks == []


def test_a_fallback_is_asked_where_nobody_listens(site, upstream):
    gone = ScriptedUpstream()
    gone.close()
    site.add(gone, slug="first", fallback="second")
    site.add(upstream, slug="second")

    assert site.ask(HELLO, "first").headers["x-aiproxy-provider"] == "second"


def test_an_alias_model_is_for_its_own_provider_alone(site, upstream):
    with ScriptedUpstream(lambda ask: Reply(fault=refuse(503))) as failing:
        first = site.add(failing, slug="first", fallback="second")
        site.add(upstream, slug="second", default_model="second-model")
        add_alias(site, "work", first, model="alias-model")
        answered = site.ask(HELLO, "work")

        assert failing.asks[0].model == "alias-model"
    assert answered.headers["x-aiproxy-model"] == "second-model"


def add_alias(site, name, provider_id, **fields):
    with site.services.transaction() as db:
        aliases.insert(db, alias=name, provider_id=provider_id, **fields)


def test_a_refused_parameter_is_repaired_once_and_remembered(site):
    def picky(ask):
        if "temperature" in ask.body:
            return Reply(fault=refuse(400, "Unsupported parameter: 'temperature'"))
        return Reply(text="fine")

    with ScriptedUpstream(picky) as upstream:
        site.add(upstream)
        asked = {**HELLO, "temperature": 0.5}

        assert site.ask(asked).text == "fine"
        assert site.ask(asked).text == "fine"
        assert len(upstream.asks) == 3

    newest, first = site.log()
    assert any("temperature" in note for note in first.notes)
    assert newest.status == 200


def test_healing_gives_up_after_three_steps(site):
    def impossible(ask):
        for name in ("temperature", "top_p", "parallel_tool_calls", "stop"):
            if name in ask.body:
                return Reply(fault=refuse(400, f"Unsupported parameter: '{name}'"))
        return Reply(text="fine")

    tool = {"name": "t", "description": "", "input_schema": {"type": "object"}}
    asked = {
        **HELLO,
        "temperature": 1,
        "top_p": 1,
        "stop_sequences": ["x"],
        "tools": [tool],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    }
    with ScriptedUpstream(impossible, judge=False) as upstream:
        site.add(upstream)
        with pytest.raises(UpstreamError):
            site.ask(asked)

        assert len(upstream.asks) == 4
        # What three steps taught is kept: the next request needs one more only.
        assert site.ask(asked).text == "fine"
        assert len(upstream.asks) == 6


def test_streaming_switched_off_asks_plainly_and_still_streams(tmp_path, upstream):
    site = RelaySite(tmp_path, enable_streaming=False)
    try:
        site.add(upstream)
        upstream.say(Reply(text="in one piece", calls=(Call("t", {"a": 1}),)))
        answered = site.ask(STREAMED)

        assert upstream.asks[0].stream is False
        assert answered.headers["content-type"].startswith("text/event-stream")
        assert b"in one piece" in answered.body
        assert b"message_stop" in answered.body
    finally:
        site.close()


def test_a_model_that_is_no_text_is_refused(site, upstream):
    site.add(upstream)

    with pytest.raises(InvalidRequest, match="model"):
        site.ask({**HELLO, "model": 5})


def test_a_broken_body_is_logged_and_refused(site, upstream):
    site.add(upstream)
    for raw in (b"", b"{", b"[]", b'{"messages": "x"}', b"\xff"):
        with pytest.raises(InvalidRequest):
            site.ask(raw)

    assert [entry.status for entry in site.log()] == [400] * 5
    assert site.services.running.requests == 0


def test_an_unknown_name_lists_what_there_is_to_holders_of_a_key_only(site, upstream):
    site.add(upstream, slug="known")
    with pytest.raises(NotFound) as caught:
        site.ask(HELLO, "nobody")
    assert "known" not in caught.value.message
    with pytest.raises(NotFound, match="known"):
        site.ask(HELLO, "nobody", key_id=1)


def test_a_key_that_is_nowhere_names_its_reference(site, upstream):
    site.add(upstream, api_key="env:NO_SUCH_VARIABLE_HERE")

    with pytest.raises(UpstreamError, match="env:NO_SUCH_VARIABLE_HERE") as caught:
        site.ask(HELLO)
    assert caught.value.status == 502


def test_the_clients_key_never_goes_up_and_the_providers_never_down(site, upstream):
    site.add(upstream)
    client_key = "aip_" + "c" * 43
    site.ask(HELLO, headers={"x-api-key": client_key, "cookie": "a=b"})

    sent = upstream.received[0]
    assert client_key not in str(sent)
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert "cookie" not in sent.headers


def test_a_client_that_left_costs_nothing_more(site, upstream):
    site.add(upstream)
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(AIProxyError):
        site.ask(HELLO, cancel=cancel)

    [entry] = site.log()
    assert (entry.status, entry.error_type) == (499, "client_closed")
    assert site.services.running.requests == 0


@pytest.mark.parametrize(
    ("mode", "fault", "is_kept"),
    [
        ("all", None, True),
        ("errors", None, False),
        ("errors", refuse(500), True),
        ("none", refuse(500), False),
    ],
)
def test_bodies_are_kept_as_the_setting_says(tmp_path, upstream, mode, fault, is_kept):
    site = RelaySite(tmp_path, log_bodies=mode)
    try:
        site.add(upstream)
        upstream.say(Reply(text="words", fault=fault))
        with contextlib.suppress(UpstreamError):
            site.ask(STREAMED)
        assert bool(bodies_of(site, site.log()[0])) is is_kept
        relay.count_tokens(site.services, None, b'{"messages": []}', {})
        assert site.services.body_room.used == 0
    finally:
        site.close()


def bodies_of(site, entry):
    return request_log.bodies(site.services.database.connection(), entry.id)


def test_kept_bodies_hold_no_key(tmp_path):
    def gossip(ask):
        return Reply(text=f"your key is {KEY}")

    site = RelaySite(tmp_path, log_bodies="all")
    try:
        with ScriptedUpstream(gossip) as upstream:
            site.add(upstream)
            site.ask({**HELLO, "system": f"my key is {KEY}"})
        kept = bodies_of(site, site.log()[0])
        assert len(kept) == 4
        assert all(KEY.encode() not in body.content for body in kept)
    finally:
        site.close()


def test_counting_asks_nobody_where_the_format_has_no_count(site, upstream):
    site.add(upstream)
    counted = relay.count_tokens(site.services, None, b'{"messages": []}', {})

    assert counted >= 1
    assert upstream.received == []


def test_counting_takes_the_providers_own_count(site, upstream, monkeypatch):
    monkeypatch.setattr(attempt, "COUNT_SECONDS", SECONDS)
    site.add(upstream, api_format="anthropic")
    raw = b'{"model": "claude-x", "messages": [{"role": "user", "content": "hi"}]}'

    assert relay.count_tokens(site.services, None, raw, {}) > 0
    assert upstream.received[0].path.endswith("/count_tokens")
    assert site.log() == []


def test_counting_needs_no_provider_but_messages(site):
    raw = b'{"messages": [{"role": "user", "content": "hello there"}]}'
    assert relay.count_tokens(site.services, None, raw, {}) > 1
    with pytest.raises(InvalidRequest, match="messages"):
        relay.count_tokens(site.services, None, b"{}", {})


def test_the_estimate_learns_from_the_providers_count(site, upstream):
    provider_id = site.add(upstream)
    upstream.say(Reply(text="x", prompt_tokens=1900))
    site.ask({**HELLO, "system": "word " * 2000})

    assert site.services.lessons.ratio(provider_id, "scripted-large") != 1.0


def test_a_saved_provider_is_in_effect_at_once(site, upstream):
    provider_id = site.add(upstream)
    with site.services.transaction() as db:
        providers.update(db, provider_id, default_model="another")

    assert site.ask(HELLO).headers["x-aiproxy-model"] == "another"
