"""Fields are read alike from a form and from JSON, and say all that is wrong."""

from __future__ import annotations

import io
import json

import pytest
from bottle import LocalRequest, request
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import AIProxyError
from aiproxy.web import forms
from aiproxy.web.forms import Fields


def from_form(**sent):
    return Fields(sent)


def from_json(**sent):
    return Fields(sent, is_json=True)


def read(body: bytes, content_type: str) -> Fields:
    request.bind(
        {
            "REQUEST_METHOD": "POST",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": content_type,
        }
    )
    assert isinstance(request, LocalRequest)
    return forms.read()


def test_text_loses_the_spaces_around_it():
    assert from_form(name="  Ada ").text("name") == "Ada"


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "a\x00b", "a\x7fb", "\ud800"])
def test_a_line_holds_no_controls(value):
    fields = from_form(name=value)
    fields.text("name", label="The name")

    assert fields.errors["name"].startswith("The name")


def test_text_beyond_its_limit_is_refused():
    fields = from_form(name="x" * 201)
    fields.text("name", label="The name")

    assert fields.errors == {"name": "The name is longer than 200 characters."}


def test_text_that_is_no_text_is_refused():
    fields = from_json(name=["a"])

    assert fields.text("name", "before") == "before"
    assert "name" in fields.errors


def test_an_unsent_field_keeps_its_present_value():
    assert from_json().text("name", "before") == "before"
    assert from_json().number("size", 7) == 7
    assert from_json().json_object("map", {"a": "b"}) == {"a": "b"}
    assert from_json().switch("enabled", present=True) is True


def test_line_ends_are_made_one_kind():
    assert from_form(text="a\r\nb\rc").lines("text", limit=99) == "a\nb\nc"


@pytest.mark.parametrize(
    "pasted", ["sk-1", " sk-1\n", "Bearer sk-1", "bearer  sk-1 ", "\tBearer sk-1"]
)
def test_a_pasted_key_is_cleaned_not_refused(pasted):
    fields = from_form(api_key=pasted)

    assert fields.key("api_key") == "sk-1"
    assert fields.errors == {}


@pytest.mark.parametrize("pasted", ["sk 1", "sk-\x001", "schlüssel", "sk-1\nsk-2"])
def test_a_key_that_no_header_can_carry_is_refused(pasted):
    fields = from_form(api_key=pasted)
    fields.key("api_key")

    assert "api_key" in fields.errors


def test_a_checkbox_of_a_form_is_there_or_not():
    assert from_form(enabled="1").switch("enabled", present=False) is True
    assert from_form().switch("enabled", present=True) is False


@pytest.mark.parametrize(
    ("value", "meaning"),
    [(True, True), (False, False), ("true", True), ("off", False), (1, True)],
)
def test_a_switch_of_a_script_may_be_text(value, meaning):
    fields = from_json(enabled=value)

    assert fields.switch("enabled", present=not meaning) is meaning


@pytest.mark.parametrize("value", ["perhaps", 2, None, []])
def test_a_switch_is_nothing_else(value):
    fields = from_json(enabled=value)
    fields.switch("enabled", present=True)

    assert "enabled" in fields.errors


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("12", 12), (12, 12), ("32k", 32000), ("1 000", 1000), ("", None), (None, None)],
)
def test_a_number_may_come_as_text(value, meaning):
    fields = from_json(size=value)

    assert fields.number("size", 5) == meaning
    assert fields.errors == {}


@pytest.mark.parametrize("value", ["ten", 1.5, True, [], "1e9", "9" * 40])
def test_a_number_is_nothing_else(value):
    fields = from_json(size=value)
    fields.number("size", 5)

    assert "size" in fields.errors


def test_a_number_stays_within_its_limits():
    fields = from_json(size=0)
    fields.number("size", low=1, high=9, label="The size")

    assert fields.errors == {"size": "The size must be from 1 to 9."}


@pytest.mark.parametrize("value", ['{"a": "b"}', {"a": "b"}])
def test_an_object_may_come_as_text(value):
    assert from_json(map=value).json_object("map", {}) == {"a": "b"}


@pytest.mark.parametrize("value", ["{", "[1]", "1", 1, '{"a": NaN}'])
def test_an_object_is_nothing_else(value):
    fields = from_json(map=value)
    fields.json_object("map", {}, label="The map")

    assert fields.errors["map"].startswith("The map")


def test_a_choice_is_one_of_a_list():
    fields = from_form(format="XML", other="OpenAI")

    assert fields.choice("other", ("openai",), "openai") == "openai"
    assert fields.choice("format", ("openai",), "openai") == "openai"
    assert list(fields.errors) == ["format"]


def test_a_form_beyond_ascii_is_read_as_utf_8():
    assert (
        read(b"name=%C3%84da", "application/x-www-form-urlencoded").text("name")
        == "\u00c4da"
    )


@given(st.dictionaries(st.sampled_from("abc"), st.text(max_size=20)))
def test_json_and_back_is_the_same(sent):
    body = json.dumps(sent).encode()
    fields = read(body, "application/json; charset=utf-8")

    assert {name: fields.raw(name) for name in fields.names()} == sent


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 201), "application/x-www-form-urlencoded", 422),
        (json.dumps({str(n): n for n in range(201)}).encode(), "application/json", 422),
        (b"<a/>", "text/xml", 415),
        (b"a" * (2 * 1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_says_why(body, content_type, status):
    with pytest.raises(AIProxyError) as raised:
        read(body, content_type)

    assert raised.value.status == status


def test_the_token_is_in_the_header_or_the_form():
    read(b"csrf_token=one", "application/x-www-form-urlencoded")
    assert forms.csrf_token() == "one"

    request.environ["HTTP_X_CSRF_TOKEN"] = "two"
    assert forms.csrf_token() == "two"


def test_a_body_that_cannot_be_read_has_no_token():
    request.bind({"wsgi.input": io.BytesIO(b"{"), "CONTENT_LENGTH": "1"})
    request.environ["CONTENT_TYPE"] = "application/json"

    assert forms.csrf_token() == ""
