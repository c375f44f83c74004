"""The shipped nginx example before a real server: under / and under a path."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from pathlib import Path

import pytest

from tests.certificates import make_certificate
from tests.deploy import daemons
from tests.real_server import Answer, RealServer, Visitor
from tests.scripted_upstream import KEY, Reply, ScriptedUpstream

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "ai.example.com"
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


def configuration(folder, certificate, port, upstream_port, base_path):
    """The example itself, with this test's ports and files in its place."""
    text = EXAMPLE.read_text()
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("/etc/ssl/ai.example.com.crt", str(certificate.cert))
    text = text.replace("/etc/ssl/ai.example.com.key", str(certificate.key))
    text = text.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{upstream_port}")
    if base_path:
        text = text.replace("location / {", f"location {base_path}/ {{")
    return f"""
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {text}
}}
"""


class Front:
    """Speaks https to nginx, as a browser or a client would."""

    def __init__(self, port, authority, base_path):
        self.port, self.base_path = port, base_path
        self._context = ssl.create_default_context(cafile=str(authority))

    def connect(self):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self._context, timeout=20
        )

    def request(self, method, path, body=None, headers=None, *, timeout=20.0):
        connection = self.connect()
        named = {"Host": f"{NAME}:{self.port}", **(headers or {})}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        cookies = tuple(response.headers.get_all("set-cookie") or ())
        answer = Answer(response.status, found, response.read(), cookies)
        connection.close()
        return answer


@pytest.fixture(scope="module", params=["", "/a/b"], ids=["root", "sub-path"])
def site(request, tmp_path_factory):
    """nginx, the server behind it, and a scripted provider behind that."""
    nginx = daemons.find("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    certificate = make_certificate(folder, f"DNS:{NAME},IP:127.0.0.1")
    port, base_path = daemons.free_port(), request.param
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
        config = folder / "nginx.conf"
        config.write_text(
            configuration(folder, certificate, port, server.port, base_path)
        )
        arguments = [nginx, "-p", str(folder), "-c", str(config)]
        with daemons.running(arguments, port, folder / "nginx.log"):
            front = Front(port, certificate.cert, base_path)
            yield front, server, upstream


def test_a_stream_arrives_piece_by_piece(site):
    front, server, upstream = site
    upstream.say(Reply(text="one two three four five six", chunk_chars=4, pace=0.15))
    connection = front.connect()
    connection.request(
        "POST",
        f"{front.base_path}/v1/messages/scripted/v1/messages?beta=true",
        json.dumps(HELLO),
        {"Host": f"{NAME}:{front.port}", "x-api-key": server.admin_key},
    )
    response = connection.getresponse()
    assert response.status == 200
    arrivals, text = [], b""
    while True:
        data = response.read1(65536)
        if not data:
            break
        arrivals.append(time.monotonic())
        text += data
    connection.close()

    assert b"message_stop" in text
    assert len(arrivals) >= 5
    assert arrivals[-1] - arrivals[0] > 0.5


def test_the_clients_address_is_the_one_that_nginx_saw(site):
    front, server, _ = site
    answer = front.request(
        "POST",
        f"{front.base_path}/v1/messages",
        json.dumps({**HELLO, "stream": False}).encode(),
        {"x-api-key": server.admin_key, "X-Forwarded-For": "203.0.113.7"},
    )
    assert answer.status == 200


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
