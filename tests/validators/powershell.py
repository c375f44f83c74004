"""PowerShell, which does not run here, as a grammar of it sees it."""

from __future__ import annotations

import pytest


def faults(text: str) -> list[str]:
    """The pieces that do not fit the grammar; none of them, if it is well formed."""
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    pending, found = [parser.parse(text.encode()).root_node], []
    while pending:
        node = pending.pop()
        if node.is_error or node.is_missing:
            found.append(f"line {node.start_point[0] + 1}: {node.text.decode()!r}")
        pending += node.children
    return found
