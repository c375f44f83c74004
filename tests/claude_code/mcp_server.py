"""A tiny MCP server on standard input and output, with one tool of a very long name."""

from __future__ import annotations

import json
import sys
from typing import Any

TOOL = "look_up_the_weather_in_a_town_with_a_very_long_name_and_then_some_more"


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        return {
            "protocolVersion": params.get("protocolVersion", "2024-11-05"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "weather", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [{"name": TOOL, "inputSchema": {"type": "object"}}]}
    if method == "tools/call":
        town = params.get("arguments", {}).get("town", "nowhere")
        return {"content": [{"type": "text", "text": f"sunny in {town}"}]}
    return {}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue  # a notification
        result = result_of(request["method"], request.get("params") or {})
        answer = {"jsonrpc": "2.0", "id": request["id"], "result": result}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
