"""Token counts of a Chat Completions answer as counts of the Messages API.

There prompt and completion are totals; here cache reads and writes stand apart from
the input. Providers differ in where they put the counts and in what they include.
"""

from __future__ import annotations

import math
from typing import Any, Iterator, Mapping

from aiproxy.protocol.reply import Usage

Counts = Mapping[str, Any]

# No answer has that many tokens, and the request log has 64 bits for the number.
_MAX_TOKENS = 1 << 53


def find(chunk: Counts) -> Counts | None:
    """The usage object of a chunk or whole answer, wherever this provider puts it."""
    for holder in _holders(chunk):
        counts = holder.get("usage")
        if isinstance(counts, dict) and counts:
            return counts
    return None


def _holders(chunk: Counts) -> Iterator[Counts]:
    yield chunk
    choices = chunk.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        yield choices[0]  # Moonshot
    groq = chunk.get("x_groq")
    if isinstance(groq, dict):
        yield groq


def from_chat(
    counts: Counts | None,
    *,
    dialect: str = "generic",
    input_estimate: int = 0,
    output_estimate: int = 0,
) -> Usage:
    """What the last usage object says, or the estimates where it says nothing.

    Never zero in and out: zeros switch off the client's context accounting.
    """
    counts = counts or {}
    prompt = _count(counts, "prompt_tokens")
    usage = Usage(cost=_cost(counts))
    if prompt:
        read = min(_cache_read(counts), prompt)
        write = min(_cache_write(counts), prompt - read)
        usage.cache_read_input_tokens = read
        usage.cache_creation_input_tokens = write
        usage.input_tokens = prompt - read - write
    else:
        usage.input_tokens = max(input_estimate, 1)
        usage.estimated = True
    usage.output_tokens = _output(counts, prompt, dialect)
    if not usage.output_tokens and not (prompt and "completion_tokens" in counts):
        usage.output_tokens = max(output_estimate, 1)
        usage.estimated = True
    return usage


def web_searches(counts: Counts | None) -> int:
    """How many searches the provider says it made (OpenRouter), 0 if it does not."""
    return _count(_object(counts or {}, "server_tool_use"), "web_search_requests")


def _cache_read(counts: Counts) -> int:
    return (
        _count(_object(counts, "prompt_tokens_details"), "cached_tokens")
        or _count(counts, "prompt_cache_hit_tokens")  # DeepSeek
        or _count(counts, "cached_tokens")  # Moonshot
        or _count(counts, "cache_read_input_tokens")
    )


def _cache_write(counts: Counts) -> int:
    # The first name is OpenRouter's.
    return _count(
        _object(counts, "prompt_tokens_details"), "cache_write_tokens"
    ) or _count(counts, "cache_creation_input_tokens")


def _output(counts: Counts, prompt: int, dialect: str) -> int:
    completion = _count(counts, "completion_tokens")
    total = _count(counts, "total_tokens")
    if dialect == "gemini":
        # Its completion tokens leave out the thoughts, which only the total has.
        return total - prompt if total > prompt else completion
    details = _object(counts, "completion_tokens_details")
    reasoning = _count(details, "reasoning_tokens") or _count(
        counts, "reasoning_tokens"
    )
    # xAI leaves the reasoning out of the completion, OpenAI includes it.
    if prompt + completion + reasoning <= total:
        return completion + reasoning
    return completion


def _object(counts: Counts, name: str) -> Counts:
    value = counts.get(name)
    return value if isinstance(value, dict) else {}


def _count(counts: Counts, name: str) -> int:
    value = counts.get(name)
    # A bool is an int to Python, not to a provider.
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 < value <= _MAX_TOKENS else 0


def _cost(counts: Counts) -> float | None:
    cost = counts.get("cost")
    if isinstance(cost, int) and not isinstance(cost, bool):
        return float(cost) if 0 <= cost <= _MAX_TOKENS else None
    if isinstance(cost, float) and math.isfinite(cost) and cost >= 0:
        return cost
    return None
