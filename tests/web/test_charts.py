"""Charts are drawn right, and the same numbers stand in their table."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.web import charts, figures
from aiproxy.web.charts import Series

START = 1_700_000_000 - 1_700_000_000 % 60


def starts(number: int, step: int = 60) -> list[int]:
    return [START + i * step for i in range(number)]


def bars(*series: Series, segments: int = 2) -> charts.Chart:
    return charts.stacked_bars(
        starts(len(series[0].values)), series, sentence="A sentence", segments=segments
    )


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own drawing


def rects(svg: str, css: str) -> list[dict[str, float]]:
    found = parse(svg).iter("rect")
    return [
        {name: float(value) for name, value in rect.attrib.items() if name != "class"}
        for rect in found
        if rect.get("class") == css
    ]


@pytest.mark.parametrize(
    ("largest", "top"),
    [
        (0, 1),
        (0.3, 0.5),
        (1, 1),
        (1.1, 2),
        (2, 2),
        (2.3, 2.5),
        (3, 5),
        (5.1, 10),
        (12, 20),
        (99, 100),
        (101, 200),
        (240_000, 250_000),
    ],
)
def test_the_axis_ends_at_1_2_25_or_5_times_a_power_of_ten(largest, top):
    assert charts.axis_top(largest) == pytest.approx(top)


@given(st.floats(min_value=1e-6, max_value=1e15))
def test_the_axis_always_holds_the_largest_value_and_wastes_little(largest):
    top = charts.axis_top(largest)

    assert largest <= top * (1 + 1e-6)
    assert top <= largest * 2.001


def test_bars_stand_on_each_other_and_the_first_series_at_the_foot():
    chart = bars(Series("failed", 3, [1, 0]), Series("answered", 1, [3, 5]))

    (failed,) = rects(chart.svg, "f3")
    answered = rects(chart.svg, "f1")
    assert failed == {"x": 0, "y": 80, "width": 10, "height": 20}
    assert answered[0] == {"x": 0, "y": 20, "width": 10, "height": 60}
    assert answered[1] == {"x": 10, "y": 0, "width": 10, "height": 100}


def test_one_among_ten_thousand_can_still_be_seen():
    chart = bars(Series("failed", 3, [1]), Series("answered", 1, [10_000]))

    (failed,) = rects(chart.svg, "f3")
    assert failed["height"] == charts.SMALLEST


def test_an_empty_chart_has_an_axis_and_no_bar():
    chart = bars(Series("answered", 1, [0, 0, None]))

    assert rects(chart.svg, "f1") == []
    assert chart.ticks == ("1", "", "0")
    assert chart.table == ()


def test_a_line_is_broken_where_nothing_was_measured():
    chart = charts.lines(
        starts(6),
        [Series("p50", 1, [500, 1000, None, 250, None, 0])],
        sentence="A sentence",
        segments=3,
        unit=figures.duration,
    )

    (path,) = re.findall(r'<path class="l1" d="([^"]*)"', chart.svg)
    assert path == "M5 50L15 0M31 75h8M51 100h8"


def test_each_line_has_its_own_class():
    chart = charts.lines(
        starts(2),
        [Series("p50", 1, [1, 2]), Series("p95", 2, [2, 3])],
        sentence="A sentence",
        segments=1,
        unit=figures.duration,
    )

    assert '<path class="l2"' in chart.svg


def test_every_bar_says_its_time_and_numbers():
    chart = bars(Series("failed", 3, [1]), Series("answered", 1, [1234]))

    (title,) = parse(chart.svg).iter("title")
    assert title.text == "14 Nov 22:13 UTC: failed 1, answered 1,234"
    assert title.get("data-t") == str(START)


def test_the_table_holds_the_same_numbers_without_the_empty_rows():
    chart = bars(Series("failed", 3, [0, 1]), Series("answered", 1, [0, 1234]))

    assert chart.table == ((START + 60, ("1", "1,234")),)


def test_the_times_under_the_axis_are_evenly_spaced():
    chart = bars(Series("answered", 1, [1] * 60), segments=4)

    assert chart.times == tuple(START + minutes * 60 for minutes in (0, 15, 30, 45))


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (1, ("1", "", "0")),
        (2, ("2", "1", "0")),
        (10, ("10", "5", "0")),
        (24, ("25", "", "0")),
        (2_400, ("2.5k", "", "0")),
        (9_000_000, ("10M", "5M", "0")),
    ],
)
def test_a_middle_tick_is_only_where_it_can_be_written_exactly(largest, ticks):
    assert bars(Series("answered", 1, [largest])).ticks == ticks


def test_names_are_escaped():
    chart = charts.stacked_bars(
        starts(1),
        [Series("<script>&\"'", 1, [1])],
        sentence="Says \"<b>\" & 'more'",
        segments=1,
    )

    root = parse(chart.svg)
    assert root.get("aria-label") == "Says \"<b>\" & 'more'"
    assert "<script>" not in chart.svg


def test_nothing_in_a_drawing_needs_a_style_attribute():
    chart = bars(Series("answered", 1, [1, 2, 3]))

    assert "style" not in chart.svg


def test_a_full_chart_stays_small():
    chart = bars(*(Series(f"s{i}", i, [9] * 60) for i in range(1, 4)))

    assert len(chart.svg) < 20_000


@given(
    st.lists(
        st.one_of(st.none(), st.integers(min_value=0, max_value=10**9)),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_comes_in_the_drawing_is_well_formed_and_within_its_box(values):
    chart = bars(Series("answered", 1, values), segments=1)
    parse(
        charts.lines(
            starts(len(values)),
            [Series("p50", 1, values)],
            sentence="",
            segments=1,
            unit=figures.duration,
        ).svg
    )

    for rect in rects(chart.svg, "f1"):
        assert rect["y"] >= -0.01
        assert rect["y"] + rect["height"] <= charts.HEIGHT + 0.01
