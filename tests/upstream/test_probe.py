"""The Test button against real sockets on loopback."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, Mapping

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.upstream.probe import ProbeResult, list_models, probe
from tests.patience import SECONDS
from tests.raw_peer import refusing_port
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
    silence,
    stall,
)

FORMATS = ["openai", "anthropic"]
TOOL_CALL = Reply(calls=(Call("report_status", {"status": "ok"}),))


@dataclass(frozen=True)
class Provider:
    """The fields of a provider that a test needs."""

    endpoint: str
    name: str = "Acme"
    api_key: str = KEY
    api_format: str = "openai"
    default_model: str = "scripted-large"
    auth_method: str = "bearer"
    auth_header: str = ""
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    model_haiku: str = ""
    model_sonnet: str = ""
    model_opus: str = ""
    model_map: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    max_output_tokens: int | None = None
    dialect: str = "auto"
    compat: str = "auto"
    http_proxy: str = "none"
    ca_file: str = ""


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


def run(
    transport, address: str, *, patience: float = SECONDS, **fields: Any
) -> ProbeResult:
    provider = Provider(address, **fields)
    return probe(transport, provider, patience_seconds=patience)


@pytest.mark.parametrize("api_format", FORMATS)
def test_all_well(transport, upstream, api_format):
    upstream.say(TOOL_CALL)
    result = run(transport, upstream.url, api_format=api_format)
    end = "chat/completions" if api_format == "openai" else "messages"

    assert result.ok
    assert (result.kind, result.status) == ("ok", 200)
    assert result.url == f"{upstream.url}/v1/{end}"
    assert result.model == "scripted-large"
    assert result.latency_ms >= 0
    assert result.message.startswith("It works. scripted-large answered in ")
    assert result.message.endswith(" s. Streaming and tools work too.")
    upstream.check()


@pytest.mark.parametrize("api_format", FORMATS)
def test_it_is_one_short_streamed_message_with_one_tool(
    transport, upstream, api_format
):
    upstream.say(TOOL_CALL)
    run(transport, upstream.url, api_format=api_format)
    (ask,) = upstream.asks

    assert ask.body["stream"] is True
    assert len(ask.body["messages"]) == 1
    assert len(ask.body["tools"]) == 1


@pytest.mark.parametrize("api_format", FORMATS)
def test_no_tool_call_is_a_warning(transport, upstream, api_format):
    upstream.say(Reply(text="All is well."))
    result = run(transport, upstream.url, api_format=api_format)

    assert result.ok
    assert result.kind == "ok"
    assert "calls no tool" in result.message


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"default_model": "a", "model_sonnet": "b"}, "a"),
        ({"default_model": "", "model_opus": "c", "model_haiku": "d"}, "c"),
        ({"default_model": "", "model_map": {"x": "e"}}, "e"),
        ({"default_model": ""}, "claude-sonnet-4-5"),
    ],
)
def test_the_model_that_most_requests_ask_for_is_tried(
    transport, upstream, fields, model
):
    upstream.say(TOOL_CALL)

    assert run(transport, upstream.url, **fields).model == model
    assert upstream.asks[0].body["model"] == model


@pytest.mark.parametrize("api_format", FORMATS)
def test_a_refused_key(transport, upstream, api_format):
    result = run(transport, upstream.url, api_key="wrong-key-1", api_format=api_format)

    assert not result.ok
    assert (result.kind, result.status) == ("auth", 401)
    assert result.message == (
        "Acme refused the key (401). Paste it again or make a new one."
    )


def test_a_refusal_behind_a_200_heals_too(transport, upstream):
    told = b'{"error": {"message": "Unsupported parameter: \'stream_options\'"}}'
    upstream.judge = False  # it wants the field
    upstream.say(Reply(fault=garbage(b"data: " + told + b"\n\n")), TOOL_CALL)
    result = run(transport, upstream.url)

    assert result.ok
    assert ["stream_options" in ask.body for ask in upstream.asks] == [True, False]


def test_a_missing_key(transport, upstream):
    result = run(transport, upstream.url, api_key="")

    assert (result.kind, result.message) == (
        "auth",
        "Acme wants a key (401). Paste one.",
    )


@pytest.mark.parametrize("api_format", FORMATS)
def test_an_unknown_model_with_the_number_of_those_listed(
    transport, upstream, api_format
):
    upstream.say(Reply(fault=refuse(404, "The model `gpt-9` does not exist")))
    result = run(transport, upstream.url, default_model="gpt-9", api_format=api_format)

    assert (result.kind, result.status) == ("model", 404)
    assert result.message == (
        'Acme has no model "gpt-9". Choose one of the 2 it lists.'
    )


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        (refuse(402, "no credit"), "quota", 402),
        (refuse(429, "slow down", retry_after="30"), "quota", 429),
        (refuse(403, "forbidden"), "auth", 403),
        (refuse(500, "boom"), "http", 500),
        (refuse(400, "odd request"), "http", 400),
        (html(404), "path", 404),
        (html(502), "http", 502),
        (garbage(), "format", 200),
        (garbage(b"<html><title>Welcome</title></html>"), "path", 200),
        (garbage(b'{"hello": "world"}'), "format", 200),
        (error_event(), "http", None),
        (die(0), "http", None),
    ],
)
@pytest.mark.parametrize("api_format", FORMATS)
def test_each_failure_has_its_kind(
    transport, upstream, fault, kind, status, api_format
):
    upstream.script = lambda _: Reply(text="x" * 200, fault=fault)
    result = run(transport, upstream.url + "/v1", api_format=api_format)

    assert not result.ok
    assert result.kind == kind
    assert status is None or result.status == status
    assert KEY not in result.message


def test_the_wait_that_is_asked_for_is_told(transport, upstream):
    upstream.say(Reply(fault=refuse(429, "slow down", retry_after="30")))

    assert run(transport, upstream.url).message == (
        "The key works, but Acme asks to wait 30 s."
    )


@pytest.mark.parametrize("fault", [silence(100), stall(1, 100)])
def test_silence(transport, upstream, fault):
    upstream.say(Reply(text="x" * 200, fault=fault))
    begun = time.monotonic()
    result = run(transport, upstream.url, patience=0.5)

    assert (result.kind, result.status) == ("timeout", None)
    assert "Try again or choose a faster model." in result.message
    assert time.monotonic() - begun < SECONDS


def test_dripping_words_are_waited_for_no_longer(transport, upstream):
    upstream.say(Reply(text="x" * 2000, pace=0.1))

    assert run(transport, upstream.url, patience=0.7).kind == "timeout"


def test_nobody_listens(transport):
    with refusing_port() as port:
        result = run(transport, f"http://127.0.0.1:{port}")

    assert (result.kind, result.status) == ("connect", None)
    assert result.message.startswith("No server answers at 127.0.0.1")
    assert result.message.endswith("Check the endpoint.")


def test_a_name_that_does_not_exist(transport):
    result = run(transport, "https://name-that-is-not.invalid/v1")

    assert result.kind == "dns"
    assert result.message == (
        "No server answers at name-that-is-not.invalid: name not found. Check the"
        " endpoint."
    )


def test_a_certificate_that_nobody_knows(transport, certificate):
    with ScriptedUpstream(tls=certificate.server_context()) as upstream:
        result = run(transport, upstream.url)

    assert result.kind == "tls"
    assert "certificate" in result.message


def test_a_parameter_that_is_refused_goes_under_its_other_name(transport, upstream):
    message = (
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    )
    upstream.say(Reply(fault=refuse(400, message)), TOOL_CALL)

    assert run(transport, upstream.url).ok
    assert "max_completion_tokens" in upstream.asks[1].body


def test_an_error_behind_a_200_is_the_providers_own(transport, upstream):
    upstream.say(Reply(fault=garbage(b'{"error": {"message": "boom"}}')))
    result = run(transport, upstream.url)

    assert (result.kind, result.status) == ("http", 200)
    assert "boom" in result.message


def test_the_key_is_told_to_no_one(transport, upstream):
    upstream.say(Reply(fault=refuse(500, f"your key {KEY} broke it")))

    assert KEY not in str(run(transport, upstream.url).as_json())


# Wrong addresses


class Paths:
    """A server that has an API at one path, and web pages or nothing elsewhere."""

    def __init__(self, good: str, upstream: ScriptedUpstream) -> None:
        self.asked: list[tuple[str, str]] = []
        paths = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                paths.asked.append((self.path, self.headers.get("authorization", "")))
                self.rfile.read(int(self.headers["content-length"]))
                if self.path == good:
                    self.send_response(401)
                    body = b'{"error": {"message": "no key"}}'
                else:
                    self.send_response(404)
                    body = b"<html><title>Not Found</title></html>"
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(
            target=self.server.serve_forever, args=(0.01,), daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def paths(upstream) -> Iterator[Any]:
    made: list[Paths] = []

    def make(good: str) -> Paths:
        made.append(Paths(good, upstream))
        return made[-1]

    yield make
    for server in made:
        server.server.shutdown()
        server.server.server_close()


def test_another_address_of_the_same_server_is_found_and_offered(transport, paths):
    server = paths("/api/v1/chat/completions")
    result = run(transport, server.url + "/wrong")

    assert (result.ok, result.kind, result.status) == (False, "path", 404)
    assert result.url == server.url + "/wrong/chat/completions"
    assert result.suggested_endpoint == server.url + "/api/v1"
    assert server.url + "/api/v1" in result.message
    assert result.as_json()["suggested_endpoint"] == server.url + "/api/v1"


def test_no_other_address_is_no_suggestion(transport, paths):
    server = paths("/nowhere")
    result = run(transport, server.url)

    assert result.message == "There is no API at this address. It usually ends in /v1."
    assert result.suggested_endpoint == ""


def test_a_vendors_other_addresses_are_tried_on_the_same_host_only(
    transport, paths, monkeypatch
):
    server = paths("/openai/v1/chat/completions")
    with ScriptedUpstream() as elsewhere:
        preset = type(
            "Preset",
            (),
            {
                "endpoint": elsewhere.url + "/v1",
                "alternatives": (server.url + "/openai/v1",),
            },
        )
        monkeypatch.setattr("aiproxy.protocol.presets.of_endpoint", lambda _: preset)
        result = run(transport, server.url + "/old")

        assert elsewhere.received == []
    assert result.suggested_endpoint == server.url + "/openai/v1"


# The provider's own list


@pytest.mark.parametrize("api_format", FORMATS)
def test_the_models_are_listed(transport, upstream, api_format):
    provider = Provider(upstream.url, api_format=api_format)

    assert list_models(transport, provider) == ["scripted-large", "scripted-small"]


def test_the_list_is_asked_for_with_the_key(transport, upstream):
    list_models(transport, Provider(upstream.url, custom_headers={"X-Title": "a"}))
    (received,) = upstream.received

    assert received.method == "GET"
    assert received.path == "/v1/models"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.headers["x-title"] == "a"


def test_a_list_that_is_none_is_an_error(transport, paths):
    with pytest.raises(UpstreamError):
        list_models(transport, Provider(paths("/x").url))


def test_a_server_that_is_not_there_lists_nothing(transport):
    with pytest.raises(UpstreamError):
        list_models(transport, Provider("http://name-that-is-not.invalid"))


def test_an_answer_that_lists_nothing_is_an_error(transport, serve):
    def talk(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with pytest.raises(UpstreamError):
        list_models(transport, Provider(serve(talk).url))


def test_one_refused_parameter_after_another_comes_to_an_end(transport, upstream):
    body = {"temperature": 0.1, "top_p": 0.1, "top_k": 1, "stop": ["x"]}
    upstream.script = lambda ask: Reply(
        fault=refuse(400, "unsupported: " + next(iter(body.keys() & ask.body.keys())))
    )
    result = run(transport, upstream.url, extra_body=body)

    assert (result.kind, result.status) == ("http", 400)
    assert "unsupported: " in result.message
    assert len(upstream.asks) == 4
