"""This week against the time before: what explains the change of failures, and causes now and before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from analyzer.charts.narrow import (
    ABOVE,
    FAINT,
    FALL,
    GREY,
    INK,
    RISE,
    Key,
    Sheet,
    drawing,
    rows,
    shortened,
    whole_ticks,
)
from analyzer.charts.style import Chart
from analyzer.views.words import Words

CHANGE, CAUSES = "change", "causes"
#: Rows of a chart.
TOP = 8


class Pair(NamedTuple):
    """Something that was counted in both: ``label`` in the reader's words."""

    label: str
    now: int
    before: float

    @property
    def more(self) -> float:
        """How many more now."""
        return self.now - self.before


def what_changed(whole: Pair, cells: Sequence[Pair], words: Words) -> Chart | None:
    """All failures above, then the cells that explain the change: bars from what was to what is."""
    shown = list(cells[:TOP])
    if not shown:
        return None
    title = words(
        "Failures went from {before} to {now}", before=words.number(round(whole.before)), now=words.number(whole.now)
    )
    note = words("What explains it: how many more or fewer failures each has than before")
    if len(cells) > TOP:
        note += f" ({words('{count} more are not shown', count=words.number(len(cells) - TOP))})"
    every = [whole._replace(label=words("all failures")), *shown]
    keys = [
        Key(words("more"), RISE) if any(p.more > 0 for p in every) else None,
        Key(words("fewer"), FALL) if any(p.more < 0 for p in every) else None,
    ]
    with drawing():
        sheet = Sheet(title, note, [key for key in keys if key], height=0.42 * len(every) + 0.3 + ABOVE)
        axes = rows(sheet, [shortened(pair.label) for pair in every], row=0.42)
        low, high = min(0.0, *(pair.more for pair in every)), max(0.0, *(pair.more for pair in every))
        reach = (high - low) or 1.0
        # Figures stand at the end of their bars, outside: a quarter of the width is theirs.
        axes.set_xlim(low - (0.36 * reach if low else 0), high + (0.36 * reach if high else 0))
        for number, pair in enumerate(every):
            colour = (GREY if number == 0 else RISE) if pair.more >= 0 else (GREY if number == 0 else FALL)
            axes.barh(number, pair.more, 0.34, color=colour)
            _beside(axes, pair.more, number, _moved(pair, words))
        steps = range(len(every))
        axes.vlines([0] * len(every), [n - 0.24 for n in steps], [n + 0.24 for n in steps], color=INK, linewidth=1)
        _signed_ticks(axes, reach, words)
    said = "; ".join(f"{shortened(pair.label)} {_moved(pair, words)}" for pair in every)
    return sheet.chart(CHANGE, f"{title}. {said}")


def causes_before(pairs: Sequence[Pair], words: Words) -> Chart | None:
    """Causes that changed most: a ring for before, a dot for now, and a line between them."""
    chosen = sorted(pairs, key=lambda pair: (-abs(pair.more), -pair.now, pair.label))[:TOP]
    if not chosen or not any(pair.now or pair.before for pair in chosen):
        return None
    chosen.sort(key=lambda pair: (-max(pair.now, pair.before), pair.label))
    first = max(chosen, key=lambda pair: abs(pair.more))
    title = f"{shortened(first.label, 40)}: {_moved(first, words)}"
    subtitle = words("Unsuccessful calls by ISDN cause now and before, those that changed most")
    keys = (
        Key(words("the time before"), INK, is_outline=True, is_round=True),
        Key(words("now, more"), RISE, is_round=True),
        Key(words("now, fewer"), FALL, is_round=True),
    )
    with drawing():
        sheet = Sheet(title, subtitle, keys, height=0.40 * len(chosen) + 0.3 + ABOVE)
        axes = rows(sheet, [shortened(pair.label) for pair in chosen], right=0.05)
        most = max(max(pair.now, pair.before) for pair in chosen)
        axes.set_xlim(-0.02 * most, most * 1.42)
        for number, pair in enumerate(chosen):
            colour = RISE if pair.more > 0 else FALL if pair.more < 0 else GREY
            axes.plot([pair.before, pair.now], [number, number], color=colour, linewidth=2.4, solid_capstyle="butt")
            axes.plot(pair.before, number, marker="o", markersize=7, markerfacecolor="none", markeredgecolor=INK,
                      linestyle="none", clip_on=False)  # fmt: skip
            axes.plot(pair.now, number, marker="o", markersize=7, color=colour, linestyle="none", clip_on=False)
            _beside(axes, max(pair.now, pair.before), number, _moved(pair, words), gap=8)
        whole_ticks(axes, "x", most, words)
    return sheet.chart(CAUSES, f"{title}. " + "; ".join(f"{pair.label} {_moved(pair, words)}" for pair in chosen))


def _moved(pair: Pair, words: Words) -> str:
    before, now = words.number(round(pair.before)), words.number(pair.now)
    return f"{before} → {now}"


def _beside(axes: Axes, at: float, row: int, text: str, gap: float = 4) -> None:
    """A figure outside the end of a bar."""
    side = -1 if at < 0 else 1
    axes.annotate(text, (at, row), xytext=(side * gap, 0), textcoords="offset points", va="center_baseline",
                  ha="right" if side < 0 else "left", color=INK)  # fmt: skip


def _signed_ticks(axes: Axes, reach: float, words: Words) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda at, _: ("+" if at > 0 else "−" if at < 0 else "") + words.number(abs(round(at))))
    )
    axes.tick_params(axis="x", length=0, labelcolor=FAINT)
