"""Every error text of the code stands in docs/troubleshooting.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ERRORS = {
    "AIProxyError",
    "AuthenticationFailed",
    "Conflict",
    "ConfigError",
    "InvalidRequest",
    "LoginNeeded",
    "NotFound",
    "Overloaded",
    "PasswordChangeNeeded",
    "PermissionDenied",
    "RateLimited",
    "RequestTooLarge",
    "StoreError",
    "Unavailable",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
}
SHORTEST = 10  # of a piece between variable parts that says something
# Words for the code's own readers: no user meets them.
INTERNAL = {"no user"}


def text_of(node: ast.expr) -> str:
    """A literal, with … for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "…"
            for part in node.values
        )
    return ""


def texts() -> dict[str, str]:
    found = {}
    for path in sorted((ROOT / "aiproxy").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            text = text_of(node.args[0])
            if name in ERRORS and text not in INTERNAL and pieces_of(text):
                found[text] = path.name
    return found


def pieces_of(text: str) -> list[str]:
    pieces = [" ".join(piece.split()) for piece in text.split("…")]
    return [piece for piece in pieces if len(piece) >= SHORTEST]


PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
WORDS = re.sub(r"\s+", " ", PAGE)
TEXTS = texts()


@pytest.mark.parametrize("text", sorted(TEXTS), ids=lambda text: text[:50])
def test_a_text_that_a_user_can_meet_is_explained(text: str) -> None:
    longest = max(pieces_of(text), key=len)

    assert longest in WORDS, f"{TEXTS[text]}: {text}"


def test_the_texts_were_found() -> None:
    assert len(TEXTS) > 80


@pytest.mark.parametrize("switch", ["num_ctx", "--jinja", "--enable-auto-tool-choice"])
def test_what_only_a_local_server_can_mend_is_told(switch: str) -> None:
    assert switch in PAGE
