"""The programs that are compared, by the names that `--gateways` takes."""

from __future__ import annotations

from bench.gateways.base import Direct, Gateway, Unavailable
from bench.gateways.node import ClaudeCodeRouter, Portkey
from bench.gateways.ours import Archive, Checkout
from bench.gateways.plain import Nginx
from bench.gateways.python import Ant2OAI, ClaudeCodeProxy, LiteLLM

__all__ = ["ABSENT", "GATEWAYS", "Direct", "Gateway", "Unavailable"]

GATEWAYS: dict[str, type[Gateway]] = {
    kind.name: kind
    for kind in (
        Archive,
        Checkout,
        Nginx,
        LiteLLM,
        ClaudeCodeRouter,
        Portkey,
        Ant2OAI,
        ClaudeCodeProxy,
    )
}
# Known, and not measured.
ABSENT = {
    "CLIProxyAPI": "written in Go and in no package registry that this script uses",
    "new-api": "written in Go and in no package registry that this script uses",
}
