"""What travels in heads, up and down."""

from __future__ import annotations

import base64

import pytest

from aiproxy.protocol import headers

CLIENT = {
    "Host": "localhost:8000",
    "Authorization": "Bearer aip_client",
    "X-Api-Key": "aip_client",
    "Cookie": "aiproxy_session=x",
    "Referer": "http://localhost",
    "Origin": "http://localhost",
    "User-Agent": "claude-cli/2.1.331",
    "X-Claude-Code-Session-Id": "s",
    "X-Stainless-Timeout": "600",
    "X-Forwarded-For": "10.0.0.1",
    "Connection": "keep-alive",
    "Anthropic-Version": "2023-01-01",
    "Anthropic-Beta": "context-1m-2025-08-07,effort-2025-11-24",
    "anthropic-dangerous-direct-browser-access": "true",
}


def upstream(**fields):
    given = {
        "api_format": "openai",
        "api_key": "sk-key",
        "custom_headers": {},
        "client_headers": CLIENT,
        "user_agent": "aiproxy/1",
        **fields,
    }
    return headers.upstream_headers(**given)


def test_nothing_of_the_clients_goes_to_chat_completions():
    assert upstream() == {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": "aiproxy/1",
        "authorization": "Bearer sk-key",
    }


def test_a_messages_upstream_gets_the_anthropic_headers_alone():
    assert upstream(api_format="anthropic", full_compat=True) == {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": "aiproxy/1",
        "authorization": "Bearer sk-key",
        "anthropic-version": "2023-01-01",
        "anthropic-beta": "context-1m-2025-08-07,effort-2025-11-24",
        "anthropic-dangerous-direct-browser-access": "true",
    }


def test_the_version_is_filled_in_where_the_client_names_none():
    head = upstream(api_format="anthropic", client_headers={})

    assert head["anthropic-version"] == "2023-06-01"


def test_a_strict_upstream_gets_no_betas():
    head = upstream(api_format="anthropic", full_compat=False)

    assert "anthropic-beta" not in head
    assert head["anthropic-version"] == "2023-01-01"


def test_betas_of_dropped_fields_go_with_them():
    head = upstream(
        api_format="anthropic", full_compat=True, dropped_betas=("effort-",)
    )

    assert head["anthropic-beta"] == "context-1m-2025-08-07"


def test_a_beta_header_that_would_be_empty_is_left_out():
    head = upstream(
        api_format="anthropic",
        full_compat=True,
        dropped_betas=("effort-", "context-1m-"),
    )

    assert "anthropic-beta" not in head


ENCODED = base64.b64encode(b"user:password").decode()
AUTH = {
    "bearer": ({"auth_method": "bearer"}, "k", {"authorization": "Bearer k"}),
    "basic pair": (
        {"auth_method": "basic"},
        "user:password",
        {"authorization": f"Basic {ENCODED}"},
    ),
    "basic encoded": (
        {"auth_method": "basic"},
        ENCODED,
        {"authorization": f"Basic {ENCODED}"},
    ),
    "basic key": ({"auth_method": "basic"}, "k!", {"authorization": "Basic ayE6"}),
    "header": (
        {"auth_method": "header", "auth_header": "X-Goog-Api-Key"},
        "k",
        {"x-goog-api-key": "k"},
    ),
    "header without a name": ({"auth_method": "header"}, "k", {"x-api-key": "k"}),
    "no key": ({"auth_method": "bearer"}, "", {}),
}


@pytest.mark.parametrize(("fields", "key", "expected"), AUTH.values(), ids=AUTH)
def test_each_provider_is_shown_its_key_in_its_way(fields, key, expected):
    head = upstream(api_key=key, client_headers={}, **fields)
    usual = {"content-type", "accept", "user-agent"}

    assert {name: head[name] for name in head if name not in usual} == expected


def test_custom_headers_win_whatever_their_case():
    head = upstream(
        custom_headers={"X-Title": "a", "USER-AGENT": "mine", "authorization": "z"}
    )

    assert head["x-title"] == "a"
    assert head["user-agent"] == "mine"
    assert head["authorization"] == "z"


