"""The specification as an outsider reads it: bytes in at one end, out at the other.

Each table is one kind of promise, each line one sentence of it. The program is the real
one, in a process of its own; the provider is a socket that plays what providers send.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.wire.answers import ANSWERS
from tests.wire.errors import ERRORS, HEALED, OVERFLOWS
from tests.wire.requests import REFUSED, REQUESTS
from tests.wire.says import (
    CALLED,
    FORMAT,
    ID,
    LS,
    STREAM,
    TOOLS,
    answer,
    call,
    chat,
    chunk,
    events,
    message,
    result,
    said,
    streamed,
    talk,
    text,
    told,
    turn,
)
from tests.wire.site import KEY, WireSite, at, read


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = WireSite(tmp_path_factory.mktemp("wire"))
    yield site
    site.close()


@pytest.mark.parametrize(
    ("provider", "request_", "expected"), REQUESTS.values(), ids=REQUESTS
)
def test_a_provider_is_asked(site, provider, request_, expected):
    asked = site.ask(provider, request_, chat())

    body = site.asked[0].body
    assert asked.status == 200, asked.text
    assert {place: at(body, place) for place in expected} == expected


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_a_request_is_refused_before_anybody_is_asked(site, request_):
    asked = site.ask("generic", request_)

    assert asked.status == 400
    assert asked.json()["type"] == "error"
    assert asked.json()["error"]["type"] == "invalid_request_error"
    assert asked.json()["request_id"] == asked.headers["request-id"]
    assert site.asked == []


@pytest.mark.parametrize(
    ("request_", "reply", "expected"), ANSWERS.values(), ids=ANSWERS
)
def test_a_client_has_in_the_end(site, request_, reply, expected):
    asked = site.ask("generic", request_, reply)

    got = read(asked)
    assert {place: at(got, place) for place in expected} == expected
    assert re.fullmatch(r"req_\w+", asked.headers["request-id"])
    assert asked.headers["x-aiproxy-provider"] == "generic"
    assert asked.headers["x-aiproxy-attempts"] == "1"


@pytest.mark.parametrize("request_", [{}, STREAM], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("reply", "status", "kind", "words"), ERRORS.values(), ids=ERRORS
)
def test_an_error_is_told(site, reply, status, kind, words, request_):
    asked = site.ask("generic", request_, reply)

    error = asked.json()["error"]
    assert (asked.status, error["type"]) == (status, kind)
    assert words in error["message"]
    assert KEY not in asked.text
    assert asked.headers["x-aiproxy-provider"] == "generic"
    assert asked.headers["x-aiproxy-model"] == "up-model"
    assert ("retry-after" in asked.headers) == (status in (429, 529))
    assert asked.headers.get("x-should-retry") == (
        "false" if status in (401, 402) else None
    )


@pytest.mark.parametrize("request_", [{}, STREAM], ids=["plain", "streamed"])
@pytest.mark.parametrize(("reply", "words"), OVERFLOWS.values(), ids=OVERFLOWS)
def test_a_full_context_is_told_in_the_clients_words(site, reply, words, request_):
    asked = site.ask("generic", request_, answer(400, reply))

    assert asked.status == 400
    assert asked.json()["error"]["type"] == "invalid_request_error"
    assert asked.json()["error"]["message"].startswith(words)


@pytest.mark.parametrize(
    ("provider", "request_", "refusal", "expected"), HEALED.values(), ids=HEALED
)
def test_a_refusal_is_healed(site, provider, request_, refusal, expected, request):
    request_ = {**request_, "model": f"healed-{request.node.callspec.id}"}
    good = answer(200, message()) if provider == "full" else chat()

    asked = site.ask(provider, request_, refusal, good)
    body = site.asked[-1].body

    assert asked.status == 200, asked.text
    assert len(site.asked) == 2
    assert asked.headers["x-aiproxy-attempts"] == "1"
    assert {place: at(body, place) for place in expected} == expected


@pytest.mark.parametrize("name", ["tools", "tool_choice", "response_format"])
def test_what_carries_meaning_is_never_dropped(site, name):
    forced = {**TOOLS, "tool_choice": {"type": "any"}}
    refusal = answer(400, said(f"Unsupported parameter: '{name}'", param=name))
    asked = site.ask(
        "generic", {**forced, "output_config": {"format": FORMAT}}, refusal
    )

    assert asked.status == 400
    assert len(site.asked) == 1


# A provider that speaks Messages itself

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}


def test_a_full_messages_provider_gets_the_body_as_it_came(site):
    request = {
        "model": "claude-x",
        "max_tokens": 128000,
        "system": [text("x-anthropic-billing-header: a=b;"), text("Be brief.")],
        "messages": [*talk()["messages"], {"role": "system", "content": "Mind."}],
        "thinking": {"type": "adaptive", "display": "updates"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
        "a_field_of_tomorrow": {"number": 1.0},
    }
    site.ask("full", request, answer(200, message()))
    asked = site.asked[0]

    assert asked.body == {**request, "system": [text("Be brief.")]}
    assert asked.path == "/full/v1/messages"
    assert asked.headers["anthropic-beta"].startswith("claude-code-20250219,")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert "x-app" not in asked.headers
    assert "x-stainless-lang" not in asked.headers


def test_a_strict_messages_provider_gets_no_half_of_a_beta(site):
    request = {
        "context_management": {"edits": []},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "medium"},
        "messages": [*talk()["messages"], {"role": "system", "content": "Mind."}],
    }
    site.ask("strict", request, answer(200, message()))
    body = site.asked[0].body

    assert "anthropic-beta" not in site.asked[0].headers
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    assert set(body) == {"model", "max_tokens", "messages", "thinking"}
    assert [held["role"] for held in body["messages"]] == ["user"]
    assert "Mind." in json.dumps(body["messages"])


@pytest.mark.parametrize("request_", [{}, STREAM], ids=["plain", "streamed"])
def test_an_error_in_anthropics_shape_is_passed_byte_for_byte(site, request_):
    raw = (
        b'{"type":"error",  "error":{"type":"overloaded_error","message":"B","x":[1]}}'
    )
    asked = site.ask("full", request_, answer(529, raw, request_id="req_theirs"))

    assert (asked.status, asked.body) == (529, raw)
    assert asked.headers["request-id"] != "req_theirs"
    assert asked.headers["x-aiproxy-upstream-request-id"] == "req_theirs"
    assert asked.headers["retry-after"] == "5"


def test_an_error_as_the_first_event_has_its_status(site):
    assert site.ask("full", STREAM, events(OVERLOADED)).status == 529


def test_events_pass_with_the_clients_model(site):
    sent = told("Hello")
    sent.insert(1, {"type": "an_event_of_tomorrow", "x": 1})
    asked = site.ask("full", STREAM, events(*sent))
    seen = [
        json.loads(line[6:]) for line in asked.text.split("\n") if line[:5] == "data:"
    ]

    assert [event["type"] for event in seen] == [event["type"] for event in sent]
    assert seen[0]["message"]["model"] == "claude-opus-5-5"


@pytest.mark.parametrize("request_", [{}, STREAM], ids=["plain", "streamed"])
def test_stop_sequences_hold_whatever_the_provider_does(site, request_):
    said_all = events(*told("one END two"))
    asked = site.ask("full", {**request_, "stop_sequences": ["END"]}, said_all)
    got = read(asked)

    assert got["content"] == [text("one ")]
    assert (got["stop_reason"], got["stop_sequence"]) == ("stop_sequence", "END")


# Another provider instead

FAILURES = {
    "429": answer(429, said("slow")),
    "500": answer(500, "broken"),
    "529": answer(529, OVERLOADED),
    "nothing in a 200": answer(200, ""),
    "an error in a 200": answer(200, said("Upstream failed", code=502)),
    "behind it": answer(400, said("Provider returned error: upstream connect error")),
    "an error as first event": streamed(said("overloaded", code=503), done=False),
}


@pytest.mark.parametrize("request_", [{}, STREAM], ids=["plain", "streamed"])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_the_fallback_is_asked_after(site, failure, request_):
    good = streamed(chunk(content="second"), chunk("stop"))
    asked = site.ask("first", request_, failure, good)

    assert read(asked)["content"] == [text("second")]
    assert [held.body["model"] for held in site.asked] == [
        "first-model",
        "second-model",
    ]
    assert asked.headers["x-aiproxy-provider"] == "second"
    assert asked.headers["x-aiproxy-model"] == "second-model"
    assert asked.headers["x-aiproxy-attempts"] == "2"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_the_fallback_is_not_asked_after(site, status):
    asked = site.ask("first", {"model": f"m-{status}"}, answer(status, said("no")))

    assert len(site.asked) == 1
    assert asked.headers["x-aiproxy-provider"] == "first"
    assert asked.headers["x-aiproxy-attempts"] == "1"


# A whole conversation


@pytest.mark.parametrize("request_", [{}, STREAM], ids=["plain", "streamed"])
def test_a_provider_gets_back_its_own_ids_and_thoughts_and_nobody_else_does(
    site, request_
):
    called = call(LS, tool_id="functions.Bash:0")
    thinking = {"reasoning_content": "I think.", "tool_calls": [called]}
    reply = chat(None, **thinking)
    if request_:
        reply = streamed(chunk(**thinking), chunk("tool_calls"))
    first = {**request_, **TOOLS, "model": "deepseek-v4"}
    content = read(site.ask("deepseek", first, reply))["content"]
    tool_id = content[-1]["id"]
    history = talk(
        {"role": "assistant", "content": content}, turn(result(tool_id, "done"))
    )

    assert re.fullmatch("[A-Za-z0-9_-]+", tool_id)
    site.ask("deepseek", {**first, **history, "stream": False}, chat())
    assert at(site.asked[0].body, "messages.1.reasoning_content") == "I think."
    assert at(site.asked[0].body, "messages.1.tool_calls.0.id") == "functions.Bash:0"
    assert at(site.asked[0].body, "messages.2.tool_call_id") == "functions.Bash:0"
    for other, reply in (("generic", chat()), ("full", answer(200, message()))):
        site.ask(other, {**TOOLS, **history}, reply)
        assert b"I think." not in site.asked[0].raw
        assert b"aip1." not in site.asked[0].raw


def test_a_long_name_of_a_tool_is_short_only_for_the_provider(site):
    names = ["mcp__" + "a" * 70, "mcp__" + "a" * 71]
    tools = [{"name": name, "input_schema": {}} for name in names]
    choice = {"type": "tool", "name": names[1]}
    site.ask("generic", {"tools": tools, "tool_choice": choice}, chat())
    body = site.asked[0].body
    short = [tool["function"]["name"] for tool in body["tools"]]

    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", name) for name in short)
    assert body["tool_choice"]["function"]["name"] == short[1] != short[0]
    reply = chat(None, tool_calls=[call("{}", tool_id=ID, name=short[1])])
    got = read(site.ask("generic", {"tools": tools}, reply))
    assert got["content"][0]["name"] == names[1]


def test_earlier_messages_stay_as_they_were_when_a_turn_is_added(site):
    marked = {**text("hi"), "cache_control": {"type": "ephemeral"}}
    site.ask("generic", {**TOOLS, "messages": [turn(marked)]}, chat())
    before = site.asked[0].body["messages"]
    site.ask("generic", {**TOOLS, **talk(CALLED, turn(result(ID, "x")))}, chat())

    assert site.asked[0].body["messages"][: len(before)] == before


# Ways in


def test_a_model_names_its_alias_whatever_the_path(site):
    request = {"model": "claude-via-capped[1m]"}
    asked = site.ask("no-such-alias", request, chat())

    assert asked.headers["x-aiproxy-provider"] == "capped"
    assert asked.json()["model"] == "claude-via-capped[1m]"
    assert site.asked[0].body["model"] == "up-model"


def test_an_unknown_alias_is_not_found(site):
    asked = site.ask("no-such-alias", {})

    assert asked.status == 404
    assert asked.json()["error"]["type"] == "not_found_error"
    assert "capped" not in asked.text  # names are for holders of a key


def test_nothing_of_the_clients_goes_up(site):
    client = {"x-api-key": "dummy", "Authorization": "Bearer dummy", "Cookie": "a=b"}
    site.ask("headed", {}, chat(), headers=client)
    headers = site.asked[0].headers

    assert headers["x-goog-api-key"] == KEY
    assert headers["x-title"] == "Mine"
    for name in ("authorization", "x-api-key", "cookie", "anthropic-beta", "x-app"):
        assert name not in headers


@pytest.mark.parametrize(
    "path",
    ["/", "/api/hello", "/v1/messages/generic", "/v1/messages/generic/api/hello"],
)
def test_the_clients_look_at_the_server_is_answered(site, path):
    asked = site.server.request("HEAD", path)

    assert (asked.status, asked.body) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/v1/models?limit=1000", "/v1/messages/generic/v1/models"]
)
def test_models_are_aliases_that_hold_the_clients_word(site, path):
    listed = site.server.request("GET", path).json()["data"]

    assert "claude-via-generic" in [model["id"] for model in listed]
    assert all(model["type"] == "model" and model["display_name"] for model in listed)


def test_a_wrong_key_is_refused_everywhere_and_not_tried_again(site):
    wrong = {"x-api-key": "aip_" + "x" * 40}
    for method, path in (("POST", "/v1/messages/generic"), ("GET", "/v1/models")):
        asked = site.server.request(method, path, b"{}", wrong)
        assert asked.status == 401
        assert asked.json()["error"]["type"] == "authentication_error"
        assert asked.headers["x-should-retry"] == "false"


COUNTS = {
    "letters by four": ("generic", "a" * 400, (), range(100, 112)),
    "other scripts by one": ("generic", "\u4e2d" * 100, (), range(100, 112)),
    "the provider's own": ("full", "a", (answer(200, {"input_tokens": 77}),), [77]),
    "the estimate where it has none": ("full", "a", (answer(404, ""),), range(1, 12)),
}


@pytest.mark.parametrize(
    ("provider", "words", "replies", "expected"), COUNTS.values(), ids=COUNTS
)
def test_tokens_are_counted(site, provider, words, replies, expected):
    path = "/v1/messages/{}/v1/messages/count_tokens?beta=true"
    request = {"messages": [{"role": "user", "content": words}]}
    asked = site.ask(provider, request, *replies, path=path)

    assert asked.json()["input_tokens"] in expected
    assert list(asked.json()) == ["input_tokens"]


# Settings of the whole


def test_streaming_that_is_switched_off_is_asked_plainly_and_still_streams(site):
    site.server.script("POST", "/settings", {"enable_streaming": False})
    try:
        reply = chat("A", reasoning="hm", tool_calls=[call(LS, tool_id=ID)])
        got = read(site.ask("generic", {**STREAM, **TOOLS}, reply))
    finally:
        site.server.script("POST", "/settings", {"enable_streaming": True})

    assert site.asked[0].body.get("stream") is None
    kinds = [block["type"] for block in got["content"]]
    assert kinds == ["thinking", "text", "tool_use"]
    assert got["complete"]


def test_a_custom_prompt_names_the_model_of_whoever_answers(site):
    template = "{{MODEL_INFO}}\n{{ENV_INFO}}\n{{NO_SUCH}}"
    config = {"use_custom_prompt": True, "prompt_template": template}
    client = "You are Claude Code.\n<env>\nPlatform: linux\n</env>\nYou are Opus."
    site.server.script("POST", "/prompt-config", config)
    try:
        request = {**TOOLS, "system": client}
        site.ask("first-custom", request, answer(503, ""), chat())
        asked = [at(held.body, "messages.0.content") for held in site.asked]
        site.ask("first", request, chat())
    finally:
        site.server.script("POST", "/prompt-config", {"use_custom_prompt": False})

    model = "You are powered by the model {}-model.\n"
    rest = "<env>\nPlatform: linux\n</env>\n{{NO_SUCH}}"
    assert asked == [model.format(name) + rest for name in ("first", "second")]
    assert at(site.asked[0].body, "messages.0.content") == client
