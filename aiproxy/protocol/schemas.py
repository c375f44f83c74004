"""Tool schemas: what every provider needs of them, and what Gemini takes.

Both walk a schema only where schemas stand in it: a property called `$id`, or a
default value that looks like a schema, is the tool's own.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any, Callable, Dict, Mapping
from urllib.parse import unquote

from aiproxy.protocol import json_codec

Schema = Dict[str, Any]

# Keywords of JSON Schema that hold one schema, a list of them, or them by name.
_ONE = frozenset(
    (
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
_BY_NAME = frozenset(
    ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
)
_HOLD_SCHEMAS = _ONE | _LISTS | _BY_NAME
_BOOKKEEPING = frozenset(("$schema", "$id", "$comment"))


def for_any_target(schema: Mapping[str, Any] | None) -> Schema:
    """An object schema with `properties`, without bookkeeping; the rest as it came."""
    cleaned: Schema = _without_bookkeeping(schema or {})
    if cleaned.get("type") != "object":
        cleaned = {**cleaned, "type": "object"}
    if not isinstance(cleaned.get("properties"), dict):
        cleaned = {**cleaned, "properties": {}}
    return cleaned


def _without_bookkeeping(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if _BOOKKEEPING.isdisjoint(schema) and _HOLD_SCHEMAS.isdisjoint(schema):
        return schema  # as most are: a property's type and description
    cleaned = {k: value for k, value in schema.items() if k not in _BOOKKEEPING}
    for keyword in _HOLD_SCHEMAS.intersection(cleaned):
        cleaned[keyword] = _inside(keyword, cleaned[keyword], _without_bookkeeping)
    return cleaned


def _inside(keyword: str, value: Any, change: Callable[[Any], Any]) -> Any:
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: change(schema) for name, schema in value.items()}
    if keyword in _LISTS and isinstance(value, list):
        return [change(schema) for schema in value]
    if keyword in _ONE and isinstance(value, dict):
        return change(value)
    return value


def for_gemini(schema: Mapping[str, Any] | None) -> Schema:
    """The part of JSON Schema that Gemini takes; one unknown key fails the request."""
    root = for_any_target(schema)
    cleaned = _GeminiCleaner(root).clean(root)
    cleaned.setdefault("properties", {})
    cleaned["type"] = "object"
    for keyword in ("nullable", "enum"):
        cleaned.pop(keyword, None)
    return cleaned


# References may double at every step; past this many schemas they stay unexpanded.
MAX_EXPANDED = 5_000
MAX_NESTING = 60

_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean"))
_ANY: Schema = {"type": "string"}  # Gemini wants a type everywhere
# What belongs to one type of several, and what rules out choices beside it.
_BESIDE_TYPE = (
    *("properties", "required", "items", "prefixItems", "minItems", "maxItems"),
    *("minimum", "maximum", "format"),
)
_OWN = ("items", "prefixItems", "enum", "const")


class _GeminiCleaner:
    """Cleans the schemas of one tool; `root` is where its references point into."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_EXPANDED
        self._following: list[str] = []  # references being expanded: cycles end here
        self._depth = 0

    def clean(self, schema: Any) -> Schema:
        if not isinstance(schema, dict):
            return dict(_ANY)
        self._left -= 1
        if self._left < 0 or self._depth >= MAX_NESTING:
            return {"type": "object"}
        self._depth += 1
        followed = len(self._following)
        cleaned = self._clean_flat(self._flatten(schema))
        del self._following[followed:]
        self._depth -= 1
        return cleaned

    def _flatten(self, schema: Mapping[str, Any]) -> Schema:
        """`$ref` and `allOf` inlined; what stands beside them goes first."""
        flat = dict(schema)
        pending = deque(self._included(flat))
        while pending and self._left > 0:
            self._left -= 1
            part = pending.popleft()
            if isinstance(part, dict):
                part = dict(part)
                pending.extendleft(reversed(self._included(part)))
                _merge(flat, part)
        return flat

    def _included(self, schema: Schema) -> list[Any]:
        all_of = schema.pop("allOf", None)
        included = list(all_of) if isinstance(all_of, list) else []
        reference = schema.pop("$ref", None)
        if isinstance(reference, str):
            included.insert(0, self._resolve(reference))
        return included

    def _resolve(self, reference: str) -> Any:
        unknown = {"type": "object"}
        if not reference.startswith("#") or reference in self._following:
            return unknown
        found: Any = self._root
        for step in unquote(reference[1:]).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and re.match(r"[0-9]{1,6}\Z", key):
                found = found[int(key)] if int(key) < len(found) else unknown
            else:
                return unknown
        self._following.append(reference)
        return found

    def _clean_flat(self, flat: Schema) -> Schema:
        cleaned: Schema = {}
        if isinstance(flat.get("description"), str):
            cleaned["description"] = flat["description"]
        self._add_type(cleaned, flat)
        self._add_choices(cleaned, flat)
        if "anyOf" in cleaned:
            return _with_choices_alone(cleaned)
        _add_enum(cleaned, flat)
        self._add_members(cleaned, flat)
        _add_limits(cleaned, flat)
        cleaned.setdefault("type", _ANY["type"])
        return cleaned

    def _add_type(self, cleaned: Schema, flat: Schema) -> None:
        declared = flat.get("type")
        names = declared if isinstance(declared, list) else [declared]
        if "null" in names or flat.get("nullable") is True:
            cleaned["nullable"] = True
        known = [name for name in names if isinstance(name, str) and name in _TYPES]
        if len(known) == 1:
            cleaned["type"] = known[0]
        elif known and "enum" not in flat and "const" not in flat:
            beside = {key: flat[key] for key in flat if key in _BESIDE_TYPE}
            for keyword in _BESIDE_TYPE:  # they are the choices' now
                flat.pop(keyword, None)
            flat.setdefault("anyOf", [{**beside, "type": name} for name in known])
        elif isinstance(flat.get("properties"), dict):
            cleaned["type"] = "object"
        elif "items" in flat or "prefixItems" in flat:
            cleaned["type"] = "array"
        elif "minimum" in flat or "maximum" in flat:
            cleaned["type"] = "number"

    def _add_choices(self, cleaned: Schema, flat: Schema) -> None:
        choices = flat.get("anyOf")
        if not isinstance(choices, list):
            choices = flat.get("oneOf")
        if not isinstance(choices, list):
            return
        # A choice without a type only narrows what stands beside it ("one of these
        # is required"): Gemini has no word for that.
        telling = [choice for choice in choices if _says_what(choice)]
        real = [choice for choice in telling if not _is_null(choice)]
        if len(real) < len(telling):
            cleaned["nullable"] = True
        if isinstance(flat.get("properties"), dict):
            self._absorb(flat, real)
            return
        has_own = "type" in cleaned and len(telling) < len(choices)
        if not real or has_own or any(keyword in flat for keyword in _OWN):
            return
        options = [self.clean(choice) for choice in real]
        if len(options) == 1:
            _merge(cleaned, options[0])
        else:
            cleaned["anyOf"] = options

    def _absorb(self, flat: Schema, choices: list[Any]) -> None:
        """An object of several forms has the properties of all of them."""
        for choice in choices:
            form = self._flatten(choice)
            if isinstance(form.get("properties"), dict):
                _merge(flat, {"properties": form["properties"]})

    def _add_members(self, cleaned: Schema, flat: Schema) -> None:
        properties = flat.get("properties")
        if isinstance(properties, dict) and cleaned.get("type") == "object":
            cleaned["properties"] = {
                name: self.clean(schema) for name, schema in properties.items()
            }
            required = flat.get("required")
            if isinstance(required, list):
                # Gemini refuses a name that is not among the properties.
                known = [
                    name
                    for name in required
                    if isinstance(name, str) and name in properties
                ]
                if known:
                    cleaned["required"] = known
        if cleaned.get("type") == "array":
            cleaned["items"] = self._items(flat)

    def _items(self, flat: Schema) -> Schema:
        items = flat.get("items")
        if isinstance(items, dict):
            return self.clean(items)
        several = items if isinstance(items, list) else flat.get("prefixItems")
        if not isinstance(several, list) or not several:
            return dict(_ANY)
        options = [self.clean(schema) for schema in several]
        distinct = list(
            {json_codec.encode_text(each): each for each in options}.values()
        )
        if len(distinct) == 1:
            return distinct[0]
        return _with_choices_alone({"anyOf": distinct})


