"""The figures of a comparison as a Markdown table, a column for each gateway."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Sequence

from bench.cases import BACKLOG_STREAMS, CARRIED_RATE, Plan

DIRECT = "direct"
UNSEEN = "not measured, the time was up"


@dataclass
class Column:
    """What was seen of one gateway."""

    name: str
    what: str
    version: str = ""
    unavailable: str = ""  # why nothing was measured
    figures: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)  # by case

    def median(self, figure: str) -> float | None:
        values = self.figures.get(figure)
        return statistics.median(values) if values else None


@dataclass(frozen=True)
class Row:
    """A line of the table: which figure of which case, and what it should be."""

    title: str
    figure: str
    case: str
    digits: int = 0
    goal: float | None = None
    is_added: bool = False  # to what the provider takes without a gateway
    divisor: str = ""  # another figure, for a ratio
    more_is_better: bool = False


# "../shared/platform.md" and the issue's; of cases that have none, none is made up.
GOALS = {
    "whole.1.cpu_ms": 1.4,
    "whole.16.cpu_ms": 2.0,
    "whole.64.cpu_ms": 1.7,
    "streamed.1.cpu_ms": 2.8,
    "streamed.16.cpu_ms": 2.1,
    "streamed.1.first_ms": 3.0,
    "streams.1.cpu_us": 115,
    "streams.64.cpu_us": 50,
    "streams.1000.cpu_us": 60,
    "backlog.cpu_us": 8,
    "growth": 1.3,
    "carried": 300,
    "memory.idle": 30,
    "memory.256": 45,
    "memory.1000": 60,
    "start.cpu_ms": 150,
    "hang_up_ms": 50,
}


def rows(plan: Plan) -> list[Row]:
    """The lines for what the plan measures."""
    found: list[Row] = []
    for kind, counts in (("whole", plan.whole), ("streamed", plan.streamed)):
        for count in counts:
            case = f"{kind}.{count}"
            title = f"agent request, {kind}, {count} at once: CPU ms"
            found.append(_row(title, f"{case}.cpu_ms", case, digits=2))
    busiest = f"whole.{16 if 16 in plan.whole else plan.whole[-1]}"
    title = f"agent requests a second, {busiest[6:]} at once"
    found.append(_row(title, f"{busiest}.a_second", busiest, more_is_better=True))
    for part in ("p50", "p99"):
        title = f"agent request, whole: added ms, {part}"
        figure = f"whole.1.{part}_ms"
        found.append(_row(title, figure, "whole.1", digits=1, is_added=True))
    title = "agent request, streamed: first words added, ms"
    figure = "streamed.1.first_ms"
    found.append(_row(title, figure, "streamed.1", digits=1, is_added=True))
    for count in plan.streams:
        case = f"streams.{count}"
        title = f"chunk, {count} stream{'s' if count > 1 else ''}: CPU us"
        found.append(_row(title, f"{case}.cpu_us", case))
    if {16, 1000} <= set(plan.streams):
        title, figure = "chunk, 1,000 streams against 16", "streams.1000.cpu_us"
        growth = Row(title, figure, "streams.1000", 2, GOALS["growth"])
        found.append(_with(growth, divisor="streams.16.cpu_us"))
    title = f"chunk, backlog of {BACKLOG_STREAMS} streams: CPU us"
    found.append(_row(title, "backlog.cpu_us", "backlog", digits=1))
    for part in ("p50", "p99"):
        title, figure = f"chunk, 64 streams: added ms, {part}", f"streams.64.{part}_ms"
        found.append(_row(title, figure, "streams.64", digits=2, is_added=True))
    title = f"streams of {CARRIED_RATE} chunks a second in time"
    found.append(_row(title, "carried", "carried", more_is_better=True))
    found.append(
        _row("hang-up: the provider is told after ms", "hang_up_ms", "hang-up")
    )
    found.append(_row("memory, idle: MiB", "memory.idle", "start"))
    for count in plan.memory:
        case = f"memory.{count}"
        found.append(_row(f"memory, {count} streams: MiB", case, case))
    found.append(_row("memory, after all cases: MiB", "memory.after", "start"))
    found.append(_row("start until the first 200: CPU ms", "start.cpu_ms", "start"))
    found.append(_row("start until the first 200: ms", "start.wall_ms", "start"))
    return found


def _row(title: str, figure: str, case: str, **more: object) -> Row:
    return _with(Row(title, figure, case, goal=GOALS.get(figure)), **more)


def _with(row: Row, **more: object) -> Row:
    return Row(**{**row.__dict__, **more})


class Table:
    """Columns beside each other, and notes of what failed beneath."""

    def __init__(self, plan: Plan, columns: Sequence[Column]) -> None:
        self._plan = plan
        self._rows = rows(plan)
        self._direct = next((each for each in columns if each.name == DIRECT), None)
        self._columns = [each for each in columns if each.name != DIRECT]
        self._notes: list[str] = []

    def markdown(self) -> str:
        shown = [each for each in self._columns if not each.unavailable]
        lines = [
            "| | goal | " + " | ".join(each.name for each in shown) + " |",
            "| --- | --: |" + " --: |" * len(shown),
        ]
        for row in self._rows:
            goal = f"{row.goal:g}" if row.goal is not None else ""
            cells = " | ".join(self._cell(row, each) for each in shown)
            lines.append(f"| {row.title} | {goal} | {cells} |")
        lines.append("")
        lines += [
            f"- {each.name}: {each.what}{', ' + each.version if each.version else ''}"
            for each in shown
        ]
        lines += [
            f"- {each.name}: not measured: {each.unavailable}"
            for each in self._columns
            if each.unavailable
        ]
        notes = enumerate(self._notes, 1)
        lines += ["", *(f"{number}. {note}" for number, note in notes)]
        return "\n".join(lines) + "\n"

    def _cell(self, row: Row, column: Column) -> str:
        value = self.value(row, column)
        failures = column.failures.get(row.case, [])
        mark = f" [{self._note(column, failures[0])}]" if failures else ""
        if value is None:
            return f"failed{mark}" if failures else f"- [{self._note(column, UNSEEN)}]"
        if row.case == "carried" and value == 0:
            return f"<{self._plan.ladder[0]}{mark}"
        more = "+" if row.case == "carried" and value >= self._plan.ladder[-1] else ""
        return f"{value:,.{row.digits}f}{more}{mark}"

    def _note(self, column: Column, text: str) -> int:
        note = f"{column.name}: {text}"
        if note not in self._notes:
            self._notes.append(note)
        return self._notes.index(note) + 1

    def value(self, row: Row, column: Column) -> float | None:
        """The median, as the row wants it."""
        value = column.median(row.figure)
        if value is None:
            return None
        if row.is_added:
            base = self._direct.median(row.figure) if self._direct else None
            return None if base is None else max(0.0, value - base)
        if row.divisor:
            divisor = column.median(row.divisor)
            return None if not divisor else value / divisor
        return value

    def verdicts(self, name: str) -> list[str]:
        """Of each goal whether the gateway has met it."""
        column = next((each for each in self._columns if each.name == name), None)
        found = []
        for row in self._rows:
            value = self.value(row, column) if column else None
            if row.goal is None or value is None:
                continue
            is_met = value >= row.goal if row.more_is_better else value <= row.goal
            word = "met" if is_met else "MISSED"
            found.append(f"{word}: {row.title}: {value:.{row.digits}f} ({row.goal:g})")
        return found
