"""Charts as inline SVG, drawn on the server: numbers in, markup out, no library.

Pure. Geometry stands in attributes and colour in classes, for the page's policy allows
no `style`. The drawing is stretched to its place (`preserveAspectRatio="none"`), so no
word is part of it: axis words are HTML beside it and keep their size on a phone.
"""

from __future__ import annotations

import math
from html import escape
from typing import Callable, Sequence

from aiproxy.records import dataclass
from aiproxy.web import figures

HEIGHT = 100
BUCKET_WIDTH = 10
SMALLEST = 1.5  # something is never drawn as nothing
NICE_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Series:
    """One colour of a chart; None where nothing was measured."""

    name: str
    colour: int  # 1 blue, 2 amber, 3 red, 4 grey; as a line the second is dashed
    values: Sequence[float | None]

    @property
    def total(self) -> float:
        return sum(value or 0 for value in self.values)


@dataclass(frozen=True)
class Chart:
    """What a page needs beside the drawing: axis words, legend and the table."""

    svg: str
    ticks: tuple[str, str, str]  # top, middle (may be empty), bottom
    times: tuple[int, ...]  # evenly spaced, from the left edge; the right edge is now
    series: tuple[Series, ...]
    table: tuple[tuple[int, tuple[str, ...]], ...]  # only buckets where something was


def stacked_bars(
    starts: Sequence[int],
    series: Sequence[Series],
    *,
    sentence: str,
    segments: int,
    unit: Callable[[float], str] = figures.short,
) -> Chart:
    """Bars of equal width, the first series at the foot."""
    totals = [sum(s.values[i] or 0 for s in series) for i in range(len(starts))]
    top = axis_top(max(totals, default=0))
    drawn = "".join(
        _bar(i, start, [(s, s.values[i] or 0) for s in series], top, unit)
        for i, start in enumerate(starts)
    )
    return _chart(starts, series, drawn, top, sentence, segments, unit)


def lines(
    starts: Sequence[int],
    series: Sequence[Series],
    *,
    sentence: str,
    segments: int,
    unit: Callable[[float], str],
) -> Chart:
    """A line a series, broken where nothing was measured."""
    known = [value for s in series for value in s.values if value is not None]
    top = axis_top(max(known, default=0))
    drawn = "".join(
        f'<path class="l{s.colour}" d="{_path(s.values, top)}"/>'
        for s in series
        if any(value is not None for value in s.values)
    )
    hits = "".join(
        _column(i, _words(start, [(s, s.values[i]) for s in series], unit))
        for i, start in enumerate(starts)
        if any(s.values[i] is not None for s in series)
    )
    return _chart(starts, series, drawn + hits, top, sentence, segments, unit)


def axis_top(largest: float) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that holds `largest`."""
    if largest <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(largest))
    for step in NICE_STEPS:
        # Binary fractions: 0.3 is 2.9999999999999996 times 0.1.
        if largest <= step * power * (1 + 1e-9):
            return step * power
    return 10 * power


def share_bar(answered: float, failed: float, whole: float) -> str:
    """How much of a whole a line is, and how much of it failed; words stand beside."""
    return _bar_of([(1, answered), (3, failed)], whole)


def split_bar(first: float, second: float) -> str:
    """A length and its two parts; words stand beside."""
    return _bar_of([(2, first), (1, second)], first + second)


def _bar_of(parts: Sequence[tuple[int, float]], whole: float) -> str:
    if not whole:
        return ""
    rects, x = [], 0.0
    for colour, value in parts:
        width = HEIGHT * value / whole
        rects.append(
            f'<rect class="f{colour}" x="{_number(x)}" width="{_number(width)}" '
            'height="8"/>'
        )
        x += width
    return (
        f'<svg class="share" viewBox="0 0 {HEIGHT} 8" preserveAspectRatio="none" '
        f'aria-hidden="true">{"".join(rects)}</svg>'
    )


def _chart(
    starts: Sequence[int],
    series: Sequence[Series],
    drawn: str,
    top: float,
    sentence: str,
    segments: int,
    unit: Callable[[float], str],
) -> Chart:
    width = BUCKET_WIDTH * len(starts)
    svg = (
        f'<svg class="plot" viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(sentence)}">'
        f'<path class="grid" d="M0 0H{width}M0 50H{width}M0 100H{width}"/>{drawn}</svg>'
    )
    every = max(1, len(starts) // segments)
    table = tuple(
        (start, tuple(_cell(s.values[i], unit) for s in series))
        for i, start in enumerate(starts)
        if any(s.values[i] for s in series)
    )
    times = tuple(starts[: every * segments : every])
    return Chart(svg, _ticks(top, unit), times, tuple(series), table)


def _ticks(top: float, unit: Callable[[float], str]) -> tuple[str, str, str]:
    half = top / 2
    # Half a request is no tick, and 1.25 s would be written as 1.2 s, a little off.
    is_exact = half.is_integer() and len(f"{half:.0f}".rstrip("0")) <= 2
    return unit(top), unit(half) if is_exact else "", "0"


def _cell(value: float | None, unit: Callable[[float], str]) -> str:
    if value is None:
        return figures.NOTHING
    return figures.count(value) if unit is figures.short else unit(value)


def _bar(
    index: int,
    start: int,
    parts: Sequence[tuple[Series, float]],
    top: float,
    unit: Callable[[float], str],
) -> str:
    if not any(value for _, value in parts):
        return ""
    foot = float(HEIGHT)
    rects = []
    for series, value in parts:
        if value:
            head = max(0.0, foot - max(HEIGHT * value / top, SMALLEST))
            rects.append(
                f'<rect class="f{series.colour}" x="{index * BUCKET_WIDTH}" '
                f'y="{_number(head)}" width="{BUCKET_WIDTH}" '
                f'height="{_number(foot - head)}"/>'
            )
            foot = head
    return _column(index, _words(start, parts, unit), "".join(rects))


def _column(index: int, words: str, drawn: str = "") -> str:
    # Low bars and thin lines are hard to point at: the whole column answers.
    return (
        f'<g>{words}<rect class="hit" x="{index * BUCKET_WIDTH}" '
        f'width="{BUCKET_WIDTH}" height="{HEIGHT}"/>{drawn}</g>'
    )


def _words(
    start: int,
    parts: Sequence[tuple[Series, float | None]],
    unit: Callable[[float], str],
) -> str:
    said = ", ".join(f"{s.name} {_cell(value, unit)}" for s, value in parts)
    moment = figures.utc(start, "%d %b %H:%M")
    return f'<title data-t="{start}">{moment} UTC: {escape(said)}</title>'


def _path(values: Sequence[float | None], top: float) -> str:
    """Points at the middle of their buckets; a lone one becomes a short dash."""
    steps = []
    for i, value in enumerate(values):
        if value is None:
            continue
        x = i * BUCKET_WIDTH + BUCKET_WIDTH / 2
        y = HEIGHT - HEIGHT * value / top
        before = i > 0 and values[i - 1] is not None
        after = i + 1 < len(values) and values[i + 1] is not None
        if before:
            steps.append(f"L{_number(x)} {_number(y)}")
        elif after:
            steps.append(f"M{_number(x)} {_number(y)}")
        else:
            steps.append(f"M{_number(x - 4)} {_number(y)}h8")
    return "".join(steps)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
