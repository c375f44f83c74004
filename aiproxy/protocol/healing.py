"""Reads a refusal for a parameter that the request may lack, and learns from it.

Only what the provider named, only what was sent, and never what carries meaning:
`tools`, a forced `tool_choice` and `response_format` stay. All else is passed on at
once (translation.md §8, Self-healing).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Sequence

from aiproxy.errors import UpstreamError
from aiproxy.protocol import compat, error_text, limits, overflow, remedies
from aiproxy.protocol.dialects import GENERIC
from aiproxy.protocol.patterns import lazy_pattern
from aiproxy.protocol.refusals import UNKNOWN, WANTED, Refusal, text_of
from aiproxy.protocol.remedies import Lesson, apply, dropped_betas
from aiproxy.protocol.target import Target

__all__ = ["Lesson", "apply", "dropped_betas", "learn", "status_of"]

# What may go, the least missed first: of two named together the first is dropped.
_DROPPABLE = {
    "openai": (
        "stream_options",
        "parallel_tool_calls",
        "prompt_cache_key",
        "session_id",
        "top_k",
        "top_p",
        "temperature",
        "stop",
        "reasoning_effort",
        "reasoning",
        "thinking",
    ),
    "anthropic": (
        "context_management",
        "output_config",
        "top_k",
        "top_p",
        "temperature",
        "stop_sequences",
        "thinking",
    ),
}
_THINKING = ("reasoning_effort", "reasoning", "thinking")
_LEVELS_LISTED = lazy_pattern(
    r"(?<![a-z])(?:supported(?:(?= ?:)| (?:values?|levels?|efforts?|options?))"
    r"|must be|should be"
    r"|one of|expected|valid (?:values?|options?|levels?)|allowed (?:values?|levels?)"
    r"|available|permitted|choose|supports(?: only)?|only supports?)\b",
    re.IGNORECASE,
)
_EFFORT_NAMED = lazy_pattern(r"effort|reasoning|think", re.IGNORECASE)
_MANDATORY = lazy_pattern(
    r"mandatory|(?:cannot|can't|may not) be (?:disabled|turned off|switched off)"
    r"|must be enabled|does(?: not|n't) support (?:disabling|turning off|non-thinking)"
    r"|(?:only|always) supports? thinking",
    re.IGNORECASE,
)
_REASONING_HISTORY = lazy_pattern(
    r"reasoning[_ ]?content|reasoning[_ ]?details"
    r"|messages?[\w.\[\]]{0,200}\.reasoning\b"
    r"|messages?[.\[][0-9].{0,99}property ['\"`]reasoning['\"`]",
    re.IGNORECASE,
)
_IMAGES_REFUSED = lazy_pattern(
    r"image[_ ]input|at most 0 image|not a (?:multimodal|vision) model"
    r"|unknown variant.{0,9}image|image_url is only supported"
    r"|(?:not|n't) (?:support|accept|allow|able to (?:process|handle))"
    r".{0,60}(?:image|vision|picture|multimodal)"
    r"|(?:image_url|images?|vision|multimodal (?:input|content)).{0,40}"
    r"(?:not|n't) (?:be )?(?:supported|allowed|accepted)",
    re.IGNORECASE,
)
_SYSTEM_ROLE = lazy_pattern(
    r"\brole\b.{0,80}\bsystem\b|\bsystem\b.{0,80}\brole\b|messages\.\d+\.role",
    re.IGNORECASE | re.DOTALL,
)
_SCHEMA_WORDS = lazy_pattern(
    r"schema|function_?declarations|\bparameters\b|\btools?\b|keyword", re.IGNORECASE
)
_SCHEMA_KEYWORD = lazy_pattern(
    r"""(?<![\w$])(?:\$schema|\$ref|\$defs|\$id|additional_?properties|propertyNames
      | patternProperties|property_names|pattern_properties|exclusive_?(?:min|max)imum
      | const|anyOf|any_of|oneOf|one_of|allOf|all_of|if|then|else|not|format|pattern
      | default|title|examples?|min_?length|max_?length|min_?items|max_?items
      | multiple_?of|unique_?items|minimum|maximum|definitions|dependencies
      | unevaluatedProperties|prefixItems|contains|enum)(?![\w$])""",
    re.VERBOSE | re.IGNORECASE,
)
_KEYWORD_QUOTED = lazy_pattern(r"""["'`“]([$\w]{2,30})["'`”]""")
_KEYWORD_PLACED = lazy_pattern(
    r"\bkeyword:? ([$\w]{2,30})"
    r"|\b(?:parameters|properties|schema)\b[\w.\[\]]{0,200}\.([$\w]{2,30})"
)


def learn(
    status: int, body: bytes, sent: Mapping[str, Any], *, api_format: str
) -> Lesson | None:
    """What would make this request pass, or None: then it is the client's to know.

    `sent` is the body as it went up, earlier lessons included.
    """
    parsed = error_text.parse(body)
    text = text_of(body, parsed)
    refusal = Refusal(text, sent, api_format)
    if status == 402:
        return limits.affordable(refusal)
    if status == 404:
        return _useful(_images(refusal), refusal)
    # A full context is the client's to mend, even where it names max_tokens.
    if status not in {400, 422} or overflow.find(status, text, parsed) is not None:
        return None
    for rule in _RULES[api_format]:
        lesson = _useful(rule(refusal), refusal)
        if lesson is not None:
            return lesson
    return None


def status_of(error: UpstreamError) -> int:
    """What an error is to `learn` that may have said 200 first, and no status after.

    Then its words alone can tell: they are read as those of a 400.
    """
    if error.upstream_status != 200:
        return error.upstream_status or error.status
    return 400 if error.status == UpstreamError.status else error.status


def _useful(lesson: Lesson | None, refusal: Refusal) -> Lesson | None:
    """A lesson that changes nothing would send the same request once more."""
    if lesson is None:
        return None
    changed = apply(dict(refusal.sent), [lesson], _ANY_TARGET)
    return None if changed == refusal.sent else lesson


_ANY_TARGET = Target(endpoint="", model="", dialect=GENERIC, family="")


# Thinking


def _forced_choice(refusal: Refusal) -> Lesson | None:
    """Some models do not call a forced tool while they think."""
    text = refusal.text.lower()
    is_about = refusal.names("tool_choice") or "forces tool use" in text
    if not is_about or not compat.is_forced(refusal.sent.get("tool_choice")):
        return None
    if not re.search(r"think|reason", text):
        return None
    return Lesson(
        remedies.THINK_NOT_WHEN_FORCED,
        note="thinking off beside a forced tool choice",
    )


def _mandatory_thinking(refusal: Refusal) -> Lesson | None:
    if not _MANDATORY.search(refusal.text) or not _EFFORT_NAMED.search(refusal.text):
        return None
    return Lesson(remedies.KEEP_THINKING, note="thinking cannot be switched off there")


def _effort_level(refusal: Refusal) -> Lesson | None:
    sent = _sent_effort(refusal.sent)
    cue = _LEVELS_LISTED.search(refusal.text)
    if not sent or cue is None or not _EFFORT_NAMED.search(refusal.text):
        return None
    listed = re.findall(r"[a-z]+", refusal.text[cue.end() :].lower())
    levels = [level for level in remedies.LEVELS if level in listed]
    if not levels or sent in levels:
        return None
    return Lesson(
        remedies.EFFORT,
        value=" ".join(levels),
        note=f"effort {sent} lowered to one of: {', '.join(levels)}",
    )


def _sent_effort(sent: Mapping[str, Any]) -> str:
    holders = [sent.get("reasoning"), sent.get("output_config")]
    efforts = [holder.get("effort") for holder in holders if isinstance(holder, dict)]
    for effort in (sent.get("reasoning_effort"), *efforts):
        if isinstance(effort, str):
            return effort
    return ""


def _adaptive(refusal: Refusal) -> Lesson | None:
    thinking = refusal.sent.get("thinking")
    is_adaptive = isinstance(thinking, dict) and thinking.get("type") == "adaptive"
    named = "adaptive" in refusal.text.lower() or refusal.names("thinking")
    if not is_adaptive or not named:
        return None
    return Lesson(remedies.BUDGET, note="adaptive thinking sent as a budget")


def _reasoning_history(refusal: Refusal) -> Lesson | None:
    if not _REASONING_HISTORY.search(refusal.text):
        return None
    if WANTED.search(refusal.text) and not UNKNOWN.search(refusal.text):
        note = "calls without a thought got an empty one"
        return Lesson(remedies.NEED_REASONING_HISTORY, note=note)
    note = "reasoning in the history left out"
    return Lesson(remedies.NO_REASONING_HISTORY, note=note)


# Contents


def _images(refusal: Refusal) -> Lesson | None:
    if not _IMAGES_REFUSED.search(refusal.text):
        return None
    return Lesson(remedies.NO_IMAGES, note="images replaced by notes")


def _system_role(refusal: Refusal) -> Lesson | None:
    if not _SYSTEM_ROLE.search(refusal.text):
        return None
    return Lesson(remedies.NO_SYSTEM_ROLE, note="system turns sent as reminders")


def _cache_control(refusal: Refusal) -> Lesson | None:
    if not refusal.names("cache_control"):
        return None
    return Lesson(remedies.NO_CACHE_CONTROL, note="cache_control dropped")


def _schema_keyword(refusal: Refusal) -> Lesson | None:
    if not refusal.sent.get("tools") or not _SCHEMA_WORDS.search(refusal.text):
        return None
    if not _names_keyword(refusal.text):
        return None
    return Lesson(remedies.CLEAN_SCHEMAS, note="tool schemas reduced to the basics")


def _names_keyword(text: str) -> bool:
    named = _KEYWORD_QUOTED.findall(text)
    named += [word for found in _KEYWORD_PLACED.findall(text) for word in found]
    if any(_SCHEMA_KEYWORD.fullmatch(word) for word in named):
        return True
    # Unquoted, an English word like "not" or "format" says nothing.
    found = (match.group() for match in _SCHEMA_KEYWORD.finditer(text))
    return any(re.search(r"[$_A-Z]", word) for word in found)


def _server_tool(refusal: Refusal) -> Lesson | None:
    tools = refusal.sent.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else []):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if not isinstance(kind, str) or "input_schema" in tool or kind == "custom":
            continue
        base = re.sub(r"_?[0-9]{8}\Z", "", kind)
        places = (kind, base, f"tools.{number}.", f"tools[{number}]", "server tool")
        if any(place in refusal.text for place in places):
            return Lesson(remedies.NO_SERVER_TOOL, kind, note=f"{kind} dropped")
    return None


