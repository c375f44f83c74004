"""The /v1 routes as a client meets them."""

import json

import pytest

from aiproxy import stream
from aiproxy.store import providers, settings
from tests.relay_site import read
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream, refuse
from tests.support import HOST, call

HELLO = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hello"}],
}
PATHS = ["/v1/messages", "/v1/messages/scripted", "/v1/messages/scripted/v1/messages"]


@pytest.fixture
def upstream(site):
    with ScriptedUpstream() as upstream:
        with site.services.transaction() as db:
            providers.insert(
                db,
                name="Scripted",
                endpoint=upstream.url + "/v1",
                api_key=KEY,
                default_model="scripted-large",
            )
        yield upstream


def post(site, path, body=HELLO, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return call(site.app, "POST", path, headers={"Host": HOST, **named}, body=raw)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?beta=true"])
def test_a_message_is_answered_on_each_form_of_the_path(site, upstream, path, query):
    upstream.say(Reply(text="hi there"))
    answer = post(site, path + query)

    assert answer.status == 200
    assert answer.json()["content"] == [{"type": "text", "text": "hi there"}]
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["x-aiproxy-provider"] == "scripted"


@pytest.mark.parametrize("path", PATHS)
def test_tokens_are_counted_on_each_form_of_the_path(site, upstream, path):
    answer = post(site, path + "/count_tokens?beta=true")

    assert answer.status == 200
    assert answer.json()["input_tokens"] > 0


@pytest.mark.parametrize("path", ["/v1", "/v1/messages/scripted/v1"])
def test_models_are_listed_and_found_by_id(site, upstream, path):
    headers = {"Host": HOST}
    listed = call(site.app, "GET", path + "/models?limit=1000", headers=headers).json()
    assert "claude-via-scripted" in [entry["id"] for entry in listed["data"]]
    found = call(site.app, "GET", path + "/models/claude-via-scripted", headers=headers)
    assert found.json()["display_name"] == "Scripted · scripted-large"
    missing = call(site.app, "GET", path + "/models/none", headers=headers)
    assert missing.status == 404
    assert missing.json()["error"]["type"] == "not_found_error"


def test_a_stream_is_handed_over_with_its_headers(site, upstream):
    upstream.say(Reply(text="in pieces"))
    environ = {}

    def app(env, start):
        environ.update(env)
        env["aiproxy.request_id"] = "req_given"
        result = site.app(env, start)
        environ.update(env)
        return result

    answer = call(
        app,
        "POST",
        "/v1/messages",
        headers={"Host": HOST},
        body=json.dumps({**HELLO, "stream": True}).encode(),
    )

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["request-id"] == "req_given"
    whole = read(stream.Reply({}, stream=environ["aiproxy.stream"]))
    assert whole.text == "in pieces"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/messages/nobody", 404),
        ("POST", "/v1/messages/nobody/count_tokens", 404),
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/complete", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1//messages", 404),
        ("POST", "/v1/messages/", 404),
        ("POST", "/v1/messages/scripted/v1/messages/", 404),
        ("OPTIONS", "/v1/messages", 405),
        ("TRACE", "/v1/messages", 405),
    ],
)
def test_every_failure_under_v1_is_in_the_apis_shape(site, method, path, status):
    body = b'{"messages": []}'
    answer = call(site.app, method, path, headers={"Host": HOST}, body=body)

    assert answer.status == status
    error = answer.json()
    assert error["type"] == "error"
    assert error["request_id"] == answer.headers["request-id"]
    expected = "not_found_error" if status == 404 else "invalid_request_error"
    assert error["error"]["type"] == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}'])
def test_a_body_that_is_no_object_is_the_clients_mistake(site, upstream, body):
    answer = post(site, "/v1/messages", body)

    assert answer.status == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert upstream.asks == []


def test_a_providers_error_in_anthropics_shape_passes_byte_for_byte(site, upstream):
    body = (
        b'{"type":"error", "error":{"type":"invalid_request_error",'
        b'"message":"odd  spacing"},"request_id":"req_theirs"}'
    )
    with site.services.transaction() as db:
        providers.update(db, site.provider("scripted").id, api_format="anthropic")
    upstream.say(Reply(fault=refuse(400, body=body)))
    answer = post(site, "/v1/messages")

    assert (answer.status, answer.body) == (400, body)
    assert answer.headers["request-id"] != "req_theirs"


def test_the_rate_is_limited_by_key_and_says_when_to_return(site, upstream):
    with site.services.transaction() as db:
        settings.save(db, {"rate_limit_requests": 2, "rate_limit_window": 60})
    one, other = site.make_key(site.admin_id), site.make_key(site.admin_id)
    seen = [post(site, "/v1/messages", x_api_key=one).status for _ in range(3)]
    refused = post(site, "/v1/messages", x_api_key=one)

    assert seen == [200, 200, 429]
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert post(site, "/v1/messages", x_api_key=other).status == 200
    assert post(site, "/v1/messages/count_tokens", x_api_key=one).status == 200


def test_beyond_what_it_carries_the_server_says_so_at_once(site, upstream):
    site.services.running.limit = 0
    answer = post(site, "/v1/messages")

    assert answer.status == 529
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["error"]["type"] == "overloaded_error"


def test_no_answer_grants_another_site_anything(site, upstream):
    for headers in (
        {},
        {"Origin": "http://" + HOST},
        {"Origin": "http://evil.example"},
    ):
        answer = post(site, "/v1/messages", **headers)
        assert not any("access-control" in name for name in answer.headers)


def test_a_foreign_page_is_refused_and_nothing_is_sent(site, upstream):
    key = site.make_key(site.admin_id)
    answer = post(site, "/v1/messages", origin="http://evil.example", x_api_key=key)

    assert answer.status == 403
    assert answer.json()["error"]["type"] == "permission_error"
    assert upstream.asks == []


def test_an_unforeseen_failure_tells_nothing_but_its_id(site, upstream, caplog):
    site.services.rate_limiter = None
    answer = post(site, "/v1/messages")

    assert answer.status == 500
    assert answer.json()["error"]["type"] == "api_error"
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text
    assert answer.headers["request-id"] in caplog.text
    assert site.services.running.requests == 0
