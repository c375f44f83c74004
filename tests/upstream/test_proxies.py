"""Which proxy leads where: the provider's own setting, then the environment's."""

from __future__ import annotations

import base64

import pytest

from aiproxy.errors import UpstreamUnreachable
from aiproxy.upstream.proxies import Proxy, ProxyChoice, is_loopback, secrets_in

ENVIRONMENT = (
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
)


@pytest.fixture
def environ(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


def find(setting="", scheme="https", host="api.example.com", port=443):
    return ProxyChoice().find(scheme, host, port, setting)


def test_without_a_word_from_anyone_there_is_no_proxy(environ):
    assert find() is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environments_proxy_serves_https(environ, name):
    environ(name, "http://proxy.example.com:3128")

    assert find() == Proxy("proxy.example.com", 3128)


def test_each_scheme_has_its_own(environ):
    environ("HTTPS_PROXY", "http://one.example.com")
    environ("HTTP_PROXY", "http://two.example.com")

    assert find(scheme="https") == Proxy("one.example.com", 80)
    assert find(scheme="http") == Proxy("two.example.com", 80)


@pytest.mark.parametrize(
    "spared",
    ["api.example.com", "example.com", ".example.com", "*", "a.org,example.com"],
)
def test_no_proxy_names_the_hosts_that_need_none(environ, spared):
    environ("HTTPS_PROXY", "http://proxy.example.com:3128")
    environ("NO_PROXY", spared)

    assert find() is None
    assert find(host="api.example.net") is not None or spared == "*"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "ollama.localhost", "127.0.0.1", "127.8.9.1", "::1"],
)
def test_this_machine_is_never_asked_through_the_environments_proxy(environ, host):
    environ("HTTP_PROXY", "http://proxy.example.com:3128")

    assert is_loopback(host)
    assert find(scheme="http", host=host) is None


def test_a_providers_own_proxy_wins_over_the_environment(environ):
    environ("HTTPS_PROXY", "http://proxy.example.com:3128")
    environ("NO_PROXY", "*")

    assert find("http://own.example.com:8888") == Proxy("own.example.com", 8888)


@pytest.mark.parametrize("setting", ["none", "None", " none "])
def test_none_means_a_direct_connection(environ, setting):
    environ("HTTPS_PROXY", "http://proxy.example.com:3128")

    assert find(setting) is None


def test_the_scheme_may_be_left_out(environ):
    assert find("proxy.example.com:3128") == Proxy("proxy.example.com", 3128)


def test_user_and_password_become_basic_credentials(environ):
    proxy = find("http://al%40ex:p%3Ass@proxy.example.com:3128")

    assert proxy is not None
    assert base64.b64decode(proxy.authorization.split()[1]) == b"al@ex:p:ss"
    assert "Basic" not in repr(proxy)


@pytest.mark.parametrize(
    "setting",
    [
        "https://proxy.example.com",
        "socks5://proxy.example.com",
        "http://",
        "http://proxy.example.com:port",
        "http://proxy.example.com:99999",
        "http://[::1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_quoting_it(environ, setting):
    with pytest.raises(UpstreamUnreachable) as caught:
        find(setting)

    assert setting == "http://" or setting not in caught.value.message


def test_the_environment_is_not_asked_for_every_request(environ):
    asked = []

    def getproxies():
        asked.append(1)
        return {}

    choice = ProxyChoice(getproxies, lambda host: False)
    for _ in range(5):
        choice.find("https", "api.example.com", 443)

    assert len(asked) == 1


def test_the_environments_passwords_are_known_so_that_they_can_be_masked():
    environ = {
        "http_proxy": "http://me:p%40ss-word@a:1",
        "ALL_PROXY": "http://other:second-word@a:1",
        "HTTPS_PROXY": "http://b:2",
        "NO_PROXY": "x",
        "SOME_URL": "http://me:third-word@a:1",
    }
    secrets = secrets_in(environ)

    assert "p@ss-word" in secrets
    assert "p%40ss-word" in secrets
    assert "second-word" in secrets
    assert "third-word" not in secrets
    assert base64.b64encode(b"me:p@ss-word").decode() in secrets