def _with_choices_alone(cleaned: Schema) -> Schema:
    """`anyOf` has to be the only field [opencode#14700]: the rest goes inside."""
    inside = {
        name: cleaned[name] for name in ("description", "nullable") if name in cleaned
    }
    options: list[Schema] = []
    for option in cleaned["anyOf"]:
        options += option.get("anyOf", [option])
    return {"anyOf": [{**inside, **option} for option in options]}


def _says_what(choice: Any) -> bool:
    if not isinstance(choice, dict):
        return False
    telling = ("type", "enum", "const", "properties", "items", "$ref", "anyOf")
    return any(keyword in choice for keyword in (*telling, "allOf", "oneOf"))


def _is_null(choice: Mapping[str, Any]) -> bool:
    if choice.get("type") == "null" or choice.get("enum") == [None]:
        return True
    return "const" in choice and choice["const"] is None


def _merge(into: Schema, other: Mapping[str, Any]) -> None:
    """What `into` says already stays; properties and required names add up."""
    for keyword, value in other.items():
        present = into.get(keyword)
        if keyword == "properties" and isinstance(value, dict):
            own = present if isinstance(present, _Merged) else _Merged()
            if own is not present and isinstance(present, dict):
                own.update(present)
            for name, schema in value.items():
                own.setdefault(name, schema)
            into[keyword] = own
        elif keyword == "required" and isinstance(present, list):
            if isinstance(value, list):
                names = [name for name in present + value if isinstance(name, str)]
                into[keyword] = list(dict.fromkeys(names))
        elif keyword not in into:
            into[keyword] = value


class _Merged(Dict[str, Any]):
    """Properties that are ours to change, not the client's own object."""


def _add_enum(cleaned: Schema, flat: Schema) -> None:
    values = [flat["const"]] if "const" in flat else flat.get("enum")
    if not isinstance(values, list):
        return
    if None in values:
        cleaned["nullable"] = True
    texts: list[str] = []
    for value in values:
        text = value if isinstance(value, str) else json_codec.encode_text(value)
        if value is not None and text and text not in texts:  # "" is refused
            texts.append(text)
    if texts:
        cleaned["type"] = "string"  # the only type that may have an enum
        cleaned["enum"] = texts


def _add_limits(cleaned: Schema, flat: Schema) -> None:
    kind = cleaned.get("type")
    limits = {
        "array": ("minItems", "maxItems"),
        "integer": ("minimum", "maximum"),
        "number": ("minimum", "maximum"),
    }.get(kind or "", ())
    for keyword in limits:
        value = flat.get(keyword)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            cleaned[keyword] = value
    if kind == "string" and flat.get("format") in ("enum", "date-time"):
        cleaned["format"] = flat["format"]
