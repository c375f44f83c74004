"""A full context, as some thirty kinds of server say it, in the words clients act on.

Claude Code compacts on `prompt is too long: A tokens > B maximum` and lowers its
max_tokens on ``input length and `max_tokens` exceed context limit``; older versions
know no other text and are stuck on them (claude-code-wire.md §5).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

from aiproxy.protocol import error_text
from aiproxy.protocol.patterns import lazy_pattern
from aiproxy.records import dataclass

PHRASE = "prompt is too long"
# Less room than this for an answer is a full context: the prompt must shrink.
MIN_ROOM = 4096

_N = r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})"


@dataclass(frozen=True)
class Overflow:
    """The numbers that the provider named; None where it did not."""

    prompt: int | None = None
    output: int | None = None
    limit: int | None = None


_Reader = Callable[["re.Match[str]"], Overflow]


def _fields(*names: str) -> _Reader:
    """A reader of a pattern's groups, in the order of these names."""

    def read(match: re.Match[str]) -> Overflow:
        numbers = {name: _int(text) for name, text in zip(names, match.groups())}
        return Overflow(**numbers)

    return read


def _int(text: str | None) -> int | None:
    return None if text is None else int(text.replace(",", ""))


# The first that fits is taken: the more exact ones stand first.
_PATTERNS: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (lazy_pattern(pattern, re.IGNORECASE | re.DOTALL), reader)
    for pattern, reader in (
        # Anthropic itself, and those that copy it.
        (rf"prompt is too long: {_N} tokens > {_N}", _fields("prompt", "limit")),
        (
            rf"exceed context limit: {_N} \+ {_N} > {_N}",
            _fields("prompt", "output", "limit"),
        ),
        # vLLM: what is asked for does not fit beside the prompt.
        (
            (
                rf"maximum context length is {_N}.{{0,80}}?requested {_N} output tokens"
                rf".{{0,80}}?prompt contains at least {_N}"
            ),
            _fields("limit", "output", "prompt"),
        ),
        (
            (
                rf"too large: {_N}.{{0,80}}?maximum context length is {_N}"
                rf".{{0,80}}?request has {_N} input"
            ),
            _fields("output", "limit", "prompt"),
        ),
        # SGLang.
        (
            (
                rf"maximum context length of {_N}.{{0,200}}?{_N} tokens from the input"
                rf".{{0,80}}?{_N} tokens for the completion"
            ),
            _fields("limit", "prompt", "output"),
        ),
        # Text Generation Inference.
        (
            rf"must be <= {_N}\. Given: {_N} `inputs` tokens and {_N}",
            _fields("limit", "prompt", "output"),
        ),
        # xAI.
        (
            rf"maximum prompt length is {_N} but the request contains {_N}",
            _fields("limit", "prompt"),
        ),
        # Gemini.
        (
            rf"input token count \(?{_N}\)? exceeds .{{0,80}}?\(?{_N}\)?",
            _fields("prompt", "limit"),
        ),
        # Moonshot.
        (
            rf"exceeded model token limit: {_N} \(requested: {_N}",
            _fields("limit", "prompt"),
        ),
        # Mistral.
        (
            rf"prompt contains {_N} tokens.{{0,120}}? {_N} maximum context length",
            _fields("prompt", "limit"),
        ),
        # SGLang, Together.
        (
            rf"input \({_N} tokens\) is longer than .{{0,80}}?\({_N} tokens\)",
            _fields("prompt", "limit"),
        ),
        (
            (
                rf"input length \(?{_N}\)? exceeds .{{0,80}}?maximum context length"
                rf"[^0-9]{{0,20}}{_N}"
            ),
            _fields("prompt", "limit"),
        ),
        # GitHub Copilot.
        (
            rf"prompt token count of {_N} exceeds the limit of {_N}",
            _fields("prompt", "limit"),
        ),
        # LM Studio.
        (
            rf"keep the first {_N} tokens.{{0,200}}?context length of only {_N}",
            _fields("prompt", "limit"),
        ),
        # llama.cpp.
        (
            rf"request \({_N} tokens\) exceeds the available context size \({_N}",
            _fields("prompt", "limit"),
        ),
        # llama-cpp-python.
        (
            rf"requested tokens \({_N}\) exceed context window of {_N}",
            _fields("prompt", "limit"),
        ),
        # Fireworks.
        (
            rf"prompt is too long: {_N}, model maximum context length: {_N}",
            _fields("prompt", "limit"),
        ),
        # Cerebras.
        (rf"current length is {_N} while limit is {_N}", _fields("prompt", "limit")),
        # Cohere.
        (
            rf"tokens in the prompt cannot exceed {_N} - received {_N}",
            _fields("limit", "prompt"),
        ),
        # GitHub Models and DashScope name the limit alone.
        (rf"too large for\b.{{1,80}}\bmax size: {_N} tokens", _fields("limit")),
        (rf"range of input length should be \[[0-9]+, {_N}\]", _fields("limit")),
        # OpenAI's newer models.
        (
            rf"configured limit of {_N} tokens.{{0,80}}?resulted in {_N}",
            _fields("limit", "prompt"),
        ),
        # vLLM, where the prompt alone is too long.
        (
            rf"maximum context length is {_N}.{{0,80}}?request has {_N} input",
            _fields("limit", "prompt"),
        ),
        # OpenAI and many others.
        (
            rf"maximum context length is {_N}.{{0,120}}?resulted in {_N}",
            _fields("limit", "prompt"),
        ),
        (rf"maximum context length (?:is|of) {_N}", _fields("limit")),
    )
)
# Groq's 413 for a request above what a minute allows in all: it can never pass.
_GROQ = lazy_pattern(rf"Limit {_N}, Requested {_N}")
_REQUESTED = lazy_pattern(
    rf"requested (?:about |a total of |up to )?{_N} tokens"
    r"(?: ?\(([^()]{1,300})\))?",
    re.IGNORECASE,
)
_SHARE = lazy_pattern(
    rf"{_N} (?:of |in |for |from )?(?:the )?([a-z ]{{1,40}})", re.IGNORECASE
)

