"""Tool schemas for everybody, and for Gemini."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiproxy.protocol import schemas
from tests.examples import examples
from tests.protocol import strategies

ALLOWED = {
    *("type", "description", "enum", "properties", "required", "items", "anyOf"),
    *("nullable", "minimum", "maximum", "minItems", "maxItems", "format"),
}


def for_gemini(schema: Any, **around: Any) -> Any:
    """The schema of one property, cleaned."""
    whole = {"type": "object", "properties": {"p": schema}, **around}
    return schemas.for_gemini(whole)["properties"]["p"]


@pytest.mark.parametrize(
    "schema", [None, {}, {"type": "object"}, {"properties": None}, {"type": "string"}]
)
def test_the_top_is_an_object_with_properties(schema: Any) -> None:
    assert schemas.for_any_target(schema) == {"type": "object", "properties": {}}


def test_bookkeeping_goes_and_the_rest_stays() -> None:
    rest = {
        "type": "object",
        "properties": {
            "mode": {"enum": ["a", 1, None], "default": {"$id": "kept"}},
            "kind": {"const": {"$comment": "kept"}},
            "when": {"type": "string", "format": "date", "pattern": "^x"},
            "any": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "deep": {"type": "array", "items": {"$ref": "#/$defs/x"}},
        },
        "required": ["mode"],
        "additionalProperties": False,
        "$defs": {"x": {"type": "integer", "exclusiveMinimum": 0}},
        "examples": [{"$schema": "kept"}],
    }

    cleaned = schemas.for_any_target(
        {"$schema": "s", "$id": "i", "$comment": "c", **rest}
    )

    assert cleaned == rest


def test_bookkeeping_goes_from_inside_but_never_from_property_names() -> None:
    schema = {
        "type": "object",
        "properties": {
            "$id": {"type": "string", "$comment": "gone"},
            "$schema": {"anyOf": [{"$id": "gone", "type": "string"}]},
        },
        "not": {"$comment": "gone"},
    }

    assert schemas.for_any_target(schema) == {
        "type": "object",
        "properties": {
            "$id": {"type": "string"},
            "$schema": {"anyOf": [{"type": "string"}]},
        },
        "not": {},
    }


def test_nothing_else_goes_with_the_bookkeeping() -> None:
    rest = {
        "$ref": "#/$defs/x",
        "additionalProperties": False,
        "anyOf": [{"type": "string"}],
        "const": "a",
        "default": "a",
        "description": "d",
        "enum": ["a"],
        "format": "date",
        "minimum": 1,
        "nullable": True,
        "oneOf": [{"type": "string"}],
        "pattern": "^a",
        "required": ["a"],
        "title": "t",
        "type": "string",
    }
    schema = {"type": "object", "properties": {"p": {"$comment": "c", **rest}}}

    assert schemas.for_any_target(schema)["properties"]["p"] == rest


def test_the_client_s_schema_is_left_as_it_was() -> None:
    schema = {"$id": "x", "allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}}
    before = json.dumps(schema)

    schemas.for_any_target(schema)
    schemas.for_gemini(schema)

    assert json.dumps(schema) == before


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({"type": "string", "pattern": "x", "title": "t"}, {"type": "string"}),
        ({"type": "string", "format": "uri"}, {"type": "string"}),
        (
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "date-time"},
        ),
        ({"type": "string", "format": "enum"}, {"type": "string", "format": "enum"}),
        (
            {"type": "number", "minimum": 0.5, "maximum": 1.5},
            {"type": "number", "minimum": 0.5, "maximum": 1.5},
        ),
        (
            {"type": "integer", "minimum": 1, "exclusiveMinimum": 0, "maximum": 5},
            {"type": "integer", "minimum": 1, "maximum": 5},
        ),
        (
            {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": 2,
            },
            {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": 2,
            },
        ),
        (
            {"type": "array", "items": {"const": "x", "title": "t"}},
            {"type": "array", "items": {"type": "string", "enum": ["x"]}},
        ),
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        ({"const": 5}, {"type": "string", "enum": ["5"]}),
        ({"const": True}, {"type": "string", "enum": ["true"]}),
        (
            {"type": "integer", "enum": [1, 2, 2]},
            {"type": "string", "enum": ["1", "2"]},
        ),
        (
            {"enum": ["a", "", None]},
            {"type": "string", "enum": ["a"], "nullable": True},
        ),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": "string", "nullable": True}, {"type": "string", "nullable": True}),
        (
            {"type": ["string", "integer"]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        (
            {
                "type": ["object", "string"],
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
                "format": "date-time",
            },
            {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"a": {"type": "string"}},
                        "required": ["a"],
                    },
                    {"type": "string", "format": "date-time"},
                ]
            },
        ),
        (
            {"anyOf": [{"items": {"type": "integer"}}, {"type": "string"}]},
            {
                "anyOf": [
                    {"type": "array", "items": {"type": "integer"}},
                    {"type": "string"},
                ]
            },
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
            {"type": "string", "nullable": True, "description": "d"},
        ),
        (
            {
                "anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}],
                "type": "string",
                "description": "d",
            },
            {
                "anyOf": [
                    {"description": "d", "nullable": True, "type": "string"},
                    {"description": "d", "nullable": True, "type": "integer"},
                ]
            },
        ),
        (
            {"anyOf": [{"type": ["string", "integer"]}, {"type": "boolean"}]},
            {
                "anyOf": [
                    {"type": "string"},
                    {"type": "integer"},
                    {"type": "boolean"},
                ]
            },
        ),
        (
            {"type": ["array", "string"], "items": {"type": "integer"}, "minItems": 1},
            {
                "anyOf": [
                    {"type": "array", "items": {"type": "integer"}, "minItems": 1},
                    {"type": "string"},
                ]
            },
        ),
        (
            {"enum": ["a"], "anyOf": [{"type": "string"}, {"type": "integer"}]},
            {"type": "string", "enum": ["a"]},
        ),
        (
            {
                "type": "object",
                "properties": {"kind": {"type": "string"}},
                "oneOf": [
                    {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "boolean"}}},
                ],
            },
            {
                "type": "object",
                "properties": {
                    "kind": {"type": "string"},
                    "a": {"type": "integer"},
                    "b": {"type": "boolean"},
                },
            },
        ),
        (
            {"oneOf": [{"const": "a"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer"}]},
        ),
        (
            {"allOf": [{"type": "integer"}, {"description": "d"}]},
            {"type": "integer", "description": "d"},
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a", "gone", 5],
                "additionalProperties": False,
                "propertyNames": {"pattern": "x"},
                "anyOf": [{"required": ["a"]}],
            },
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
            },
        ),
        ({"minimum": 1}, {"type": "number", "minimum": 1}),
        ({"properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}]},
            {
                "type": "array",
                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            },
        ),
        ({}, {"type": "string"}),
        (True, {"type": "string"}),
        ({"type": "null"}, {"type": "string", "nullable": True}),
        ({"description": "d"}, {"type": "string", "description": "d"}),
        ({"$ref": "https://elsewhere.example/x.json"}, {"type": "object"}),
        ({"$ref": "#/$defs/not/there"}, {"type": "object"}),
    ],
)
def test_gemini_gets_the_part_that_it_takes(schema: Any, cleaned: Any) -> None:
    assert for_gemini(schema) == cleaned


@pytest.mark.parametrize("kind", ["string", "integer", "array", "object"])
def test_gemini_gets_no_other_keyword(kind: str) -> None:
    others = dict.fromkeys(
        (
            *("additionalProperties", "default", "examples", "exclusiveMinimum", "not"),
            *("maxLength", "minLength", "multipleOf", "pattern", "patternProperties"),
            *("title", "uniqueItems", "deprecated", "readOnly", "x-of-next-month"),
        ),
        1,
    )

    assert for_gemini({**others, "type": kind}) == for_gemini({"type": kind})


@pytest.mark.parametrize("schema", [{"enum": ["a"]}, {"type": "string"}, {"const": 1}])
def test_the_top_is_an_object_for_gemini_too(schema: Any) -> None:
    assert schemas.for_gemini(schema) == {"type": "object", "properties": {}}


def test_references_are_inlined_for_gemini() -> None:
    defs = {
        "a/b": {"type": "string", "description": "theirs"},
        "chain": {"$ref": "#/$defs/a~1b"},
        "c~d e": {"type": "boolean"},
    }

    assert for_gemini({"$ref": "#/$defs/a~1b"}, **{"$defs": defs}) == defs["a/b"]
    assert for_gemini({"$ref": "#/$defs/chain"}, **{"$defs": defs}) == defs["a/b"]
    assert for_gemini({"$ref": "#/$defs/c~0d%20e"}, **{"$defs": defs}) == defs["c~d e"]
    assert for_gemini({"$ref": "x/$defs/c~0d%20e"}, **{"$defs": defs}) == {
        "type": "object"
    }
    assert for_gemini(
        {"$ref": "#/$defs/a~1b", "description": "own"}, **{"$defs": defs}
    ) == {
        "type": "string",
        "description": "own",
    }


def test_parts_of_all_of_are_put_together_for_gemini() -> None:
    schema = {
        "type": "object",
        "properties": {"own": {"type": "string"}},
        "required": ["own"],
        "allOf": [
            {"properties": {"more": {"type": "integer"}}, "required": ["more"]},
            {"$ref": "#/$defs/x"},
        ],
    }
    defs = {"x": {"properties": {"far": {"type": "boolean"}, "own": {"type": "null"}}}}

    assert for_gemini(schema, **{"$defs": defs}) == {
        "type": "object",
        "properties": {
            "own": {"type": "string"},
            "more": {"type": "integer"},
            "far": {"type": "boolean"},
        },
        "required": ["own", "more"],
    }


def test_a_schema_within_itself_ends_for_gemini() -> None:
    defs = {
        "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    }

    assert for_gemini({"$ref": "#/$defs/node"}, **{"$defs": defs}) == {
        "type": "object",
        "properties": {"next": {"type": "object"}},
    }


def test_a_reference_may_be_used_twice() -> None:
    defs = {"x": {"type": "integer"}}
    pair = {"type": "array", "items": [{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/x"}]}

    assert for_gemini(pair, **{"$defs": defs}) == {
        "type": "array",
        "items": {"type": "integer"},
    }


def test_references_that_double_do_not_explode() -> None:
    defs = {
        f"d{number}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/$defs/d{number + 1}"} for side in "lr"},
        }
        for number in range(60)
    }
    started = time.process_time()

    cleaned = schemas.for_gemini({"$defs": defs, "$ref": "#/$defs/d0"})

    assert len(json.dumps(cleaned)) < 1_000_000
    assert time.process_time() - started < 5


def test_the_deepest_schema_that_is_let_in_is_cleaned() -> None:
    schema: Any = {"type": "string"}
    for _ in range(98):
        schema = {"properties": {"p": schema}}

    assert schemas.for_any_target(schema)["type"] == "object"
    assert schemas.for_gemini(schema)["type"] == "object"


def test_a_tool_of_several_forms_has_the_parameters_of_all() -> None:
    forms = [{"type": "object", "properties": {name: {"const": name}}} for name in "ab"]

    assert schemas.for_gemini({"anyOf": forms}) == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "enum": ["a"]},
            "b": {"type": "string", "enum": ["b"]},
        },
    }


def _faults(schema: Any) -> list[str]:
    """What Gemini would refuse."""
    found = [f"unknown {keyword}" for keyword in set(schema) - ALLOWED]
    if "anyOf" in schema and len(schema) > 1:
        found.append("anyOf is not alone")
    if "anyOf" not in schema and not isinstance(schema.get("type"), str):
        found.append("no type")
    if "enum" in schema and (schema["type"] != "string" or "" in schema["enum"]):
        found.append("an enum of another type")
    if schema.get("type") == "array" and "items" not in schema:
        found.append("no items")
    if set(schema.get("required", [])) - set(schema.get("properties", {})):
        found.append("required, but no property")
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    for deeper in [*inner, *([schema["items"]] if "items" in schema else [])]:
        found += _faults(deeper)
    return found


@given(strategies.schemas())
def test_gemini_never_sees_an_unknown_key(schema: Any) -> None:
    cleaned = schemas.for_gemini(schema)

    assert cleaned["type"] == "object"
    assert _faults(cleaned) == []


KEYWORDS = sorted(
    {
        *("type", "properties", "required", "items", "prefixItems", "anyOf", "oneOf"),
        *("allOf", "$ref", "$defs", "const", "enum", "nullable", "description", "not"),
        *("minimum", "maxItems", "format", "additionalProperties", "$id", "if"),
    }
)
odd_schemas = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        ["string", "object", "array", "null", "#", "#/$defs/a", "#/anyOf/0"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS) | st.just("a"), inner, max_size=4)
    ),
    max_leaves=25,
)


@settings(max_examples=examples(300))
@given(odd_schemas.filter(lambda value: isinstance(value, dict)))
def test_no_schema_makes_the_cleaning_fail(schema: Any) -> None:
    assert schemas.for_any_target(schema)["type"] == "object"
    assert _faults(schemas.for_gemini(schema)) == []


def test_a_pointer_of_many_digits_points_nowhere() -> None:
    nowhere = {"$ref": "#/anyOf/" + "1" * 10_000}

    assert for_gemini(nowhere, anyOf=[{}]) == {"type": "object"}
