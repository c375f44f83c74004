"""Tool names and definitions, there and back.

One table of names serves definitions, `tool_choice`, history and the answer, so a
call always comes back under the name that the client gave its tool.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Iterable, Mapping

from aiproxy.protocol import builtin_tools, schemas, shapes
from aiproxy.protocol.history import History
from aiproxy.protocol.target import Target
from aiproxy.protocol.tool_list import ToolList, Written
from aiproxy.records import dataclass

MAX_NAME = 64
PLACEHOLDER = "DeferredToolPlaceholder"

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_NO_LETTERS = re.compile(r"[^a-z]+")


class ToolNames:
    """The client's tool names as the upstream may call them."""

    def __init__(self, declared: Iterable[str], named: Iterable[str] = ()) -> None:
        """`declared` are those of `tools`, served first; the history then in order."""
        self._upstream: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        declared = list(dict.fromkeys(declared))
        for name in declared:
            if _LEGAL_NAME.match(name):
                self._enter(name, name)
        for name in (*declared, *named):
            if name not in self._upstream:
                self._enter(name, self._free_name(name))

    def _enter(self, name: str, upstream: str) -> None:
        self._upstream[name] = upstream
        self._taken[upstream] = name

    def _free_name(self, name: str) -> str:
        cleaned = _ILLEGAL.sub("_", name) or "_"
        if len(cleaned) <= MAX_NAME and cleaned not in self._taken:
            return cleaned
        attempt = name
        while True:
            raw = attempt.encode("utf-8", "surrogatepass")
            digest = hashlib.sha256(raw).hexdigest()[:8]
            candidate = f"{cleaned[: MAX_NAME - 9]}_{digest}"
            if candidate not in self._taken:
                return candidate
            attempt += "'"

    def upstream(self, name: str) -> str:
        """The upstream's name; one that is nowhere in the request stays."""
        return self._upstream.get(name, name)

    def as_client_names(self) -> dict[str, str]:
        """Upstream's name to the client's, for the answer."""
        return dict(self._taken)


@dataclass(frozen=True)
class Tools:
    """The tools of one request, in the upstream's terms."""

    names: ToolNames
    definitions: tuple[dict[str, Any], ...]
    schemas: Mapping[str, Mapping[str, Any]]  # of the functions, by upstream's name
    asks_search: bool  # the client offered web_search, whoever performs it
    notes: tuple[str, ...]


def read(request: Mapping[str, Any], history: History, target: Target) -> Tools:
    """The tools that go up: declared ones in order, then those added on the way."""
    declared = shapes.objects(request.get("tools"), "tools")
    tools = list(_classified(request.get("tools"), declared))
    names = ToolNames((tool.name for tool in tools if tool.is_function), history.named)
    tools += [_Tool(tool, "tool_addition") for tool in history.definitions]
    chosen = _chosen_name(request)
    # A placeholder says that the client runs a tool search, whatever its name.
    has_placeholder = any(tool.get("name") == PLACEHOLDER for tool in declared)
    can_load = has_placeholder or any(tool.loads_others for tool in tools)

    definitions: list[dict[str, Any]] = []
    parameters: dict[str, Mapping[str, Any]] = {}
    notes: list[str] = []
    for tool in tools:
        if not tool.is_function:
            search = _web_search(tool.tool, target) if tool.is_web_search else None
            if search:
                definitions.append(search)
            else:
                notes.append(f"server tool {tool.kind} left out")
            continue
        waits = tool.is_deferred and can_load and tool.name != chosen
        upstream = names.upstream(tool.name)
        if upstream in parameters or (waits and tool.name not in history.named):
            continue
        definition = _definition(tool, upstream, target)
        parameters[upstream] = definition["function"]["parameters"]
        definitions.append(definition)
    asks_search = any(tool.is_web_search for tool in tools)
    return Tools(names, tuple(definitions), parameters, asks_search, tuple(notes))


def _classified(given: Any, declared: Iterable[dict[str, Any]]) -> Iterable[_Tool]:
    if isinstance(given, ToolList) and "classified" in given.memo:
        known: Iterable[_Tool] = given.memo["classified"]
        return known
    tools = [
        _Tool(tool, f"tools.{number}")
        for number, tool in enumerate(declared)
        if tool.get("name") != PLACEHOLDER
    ]
    if isinstance(given, ToolList):
        given.memo["classified"] = tools
    return tools


