"""The days of a week: failures by family against the week before, and ratios with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from matplotlib.axes import Axes

from analyzer.charts.narrow import (
    FAILING,
    FAINT,
    INK,
    SERIES,
    Key,
    Sheet,
    date_of,
    drawing,
    family_title,
    weekday,
    whole_ticks,
)
from analyzer.charts.style import Chart
from analyzer.stats.kpi import Ratio
from analyzer.views.words import Words

FAILURES, RATIOS = "days", "ratios"
#: Dates along an axis that can still be read.
_LABELS = 8


class Day(NamedTuple):
    """One day: failures by family of their code (``none`` without a final), those of the day it is compared with,
    and ratios by their key."""

    day: date
    by_family: Mapping[str, int]
    before: float | None
    ratios: Mapping[str, Ratio]


def failures_by_day(days: Sequence[Day], words: Words) -> Chart | None:
    """A bar for each day, stacked by family; the time before as an outline."""
    totals = [sum(day.by_family.values()) for day in days]
    if not any(totals) and not any(day.before for day in days):
        return None
    families = [family for family in FAILING if any(day.by_family.get(family) for day in days)]
    most = max(range(len(days)), key=lambda n: totals[n])
    worst, count = date_of(days[most].day, words), words.number(totals[most])
    title = words("Most failures on {day}: {count}", day=worst, count=count)
    compared = any(day.before is not None for day in days)
    keys = [Key(family_title(family, words), FAILING[family]) for family in families]
    if compared:
        keys.append(Key(words("the time before"), INK, is_outline=True))
    with drawing():
        sheet = Sheet(title, words("Failures per day, by family of their status code"), keys, height=2.65)
        axes = sheet.place(2.2, left=0.62)
        floors = [0] * len(days)
        for family in families:
            counts = [day.by_family.get(family, 0) for day in days]
            axes.bar(range(len(days)), counts, 0.72, bottom=floors, color=FAILING[family], linewidth=0)
            floors = [floor + count for floor, count in zip(floors, counts, strict=True)]
        if compared:
            befores = [day.before or 0 for day in days]
            axes.bar(range(len(days)), befores, 0.84, facecolor="none", edgecolor=INK, linewidth=1.1)
        highest = max([*totals, *(day.before or 0 for day in days)])
        if len(days) <= _LABELS:
            for place, (total, day) in enumerate(zip(totals, days, strict=True)):
                axes.annotate(words.number(total), (place, max(total, day.before or 0)), xytext=(0, 3),
                              textcoords="offset points", ha="center", color=INK)  # fmt: skip
        axes.set_ylim(0, highest * 1.1)
        whole_ticks(axes, "y", highest, words)
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        _dates(axes, [day.day for day in days], words)
    parts = [
        f"{date_of(day.day, words)} {words.number(total)}"
        + (f" ({words('the time before')} {words.number(round(day.before))})" if day.before is not None else "")
        for day, total in zip(days, totals, strict=True)
    ]
    return sheet.chart(FAILURES, f"{title}. " + ", ".join(parts))


def ratios_by_day(days: Sequence[Day], titles: Mapping[str, str], words: Words) -> Chart | None:
    """A panel for each ratio of ``titles``, its value by day with the 95% interval: chance alone moves it so far."""
    shown = [key for key in titles if any((day.ratios.get(key) or Ratio(0, 0)).denominator for day in days)]
    if not shown:
        return None
    with drawing():
        sheet = Sheet(
            words("Ratios by day"),
            words("Per cent, with the interval in which chance alone moves them (95%)"),
            height=1.22 * len(shown) + 0.36,
        )
        said = []
        for number, (key, colour) in enumerate(zip(shown, SERIES[1:], strict=False)):
            axes = sheet.place(0.86, left=0.62, skip=0.36)
            told = [(n, ratio) for n, day in enumerate(days) if (ratio := day.ratios.get(key)) and ratio.denominator]
            values = [ratio.value or 0.0 for _, ratio in told]
            ends = [ratio.interval or (0.0, 0.0) for _, ratio in told]
            places = [place for place, _ in told]
            axes.vlines(places, [low for low, _ in ends], [high for _, high in ends], color=colour, linewidth=2.2)
            axes.plot(places, values, color=colour, linewidth=1.0, marker="o", markersize=5)
            axes.set_title(titles[key], loc="left", fontsize=9, color=INK, pad=5, fontweight="bold")
            axes.set_xlim(-0.6, len(days) - 0.4)
            low, high = _span(min(low for low, _ in ends), max(high for _, high in ends))
            axes.set_ylim(low, high)
            ticks = (low, (low + high) / 2, high)
            axes.set_yticks(ticks, [f"{words.plain(tick)}%" for tick in ticks])
            axes.tick_params(length=0)
            axes.grid(axis="y")
            for side in ("left", "bottom"):
                axes.spines[side].set_visible(False)
            if number + 1 < len(shown):
                axes.set_xticks([])
            else:
                _dates(axes, [day.day for day in days], words)
            said.append(
                f"{titles[key]}: "
                + ", ".join(f"{date_of(days[n].day, words)} {words.decimal(r.value or 0.0)}%" for n, r in told)
            )
    return sheet.chart(RATIOS, f"{words('Ratios by day')}. " + "; ".join(said))


def _span(low: float, high: float) -> tuple[float, float]:
    """Ends of a scale, even per cents that hold all and lie at least 2 points apart."""
    step = next(step for step in (1, 2, 5, 10, 20, 50) if high - low <= 2 * step)
    bottom = max(0.0, step * (low // step))
    top = bottom + 2 * step
    while top < high:
        top += 2 * step
    if top > 100:
        top = 100.0
        bottom = min(bottom, top - 2 * step)
    return max(bottom, 0.0), top


def _dates(axes: Axes, days: Sequence[date], words: Words) -> None:
    """Days along the axis: weekday and date, of many days only some."""
    step = -(-len(days) // _LABELS)
    places = list(range(0, len(days), step))
    axes.set_xticks([])
    axes.set_xlim(-0.6, len(days) - 0.4)
    for place in places:
        day = days[place]
        for text, down in ((weekday(day.weekday(), words), 4), (f"{day.day}-{day.month}", 15)):
            axes.annotate(
                text, (place, 0), xycoords=("data", "axes fraction"), xytext=(0, -down), textcoords="offset points",
                ha="center", va="top", color=FAINT, annotation_clip=False,
            )  # fmt: skip
