"""Through a corporate proxy and to private certificates, with a real tinyproxy."""

from __future__ import annotations

import http.client
import json
import re
import threading

import pytest

from tests.certificates import make_certificate
from tests.deploy import daemons
from tests.real_server import RealServer
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream, stall

HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hello"}],
}
# Loopback spelled so that nobody takes it for that: as a provider far away would be,
# it is asked through the environment's proxy, which 127.0.0.1 never is.
FAR_NAME = "0x7f.1"
CONFIGURATION = """
User nobody
Group nogroup
Port {port}
Listen 127.0.0.1
Timeout 60
LogLevel Connect
MaxClients 20
Allow 127.0.0.1
{ports}
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return make_certificate(folder, f"DNS:{FAR_NAME},IP:127.0.0.1")


@pytest.fixture(scope="module")
def provider(certificate):
    with ScriptedUpstream(tls=certificate.server_context()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def plain_provider():
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, provider):
    """(address, a function that tells how many connections it has carried)"""
    program = daemons.find("tinyproxy")
    folder = tmp_path_factory.mktemp("tinyproxy")
    port = daemons.free_port()
    config = folder / "tinyproxy.conf"
    config.write_text(
        CONFIGURATION.format(port=port, ports=f"ConnectPort {provider.port}")
    )
    log = folder / "output.log"  # it speaks to its terminal

    def carried():
        return log.read_text().count("Request (file descriptor") if log.exists() else 0

    arguments = [program, "-d", "-c", str(config)]
    with daemons.running(arguments, port, log):
        yield f"http://127.0.0.1:{port}", carried


def ask(server, *, stream=False):
    body = json.dumps({**HELLO, "stream": stream}).encode()
    headers = {"x-api-key": server.make_admin_key()}
    return server.request("POST", "/v1/messages/scripted", body, headers)


def add(server, upstream, *, host="127.0.0.1", **fields):
    server.add_provider(
        name="Scripted",
        endpoint=f"{upstream.url}/v1".replace("127.0.0.1", host),
        api_key=KEY,
        default_model="scripted-large",
        **fields,
    )


def test_tls_goes_through_the_providers_proxy(tmp_path, provider, proxy, certificate):
    address, carried = proxy
    before = carried()
    provider.say(Reply(text="through the proxy"))
    with RealServer(tmp_path) as server:
        add(server, provider, http_proxy=address, ca_file=str(certificate.cert))
        answer = ask(server)

    assert answer.status == 200, answer.text
    assert answer.json()["content"][0]["text"] == "through the proxy"
    assert carried() > before


def test_a_stream_comes_piece_by_piece_through_it(
    tmp_path, provider, proxy, certificate
):
    address, carried = proxy
    before = carried()
    text = "one two three four five six"
    go_on = threading.Event()
    provider.say(Reply(text=text, chunk_chars=4, fault=stall(5, until=go_on)))
    with RealServer(tmp_path) as server:
        add(server, provider, http_proxy=address, ca_file=str(certificate.cert))
        headers = {"x-api-key": server.make_admin_key()}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        body = json.dumps({**HELLO, "stream": True})
        connection.request("POST", "/v1/messages/scripted", body, headers)
        response = connection.getresponse()
        begin = b""
        while b'"one ' not in begin:  # before any more is sent
            begin += response.read1(65536)
        go_on.set()
        said = begin + response.read()
        connection.close()

    told = re.findall(r'"text_delta","text":"([^"]*)"', said.decode())
    assert "".join(told) == text
    assert b"message_stop" in said
    assert carried() > before


def test_the_environment_names_the_proxy(tmp_path, provider, proxy, certificate):
    address, carried = proxy
    before = carried()
    environ = {"HTTPS_PROXY": address, "SSL_CERT_FILE": str(certificate.cert)}
    with RealServer(tmp_path, environ=environ) as server:
        add(server, provider, host=FAR_NAME)
        answer = ask(server)

    assert answer.status == 200, answer.text
    assert carried() > before


@pytest.mark.parametrize(
    ("environ", "fields"),
    [
        ({"NO_PROXY": FAR_NAME}, {"host": FAR_NAME}),
        ({}, {"host": FAR_NAME, "http_proxy": "none"}),
        ({}, {}),
    ],
    ids=["NO_PROXY", "none", "loopback"],
)
def test_a_provider_may_be_asked_directly(
    tmp_path, provider, proxy, certificate, environ, fields
):
    address, carried = proxy
    before = carried()
    environ = {"HTTPS_PROXY": address, **environ}
    with RealServer(tmp_path, environ=environ) as server:
        add(server, provider, ca_file=str(certificate.cert), **fields)
        assert ask(server).status == 200

    assert carried() == before


def test_plain_http_goes_through_the_proxy_too(tmp_path, plain_provider, proxy):
    address, carried = proxy
    before = carried()
    with RealServer(tmp_path) as server:
        add(server, plain_provider, http_proxy=address)
        assert ask(server, stream=True).status == 200

    assert carried() > before


def test_an_unknown_authority_is_refused_and_the_test_says_so(tmp_path, provider):
    with RealServer(tmp_path) as server:
        add(server, provider)
        answer = ask(server)
        listed = server.script("GET", "/providers").json()["providers"]
        [saved] = [entry for entry in listed if entry["slug"] == "scripted"]
        verdict = server.script("POST", f"/provider/test/{saved['id']}").json()

    assert answer.status == 502
    assert "certificate" in answer.json()["error"]["message"]
    assert (verdict["ok"], verdict["kind"]) == (False, "tls")


def test_a_proxy_that_is_gone_is_named(tmp_path, provider, certificate):
    gone = f"http://127.0.0.1:{daemons.free_port()}"
    with RealServer(tmp_path) as server:
        add(server, provider, http_proxy=gone, ca_file=str(certificate.cert))
        answer = ask(server)

    assert answer.status == 502
    assert "proxy" in answer.json()["error"]["message"].lower()