class _Tool:
    """One entry of `tools`, classified."""

    def __init__(self, tool: Mapping[str, Any], where: str) -> None:
        self.tool = tool
        self.definitions: dict[tuple[str, bool], Written] = {}  # those made so far
        self.where = where
        self.kind = shapes.optional_text(tool.get("type"), f"{where}.type") or "custom"
        self.schema = shapes.optional_object(
            tool.get("input_schema"), f"{where}.input_schema"
        )
        self.builtin = builtin_tools.definition_of(tool) if not self.schema else None
        # A server tool has a type of its own and no schema.
        self.is_function = (
            self.kind == "custom" or self.schema is not None or self.builtin is not None
        )
        self.is_web_search = not self.is_function and self.kind.startswith("web_search")
        self.name = self._name() if self.is_function else ""
        self.is_deferred = tool.get("defer_loading") is True
        # The client's own tool search; the server-side one is not there upstream.
        self.loads_others = (
            self.is_function
            and not self.is_deferred
            and "toolsearch" in _NO_LETTERS.sub("", self.name.lower())
        )

    def _name(self) -> str:
        name = self.tool.get("name")
        if name is None and self.builtin:
            return builtin_tools.default_name(self.tool)
        return shapes.required_text(name, f"{self.where}.name")


def _definition(tool: _Tool, upstream: str, target: Target) -> Written:
    is_gemini = target.family == "gemini"
    made = tool.definitions.get((upstream, is_gemini))
    if made is not None:
        return made
    description = shapes.optional_text(
        tool.tool.get("description"), f"{tool.where}.description"
    )
    schema: Mapping[str, Any] | None = tool.schema
    if tool.builtin:
        description, schema = tool.builtin
    clean = schemas.for_gemini if is_gemini else schemas.for_any_target
    function: dict[str, Any] = {"name": upstream}
    if description:
        function["description"] = description
    function["parameters"] = clean(schema)
    made = Written({"type": "function", "function": function})
    tool.definitions[upstream, is_gemini] = made
    return made


def _web_search(tool: Mapping[str, Any], target: Target) -> dict[str, Any] | None:
    """The provider's own search tool, where it has one [OpenRouter docs]."""
    if not target.dialect.web_search_tool:
        return None
    parameters: dict[str, Any] = {}
    for ours, theirs in (
        ("allowed_domains", "allowed_domains"),
        ("blocked_domains", "excluded_domains"),
    ):
        domains = tool.get(ours)
        if isinstance(domains, list) and domains and not parameters:  # never both
            parameters[theirs] = domains
    if isinstance(tool.get("user_location"), dict):
        parameters["user_location"] = tool["user_location"]
    uses = tool.get("max_uses")  # how many searches one request may make, there too
    if isinstance(uses, int) and not isinstance(uses, bool) and uses > 0:
        parameters["max_uses"] = uses
    search: dict[str, Any] = {"type": target.dialect.web_search_tool}
    if parameters:
        search["parameters"] = parameters
    return search


def _chosen_name(request: Mapping[str, Any]) -> str:
    choice = request.get("tool_choice")
    name = choice.get("name") if isinstance(choice, dict) else None
    return name if isinstance(name, str) else ""


_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def choice_fields(request: Mapping[str, Any], tools: Tools) -> dict[str, Any]:
    """`tool_choice` and `parallel_tool_calls`; nothing where no tool is left."""
    if not tools.definitions:
        return {}
    choice = shapes.optional_object(request.get("tool_choice"), "tool_choice")
    if choice is None:
        return {}
    fields: dict[str, Any] = {}
    kind = shapes.type_of(choice)
    if kind == "tool":
        name = shapes.required_text(choice.get("name"), "tool_choice.name")
        upstream = tools.names.upstream(name)
        if upstream in tools.schemas:
            fields["tool_choice"] = {"type": "function", "function": {"name": upstream}}
    elif kind in _CHOICES:
        fields["tool_choice"] = _CHOICES[kind]
    else:
        shapes.refuse("tool_choice.type", "must be auto, any, tool or none")
    if choice.get("disable_parallel_tool_use") is True:
        fields["parallel_tool_calls"] = False
    return fields
