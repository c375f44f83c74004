"""Addresses: what is called, what is refused, in every spelling."""

from __future__ import annotations

import pytest

from aiproxy.protocol import endpoint

URLS = [
    ("https://api.example", "openai", "https://api.example/v1/chat/completions"),
    ("https://api.example/", "openai", "https://api.example/v1/chat/completions"),
    ("https://api.example/v1", "openai", "https://api.example/v1/chat/completions"),
    ("https://api.example/v1/", "openai", "https://api.example/v1/chat/completions"),
    (
        "https://api.example/v1/chat/completions",
        "openai",
        "https://api.example/v1/chat/completions",
    ),
    (
        "https://api.example/paas/v4",
        "openai",
        "https://api.example/paas/v4/chat/completions",
    ),
    (
        "https://api.example/v1beta/openai/",
        "openai",
        "https://api.example/v1beta/openai/chat/completions",
    ),
    (
        "https://api.example/v1/messages",
        "openai",
        "https://api.example/v1/chat/completions",
    ),
    ("https://api.example", "anthropic", "https://api.example/v1/messages"),
    ("https://api.example/v1", "anthropic", "https://api.example/v1/messages"),
    ("https://api.example/v1/messages", "anthropic", "https://api.example/v1/messages"),
    (
        "https://api.example/anthropic",
        "anthropic",
        "https://api.example/anthropic/v1/messages",
    ),
    (
        "https://api.example/anthropic/v1/",
        "anthropic",
        "https://api.example/anthropic/v1/messages",
    ),
    (
        "https://api.example/v1/chat/completions",
        "anthropic",
        "https://api.example/v1/messages",
    ),
    *(
        (address, api_format, address)
        for address, api_format in (
            ("https://api.example/chat/completions", "openai"),
            ("https://api.example/messages", "anthropic"),
            ("https://api.example/anthropic/messages", "anthropic"),
        )
    ),
    (" http://[::1]:8080 ", "openai", "http://[::1]:8080/v1/chat/completions"),
    (
        "https://a.example/openai/deployments/x?api-version=1",
        "openai",
        "https://a.example/openai/deployments/x/chat/completions?api-version=1",
    ),
]


@pytest.mark.parametrize(("address", "api_format", "url"), URLS)
def test_the_request_url_follows_from_any_way_to_write_it(address, api_format, url):
    assert endpoint.request_url(address, api_format) == url


@pytest.mark.parametrize(
    ("address", "api_format", "url"),
    [
        ("https://a.example", "openai", "https://a.example/v1/models"),
        (
            "https://a.example/v1/chat/completions",
            "openai",
            "https://a.example/v1/models",
        ),
        ("https://a.example/x", "openai", "https://a.example/x/models"),
        ("https://a.example/x", "anthropic", "https://a.example/x/v1/models"),
    ],
)
def test_models_are_listed_beside_it(address, api_format, url):
    assert endpoint.models_url(address, api_format) == url


def test_tokens_are_counted_below_messages():
    assert endpoint.count_tokens_url("https://a.example") == (
        "https://a.example/v1/messages/count_tokens"
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example/v1",
        "http://localhost:11434/v1",
        "http://192.168.1.5:8000",
        "https://[2001:db8::1]/v1",
        "https://b\u00fccher.example",
        "http://ollama:11434",
    ],
)
def test_usual_endpoints_are_allowed(address):
    assert endpoint.check(address) == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example/v1",
        "ftp://api.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https://user:key@api.example/v1",
        "https://user@api.example",
        "https://api.example:99999",
        "https://api.example:0",
        "https://api.example:x",
        "https://api.example/v1#x",
        "https://api.example\\@evil.example",
        "https://api.exam ple",
        "https://api.example/\nHost: x",
        "https://api.exa\tmple",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://%6c.example",
        "https://..",
        "https://a..b",
        "https://api.example/" + "a" * 2048,
    ],
)
def test_what_is_no_address_is_refused_in_words(address):
    (problem,) = endpoint.check(address)

    assert problem.endswith(".")


