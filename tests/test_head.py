"""Host, Origin, forwarded addresses and what counts as a local request."""

import pytest

from aiproxy.errors import InvalidRequest, PermissionDenied
from aiproxy.head import Frontier, RequestHead, is_loopback_name, parse_networks

LOOPBACK = Frontier()
LAN = Frontier(bind_host="0.0.0.0")


def head(method="GET", path="/", peer="127.0.0.1", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestHead(method, path, {"host": "localhost:8000", **named}, peer)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "127.0.0.1", "[::1]:8000", "[::1]"],
)
def test_a_loopback_server_answers_to_its_loopback_names(host):
    LOOPBACK.check_host(head(host=host))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "0.0.0.0",
        "10.0.0.7:8000",
        "[fe80::1]",
    ],
)
def test_a_loopback_server_refuses_the_name_of_a_rebinding_page(host):
    with pytest.raises(PermissionDenied):
        LOOPBACK.check_host(head(host=host))


@pytest.mark.parametrize(
    "host",
    [
        "localhost:",
        "localhost:port",
        "localhost:70000",
        "user@localhost",
        "localhost, evil.example",
        "local host",
        "[::1",
        "http://localhost",
        "localhost/",
        "-",
    ],
)
def test_an_odd_host_is_a_bad_request(host):
    with pytest.raises(InvalidRequest):
        LOOPBACK.check_host(head(host=host))


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_monitors_may_use_any_name(path):
    LOOPBACK.check_host(head(host="monitor.example", path=path))


def test_another_bind_takes_any_name_until_names_are_listed():
    LAN.check_host(head(host="nas.home"))
    listed = Frontier(bind_host="0.0.0.0", allowed_hosts=("nas.home",))
    listed.check_host(head(host="NAS.home:8000"))
    with pytest.raises(PermissionDenied):
        listed.check_host(head(host="other.home"))


def test_the_public_address_is_allowed_by_name_and_origin():
    frontier = Frontier(public_url="https://ai.example/sub")
    frontier.check_host(head(host="ai.example"))
    frontier.check_origin(
        head("POST", host="localhost:8000", origin="https://ai.example")
    )
    with pytest.raises(PermissionDenied):
        frontier.check_origin(head("POST", origin="http://ai.example"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/login"),
        ("POST", "/provider/new"),
        ("DELETE", "/"),
        ("POST", "/v1/messages"),
        ("GET", "/v1/models"),
        ("HEAD", "/v1/messages/x"),
        ("OPTIONS", "/v1/messages"),
    ],
)
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost",
        "http://localhost:8001",
        "http://127.0.0.1:8000",
        "file://",
        "",
        "http://localhost:8000/path",
        "http://localhost:port",
    ],
)
def test_another_origin_is_refused_wherever_it_could_act(method, path, origin):
    with pytest.raises(PermissionDenied):
        LOOPBACK.check_origin(head(method, path, origin=origin))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin, none", "x"])
def test_a_foreign_fetch_is_refused(site):
    with pytest.raises(PermissionDenied):
        LOOPBACK.check_origin(head("POST", "/login", sec_fetch_site=site))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8000"},
        {"origin": "http://LOCALHOST:8000", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_our_own_pages_and_tools_pass(headers):
    LOOPBACK.check_origin(head("POST", "/login", **headers))
    LOOPBACK.check_origin(head("POST", "/v1/messages", **headers))


def test_reading_a_page_from_a_link_elsewhere_is_no_attack():
    LOOPBACK.check_origin(head("GET", "/providers", sec_fetch_site="cross-site"))


@pytest.mark.parametrize(
    "header", ["forwarded", "x_forwarded_for", "x_forwarded_host", "x_real_ip", "via"]
)
def test_anything_forwarded_is_not_local(header):
    assert LOOPBACK.is_local(head())
    assert not LOOPBACK.is_local(head(**{header: "127.0.0.1"}))


def test_local_needs_a_loopback_bind_peer_and_name():
    assert not LAN.is_local(head())
    assert not LOOPBACK.is_local(head(peer="10.0.0.7"))
    named = Frontier(allowed_hosts=("nas.home",))
    assert not named.is_local(head(host="nas.home"))


def test_only_a_trusted_proxy_is_believed():
    forwarded = {"x_forwarded_for": "9.9.9.9, 10.0.0.8", "x_forwarded_proto": "https"}
    plain = Frontier()
    assert plain.client_address(head(**forwarded)) == "127.0.0.1"
    assert plain.scheme(head(**forwarded)) == "http"
    trusting = Frontier(trusted_proxies=parse_networks(["127.0.0.1", "10.0.0.0/8"]))
    assert trusting.client_address(head(**forwarded)) == "9.9.9.9"
    assert trusting.scheme(head(**forwarded)) == "https"


def test_the_client_is_the_rightmost_address_that_is_no_proxy():
    trusting = Frontier(trusted_proxies=parse_networks(["127.0.0.1"]))
    spoofed = head(x_forwarded_for="1.1.1.1, 2.2.2.2")
    assert trusting.client_address(spoofed) == "2.2.2.2"
    odd = head(x_forwarded_for="1.1.1.1, unknown")
    assert trusting.client_address(odd) == "127.0.0.1"


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"]
)
def test_loopback_names(name):
    assert is_loopback_name(name)


@pytest.mark.parametrize("name", ["", "localhost.", "0.0.0.0", "127.1", "::", "a"])
def test_names_that_are_not_loopback(name):
    assert not is_loopback_name(name)


def test_the_base_url_is_what_the_client_used_unless_one_is_set():
    assert LOOPBACK.base_url(head(host="localhost:81")) == "http://localhost:81"
    below = Frontier(base_path="/a/b")
    assert below.base_url(head()) == "http://localhost:8000/a/b"
    public = Frontier(public_url="https://ai.example/x/")
    assert public.base_url(head()) == "https://ai.example/x"


def test_an_environ_and_a_raw_head_are_the_same_head():
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/messages",
        "QUERY_STRING": "beta=true",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_API_KEY": "k",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
    }
    found = RequestHead.from_environ(environ)
    assert found.is_api
    assert found.headers == {
        "host": "localhost",
        "x-api-key": "k",
        "content-type": "application/json",
        "content-length": "2",
    }
