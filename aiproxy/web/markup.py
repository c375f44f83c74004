"""Small pieces of HTML that every page shares: icons and times.

A view writes `Markup` as it is and escapes all else, so every argument that could
hold a stranger's text is escaped here.
"""

from __future__ import annotations

from typing import Mapping

from bottle import html_escape

from aiproxy.web import figures


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


# Drawn for a 24 x 24 box with a round pen; the stylesheet gives stroke and size.
_SHAPES: Mapping[str, str] = {
    "alert": '<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4M12 16.8v.2"/>',
    "aliases": '<path d="M4 12V4.5h7.5L20 13l-7.5 7.5z"/><path d="M8 8.4v.2"/>',
    "back": '<path d="m14.5 5-7 7 7 7"/>',
    "check": '<path d="m4.5 12.5 5 5 10-11"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>',
    "close": '<path d="m5.5 5.5 13 13m0-13-13 13"/>',
    "connect": '<rect x="3" y="4.5" width="18" height="15" rx="2"/>'
    '<path d="m7 9.5 3 2.5-3 2.5M12.5 15H17"/>',
    "copy": '<rect x="8.5" y="8.5" width="12" height="12" rx="2"/>'
    '<path d="M15.5 5.5v-2h-12v12h2"/>',
    "dashboard": '<rect x="3.5" y="3.5" width="7" height="9" rx="1"/>'
    '<rect x="13.5" y="3.5" width="7" height="5" rx="1"/>'
    '<rect x="13.5" y="11.5" width="7" height="9" rx="1"/>'
    '<rect x="3.5" y="15.5" width="7" height="5" rx="1"/>',
    "download": '<path d="M12 4v11m-5-4.5 5 5 5-5M4.5 20h15"/>',
    "error": '<path d="M8.3 3.5h7.4l4.8 4.8v7.4l-4.8 4.8H8.3l-4.8-4.8V8.3z"/>'
    '<path d="M12 8v5M12 15.8v.2"/>',
    "help": '<circle cx="12" cy="12" r="8.5"/>'
    '<path d="M9.5 9.6a2.6 2.6 0 1 1 3.8 2.3c-.9.5-1.3 1-1.3 2M12 16.6v.2"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 7.9v.2"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="2"/>'
    '<path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>',
    "logo": '<path d="M3 7.5h6l6 9h6"/><path d="m18 13.5 3 3-3 3"/>'
    '<path d="M3 16.5h6l1.5-2.3M13.5 9.8 15 7.5h6"/><path d="m18 4.5 3 3-3 3"/>',
    "menu": '<path d="M4 6.5h16M4 12h16M4 17.5h16"/>',
    "next": '<path d="m9.5 5 7 7-7 7"/>',
    "off": '<circle cx="12" cy="12" r="8.5"/><path d="m6 6 12 12"/>',
    "plus": '<path d="M12 4.5v15M4.5 12h15"/>',
    "profile": '<circle cx="8" cy="15.5" r="4.5"/>'
    '<path d="m11.3 12.2 8.2-8.2M15.5 8l3.5 3.5M18 5.5l2.5 2.5"/>',
    "prompt": '<path d="M4 4.5h16v12h-9l-4.5 4v-4H4z"/><path d="M8 9h8M8 12.5h5"/>',
    "providers": '<rect x="3.5" y="4" width="17" height="6.5" rx="1.5"/>'
    '<rect x="3.5" y="13.5" width="17" height="6.5" rx="1.5"/>'
    '<path d="M7 7.2v.1M7 16.7v.1M11 7.25h6M11 16.75h6"/>',
    "requests": '<path d="M8.5 6H20M8.5 12H20M8.5 18H20M4 6v.1M4 12v.1M4 18v.1"/>',
    "settings": '<path d="M3.5 7h9M17.5 7h3M3.5 17h3M11.5 17h9"/>'
    '<circle cx="15" cy="7" r="2.5"/><circle cx="9" cy="17" r="2.5"/>',
    "usage": '<path d="M4 4v16h16"/><path d="M8.5 16v-4M13 16V7.5M17.5 16v-6"/>',
    "users": '<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0"/>'
    '<path d="M15.5 4.8a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.8"/>',
}
ICONS = tuple(_SHAPES)


def icon(name: str, label: str = "") -> Markup:
    """An inline drawing; without a label it is decoration beside its word."""
    naming = (
        f'role="img" aria-label="{html_escape(label)}"'
        if label
        else 'aria-hidden="true"'
    )
    return Markup(
        f'<svg class="icon" viewBox="0 0 24 24" {naming}>{_SHAPES[name]}</svg>'
    )


def with_code(text: str) -> Markup:
    """A sentence whose `quoted` words are code and stay on one line."""
    pieces = html_escape(text).split("`")
    for index in range(1, len(pieces), 2):
        pieces[index] = f'<code class="nowrap">{pieces[index]}</code>'
    return Markup("".join(pieces))


def breakable(address: str) -> Markup:
    """An address that may break after its slashes, and nowhere in a word."""
    escaped = html_escape(address).replace("/", "/<wbr>")
    return Markup(escaped.replace("/<wbr>/<wbr>", "//"))


def clock(at: int | None, missing: str = "never") -> Markup:
    """A moment in UTC; the script writes it in the reader's own time."""
    if at is None:
        return Markup(html_escape(missing))
    return _time_tag(at, figures.utc(at, "%d %b %Y, %H:%M UTC").lstrip("0"))


def ago(at: int | None, now: int, missing: str = "never") -> Markup:
    """How long since a moment; the script keeps it true while the page is open."""
    if at is None:
        return Markup(html_escape(missing))
    return _time_tag(at, figures.ago(now - at), " data-ago")


def axis_time(at: int, form: str) -> Markup:
    """A time under a chart: `hm` as hours and minutes, `day` as the day."""
    words = figures.utc(at, "%H:%M" if form == "hm" else "%a %d")
    return _time_tag(at, words, f' data-f="{html_escape(form)}"')


def _time_tag(at: int, words: str, attribute: str = "") -> Markup:
    machine = figures.utc(at, "%Y-%m-%dT%H:%M:%SZ")
    return Markup(f'<time datetime="{machine}"{attribute}>{words}</time>')
