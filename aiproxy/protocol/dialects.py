"""What each kind of provider takes and refuses: a table, not classes.

Two axes. The *dialect* is the kind of endpoint, known by its host or set by hand;
the *family* is the kind of model, known by its name, whoever serves it.
"""

from __future__ import annotations

import functools
import re
from urllib.parse import urlsplit

from aiproxy.records import dataclass


@dataclass(frozen=True)
class Dialect:
    """One variant of Chat Completions; the defaults are what most of them take."""

    name: str
    hosts: tuple[str, ...] = ()  # a host, or the end of it after a dot
    takes_top_k: bool = False
    takes_stop: bool = True
    takes_json_schema: bool = True
    takes_file_url: bool = False  # `file.file_data` may be an address
    # Reasoning fields in history: some refuse what they themselves gave out.
    takes_reasoning_history: bool = True
    # How thinking is asked for: `reasoning_effort` (effort), the object `reasoning`
    # (openrouter), or `thinking.type` beside an effort (deepseek).
    thinking: str = "effort"
    # `thinking: {type: disabled}` switches it off.
    takes_thinking_off: bool = False
    # Where a conversation key helps the provider's prefix cache.
    conversation_header: str = ""
    conversation_field: str = ""
    # A tool of the provider's own that searches the web.
    web_search_tool: str = ""
    # mistral: a user message after a tool message is refused, ids are 9 characters,
    # an unfinished last answer is marked.
    strict_turns: bool = False
    # Gemini's own endpoint checks a signature on the first call of every turn.
    needs_call_signature: bool = False


_ROWS = (
    Dialect("generic"),
    Dialect(
        "openai",
        hosts=("api.openai.com", "openai.azure.com"),
        conversation_field="prompt_cache_key",
    ),
    Dialect(
        "openrouter",
        hosts=("openrouter.ai",),
        takes_top_k=True,
        takes_file_url=True,
        thinking="openrouter",
        conversation_field="session_id",
        web_search_tool="openrouter:web_search",
    ),
    Dialect(
        "xai",
        hosts=("x.ai",),
        takes_stop=False,  # its reasoning models refuse it; enforced here instead
        conversation_header="x-grok-conv-id",
    ),
    Dialect("chutes", hosts=("chutes.ai",), takes_top_k=True),
    Dialect("synthetic", hosts=("synthetic.new",), takes_top_k=True),
    Dialect("aiml", hosts=("aimlapi.com",), takes_top_k=True),
    Dialect(
        "deepseek",
        hosts=("deepseek.com",),
        takes_json_schema=False,
        thinking="deepseek",
        takes_thinking_off=True,
    ),
    Dialect(
        "moonshot",
        hosts=("moonshot.ai", "moonshot.cn", "kimi.com"),
        takes_thinking_off=True,
    ),
    Dialect("zai", hosts=("z.ai", "bigmodel.cn"), takes_thinking_off=True),
    Dialect(
        "mistral",
        hosts=("mistral.ai",),
        takes_reasoning_history=False,
        strict_turns=True,
    ),
    Dialect(
        "gemini",
        hosts=("generativelanguage.googleapis.com", "aiplatform.googleapis.com"),
        needs_call_signature=True,
    ),
    Dialect("groq", hosts=("groq.com",), takes_reasoning_history=False),
    Dialect("cerebras", hosts=("cerebras.ai",), takes_reasoning_history=False),
    Dialect("together", hosts=("together.xyz", "together.ai"), takes_top_k=True),
    Dialect("vllm", takes_top_k=True),
    Dialect("ollama", hosts=("ollama.com",)),
    Dialect("lmstudio", takes_top_k=True),
    Dialect("llamacpp", takes_top_k=True),
)

_BY_NAME: dict[str, Dialect] = {row.name: row for row in _ROWS}
NAMES: tuple[str, ...] = tuple(_BY_NAME)
GENERIC = _BY_NAME["generic"]
_ALSO_CALLED = {"kimi": "moonshot", "glm": "zai"}  # by the models alone


@functools.lru_cache(maxsize=256)
def find(setting: str, endpoint: str) -> Dialect:
    """The dialect a provider is set to; `auto`, or a name unknown here, asks the host.

    Local servers (a loopback or private host) are generic: nothing tells them apart.
    """
    return _BY_NAME.get(name_of(setting or "")) or _by_host(_host_of(endpoint))


def name_of(setting: str) -> str:
    """The name in the table that is meant: "LM Studio" is lmstudio."""
    name = re.sub(r"[^a-z0-9]", "", setting.lower())
    return _ALSO_CALLED.get(name, name)


def _host_of(endpoint: str) -> str:
    try:
        return (urlsplit(endpoint).hostname or "").rstrip(".")
    except ValueError:  # a broken IPv6 address; who stores endpoints refuses it
        return ""


def _by_host(host: str) -> Dialect:
    for row in _ROWS:
        for known in row.hosts:
            if host == known or host.endswith("." + known):
                return row
    # Vertex AI puts its region before the name, with a hyphen.
    if host.endswith("-aiplatform.googleapis.com"):
        return _BY_NAME["gemini"]
    return GENERIC


# The first that fits counts, so `deepseek-r1-distill-qwen` is deepseek.
_FAMILIES = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("claude", r"claude"),
        ("gemini", r"gemini"),
        ("gpt-oss", r"gpt-?oss"),
        # gpt-5 and later, and the o-series; not gpt-4o, nor Azure's gpt-35-turbo.
        ("gpt-5", r"gpt-?(?:[5-9]|[12]\d)(?!\d)|^o[1-9](?![0-9a-z])"),
        ("gpt", r"gpt|^davinci"),
        ("grok", r"grok"),
        ("deepseek", r"deepseek"),
        ("kimi", r"kimi|moonshot"),
        ("glm", r"(?<![a-z])(?:chat)?glm"),
        ("mistral", r"(?:mi|magi|dev|code|mini|lean)stral|voxtral|[mp]ixtral"),
        ("qwen", r"qwen|qwq"),
        ("minimax", r"minimax"),
        ("llama", r"llama"),
    )
)


def family_of(model: str) -> str:
    """The family of an upstream model's name; empty where it is none that matters.

    `provider/model` and `hf:org/model` names are judged by their last part.
    """
    name = model.lower().rsplit("/", 1)[-1]
    for family, pattern in _FAMILIES:
        if pattern.search(name):
            return family
    return ""