METADATA = [
    "169.254.169.254",
    "169.254.0.1",
    "0251.0376.0251.0376",
    "0xa9.0xfe.0xa9.0xfe",
    "0xa9fea9fe",
    "0XA9FEA9FE",
    "2852039166",
    "025177524776",
    "169.16689662",
    "169.254.43518",
    "169.254.169.254.",
    "\uff11\uff16\uff19.254.169.254",
    "169\u3002254\u3002169\u3002254",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[fe80::1]",
    "[FEBF::1]",
    "[fd00:ec2::254]",
    "[fd00:0ec2:0:0:0:0:0:254]",
    "100.100.100.200",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "metadata",
    "instance-data.ec2.internal",
]


@pytest.mark.parametrize("host", METADATA)
def test_metadata_services_are_refused_however_spelt(host):
    assert endpoint.check(f"http://{host}/v1")


@pytest.mark.parametrize("host", METADATA)
def test_refused_hosts_are_refused_by_name(host):
    assert endpoint.is_refused_host(host)


@pytest.mark.parametrize(
    "ip", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1%eth0", "fd00:ec2::254"]
)
def test_a_connected_address_is_refused(ip):
    assert endpoint.is_refused_address(ip)


@pytest.mark.parametrize(
    "ip", ["127.0.0.1", "10.0.0.1", "8.8.8.8", "::1", "2001:db8::1", "fd00::1", ""]
)
def test_other_connected_addresses_are_allowed(ip):
    assert not endpoint.is_refused_address(ip)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.1",
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "::1",
        "[::1]",
        "fd12::1",
        "::ffff:10.0.0.1",
        "ollama",
        "host.docker.internal",
        "printer.local",
    ],
)
def test_private_hosts_are_known(host):
    assert endpoint.is_private_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "api.example",
        "172.32.0.1",
        "192.169.0.1",
        "203.0.113.5",
        "8.8.8.8",
        "2001:db8::1",
        "",
    ],
)
def test_public_hosts_are_not_private(host):
    assert not endpoint.is_private_host(host)


@pytest.mark.parametrize(
    ("address", "warns"),
    [
        ("http://llm.example/v1", True),
        ("http://203.0.113.5", True),
        ("https://llm.example/v1", False),
        ("http://localhost:8080", False),
        ("http://10.0.0.5", False),
    ],
)
def test_plain_http_warns_beyond_the_local_network(address, warns):
    assert bool(endpoint.warning(address)) is warns


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://A.example/v1", "https://a.example:443/x", True),
        ("http://a.example", "http://a.example:80", True),
        ("https://a.example", "https://a.example.", True),
        ("http://127.1", "http://127.0.0.1", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://b.example", False),
        ("http://localhost", "http://127.0.0.1", False),
    ],
)
def test_origins_compare_by_scheme_host_and_port(one, other, same):
    assert (endpoint.origin(one) == endpoint.origin(other)) is same


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("https://api.anthropic.com", True),
        ("https://API.anthropic.com/v1", True),
        ("https://eu.anthropic.com", True),
        ("https://api.anthropic.com.evil.example", False),
        ("https://notanthropic.com", False),
        ("https://api.z.ai/api/anthropic", False),
    ],
)
def test_anthropics_own_host_is_known(address, own):
    assert endpoint.is_anthropic(address) is own


@pytest.mark.parametrize(
    "address", ["https://[::1", "https://a:x", "\u2100.example", ""]
)
def test_an_address_that_is_none_has_no_host_that_counts(address):
    assert endpoint.is_anthropic(address) is False


@pytest.mark.parametrize(
    "host", ["256.256.256.256", "1.2.3.4.5", "169.254.169.999", "999999999999", "::g"]
)
def test_numbers_that_are_no_address_are_not_taken_for_one(host):
    assert not endpoint.is_refused_host(host)


def test_a_tunnel_to_a_refused_address_is_refused():
    # Teredo: the server's address, then the client's with its bits turned over.
    assert endpoint.is_refused_address("2001:0:a9fe:a9fe:0:0:0:0")
    assert endpoint.is_refused_address("2001:0:808:808:0:0:5601:5601")
