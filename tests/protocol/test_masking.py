"""No secret in what an upstream quotes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol.masking import mask, mask_bytes, mask_values, masked

KEY = "sk-proj-abcdefghijklmnop1234"


def test_a_masked_secret_shows_its_last_four():
    assert masked(KEY) == "…1234"


def test_a_short_secret_shows_nothing():
    assert masked("short-key") == "…"


def test_the_longer_of_two_secrets_goes_first():
    assert mask_values(
        "abcdefghijklmnop abcdefgh", ["abcdefgh", "abcdefghijklmnop"]
    ) == ("…mnop …")


def test_a_secret_in_json_is_found_in_its_escapes():
    secret = 'pass"word\\1234'
    body = json.dumps({"error": {"message": f"key {secret}"}}).encode()

    assert json.loads(mask_bytes(body, [secret])) == {"error": {"message": "key …1234"}}


def test_a_body_without_secrets_stays_byte_for_byte():
    body = b'{"a" :  "sk-like-but-not-ours-0123456789"}\r\n'

    assert mask_bytes(body, [KEY]) == body


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "sk-ant-api03-AbCdEfGhIjKlMnOp_1",
        "sk-or-v1-0123456789abcdef0123",
        "sk-proj-************************abcd",
        "sk-proj-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef",
        "xai-0123456789abcdefABCDEF",
        "gsk_0123456789abcdefABCDEF",
        "AIzaSyA0123456789abcdefABCDEF0123456",
        "hf_0123456789abcdefABCDEF",
        "pk-0123456789abcdefABCDEF",
        "rk_0123456789abcdefABCDEF",
        "csk-0123456789abcdefABCDEF",
        "pplx-0123456789abcdefABCDEF",
        "nvapi-0123456789abcdefABCDEF",
        "tgp_v1_0123456789abcdefABCDEF",
        "fw_0123456789abcdefABCDEF",
        "syn_0123456789abcdefABCDEF",
        "r8_0123456789abcdefABCDEF",
        "ghp_0123456789abcdefABCDEF",
        "glpat-0123456789abcdefABCDEF",
        "AKIA0123456789ABCDEF",
        "aip_0123456789abcdefABCDEF",
        "cpk_0123456789abcdef.0123456789abcdef",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln",
    ],
)
def test_what_looks_like_a_key_is_cut(key):
    assert key not in mask(f"Incorrect API key provided: {key}. See the docs.")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic"])
def test_credentials_are_cut_behind_their_scheme(scheme):
    assert mask(f"got {scheme} abc123def456ghi789") == f"got {scheme} …"


@pytest.mark.parametrize(
    "text",
    [
        "This endpoint requires Bearer authentication",
        "the task-management-tool-of-choice is not known",
        "model hf_transformers_compatible_model does not exist",
        "maximum context length is 131072 tokens",
        "claude-sonnet-4-5-20250929 and gpt-5.1-2025-11-13",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
    ],
)
def test_ordinary_words_stay(text):
    assert mask(text) == text


OTHER_WORDS = st.text(alphabet="xyz \n\u00e9", max_size=20)


@given(before=OTHER_WORDS, secret=st.text('abc"/1', min_size=4), after=OTHER_WORDS)
def test_no_given_secret_survives(before, secret, after):
    assert secret not in mask(before + secret + after, [secret])


def test_the_shortest_secrets():
    assert mask("a word b", ["word"]) == "a … b"
    assert masked("twelve-chars") == "…hars"
    assert masked("eleven-char") == "…"


def test_a_placeholder_for_a_key_is_no_secret():
    assert mask_bytes(b"none of it", ["no"]) == b"none of it"
    assert mask("none of it", ["no"]) == "none of it"


@pytest.mark.parametrize(
    "quoted",
    [
        rb"sk-a\/b+c\u002F1234567",
        rb"sk-a/b\u002bc/1234567",
        rb"\u0073\u006B-a\/b\u002Bc/1234567",
        rb"sk-a/b+c/1234567",
    ],
)
def test_a_secret_is_found_however_json_spells_it(quoted):
    body = b'{"message":"key ' + quoted + b' refused"}'

    masked_body = mask_bytes(body, ["sk-a/b+c/1234567"])

    assert json.loads(masked_body) == {"message": "key \u20264567 refused"}


def test_escapes_that_are_no_secret_stay():
    body = rb'{"a": "\/path", "b": "\u002B\u00e9"}'

    assert mask_bytes(body, [KEY]) == body


@pytest.mark.parametrize(
    "piece", ["sk-.", "sk-a.", "eyJaaaaaaaa.", "bearer ", "basic a", "AIza", "sk-sk_"]
)
def test_no_text_takes_long(piece):
    """A pattern that looks ahead from each of them would need minutes."""
    assert isinstance(mask(piece * 200_000), str)
