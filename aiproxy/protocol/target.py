"""What the translator may know of the provider and model a request goes to."""

from __future__ import annotations

import hashlib
from typing import Any, Mapping

from aiproxy.protocol import dialects
from aiproxy.protocol.dialects import Dialect
from aiproxy.records import dataclass, field


@dataclass(frozen=True)
class Target:
    """One provider and one of its models; build it with `Target.of`."""

    endpoint: str
    model: str  # the upstream's own name for it
    dialect: Dialect
    family: str
    max_output_tokens: int | None = None
    context_window: int | None = None
    send_reasoning: str = "auto"  # auto, always, never
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    full_compat: bool = False  # passthrough: the upstream knows all of Anthropic's API

    @classmethod
    def of(
        cls, *, endpoint: str, model: str, dialect: str = "auto", **rest: Any
    ) -> Target:
        """`dialect` as stored in the provider: a name, or auto for the host's."""
        return cls(
            endpoint=endpoint,
            model=model,
            dialect=dialects.find(dialect, endpoint),
            family=dialects.family_of(model),
            **rest,
        )

    @property
    def reasoning_key(self) -> str:
        """12 hex: thoughts carry it, so that none reaches another provider or model."""
        maker = f"{self.endpoint}\n{self.model}".encode("utf-8", "replace")
        return hashlib.sha256(maker).hexdigest()[:12]
