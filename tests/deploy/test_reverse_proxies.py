"""The shipped examples before a real server: under / and under a path."""

from __future__ import annotations

import json
import re
import threading

import pytest

from tests.certificates import make_certificate
from tests.deploy import daemons, fronts
from tests.deploy.fronts import NAME
from tests.real_server import RealServer, Visitor
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream, stall

HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
PAGES = [
    "/",
    "/providers",
    "/provider/new",
    "/aliases",
    "/prompt-config",
    "/settings",
    "/users",
    "/profile",
    "/logs",
    "/usage",
    "/connect",
    "/help",
]


@pytest.fixture(
    scope="module",
    params=[(name, path) for name in fronts.FRONTS for path in ("", "/a/b")],
    ids=lambda param: "-".join(param).replace("/", "") or None,
)
def site(request, tmp_path_factory):
    """A proxy, the server behind it, and a scripted provider behind that."""
    name, base_path = request.param
    folder = tmp_path_factory.mktemp(name)
    certificate = make_certificate(folder, f"DNS:{NAME},IP:127.0.0.1")
    port = daemons.free_port()
    environ = {
        "TRUSTED_PROXIES": "127.0.0.1",
        "PUBLIC_URL": f"https://{NAME}:{port}{base_path}",
        "PROXY_AUTH": "required",
        "BASE_PATH": base_path,
    }
    with ScriptedUpstream() as upstream, RealServer(folder, environ=environ) as server:
        server.add_provider(
            name="Scripted",
            endpoint=upstream.url + "/v1",
            api_key=KEY,
            default_model="scripted-large",
        )
        wanted = fronts.Wanted(folder, certificate, port, server.port, base_path)
        with fronts.running(name, wanted) as front:
            yield front, server, upstream


def test_a_stream_arrives_piece_by_piece(site):
    front, server, upstream = site
    go_on = threading.Event()
    text = "one two three four five six"
    upstream.say(Reply(text=text, chunk_chars=4, fault=stall(5, until=go_on)))
    connection = front.connect()
    connection.request(
        "POST",
        f"{front.base_path}/v1/messages/scripted/v1/messages?beta=true",
        json.dumps(HELLO),
        {"x-api-key": server.admin_key},
    )
    response = connection.getresponse()
    assert response.status == 200
    begin = b""
    while b'"one ' not in begin:  # before any more is sent
        begin += response.read1(65536)
    go_on.set()
    rest = response.read()
    connection.close()

    assert b"message_stop" not in begin
    assert b"message_stop" in rest


def test_the_clients_address_is_the_one_that_the_proxy_saw(site):
    front, _, _ = site

    def log_in(source, forged):
        guess = "username=nobody&password=wrong"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "X-Forwarded-For": forged,
        }
        path = f"{front.base_path}/login"
        return front.request("POST", path, guess, headers, source=source).status

    # Wrong passwords are counted by address, whatever else the client says it is.
    guesses = [log_in("127.0.0.2", f"203.0.113.{count}") for count in range(12)]

    assert guesses[0] != 429
    assert 429 in guesses
    assert log_in("127.0.0.3", "127.0.0.2") == guesses[0]


def test_what_came_through_the_proxy_is_never_local(site):
    front, _, _ = site
    body = json.dumps(HELLO).encode()

    assert front.request("POST", f"{front.base_path}/v1/messages", body).status == 401
    metrics = front.request("GET", f"{front.base_path}/metrics")
    assert metrics.status in (302, 401)


def test_every_page_form_redirect_and_cookie_is_right(site):
    front, _, _ = site
    visitor = Visitor(front)
    base = front.base_path
    started = front.request("GET", f"{base}/")
    assert started.status == 302
    assert started.headers["location"] == f"{base}/login"

    visitor.get(f"{base}/login")
    form = visitor.post(
        f"{base}/login", username="admin", password="a password of the tests"
    )
    assert form.status < 400, form.text
    for page in PAGES:
        answer = visitor.get(base + page)
        assert answer.status == 200, page
        for target in re.findall(r'(?:href|action|src)="(/[^"]*)"', answer.text):
            assert target.startswith(f"{base}/"), f"{page}: {target}"
    made = visitor.post(
        f"{base}/alias/new", alias="work", provider_id="", prompt="standard"
    )
    assert made.status in (200, 201), made.text


def test_a_login_behind_tls_gets_a_secure_cookie(site):
    front, _, _ = site
    visitor = Visitor(front)
    visitor.get(f"{front.base_path}/login")
    answer = visitor.post(
        f"{front.base_path}/login",
        username="admin",
        password="a password of the tests",
    )
    prefix = "__Secure-" if front.base_path else "__Host-"
    assert any(line.startswith(f"{prefix}aiproxy_session=") for line in answer.cookies)


def test_static_files_and_the_connect_page_know_the_public_address(site):
    front, server, _ = site
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    answer = front.request(
        "GET",
        f"{front.base_path}/connect?alias=scripted",
        None,
        {**headers, "Accept": "application/json"},
    )
    expected = f"https://{NAME}:{front.port}{front.base_path}/v1/messages/scripted"
    assert answer.json()["base_url"] == expected


def test_a_large_body_passes(site):
    front, server, _ = site
    words = "x" * (4 * 1024 * 1024)
    body = {**HELLO, "stream": False, "messages": [{"role": "user", "content": words}]}
    answer = front.request(
        "POST",
        f"{front.base_path}/v1/messages",
        json.dumps(body).encode(),
        {"x-api-key": server.admin_key},
    )
    assert answer.status == 200, answer.text
