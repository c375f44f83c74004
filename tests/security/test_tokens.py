"""Keys, session ids and CSRF tokens: random, recognisable, compared safely."""

import re

import pytest

from aiproxy.security import tokens


def test_an_api_key_holds_256_random_bits_and_is_url_safe():
    keys = {tokens.make_api_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(re.fullmatch(r"aip_[A-Za-z0-9_-]{43}", key) for key in keys)


def test_of_a_key_twelve_characters_are_shown():
    key = tokens.make_api_key()

    assert tokens.shown_prefix(key) == key[:12]


def test_a_session_id_is_recognised_and_nothing_else_is():
    session_id = tokens.make_session_id()

    assert tokens.is_session_id(session_id)
    assert len({tokens.make_session_id() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text",
    ["", "a" * 42, "a" * 44, "a" * 42 + ".", "a" * 43 + "\n", "é" * 43, "a" * 9999],
)
def test_what_cannot_be_a_session_id_is_not_looked_up(text):
    assert not tokens.is_session_id(text)


def test_a_digest_is_sha_256_and_tells_nothing():
    assert tokens.digest("abc").startswith("ba7816bf8f01cfea414140de5dae2223")
    assert len(tokens.digest("\ud800")) == 64


def test_a_csrf_token_belongs_to_one_session_and_one_server():
    token = tokens.csrf_token("secret", "session")

    assert token == tokens.csrf_token("secret", "session")
    assert token != tokens.csrf_token("secret", "other")
    assert token != tokens.csrf_token("other", "session")
    assert "session" not in token


def test_a_secret_key_holds_256_bits():
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", tokens.make_secret_key())


def test_comparing_works_for_any_text():
    assert tokens.equal("ä\ud800", "ä\ud800")
    assert not tokens.equal("a", "b")
    assert not tokens.equal("a", "")
