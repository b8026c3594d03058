"""Hours of the week as a calendar: days across, hours down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from analyzer.charts.narrow import EDGE, FAINT, INK, RULE, WIDTH, Sheet, drawing, weekday
from analyzer.charts.style import Chart, ink_on
from analyzer.views.words import Words

FAILURES, SHARE = "heat", "heat_share"
#: Calls below which an hour's share is not shown: one of nine is no share.
FEW = 10
#: Shares that are written into their hours; the figures beside it have the rest.
_WRITTEN = 12
_ROW = 0.185
_LEFT = 0.48


class Hour(NamedTuple):
    """One local hour: ``weekday`` 0 = Monday; ``hours`` 0 where clocks skip it."""

    weekday: int
    hour: int
    hours: int
    calls: int
    failures: int


def heat_failures(cells: Sequence[Hour], words: Words) -> Chart | None:
    """How many failures each hour of the week had."""
    worst = max(cells, key=lambda cell: cell.failures, default=None)
    if worst is None or not worst.failures:
        return None
    title = words("Most failures: {hour}, {count}", hour=_hour(worst, words), count=words.number(worst.failures))
    values = [(cell, float(cell.failures), words.number(cell.failures)) for cell in cells if cell.failures]
    return _calendar(
        FAILURES,
        title,
        words("Failures by hour of the day (down) and day of the week (across)"),
        cells,
        values,
        [],
        words,
        len(cells),
    )


def heat_share(cells: Sequence[Hour], words: Words) -> Chart | None:
    """Which share of the calls failed in each hour of the week."""
    told = [cell for cell in cells if cell.calls >= FEW]
    worst = max(told, key=lambda cell: cell.failures / cell.calls, default=None)
    if worst is None or not worst.failures:
        return None
    title = words(
        "Largest share: {hour}, {share} of {count} calls failed",
        hour=_hour(worst, words),
        share=words.share(worst.failures, worst.calls),
        count=words.number(worst.calls),
    )
    values = [
        (cell, 100 * cell.failures / cell.calls, words.decimal(100 * cell.failures / cell.calls))
        for cell in told
        if cell.failures
    ]
    few = [cell for cell in cells if 0 < cell.calls < FEW]
    return _calendar(
        SHARE,
        title,
        words("Failures per hundred calls, by hour (down) and day of the week (across)"),
        cells,
        values,
        few,
        words,
        _WRITTEN,
    )


def _calendar(
    name: str,
    title: str,
    subtitle: str,
    cells: Sequence[Hour],
    values: Sequence[tuple[Hour, float, str]],
    few: Sequence[Hour],
    words: Words,
    most: int,
) -> Chart:
    """``most``: figures that are written, those of the highest values; each costs as much as all the boxes."""
    days = sorted({cell.weekday for cell in cells})
    across = {day: place for place, day in enumerate(days)}
    skipped = [cell for cell in cells if not cell.hours]
    notes = [words("· fewer than {count} calls", count=str(FEW))] if few else []
    if skipped:
        notes.append(words("hatched: an hour that the clocks skip"))
    colours = mpl.colormaps["cividis"]
    ranked = sorted((value for _, value, _ in values), reverse=True)
    top, least = ranked[0], ranked[:most][-1]
    with drawing():
        sheet = Sheet(title, subtitle, height=0.26 + 24 * _ROW + (0.26 if notes else 0.06))
        axes = sheet.place(24 * _ROW, left=_LEFT, skip=0.26)
        axes.set_xlim(-0.5, len(days) - 0.5)
        axes.set_ylim(23.5, -0.5)
        _frame(axes, [weekday(day, words) for day in days])
        # Only hours that stand in `cells` exist: a report of three days has no other columns.
        places = [(across[cell.weekday], cell.hour) for cell, _, _ in values]
        shades = [colours(round(value / top, 2)) for _, value, _ in values]
        _boxes(axes, places, shades)
        for place, shade, (_, value, text) in zip(places, shades, values, strict=True):
            if value >= least:
                axes.text(*place, text, ha="center", va="center_baseline", fontsize=7.5, color=ink_on(shade))
        axes.scatter([across[cell.weekday] for cell in few], [cell.hour for cell in few], s=2, color=FAINT, linewidth=0)
        for cell in skipped:
            _box(axes, (across[cell.weekday], cell.hour), facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0)
        if notes:
            axes.annotate(
                ", ".join(notes), (0, 0), xycoords="axes fraction", xytext=(0, -6), textcoords="offset points",
                va="top", color=FAINT, fontsize=8, annotation_clip=False,
            )  # fmt: skip
    said = sorted(values, key=lambda told: (-told[1], told[0].weekday, told[0].hour))[:8]
    return sheet.chart(name, f"{title}. " + ", ".join(f"{_hour(cell, words)} {text}" for cell, _, text in said))


def _frame(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    points = (WIDTH - _LEFT - EDGE) / len(names) * 72
    for place, name in enumerate(names):
        axes.annotate(name, (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
                      ha="center", color=INK, fontsize=9 if points > 24 else 7, annotation_clip=False)  # fmt: skip
    left, right = axes.get_xlim()
    for wide, hours in ((0.8, range(6, 24, 6)), (0.3, [hour for hour in range(1, 24) if hour % 6])):
        lines = axes.hlines([hour - 0.5 for hour in hours], left, right, color=RULE, linewidth=wide, zorder=0)
        lines.set_clip_on(False)
    for hour in range(0, 24, 2):
        axes.annotate(f"{hour:02d}:00", (0, hour), xycoords=("axes fraction", "data"), xytext=(-5, 0),
                      textcoords="offset points", ha="right", va="center_baseline", color=FAINT, fontsize=8,
                      annotation_clip=False)  # fmt: skip


def _boxes(axes: Axes, places: Sequence[tuple[int, int]], shades: Sequence[Any]) -> None:
    """All of them as one drawing, which takes a hundredth of the time of as many single ones."""
    corners = [
        ((x - 0.48, y - 0.46), (x + 0.48, y - 0.46), (x + 0.48, y + 0.46), (x - 0.48, y + 0.46)) for x, y in places
    ]
    axes.add_collection(PolyCollection(corners, facecolors=shades, linewidths=0, edgecolors="none"), autolim=False)


def _box(axes: Axes, place: tuple[int, int], **look: Any) -> None:
    axes.add_artist(Rectangle((place[0] - 0.48, place[1] - 0.46), 0.96, 0.92, **look))


def _hour(cell: Hour, words: Words) -> str:
    return f"{weekday(cell.weekday, words)} {cell.hour:02d}:00"
