"""The templates, found alike in a checkout, an archive and an installed package.

`{{ }}` escapes whatever it writes, but for Markup; no view needs `{{! }}` besides the
layout. Only text from the repository is ever run as a template; what a user stored is
a value, never a source.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from bottle import SimpleTemplate, html_escape

import aiproxy
from aiproxy.web.markup import Markup


def _roots() -> list[str]:
    """Where the views may lie, the archive first: its modules sit a folder deeper."""
    package = os.path.dirname(os.path.abspath(aiproxy.__file__))
    archive = getattr(aiproxy.__spec__ and aiproxy.__spec__.loader, "archive", None)
    beside = os.path.dirname(package) if archive is None else str(archive)
    return [os.path.join(beside, "views"), os.path.join(package, "views")]


def read_bytes(name: str) -> bytes:
    """One file below views/, whatever kind of place that is."""
    loader: Any = aiproxy.__spec__ and aiproxy.__spec__.loader
    missing: OSError | None = None
    for root in _roots():
        try:
            return bytes(loader.get_data(os.path.join(root, *name.split("/"))))
        except OSError as exc:
            missing = missing or exc
    raise FileNotFoundError(f"the installation lacks views/{name}") from missing


class View(SimpleTemplate):
    """A compiled template whose includes are looked up by name, not by path."""

    def prepare(self, **settings: Any) -> None:
        super().prepare(**settings)
        self._escape = _escape

    def _include(self, _env: dict[str, Any], _name: str = "", **context: Any) -> Any:
        env = {**_env, **context}
        return load(_name).execute(env["_stdout"], env)


def _escape(value: object) -> str:
    if isinstance(value, Markup):
        return value
    return str(html_escape("" if value is None else str(value)))


@lru_cache(maxsize=None)
def load(name: str) -> View:
    """The template, compiled once; `error` and `error.tpl` are the same."""
    if not name.endswith(".tpl"):
        return load(name + ".tpl")
    return View(source=read_bytes(name).decode("utf-8"), name=name)


def fill(name: str, context: dict[str, Any]) -> str:
    """The page that a template makes of these values."""
    return str(load(name).render(context))
