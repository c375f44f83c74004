"""Counters in memory, written out as Prometheus text.

Labels are configured names alone: no user, key, path or word of a client.
"""

from __future__ import annotations

import threading
from typing import Mapping, Tuple

from aiproxy.store.request_log import LogEntry

BUCKETS_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

Labels = Tuple[Tuple[str, str], ...]
TOKEN_KINDS = ("input", "output", "cache_read", "cache_write")


class Histogram:
    """Counts of durations by upper bound, as Prometheus wants them."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_SECONDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.total += seconds
        for position, bound in enumerate(BUCKETS_SECONDS):
            if seconds <= bound:
                self.counts[position] += 1
                return
        self.counts[-1] += 1


class Metrics:
    """What a person would alert on; safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[Labels, int] = {}
        self._tokens: dict[Labels, int] = {}
        self._durations: dict[Labels, Histogram] = {}
        self._first_tokens: dict[Labels, Histogram] = {}

    def record(self, entry: LogEntry) -> None:
        """Count one proxied request, whatever became of it."""
        provider = (("provider", entry.provider or "none"),)
        status = (*provider, ("status", str(entry.status)))
        counts = (
            entry.input_tokens,
            entry.output_tokens,
            entry.cache_read_tokens,
            entry.cache_write_tokens,
        )
        with self._lock:
            self._requests[status] = self._requests.get(status, 0) + 1
            for kind, count in zip(TOKEN_KINDS, counts):
                labels = (*provider, ("kind", kind))
                self._tokens[labels] = self._tokens.get(labels, 0) + count
            self._durations.setdefault(provider, Histogram()).observe(
                entry.duration_ms / 1000
            )
            if entry.first_token_ms is not None:
                self._first_tokens.setdefault(provider, Histogram()).observe(
                    entry.first_token_ms / 1000
                )

    def render(self, gauges: Mapping[str, tuple[str, str, float]]) -> str:
        """Prometheus text; `gauges`: name to (type, help, value)."""
        with self._lock:
            lines = _family(
                "aiproxy_requests_total",
                "counter",
                "Proxied requests by provider and status (499: the client left).",
                _samples("aiproxy_requests_total", self._requests),
            )
            lines += _family(
                "aiproxy_tokens_total",
                "counter",
                "Tokens by provider and kind.",
                _samples("aiproxy_tokens_total", self._tokens),
            )
            lines += _family(
                "aiproxy_request_duration_seconds",
                "histogram",
                "Time from a request's head to the end of its answer.",
                _histograms("aiproxy_request_duration_seconds", self._durations),
            )
            lines += _family(
                "aiproxy_first_token_seconds",
                "histogram",
                "Time from a request's head to the first event of its answer.",
                _histograms("aiproxy_first_token_seconds", self._first_tokens),
            )
        for name, (kind, text, value) in gauges.items():
            lines += _family(name, kind, text, [f"{name} {_number(value)}"])
        return "\n".join(lines) + "\n"


def _family(name: str, kind: str, text: str, samples: list[str]) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples]


def _samples(name: str, values: Mapping[Labels, int]) -> list[str]:
    return [f"{name}{_labels(key)} {value}" for key, value in sorted(values.items())]


def _histograms(name: str, values: Mapping[Labels, Histogram]) -> list[str]:
    lines = []
    for key, histogram in sorted(values.items()):
        running = 0
        bounds = [_number(bound) for bound in BUCKETS_SECONDS] + ["+Inf"]
        for bound, count in zip(bounds, histogram.counts):
            running += count
            lines.append(f"{name}_bucket{_labels((*key, ('le', bound)))} {running}")
        lines.append(f"{name}_sum{_labels(key)} {histogram.total:.6f}")
        lines.append(f"{name}_count{_labels(key)} {running}")
    return lines


def _labels(labels: Labels) -> str:
    escaped = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in labels
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def _number(value: float) -> str:
    return f"{value:g}" if value != int(value) or abs(value) < 1e6 else str(int(value))
