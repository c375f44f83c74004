"""Parts of a client's system prompt that a custom prompt takes over as they are.

Claude Code writes its environment in one of two forms, and the instructions of MCP
servers under a heading of their own. What lies inside these regions is never edited.
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Tuple

Span = Tuple[int, int]

_DIRECTORIES = re.compile(r"\s*\n[ \t]*Additional working directories[^\n]*")
_GIT_STATUS = re.compile(r"^gitStatus:", re.MULTILINE)
_HEADING = re.compile(r"# +(.*?)[ \t#]*\Z")
_FENCE = re.compile(r"[ \t]*(?:[-*+>] *)*(`{3,}|~{3,})")
# Lines about the machine; those beside them about models are not true here.
_MACHINE = re.compile(
    r"\b(?:[Dd]irector(?:y|ies)|[Gg]it|[Ww]orktree|[Pp]latform|[Ss]hell|OS|[Dd]ate)\b"
)
_MODEL = re.compile(r"powered by|cutoff|model family|model IDs?", re.IGNORECASE)


class _Line(NamedTuple):
    start: int
    end: int  # behind the line's end
    text: str
    is_code: bool  # inside a fence


def environment(text: str) -> list[Span]:
    """The spans that say where the client runs: `{{ENV_INFO}}`."""
    spans = _tagged_environment(text) or _environment_lines(text)
    status = _git_status(text)
    return spans + ([status] if status else [])


def server_instructions(text: str) -> list[Span]:
    """The section of the MCP servers, heading included: `{{MCP_INSTRUCTIONS}}`."""
    section = _section(text, "MCP Server Instructions")
    return [section] if section else []


def pieces(text: str, spans: list[Span]) -> Iterator[tuple[str, bool]]:
    """The text cut at the spans: each piece, and whether it lies in one."""
    position = 0
    for first, end in sorted(spans):
        start = max(first, position)
        if start > position:
            yield text[position:start], False
        if end > start:
            yield text[start:end], True
        position = max(position, end)
    if position < len(text):
        yield text[position:], False


def _tagged_environment(text: str) -> list[Span]:
    start = text.find("<env>")
    end = text.find("</env>", start) if start >= 0 else -1
    if end < 0:
        return []
    end += len("</env>")
    following = _DIRECTORIES.match(text, end)
    return [(start, following.end() if following else end)]


def _environment_lines(text: str) -> list[Span]:
    """The heading and the lines on the machine, with what is indented below them."""
    section = _section(text, "Environment")
    if section is None:
        return []
    heading, *lines = _lines(text, *section)
    kept = []
    indent = -1  # of the kept line that deeper ones belong to
    for line in lines:
        depth = len(line.text) - len(line.text.lstrip())
        if not line.text.strip():
            continue
        if indent < 0 or depth <= indent:
            indent = depth if _is_about_machine(line.text) else -1
        if indent >= 0:
            kept.append((line.start, line.end))
    return [(heading.start, heading.end), *kept] if kept else []


def _is_about_machine(line: str) -> bool:
    # Only what stands before the colon: a path may hold any word.
    label = line.partition(":")[0]
    return bool(_MACHINE.search(label)) and not _MODEL.search(label)


def _git_status(text: str) -> Span | None:
    """From the last `gitStatus:` to the end, or to a heading behind it."""
    starts = [found.start() for found in _GIT_STATUS.finditer(text)]
    if not starts:
        return None
    for line in _lines(text, starts[-1], len(text)):
        if not line.is_code and _HEADING.match(line.text):
            return starts[-1], line.start
    return starts[-1], len(text)


def _section(text: str, title: str) -> Span | None:
    """From a heading of the first level to the next one outside code."""
    start = -1
    for line in _lines(text, 0, len(text)):
        heading = None if line.is_code else _HEADING.match(line.text)
        if heading is None:
            continue
        if start >= 0:
            return start, line.start
        if heading.group(1) == title:
            start = line.start
    return None if start < 0 else (start, len(text))


def _lines(text: str, start: int, end: int) -> list[_Line]:
    lines = []
    fence = ""
    # str.splitlines would also cut at characters that end no line.
    for piece in re.findall(r"[^\n]*\n|[^\n]+\Z", text[start:end]):
        found = _FENCE.match(piece)
        mark = found.group(1) if found else ""
        is_code = bool(fence or mark)
        lines.append(_Line(start, start + len(piece), piece.rstrip("\n"), is_code))
        start += len(piece)
        if fence and mark.startswith(fence):
            fence = ""
        elif mark and not fence:
            fence = mark
    return lines
