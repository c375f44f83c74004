"""One form for a provider: what is taken, what is refused, what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.records import replace
from aiproxy.store.providers import Provider
from aiproxy.web.admin import provider_form
from aiproxy.web.admin.provider_secrets import Kept
from aiproxy.web.forms import Fields

NEW = Provider(id=0, name="", slug="", endpoint="")
STORED = Provider(
    id=7,
    name="Chutes",
    slug="chutes",
    endpoint="https://llm.chutes.ai/v1",
    api_key="cpk_abcdefgh4f2a",
    model_map={"claude-*": "glm"},
    max_output_tokens=8192,
    enabled=True,
)
OTHER = replace(STORED, id=8, slug="other", fallback="")


def parse(sent, present=NEW, *, is_json=False, **options):
    fields = Fields(sent, is_json=is_json)
    return provider_form.parse(fields, present, [STORED, OTHER], **options)


def typed(**changes):
    return {
        "name": "Mine",
        "endpoint": "https://api.example.com/v1",
        "api_key": "sk-new",
        **changes,
    }


def test_the_least_that_is_needed():
    form = parse(typed(api_key=""))

    assert form.errors == {}
    assert form.values["api_format"] == "openai"
    assert form.values["auth_method"] == "bearer"
    assert form.values["api_key"] == ""


def test_an_unsent_field_of_a_script_stays():
    form = parse({"name": "New name"}, STORED, is_json=True)

    assert form.errors == {}
    assert form.values["name"] == "New name"
    assert form.values["api_key"] == STORED.api_key
    assert form.values["model_map"] == STORED.model_map
    assert form.values["max_output_tokens"] == 8192
    assert form.values["enabled"] is True


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"slug": "Not/This"}, "slug"),
        ({"slug": "models"}, "slug"),
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": "ftp://x"}, "endpoint"),
        ({"endpoint": "http://u:p@host/v1"}, "endpoint"),
        ({"endpoint": "http://169.254.169.254/"}, "endpoint"),
        ({"endpoint": "https://x/" + "y" * 2048}, "endpoint"),
        ({"api_key": "two words"}, "api_key"),
        ({"api_key": "x" * 8193}, "api_key"),
        ({"api_key": "env:SECRET_KEY"}, "api_key"),
        ({"api_key": "file:/etc/passwd"}, "api_key"),
        ({"api_key": "file:relative"}, "api_key"),
        ({"api_format": "xml"}, "api_format"),
        ({"auth_method": "digest"}, "auth_method"),
        ({"auth_header": "bad name"}, "auth_header"),
        ({"auth_header": "Host"}, "auth_header"),
        ({"custom_headers": "Host: x"}, "custom_headers"),
        ({"model_haiku": "m" * 201}, "model_haiku"),
        ({"model_map": "{"}, "model_map"),
        ({"model_map": '{"a": 1}'}, "model_map"),
        ({"extra_body": "[]"}, "extra_body"),
        ({"extra_body": '{"a": "' + "x" * 65536 + '"}'}, "extra_body"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
        ({"max_output_tokens": "0"}, "max_output_tokens"),
        ({"context_window": "-1"}, "context_window"),
        ({"dialect": "klingon"}, "dialect"),
        ({"compat": "perhaps"}, "compat"),
        ({"send_reasoning": "perhaps"}, "send_reasoning"),
        ({"fallback": "nobody"}, "fallback"),
        ({"http_proxy": "proxy"}, "http_proxy"),
        ({"ca_file": "x" * 1025}, "ca_file"),
    ],
)
def test_a_bad_field_is_named(changes, name):
    assert list(parse(typed(**changes)).errors) == [name]


@pytest.mark.parametrize(
    "changes",
    [
        {"api_key": " Bearer sk-1 "},
        {"api_key": "env:MY_PROVIDER_KEY"},
        {"endpoint": "http://127.0.0.1:11434"},
        {"endpoint": " https://api.example.com/v1/chat/completions "},
        {"model_map": {"claude-opus-*": "m"}},
        {"extra_body": '{"provider": {"sort": "price"}}'},
        {"context_window": "200k"},
        {"fallback": "chutes"},
        {"auth_method": "header", "auth_header": "X-Api-Key"},
        {"slug": "MINE"},
    ],
)
def test_what_is_fine_is_taken(changes):
    assert parse(typed(**changes)).errors == {}


def test_a_dialect_may_be_written_loosely():
    assert parse(typed(dialect="LM Studio")).values["dialect"] == "lmstudio"


def test_a_test_needs_no_name():
    assert parse(typed(name=""), for_test=True).errors == {}


def test_an_empty_key_keeps_the_stored_one():
    form = parse(typed(api_key="", endpoint=STORED.endpoint), STORED)

    assert form.errors == {}
    assert form.values["api_key"] == STORED.api_key
    assert not form.is_new_key


def test_the_mask_that_was_given_out_keeps_it_too():
    form = parse(typed(api_key="…4f2a", endpoint=STORED.endpoint), STORED)

    assert (form.errors, form.values["api_key"]) == ({}, STORED.api_key)


@pytest.mark.parametrize("api_key", ["", "…4f2a"])
@pytest.mark.parametrize(
    "address",
    [
        "http://llm.chutes.ai/v1",
        "https://evil.example/v1",
        "https://llm.chutes.ai:444/v1",
        "https://llm.chutes.ai.evil.example/v1",
    ],
)
def test_a_stored_key_goes_to_no_other_host(address, api_key):
    form = parse(typed(endpoint=address, api_key=api_key), STORED)

    assert list(form.errors) == ["api_key"]


def test_a_stored_key_is_shown_to_no_new_proxy_in_clear():
    plain = replace(STORED, endpoint="http://llm.chutes.ai/v1", http_proxy="")
    same = {"endpoint": plain.endpoint, "api_key": "", "http_proxy": "http://evil:8080"}

    assert list(parse(typed(**same), plain).errors) == ["api_key"]
    known = replace(plain, http_proxy="http://evil:8080")
    assert parse(typed(**same), known).errors == {}
    # A tunnel of TLS hides the key from the proxy that carries it.
    tunnel = {**same, "endpoint": STORED.endpoint}
    assert parse(typed(**tunnel), STORED).errors == {}


def test_a_stored_reference_goes_to_no_other_host_either():
    by_reference = replace(STORED, api_key="env:MY_KEY")
    form = parse(typed(endpoint="https://evil.example", api_key=""), by_reference)

    assert list(form.errors) == ["api_key"]


@pytest.mark.parametrize(
    "address",
    [
        "https://llm.chutes.ai/v2",
        "https://LLM.chutes.ai:443",
        "https://llm.chutes.ai./",
    ],
)
def test_another_path_of_the_same_host_keeps_it(address):
    assert parse(typed(endpoint=address, api_key=""), STORED).errors == {}


def test_a_key_typed_again_may_move():
    form = parse(typed(endpoint="https://new.example", api_key="sk-2"), STORED)

    assert (form.errors, form.values["api_key"]) == ({}, "sk-2")


def test_a_key_that_was_kept_for_this_form_is_used():
    form = parse(typed(api_key=""), kept=Kept(api_key="sk-kept"))

    assert (form.values["api_key"], form.is_new_key) == ("sk-kept", True)


def test_a_typed_key_goes_before_the_kept_one():
    form = parse(typed(api_key="sk-typed"), kept=Kept(api_key="sk-kept"))

    assert form.values["api_key"] == "sk-typed"


def test_nothing_that_is_shown_again_holds_a_secret():
    form = parse(
        typed(
            name="",
            api_key="sk-secret",
            custom_headers="X-Auth: sk-secret-header",
            http_proxy="http://u:sk-secret@proxy",
        )
    )

    assert form.errors
    assert "sk-secret" not in str(form.typed)
    assert "sk-secret" not in repr(form)


def test_what_was_typed_is_shown_again_as_typed():
    form = parse(typed(model_map="{broken", max_output_tokens="many"))

    assert form.typed["model_map"] == "{broken"
    assert form.typed["max_output_tokens"] == "many"


def test_an_emptied_path_is_made_from_the_name():
    form = parse(typed(slug="", endpoint=STORED.endpoint, api_key=""), STORED)

    assert form.values["slug"] == "mine"


def test_plain_http_is_taken_with_a_warning():
    form = parse(typed(endpoint="http://api.example.com/v1"))

    assert form.errors == {}
    assert "in clear" in form.warnings[0]
    assert parse(typed()).warnings == []


def test_a_circle_of_fallbacks_is_refused():
    follows = replace(OTHER, fallback="chutes")
    fields = Fields(typed(slug="chutes", fallback="other", endpoint=STORED.endpoint))
    form = provider_form.parse(fields, STORED, [STORED, follows])

    assert list(form.errors) == ["fallback"]


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
)
_NAMES = st.sampled_from([*vars(STORED), "kept", "activate"])


@given(st.dictionaries(_NAMES, _VALUES), st.sampled_from([NEW, STORED]))
def test_whatever_a_script_sends_is_taken_or_named(sent, present):
    form = parse(sent, present, is_json=True)

    assert set(form.errors) <= set(form.values)
    if not form.errors:
        replace(present, **form.values)