# What may simply go


def _droppable(refusal: Refusal) -> Lesson | None:
    names = _DROPPABLE[refusal.api_format]
    if re.search(r"messages\.\d+\.output_config", refusal.text):
        names = ("messages.output_config",)
    elif refusal.api_format == "anthropic" and _is_effort_alone(refusal):
        names = ("output_config.effort",)
    for name in names:
        if "." in name or _may_go(name, refusal):
            return Lesson(remedies.DROP, name, note=f"{name} dropped: refused there")
    return _other_thinking_field(names, refusal)


def _is_effort_alone(refusal: Refusal) -> bool:
    """The effort goes without the answer's format, which stands beside it."""
    is_named = re.search(r"output_config\.effort|\beffort\b", refusal.text)
    is_refused = is_named and UNKNOWN.search(refusal.text)
    return bool(is_refused) and bool(_sent_effort(refusal.sent))


def _may_go(name: str, refusal: Refusal) -> bool:
    return refusal.sent.get(name) is not None and refusal.names(name)


def _other_thinking_field(names: Sequence[str], refusal: Refusal) -> Lesson | None:
    """Ollama calls "thinking" what it takes as reasoning_effort, and so others."""
    if not any(refusal.names(name) for name in ("thinking", "reasoning", "think")):
        return None
    if not UNKNOWN.search(refusal.text):
        return None
    for name in _THINKING:
        if name in names and refusal.sent.get(name) is not None:
            return Lesson(remedies.DROP, name, note=f"{name} dropped: refused there")
    return None


_Rule = Callable[[Refusal], "Lesson | None"]
_RULES: Mapping[str, Sequence[_Rule]] = {
    "openai": (
        _forced_choice,
        _mandatory_thinking,
        _effort_level,
        limits.output_limit,
        limits.renamed_limit,
        _images,
        _reasoning_history,
        _schema_keyword,
        _cache_control,
        _droppable,
    ),
    "anthropic": (
        _forced_choice,
        _effort_level,
        _adaptive,
        limits.output_limit,
        _images,
        _system_role,
        _server_tool,
        _schema_keyword,
        _cache_control,
        _droppable,
    ),
}
