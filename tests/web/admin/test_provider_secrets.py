"""Masks stand for the secrets they hide, and never travel to another host."""

from __future__ import annotations

import pytest

from aiproxy.web.admin import provider_secrets
from aiproxy.web.forms import Fields

STORED = {"X-Title": "AI Proxy", "X-Auth-Token": "abcdefgh12345678"}
MASKED = "X-Title: AI Proxy\nX-Auth-Token: …5678"


def parse(sent, *, kept=None, moved=False, present=STORED):
    fields = Fields({} if sent is None else {"custom_headers": sent})
    parsed = provider_secrets.parse_headers(fields, present, kept or {}, moved=moved)
    return parsed, fields.errors.get("custom_headers", "")


def test_values_named_like_secrets_are_masked():
    assert provider_secrets.headers_text(STORED) == MASKED


def test_a_mask_that_comes_back_keeps_its_value():
    assert parse(MASKED) == (STORED, "")


def test_unsent_headers_stay():
    assert parse(None) == (STORED, "")


def test_a_line_left_out_is_gone():
    assert parse("X-Title: AI Proxy") == ({"X-Title": "AI Proxy"}, "")


def test_a_new_value_replaces_the_old():
    parsed, problem = parse("x-auth-token: new-secret-value")

    assert (parsed, problem) == ({"x-auth-token": "new-secret-value"}, "")


@pytest.mark.parametrize("sent", [MASKED, None])
def test_a_stored_secret_goes_to_no_other_host(sent):
    _, problem = parse(sent, moved=True)

    assert "Type the secret headers again" in problem


def test_an_open_header_goes_anywhere():
    assert parse("X-Title: AI Proxy", moved=True)[1] == ""


def test_what_was_typed_just_now_may_go_to_the_new_host():
    kept = {"X-Auth-Token": "typed-just-now-9999"}

    assert parse("X-Auth-Token: …9999", kept=kept, moved=True) == (kept, "")


def test_a_mask_of_nothing_is_no_value():
    _, problem = parse("X-Auth-Token: …0000")

    assert problem == "Type the value of X-Auth-Token again."


@pytest.mark.parametrize(
    "sent",
    [
        "no colon",
        "Host: evil",
        "Content-Length: 5",
        "Cookie: a=b",
        "bad name: x",
        ": x",
        "X-A: 1\nx-a: 2",
        "\n".join(f"X-{n}: {n}" for n in range(51)),
    ],
)
def test_what_cannot_be_sent_is_refused(sent):
    assert parse(sent)[1] != ""


def test_a_script_may_send_an_object():
    assert parse({"X-A": "1"}) == ({"X-A": "1"}, "")


def proxy(sent, present="", kept=""):
    fields = Fields({"http_proxy": sent})
    url = provider_secrets.parse_proxy(fields, present, kept)
    return url, fields.errors


@pytest.mark.parametrize(
    "url", ["", "none", "http://proxy:3128", "http://ada:secret@proxy:3128"]
)
def test_a_proxy_is_empty_none_or_an_address(url):
    assert proxy(url) == (url, {})


@pytest.mark.parametrize(
    "url", ["proxy:3128", "socks5://proxy", "http://", "http://ada:…@proxy:3128"]
)
def test_a_proxy_is_nothing_else(url):
    assert proxy(url)[1] != {}


def test_a_proxys_password_is_masked_and_kept():
    stored = "http://ada:secret@proxy:3128"
    mask = provider_secrets.mask_proxy(stored)

    assert mask == "http://ada:…@proxy:3128"
    assert proxy(mask, present=stored) == (stored, {})
    assert provider_secrets.mask_proxy("http://proxy:3128") == "http://proxy:3128"


@pytest.mark.parametrize("password", ["s:ecret", "s@ecret", "s/ecret", ""])
def test_no_part_of_an_odd_password_is_shown(password):
    for user in ("ada", ""):
        shown = provider_secrets.mask_proxy(f"http://{user}:{password}@proxy:3128")
        assert shown == f"http://{user}:…@proxy:3128"


def test_no_secret_is_in_the_repr_of_what_is_kept():
    kept = provider_secrets.Kept("sk-secret", {"X-Key": "sk-other"}, "http://a:b@c")

    assert "sk-" not in repr(kept)


def test_a_reference_says_whether_it_is_found(monkeypatch):
    monkeypatch.setenv("SOME_PROVIDER_KEY", "abc")

    assert provider_secrets.reference_state("env:SOME_PROVIDER_KEY") == " (found)"
    assert provider_secrets.reference_state("env:NOT_THERE_AT_ALL") == " (not found)"
    assert provider_secrets.reference_state("sk-1") == ""
