"""The dashboard's numbers over one range: tiles, one chart, and a line a provider."""

from __future__ import annotations

import sqlite3
from typing import Any, Callable, Mapping, Sequence

from aiproxy.records import dataclass
from aiproxy.store import statistics
from aiproxy.store.statistics import Counts, Latency
from aiproxy.web import charts, figures
from aiproxy.web.charts import Chart, Series

MEASURES = ("requests", "failed", "latency", "tokens")
OTHERS = "others"
_SHOWN_PROVIDERS = 3  # of a stacked chart; more colours could not be told apart


@dataclass(frozen=True)
class Range:
    """`count` buckets of `step` seconds, the last one not over yet."""

    name: str
    words: str
    step: int
    count: int
    segments: int  # of the axis, each with its time at the left
    time_form: str  # of those times, for the script

    def starts(self, now: int) -> tuple[int, ...]:
        last = now - now % self.step
        return tuple(last - self.step * i for i in reversed(range(self.count)))


RANGES: Mapping[str, Range] = {
    "1h": Range("1h", "the last hour", 60, 60, 4, "hm"),
    "24h": Range("24h", "the last 24 hours", 1800, 48, 4, "hm"),
    "7d": Range("7d", "the last 7 days", 10_800, 56, 7, "day"),
}


@dataclass(frozen=True)
class Durations:
    """Percentiles of answered requests, in milliseconds; None where there were none."""

    median: int | None = None
    p95: int | None = None
    first_token: int | None = None


@dataclass(frozen=True)
class ProviderLine:
    """One row of the table by provider; "" is what no provider was asked for."""

    slug: str
    counts: Counts
    median: int | None


@dataclass(frozen=True)
class Figures:
    """All that the page draws for one range and measure."""

    counts: Counts
    durations: Durations
    by_provider: tuple[ProviderLine, ...]
    measure: str
    starts: tuple[int, ...]
    step: int
    series: tuple[Series, ...]
    chart: Chart

    def as_json(self) -> dict[str, Any]:
        """The same for a script, the chart too."""
        return {
            "totals": {
                **vars(self.counts),
                "median_ms": self.durations.median,
                "p95_ms": self.durations.p95,
                "first_token_ms": self.durations.first_token,
            },
            "by_provider": [
                {"slug": line.slug, **vars(line.counts), "median_ms": line.median}
                for line in self.by_provider
            ],
            "chart": {
                "measure": self.measure,
                "step": self.step,
                "starts": list(self.starts),
                "series": {one.name: list(one.values) for one in self.series},
            },
        }


def gather(
    db: sqlite3.Connection,
    span: Range,
    measure: str,
    *,
    now: int,
    user_id: int | None,
    names: Mapping[str, str],
) -> Figures:
    """Count and draw; `names` are the providers' names by slug."""
    starts = span.starts(now)
    since = starts[0]
    cells = statistics.counts(db, since=since, step=span.step, user_id=user_id)
    latencies = statistics.latencies(db, since=since, user_id=user_id)
    total = sum(cells.values(), Counts())
    series = _SERIES[measure](span, starts, cells, latencies, names)
    durations = _durations(latencies)
    draw = charts.lines if measure == "latency" else charts.stacked_bars
    unit = figures.duration if measure == "latency" else figures.short
    chart = draw(
        starts,
        series,
        sentence=_sentence(measure, span, total, durations),
        segments=span.segments,
        unit=unit,
    )
    return Figures(
        counts=total,
        durations=durations,
        by_provider=_by_provider(cells, latencies),
        measure=measure,
        starts=starts,
        step=span.step,
        series=tuple(series),
        chart=chart,
    )


def _durations(latencies: Sequence[Latency]) -> Durations:
    whole = sorted(row.duration_ms for row in latencies)
    firsts = sorted(
        row.first_token_ms for row in latencies if row.first_token_ms is not None
    )
    return Durations(
        statistics.percentile(whole, 0.5),
        statistics.percentile(whole, 0.95),
        statistics.percentile(firsts, 0.5),
    )


