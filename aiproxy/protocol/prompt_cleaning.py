"""The switches of the prompt page: what they take out of a text, and nothing else.

Names go only where they are words. Code, addresses, paths and identifiers keep them:
`CLAUDE.md` and `ANTHROPIC_API_KEY` must go on working.
"""

from __future__ import annotations

import re
from typing import Iterable, Iterator, Sequence, Tuple

from aiproxy.protocol.patterns import lazy_pattern

Span = Tuple[int, int]

_IDENTITY = lazy_pattern(
    r"You are (?:Claude Code|Claude|an? (?:Claude )?agent for Claude Code"
    r"|an? Claude agent)(?![\w-])(?:[^.\n]|\.(?=\w))*(?:\.|$)",
    re.MULTILINE,
)
_OFFICIAL = lazy_pattern(
    r"Claude Code, Anthropic['\u2019]s official CLI for Claude"
    r"(?:, running within the Claude Agent SDK)?"
)
_MODEL_LINE = lazy_pattern(r"You are powered by the model\b[^\n]*")
_SECURITY = lazy_pattern(r"defensive|authori[sz]ed security|malicious", re.IGNORECASE)

_COMPANIES = (
    "Anthropic|OpenAI|Google DeepMind|DeepMind|Google|xAI|DeepSeek|Mistral AI|Mistral"
    "|Moonshot AI|Moonshot|Zhipu AI|Zhipu|Alibaba|Meta AI|Cohere|Perplexity|MiniMax"
)
_NUMBER = r"[0-9]+(?:\.[0-9]+)*"
_VERSION = rf"(?: ?-?{_NUMBER}[a-z]?(?![\w]))?"
_TIER = r"(?: (?:Opus|Sonnet|Haiku|Fable))?"
_PRODUCTS = (
    rf"Claude(?: Code| Agent SDK| Desktop)?{_TIER}{_VERSION}{_TIER}"
    rf"|(?:Opus|Sonnet|Haiku|Fable) {_NUMBER}"
    rf"|ChatGPT|GPT-{_NUMBER}o?(?:[- ](?:mini|nano|pro|turbo))?"
    rf"|Gemini(?: (?:Pro|Flash|Ultra))?{_VERSION}(?: (?:Pro|Flash|Ultra))?"
    rf"|Grok{_VERSION}|Kimi(?: K{_NUMBER})?|Qwen(?:{_NUMBER})?|Codex|Copilot"
    rf"|Llama{_VERSION}"
)
_NAME = lazy_pattern(
    r"(?<![\w/\\@#$~-])(?<!\w\.)"
    r"(?:(?P<owner>" + _COMPANIES + r")['\u2019]s(?:[ ]|(?!\w))"
    r"|(?P<article>(?:[Tt]he|[Aa]n?)[ ])?"
    r"(?:(?P<company>" + _COMPANIES + r")|(?P<product>" + _PRODUCTS + r"))"
    r"(?![\w/\\@]|\.\w|-[A-Z0-9]))"
)
_FENCED = lazy_pattern(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1|\Z)", re.M | re.S)
_INLINE_CODE = lazy_pattern(r"`[^`\n]{1,2000}`")
_TOKEN = lazy_pattern(r"\S+")
_TECHNICAL = lazy_pattern(r"[/\\_@]|[A-Za-z]\.[A-Za-z]|\w\(\)")


def rename_identity(text: str, name: str) -> str:
    """Sentences that say who the assistant is now say NAME."""
    text = _IDENTITY.sub(lambda _: f"You are {name}.", text)
    return _OFFICIAL.sub(lambda _: name, text)


def rename_model(text: str, model: str) -> str:
    """Lines that say which model is at work now say this one."""
    return _MODEL_LINE.sub(lambda _: model_line(model), text)


def model_line(model: str) -> str:
    """What takes the place of the client's own line on its model."""
    return f"You are powered by the model {model}."


def remove_restrictions(text: str) -> str:
    """Without paragraphs that begin `IMPORTANT:` and are about security work."""
    kept = []
    for paragraph in _paragraphs(text):
        is_restriction = paragraph.startswith("IMPORTANT:")
        if not (is_restriction and _SECURITY.search(paragraph)):
            kept.append(paragraph)
    return "".join(kept)


def _paragraphs(text: str) -> Iterator[str]:
    """Runs of lines; one that begins `IMPORTANT:` or is blank begins a new one."""
    paragraph = ""
    for line in text.splitlines(keepends=True):
        if paragraph and (not line.strip() or line.startswith("IMPORTANT:")):
            yield paragraph
            paragraph = ""
        paragraph += line
        if not line.strip():
            yield paragraph
            paragraph = ""
    if paragraph:
        yield paragraph


def remove_references(text: str, name: str, kept_names: Sequence[str] = ()) -> str:
    """Without names of companies and their products, outside of all that is code.

    Products become `name`, or "the assistant"; companies "the provider".
    """
    protected = _merged([*_code_spans(text), *_spans_of(text, kept_names)])
    out, position, number = [], 0, 0
    for found in _NAME.finditer(text):
        while number < len(protected) and protected[number][1] <= found.start():
            number += 1
        if number < len(protected) and protected[number][0] < found.end():
            continue
        out += [text[position : found.start()], _replacement(found, name)]
        position = found.end()
    return "".join([*out, text[position:]])


def _replacement(found: re.Match[str], name: str) -> str:
    if found.group("owner"):
        return ""
    article = found.group("article") or ""
    if found.group("product") and name:
        return article + name
    word = "provider" if found.group("company") else "assistant"
    if not article:
        return f"the {word}"
    if article.lower() == "the ":
        return article + word
    vowel = "n" if word == "assistant" else ""
    return f"{article[0]}{vowel} {word}"


def _code_spans(text: str) -> Iterator[Span]:
    for pattern in (_FENCED, _INLINE_CODE):
        for found in pattern.finditer(text):
            yield found.span()
    for found in _TOKEN.finditer(text):
        if _TECHNICAL.search(found.group()):
            yield found.span()


def _spans_of(text: str, names: Iterable[str]) -> Iterator[Span]:
    for name in filter(None, names):
        for found in re.finditer(re.escape(name), text):
            yield found.span()


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