_TEXTS = lazy_pattern(
    r"""prompt\ is\ too\ long
      | prompt\ too\ long
      | (?:model's|endpoint's)?\ ?maximum\ context\ length\ (?:is|of)\ [0-9]
      | maximum\ prompt\ length\ is\ [0-9]
      | input\ token\ count\b.{0,40}\bexceeds
      | exceed(?:ed|s)?\ model\ token\ limit
      | [0-9]\ maximum\ context\ length
      | is\ longer\ than\ the\ model's\ context\ length
      | exceeds?\ the\ available\ context\ size
      | greater\ than\ the\ context\ length
      | context\ length\ of\ only\ [0-9]
      | tokens\ in\ request\ more\ than\ max\ tokens\ allowed
      | exceeds?\ (?:the\ )?(?:model's\ )?(?:maximum\ |max\ )?context\ (?:length|window)
      | exceed(?:ed|s)?\ context\ limit
      | exceeded\ (?:max\ |maximum\ )?context\ length
      | context\ (?:window|length|size|limit)
        \ (?:was\ |is\ |has\ been\ )?exceed(?:s|ed)
      | context\ window\ is\ full
      | range\ of\ input\ length\ should\ be
      | tokens\ in\ the\ prompt\ cannot\ exceed
      | too\ large\ for\b.{1,80}\bmax\ size:\ [0-9]+\ tokens
      | prompt\ token\ count\ of\ [0-9]
      | (?:please\ )?reduce\ the\ length\ of\ the\ (?:messages|prompt|input)
      | reduce\ the\ length\ of\ either\ one
      | input\ is\ too\ long
      | input\ length\b.{0,60}\bexceeds?\b.{0,60}\bcontext
      | must\ be\ <=\ [0-9]+\.\ Given:
      | context_length_exceeded
      | model_context_window_exceeded
      | exceed_context_size_error
      | model_max_prompt_tokens_exceeded
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def find(status: int, text: str, parsed: Any = None) -> Overflow | None:
    """The overflow that this failure is about, or None if it is about anything else.

    `text` are the provider's words, `parsed` its body as JSON.
    """
    if status == 429 or not (400 <= status <= 500):
        return None
    if status == 413:
        limit = _of_a_minute(text)
        if limit is not None:
            return limit
    error = error_text.error_object(parsed)
    codes = " ".join(str(error.get(key) or "") for key in ("code", "type"))
    if not (_TEXTS.search(text) or _TEXTS.search(codes)):
        return None
    return _from_fields(error) or _numbers(text)


def message(
    overflow: Overflow,
    words: str,
    *,
    input_estimate: int = 0,
    max_tokens: int | None = None,
    context_window: int | None = None,
) -> str:
    """The sentence that makes the client compact, or ask for a shorter answer.

    `context_window`, as configured, is the limit where the words name none.
    """
    prompt, limit = overflow.prompt, overflow.limit
    if limit is None:
        limit = context_window
    if prompt is None and limit is not None and input_estimate > limit:
        prompt = input_estimate
    if prompt is None or limit is None:
        return _bare(words)
    if prompt > limit:
        return f"{PHRASE}: {prompt} tokens > {limit} maximum"
    output = overflow.output if overflow.output is not None else max_tokens
    if output is None or prompt + output <= limit:
        return _bare(words)
    if limit - prompt < MIN_ROOM:
        return f"{PHRASE}: {prompt + output} tokens > {limit} maximum"
    return (
        "input length and `max_tokens` exceed context limit:"
        f" {prompt} + {output} > {limit}"
    )


def _bare(words: str) -> str:
    if words.lower().startswith(PHRASE):
        return PHRASE + words[len(PHRASE) :]
    return f"{PHRASE}. {words}" if words else PHRASE


def _of_a_minute(text: str) -> Overflow | None:
    match = _GROQ.search(text)
    if match is None:
        return None
    limit, requested = _int(match.group(1)), _int(match.group(2))
    if limit is None or requested is None or requested <= limit:
        return None
    return Overflow(prompt=requested, limit=limit)


def _from_fields(error: Mapping[str, Any]) -> Overflow | None:
    """llama.cpp gives the numbers beside its message."""
    prompt, limit = error.get("n_prompt_tokens"), error.get("n_ctx")
    if isinstance(prompt, int) and isinstance(limit, int) and prompt > 0 < limit:
        return Overflow(prompt=prompt, limit=limit)
    return None


def _numbers(text: str) -> Overflow:
    for pattern, reader in _PATTERNS:
        match = pattern.search(text)
        if match is not None:
            overflow = reader(match)
            return _with_requested(overflow, text)
    return Overflow()


def _with_requested(overflow: Overflow, text: str) -> Overflow:
    """Add "requested T tokens (A in the messages, B in the completion)"."""
    match = _REQUESTED.search(text) if overflow.prompt is None else None
    if match is None:
        return overflow
    shares = _SHARE.findall(match.group(2) or "")
    outputs = [_int(number) or 0 for number, label in shares if _is_output(label)]
    inputs = [_int(number) or 0 for number, label in shares if not _is_output(label)]
    if not inputs:
        return Overflow(prompt=_int(match.group(1)), limit=overflow.limit)
    return Overflow(
        prompt=sum(inputs),
        output=sum(outputs) if outputs else None,
        limit=overflow.limit,
    )


def _is_output(label: str) -> bool:
    return any(word in label.lower() for word in ("completion", "output"))