def _by_provider(
    cells: Mapping[tuple[int, str], Counts], latencies: Sequence[Latency]
) -> tuple[ProviderLine, ...]:
    sums: dict[str, Counts] = {}
    for (_, slug), counts in cells.items():
        sums[slug] = sums.get(slug, Counts()) + counts
    took: dict[str, list[int]] = {}
    for row in latencies:
        took.setdefault(row.provider, []).append(row.duration_ms)
    lines = [
        ProviderLine(
            slug, counts, statistics.percentile(sorted(took.get(slug, [])), 0.5)
        )
        for slug, counts in sums.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.counts.requests, line.slug)))


def _request_series(
    _span: Range,
    starts: Sequence[int],
    cells: Mapping[tuple[int, str], Counts],
    _latencies: Sequence[Latency],
    _names: Mapping[str, str],
) -> list[Series]:
    buckets = _by_bucket(starts, cells)
    return [
        Series("failed", 3, [bucket.failed for bucket in buckets]),
        Series("answered", 1, [bucket.requests - bucket.failed for bucket in buckets]),
    ]


def _token_series(
    _span: Range,
    starts: Sequence[int],
    cells: Mapping[tuple[int, str], Counts],
    _latencies: Sequence[Latency],
    _names: Mapping[str, str],
) -> list[Series]:
    buckets = _by_bucket(starts, cells)
    return [
        Series("input", 1, [bucket.input_tokens for bucket in buckets]),
        Series("output", 2, [bucket.output_tokens for bucket in buckets]),
    ]


def _latency_series(
    span: Range,
    starts: Sequence[int],
    _cells: Mapping[tuple[int, str], Counts],
    latencies: Sequence[Latency],
    _names: Mapping[str, str],
) -> list[Series]:
    took: dict[int, list[int]] = {}
    for row in latencies:
        took.setdefault(row.time - row.time % span.step, []).append(row.duration_ms)
    ordered = [sorted(took.get(start, [])) for start in starts]
    return [
        Series("median", 1, [statistics.percentile(some, 0.5) for some in ordered]),
        Series("p95", 2, [statistics.percentile(some, 0.95) for some in ordered]),
    ]


def _failed_series(
    _span: Range,
    starts: Sequence[int],
    cells: Mapping[tuple[int, str], Counts],
    _latencies: Sequence[Latency],
    names: Mapping[str, str],
) -> list[Series]:
    failed: dict[str, int] = {}
    for (_, slug), counts in cells.items():
        failed[slug] = failed.get(slug, 0) + counts.failed
    worst = sorted(
        (slug for slug in failed if failed[slug]), key=lambda slug: -failed[slug]
    )
    shown, rest = worst[:_SHOWN_PROVIDERS], set(worst[_SHOWN_PROVIDERS:])
    series = [
        Series(
            names.get(slug, slug) or "refused here",
            (3, 2, 1)[place],
            [cells.get((start, slug), Counts()).failed for start in starts],
        )
        for place, slug in enumerate(shown)
    ]
    if rest:
        values = [
            sum(cells.get((start, slug), Counts()).failed for slug in rest)
            for start in starts
        ]
        series.append(Series(OTHERS, 4, values))
    return series or [Series("failed", 3, [0] * len(starts))]


def _by_bucket(
    starts: Sequence[int], cells: Mapping[tuple[int, str], Counts]
) -> list[Counts]:
    buckets: dict[int, Counts] = {}
    for (start, _), counts in cells.items():
        buckets[start] = buckets.get(start, Counts()) + counts
    return [buckets.get(start, Counts()) for start in starts]


def _sentence(measure: str, span: Range, total: Counts, durations: Durations) -> str:
    words = {
        "requests": f"{figures.plural(total.requests, 'request')} in {span.words},"
        f" {figures.count(total.failed)} of them failed.",
        "failed": f"{figures.plural(total.failed, 'failed request')} in {span.words},"
        " by provider.",
        "latency": f"Time to the whole answer in {span.words}: median"
        f" {figures.duration(durations.median)}, 95th percentile"
        f" {figures.duration(durations.p95)}.",
        "tokens": f"Tokens in {span.words}: {figures.short(total.input_tokens)} in,"
        f" {figures.short(total.output_tokens)} out.",
    }
    return words[measure]


_Drawer = Callable[..., "list[Series]"]
_SERIES: Mapping[str, _Drawer] = {
    "requests": _request_series,
    "failed": _failed_series,
    "latency": _latency_series,
    "tokens": _token_series,
}