BAD = [
    ("Host", "x"),
    ("Content-Length", "1"),
    ("Transfer-Encoding", "chunked"),
    ("Cookie", "a=b"),
    ("Accept-Encoding", "gzip"),
    ("Connection", "close"),
    ("TE", "trailers"),
    ("bad name", "x"),
    ("bad:name", "x"),
    ("", "x"),
    ("X-A\r\nX-B", "x"),
    ("X-A", "a\r\nX-B: c"),
    ("X-A", "a\x00b"),
    ("X-A", "a\x7fb"),
    ("X-A", "\u20ac"),
    ("X-A", "a" * 8193),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_no_custom_header_may_say_is_named_and_never_sent(name, value):
    assert headers.custom_header_problem(name, value)
    assert upstream(custom_headers={name: value}) == upstream()


@pytest.mark.parametrize(
    ("name", "value"), [("X-Title", "My App"), ("HTTP-Referer", "x")]
)
def test_usual_custom_headers_pass(name, value):
    assert headers.custom_header_problem(name, value) == ""


def test_a_beta_goes_by_its_name_or_by_what_it_begins_with():
    head = upstream(
        api_format="anthropic",
        client_headers={"anthropic-beta": "a-2025-01-01, b-2025-01-01,ab-2025-01-01"},
        full_compat=True,
        dropped_betas=("a-", "b-2025-01-01"),
    )

    assert head["anthropic-beta"] == "ab-2025-01-01"


def test_a_messages_upstream_hears_the_version_in_use():
    head = upstream(api_format="anthropic", client_headers={})

    assert head["anthropic-version"] == "2023-06-01"


def test_a_clients_header_cannot_break_the_head():
    head = upstream(
        api_format="anthropic", client_headers={"anthropic-x": "a\r\nauthorization: b"}
    )

    assert "anthropic-x" not in head


def test_only_limits_and_the_request_id_come_down():
    told = {
        "Retry-After": "5",
        "anthropic-ratelimit-requests-remaining": "9",
        "Request-Id": "req_up",
        "Set-Cookie": "a=b",
        "Location": "https://x",
        "Content-Security-Policy": "x",
        "Content-Type": "text/html",
        "Server": "nginx",
    }

    assert headers.downstream_headers(told) == {
        "retry-after": "5",
        "anthropic-ratelimit-requests-remaining": "9",
        "x-aiproxy-upstream-request-id": "req_up",
    }


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "\u00e9", "a" * 201])
def test_an_odd_request_id_is_none(value):
    assert headers.upstream_request_id({"x-request-id": value}) == ""


def test_everything_that_must_be_masked_is_known():
    secrets = headers.secrets_of(
        "user:password",
        auth_method="basic",
        custom_headers={"X-Proxy-Token": "tok-1", "X-Title": "My App", "X-Auth": " "},
    )

    assert secrets == ["user:password", ENCODED, "tok-1"]


def test_a_value_that_quotes_a_secret_does_not_come_down():
    upstream = {
        "Retry-After": "sk-secret-of-the-provider",
        "anthropic-ratelimit-requests-limit": "for sk-secret-of-the-provider",
        "anthropic-ratelimit-sk-secret-of-the-provider": "7",
        "anthropic-ratelimit-tokens-limit": "9",
        "request-id": "sk-secret-of-the-provider",
        "x-request-id": "one",
    }

    assert headers.downstream_headers(upstream, ["sk-secret-of-the-provider"]) == {
        "anthropic-ratelimit-tokens-limit": "9",
        "x-aiproxy-upstream-request-id": "one",
    }


def test_a_proxys_password_is_a_secret_in_every_form_of_it():
    secrets = headers.secrets_of(
        "",
        auth_method="bearer",
        custom_headers={},
        http_proxy="http://me:p%40ss:word@proxy.example:3128",
    )

    assert set(secrets) == {"p%40ss:word", "p@ss:word", "bWU6cEBzczp3b3Jk"}
