"""What the translator of an answer must know of the request it answers."""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.errors import AIProxyError
from aiproxy.records import dataclass, field


@dataclass(frozen=True)
class ReplyContext:
    """Fixed before the first byte of an answer arrives.

    Randomness comes in from outside: `message_id` and `nonce` are made by the caller.
    """

    model: str  # as the client asked; the answer says the same
    message_id: str  # "msg_..."
    nonce: str  # 6 characters [A-Za-z0-9], this answer's, for tool ids
    input_estimate: int = 0
    reasoning_key: str = ""  # Target.reasoning_key
    dialect: str = "generic"  # Dialect.name
    family: str = ""
    # upstream's name -> client's
    tool_names: Mapping[str, str] = field(default_factory=dict)
    # upstream's name -> JSON schema, to find the tool of a call without a name
    tool_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # tool ids in the history, as the client has them
    seen_tool_ids: frozenset[str] = frozenset()
    stop_sequences: tuple[str, ...] = ()  # all of them; each is enforced here
    search_query: str | None = None  # last user text, where web_search was offered
    provider: str = "the provider"  # its name, for the texts of errors
    secrets: tuple[str, ...] = field(default=(), repr=False)  # masked in errors
    max_tokens: int | None = None  # the output limit as it was sent
    context_window: int | None = None  # the provider's, where it is configured


@dataclass
class Usage:
    """Token counts in Messages terms; cache reads and writes are apart from input."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    estimated: bool = False  # the provider told nothing usable
    web_search_requests: int = 0
    cost: float | None = None  # in the provider's currency, where it tells it

    def as_dict(self) -> dict[str, Any]:
        """The `usage` object of a Messages answer."""
        usage: dict[str, Any] = {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.cache_creation_input_tokens,
            "cache_read_input_tokens": self.cache_read_input_tokens,
            "output_tokens": self.output_tokens,
        }
        if self.web_search_requests:
            usage["server_tool_use"] = {"web_search_requests": self.web_search_requests}
        return usage


@dataclass
class Outcome:
    """How an answer ended, for the request log; grows while it streams."""

    usage: Usage = field(default_factory=Usage)
    stop_reason: str | None = None
    error: AIProxyError | None = None
    notes: tuple[str, ...] = ()
