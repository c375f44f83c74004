"""An import file is checked like the form: the first problem is named, and where."""

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.store import transfer_check

GOOD = {"name": "Mine", "slug": "mine", "endpoint": "https://example.org/v1"}


def test_a_plain_provider_passes():
    assert transfer_check.provider(GOOD, "provider 1") == GOOD


def test_a_slug_is_brought_to_lower_case():
    assert transfer_check.provider({**GOOD, "slug": "Mine"}, "p")["slug"] == "mine"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "v1"),
        ("slug", "a b"),
        ("name", ""),
        ("name", 5),
        ("name", "a" * 201),
        ("endpoint", "ftp://example.org"),
        ("endpoint", "http://169.254.169.254/v1"),
        ("endpoint", "https://u:p@example.org"),
        ("api_key", "a\r\nX-Evil: 1"),
        ("api_key", "k" * 9000),
        ("api_format", "grpc"),
        ("auth_method", "digest"),
        ("auth_header", "not a name"),
        ("auth_header", "Host"),
        ("custom_headers", {"Host": "x"}),
        ("custom_headers", {"X-A": "a\nb"}),
        ("custom_headers", {"X-A": 5}),
        ("custom_headers", [["X-A", "b"]]),
        ("custom_headers", {f"X-{n}": "v" for n in range(51)}),
        ("model_map", {"a": None}),
        ("extra_body", "text"),
        ("extra_body", {"a": "x" * 70_000}),
        ("max_output_tokens", 0),
        ("max_output_tokens", True),
        ("context_window", "8k"),
        ("enabled", 1),
        ("dialect", "klingon"),
        ("compat", "half"),
        ("http_proxy", "socks5://x"),
        ("http_proxy", "https://"),
        ("id", 7),
        ("created_at", 7),
    ],
)
def test_what_the_form_would_refuse_is_refused_by_name(field, value):
    with pytest.raises(InvalidRequest) as caught:
        transfer_check.provider({**GOOD, field: value}, "provider 3")

    assert "provider 3" in caught.value.message
    assert field in caught.value.message


@pytest.mark.parametrize("entry", [None, [], "x", 5])
def test_what_is_no_object_is_refused(entry):
    with pytest.raises(InvalidRequest):
        transfer_check.provider(entry, "provider 1")
    with pytest.raises(InvalidRequest):
        transfer_check.alias(entry, "alias 1")


def test_a_plain_alias_passes():
    fields = {"alias": "Fast", "provider": "mine", "prompt": "custom", "model": "m"}

    assert transfer_check.alias(fields, "alias 1") == {**fields, "alias": "fast"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alias", "models"),
        ("alias", None),
        ("prompt", "other"),
        ("provider", 5),
        ("model", ["m"]),
        ("colour", "red"),
    ],
)
def test_an_alias_that_cannot_be_is_refused_by_name(field, value):
    with pytest.raises(InvalidRequest, match=field):
        transfer_check.alias({"alias": "fast", field: value}, "alias 1")
