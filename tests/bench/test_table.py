"""The table says what was measured, what failed, and which goals are met."""

from __future__ import annotations

import pytest

from bench.cases import QUICK, Plan
from bench.table import GOALS, Column, Table, rows


def column(name: str, **figures: float) -> Column:
    found = Column(name, f"the {name}", "1.0")
    for figure, value in figures.items():
        found.figures[figure.replace("__", ".")] = [value]
    return found


def line(text: str, title: str) -> list[str]:
    """The cells of the row with that title: goal, then a gateway each."""
    row = next(row for row in text.splitlines() if row.startswith(f"| {title}"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_a_cell_is_the_median_of_the_rounds():
    ours = column("ours")
    ours.figures["backlog.cpu_us"] = [9.0, 5.0, 6.0]

    text = Table(QUICK, [ours]).markdown()

    assert line(text, "chunk, backlog") == ["8", "6.0"]


def test_what_is_added_is_what_the_provider_alone_does_not_take():
    direct = column("direct", whole__1__p50_ms=0.5)
    ours = column("ours", whole__1__p50_ms=2.0)

    text = Table(QUICK, [direct, ours]).markdown()

    assert line(text, "agent request, whole: added ms, p50")[1] == "1.5"
    assert "direct" not in text


def test_a_failure_is_shown_with_its_reason():
    peer = column("peer", carried=0.0)
    peer.failures["backlog"] = ["lost 3 pieces"]

    text = Table(QUICK, [peer]).markdown()

    cell = line(text, "chunk, backlog")[1]
    number = cell.partition("[")[2].rstrip("]")
    assert cell.startswith("failed [")
    assert f"{number}. peer: lost 3 pieces" in text
    assert line(text, "streams of 50 chunks")[1] == "<64"


def test_a_failure_beside_figures_is_shown_too():
    peer = column("peer", backlog__cpu_us=10.0)
    peer.failures["backlog"] = ["error 500: no"]

    text = Table(QUICK, [peer]).markdown()

    assert line(text, "chunk, backlog")[1].startswith("10.0 [")
    assert "error 500: no" in text


def test_a_case_that_time_did_not_allow_is_not_left_out_silently():
    text = Table(QUICK, [column("peer")]).markdown()

    assert line(text, "chunk, backlog")[1].startswith("- [")
    assert "the time was up" in text


def test_a_gateway_that_is_not_there_is_named_with_the_reason():
    gone = Column("gone", "a peer", unavailable="Node.js is not installed")

    text = Table(QUICK, [gone, column("ours")]).markdown()

    assert "- gone: not measured: Node.js is not installed" in text
    assert "| gone" not in text


def test_the_verdicts_know_which_way_a_goal_points():
    ours = column("ours", carried=350.0, backlog__cpu_us=9.0)

    verdicts = Table(Plan(), [ours]).verdicts("ours")

    assert [verdict.partition(":")[0] for verdict in verdicts] == ["MISSED", "met"]


def test_growth_is_a_ratio():
    ours = column("ours", streams__16__cpu_us=40.0, streams__1000__cpu_us=50.0)

    text = Table(Plan(), [ours]).markdown()

    assert line(text, "chunk, 1,000 streams against 16") == ["1.3", "1.25"]


@pytest.mark.parametrize("figure", sorted(set(GOALS) - {"growth"}))
def test_every_goal_has_its_row(figure):
    goals = {row.figure: row.goal for row in rows(Plan()) if not row.divisor}

    assert goals[figure] == GOALS[figure]
