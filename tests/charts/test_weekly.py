"""Charts of the weekly report: the right numbers are drawn, labels do not meet, the text is the same each time."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import combinations
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from analyzer.charts.narrow import FAILING, FAINT, INK, RULE
from analyzer.charts.style import Chart
from analyzer.charts.svg import PAPER, svg
from analyzer.charts.weekly_before import Pair, causes_before, what_changed
from analyzer.charts.weekly_days import Day, failures_by_day, ratios_by_day
from analyzer.charts.weekly_durations import Bin, Spike, durations
from analyzer.charts.weekly_endpoints import Charged, worst_endpoints
from analyzer.charts.weekly_heat import Hour, heat_failures, heat_share
from analyzer.charts.weekly_outages import Outage, outages
from analyzer.periods import parsed_week
from analyzer.stats.kpi import Ratio
from analyzer.views.words import words

EN = words()
HOSTILE = "</text><script>alert(1)</script>\u202e&amp; $x$ "
WEEK = parsed_week("2026-W46", ZoneInfo("Europe/Amsterdam"))
HOUR = 3600 * 10**9


def days() -> list[Day]:
    ratios = {"asr": Ratio(60, 100), "ner": Ratio(95, 100), "ser": Ratio(0, 0)}
    families = [{"server_error": 400 * (n == 1), "client_error": 30 + n, "none": 2} for n in range(7)]
    return [Day(date(2026, 11, 9) + timedelta(n), families[n], 40.0, ratios) for n in range(7)]


def hours() -> list[Hour]:
    return [
        Hour(day, hour, int((day, hour) != (6, 2)), 9 if hour < 8 else 120, 60 if (day, hour) == (1, 14) else hour // 8)
        for day in range(7)
        for hour in range(24)
    ]


def change(label: str = "503 from Carrier A") -> Chart | None:
    cells = [Pair(label, 412, 14.0), Pair("403 to +88", 49, 81.0), *(Pair(f"cell {n}", 30, 2.0) for n in range(12))]
    return what_changed(Pair("", 861, 281.0), cells, EN)


CAUSES = [Pair(f"{n} A cause with a rather long name", 40 * n, 900.0) for n in range(30)]
CARRIERS = [Charged(f"Carrier {n} (2001:db8::{n})", Ratio(90 - n, 100), False) for n in range(30)]
DOWN = [Outage("peer_down", f"192.0.2.{n}", WEEK.from_ts + n * HOUR, WEEK.from_ts + (n + 2) * HOUR) for n in range(20)]
CHARTS = {
    "days": lambda: failures_by_day(days(), EN),
    "ratios": lambda: ratios_by_day(days(), {"ser": "SER", "asr": "ASR", "ner": "NER"}, EN),
    "heat": lambda: heat_failures(hours(), EN),
    "heat_share": lambda: heat_share(hours(), EN),
    "change": change,
    "causes": lambda: causes_before(CAUSES, EN),
    "endpoints": lambda: worst_endpoints(CARRIERS, EN),
    "durations": lambda: durations(
        [Bin(0, 10, 50), Bin(10, 60, 3000), Bin(60, None, 900)], [Spike(32, 190, 21.0), Spike(1800, 70, 3.0)], EN
    ),
    "outages": lambda: outages(DOWN, WEEK, EN),
}


def made(name: str) -> Chart:
    chart = CHARTS[name]()
    assert chart is not None
    return chart


def texts(chart: Chart) -> list[Text]:
    chart.figure.draw_without_rendering()
    unseen = set()
    for axis in [axis for axes in chart.figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        unseen |= {id(tick.label1) for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    found = [text for text in chart.figure.findobj(Text) if isinstance(text, Text) and id(text) not in unseen]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def said(chart: Chart) -> list[str]:
    return [" ".join(text.get_text().split("\n")) for text in texts(chart)]


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_meets_another_nor_leaves_the_drawing(name: str) -> None:
    chart = made(name)
    shown = texts(chart)
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    wide, high = chart.figure.bbox.width, chart.figure.bbox.height
    assert [text for text, box in boxes if box.x0 < -1 or box.x1 > wide + 1 or box.y0 < -1 or box.y1 > high + 1] == []
    met = [
        (one, other)
        for (one, box), (other, second) in combinations(boxes, 2)
        if min(box.x1, second.x1) - max(box.x0, second.x0) > 1 and min(box.y1, second.y1) - max(box.y0, second.y0) > 1
    ]
    assert met == []


@pytest.mark.parametrize("name", CHARTS)
def test_the_svg_is_well_formed_small_and_the_same_each_time(name: str) -> None:
    chart = made(name)
    first = svg(chart, f"{name}-en")
    assert first == svg(made(name), f"{name}-en")
    assert len(first) < 60_000
    root = ElementTree.fromstring(first)
    assert root.get("role") == "img"
    assert root.get("aria-label") == chart.alt
    ids = re.findall(r' id="([^"]*)"', first)
    assert all(each.startswith(f"{name}-en-") for each in ids)
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]*)', first)) == set(ids)
    for stand_in in (INK, FAINT, RULE):
        assert stand_in not in first
    assert "currentColor" in first
    assert "style=" not in first, "a page may forbid styles in elements"
    assert "currentColor" not in svg(chart, name, PAPER)


def test_days_are_stacked_to_their_sum_with_the_time_before_as_outline() -> None:
    chart = made("days")
    bars = [bar for bar in chart.figure.axes[0].patches if isinstance(bar, Rectangle)]
    filled = [bar for bar in bars if bar.get_facecolor()[3]]
    tops = {round(bar.get_x() + bar.get_width() / 2): 0.0 for bar in filled}
    for bar in filled:
        place = round(bar.get_x() + bar.get_width() / 2)
        tops[place] = max(tops[place], bar.get_y() + bar.get_height())
    assert tops == {n: 400.0 * (n == 1) + 32 + n for n in range(7)}
    assert [bar.get_height() for bar in bars if not bar.get_facecolor()[3]] == [40.0] * 7
    assert chart.alt.startswith("Most failures on Tue 10 Nov: 433. Mon 9 Nov 32 (the time before 40)")
    assert {"433", "5xx server", "4xx client", "no final response", "the time before"} <= set(said(chart))


def test_every_family_of_a_failure_has_its_colour() -> None:
    from analyzer.vocab import Family

    assert set(FAILING) == {family.value for family in Family} | {"none"}
    assert len(set(FAILING.values())) == len(FAILING)


def test_ratios_show_their_intervals_and_leave_out_what_is_undefined() -> None:
    chart = made("ratios")
    assert [axes.get_title(loc="left") for axes in chart.figure.axes] == ["ASR", "NER"]
    line = chart.figure.axes[0].lines[0]
    assert list(np.asarray(line.get_ydata())) == [60.0] * 7
    low, high = Ratio(60, 100).interval or (0, 0)
    ends = np.asarray(chart.figure.axes[0].collections[0].get_segments()[0])  # type: ignore[attr-defined]
    assert ends[:, 1].tolist() == pytest.approx([low, high])


def test_heat_writes_failures_in_their_cells_and_hatches_the_skipped_hour() -> None:
    chart = made("heat")
    axes = chart.figure.axes[0]
    placed = {text.get_position(): text.get_text() for text in axes.texts}
    assert placed[(1, 14)] == "60"
    assert placed[(0, 23)] == "2"
    assert (0, 3) not in placed
    assert [a.get_x() for a in axes.patches if isinstance(a, Rectangle) and a.get_hatch()] == [pytest.approx(5.52)]
    assert any("the clocks skip" in text for text in said(chart))
    assert chart.alt.startswith("Most failures: Tue 14:00, 60.")


def test_share_of_an_hour_with_few_calls_is_not_shown() -> None:
    cells = [Hour(0, 0, 1, 9, 9), Hour(0, 1, 1, 200, 30)]
    chart = heat_share(cells, EN)
    assert chart is not None
    assert chart.alt == "Largest share: Mon 01:00, 15.0% of 200 calls failed. Mon 01:00 15.0"
    assert "15.0" in said(chart)
    boxes, few = chart.figure.axes[0].collections[-2:]
    assert [path.get_extents().y0 for path in boxes.get_paths()] == [pytest.approx(0.54)]
    assert np.asarray(few.get_offsets()).tolist() == [[0, 0]]


def test_of_shares_the_highest_are_written() -> None:
    cells = [Hour(day, hour, 1, 200, 1 + hour + 24 * day) for day in range(7) for hour in range(24)]
    chart = heat_share(cells, EN)
    assert chart is not None
    assert len(chart.figure.axes[0].collections[2].get_paths()) == 168
    written = sorted(float(text) for text in said(chart) if re.fullmatch(r"\d+\.\d", text))
    assert written == [(1 + place) / 2 for place in range(156, 168)]


def test_change_bars_go_from_what_was_to_what_is_and_cut_is_said() -> None:
    chart = made("change")
    bars = [bar for bar in chart.figure.axes[0].patches if isinstance(bar, Rectangle)]
    assert [bar.get_width() for bar in bars] == [580.0, 398.0, -32.0, *[28.0] * 6]
    shown = said(chart)
    assert {"281 → 861", "14 → 412", "81 → 49"} <= set(shown)
    assert any("6 more are not shown" in text for text in shown)


def test_causes_are_those_that_changed_most() -> None:
    chart = causes_before([Pair("17 User busy", 1000, 990.0), Pair("34 No circuit", 602, 31.0)], EN)
    assert chart is not None
    assert chart.alt.startswith("34 No circuit: 31 → 602.")
    assert len([text for text in said(made("causes")) if "rather long" in text]) == 9  # eight rows and the title


def test_endpoints_with_few_calls_are_left_to_the_table() -> None:
    lines = [Charged("A", Ratio(400, 4000), False), Charged("B", Ratio(2, 3), True), Charged("C", Ratio(0, 50), False)]
    chart = worst_endpoints(lines, EN)
    assert chart is not None
    low, high = Ratio(400, 4000).interval or (0, 0)
    assert f"A 10.0% ({low:.1f}–{high:.1f}%), 400 of 4,000" in chart.alt
    assert "B" not in said(chart)
    assert worst_endpoints(lines[1:], EN) is not None, "shown where there is nobody else"


def test_spikes_stand_where_their_length_lies() -> None:
    chart = made("durations")
    marks = [float(np.asarray(line.get_xdata())[0]) for line in chart.figure.axes[0].lines if line.get_marker() == "v"]
    assert marks == [pytest.approx(0.5 + 22 / 50), 2.0]
    assert chart.alt.startswith("190 calls ended after 32 s, where 21 would be usual. 0 s–10 s 50")


def test_outages_lie_at_their_time_and_a_moment_can_be_seen() -> None:
    line = Outage("capture_gap", "eth1", WEEK.from_ts + 84 * HOUR, WEEK.from_ts + 84 * HOUR + 10**9)
    chart = outages([line], WEEK, EN)
    assert chart is not None
    (bar,) = [bar for bar in chart.figure.axes[0].patches if isinstance(bar, Rectangle)]
    assert bar.get_x() == 0.5
    assert bar.get_width() > 0.005
    assert "eth1: nobody listened" in said(chart)


def test_nothing_to_show_is_no_chart() -> None:
    idle = [Hour(day, hour, 1, 0, 0) for day in range(7) for hour in range(24)]
    assert failures_by_day([], EN) is None
    assert ratios_by_day([], {"asr": "ASR"}, EN) is None
    assert heat_failures(idle, EN) is None
    assert heat_share(idle, EN) is None
    assert what_changed(Pair("", 3, 3.0), [], EN) is None
    assert causes_before([], EN) is None
    assert worst_endpoints([], EN) is None
    assert durations([], [], EN) is None
    assert outages([], WEEK, EN) is None


def test_a_strangers_text_stays_text() -> None:
    chart = change(HOSTILE)
    assert chart is not None
    drawn = svg(chart, "change")
    ElementTree.fromstring(drawn)
    assert "<script" not in drawn
    assert "\u202e" not in drawn
    assert "&lt;script&gt;" in drawn


def test_dutch_is_spoken() -> None:
    chart = failures_by_day(days(), words("nl"))
    assert chart is not None
    assert "De meeste mislukten op di 10 nov: 433" in said(chart)
