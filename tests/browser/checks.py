"""What holds on every page, whatever it shows."""

from __future__ import annotations

from typing import Any

_OVERFLOW = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return [...document.querySelectorAll("main *")]
    .filter(e => e.getBoundingClientRect().right > root.clientWidth + 1)
    .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
}"""
_AXE = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  return found.violations.map(v =>
    v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(" | "));
}"""


def assert_fits(page: Any) -> None:
    """Nothing but `<pre>` scrolls sideways."""
    found = page.evaluate(_OVERFLOW)
    assert found == [], found


def assert_accessible(page: Any, axe: str) -> None:
    """axe-core finds nothing, by the rules of WCAG 2.2 AA and good practice."""
    page.evaluate(axe)
    found = page.evaluate(_AXE)
    assert found == [], found
