"""Endpoints by the share of their calls whose failure began with them, and how sure that share is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.charts.narrow import ABOVE, FAINT, GREY, INK, RISE, Key, Sheet, drawing, rows, shortened
from analyzer.charts.style import Chart
from analyzer.stats.kpi import Ratio
from analyzer.views.words import Words

NAME = "endpoints"
_TOP = 10


class Charged(NamedTuple):
    """An endpoint: failures that it originated of the calls it was sent; ``is_small``: too few to say anything."""

    label: str
    share: Ratio
    is_small: bool


def worst_endpoints(endpoints: Sequence[Charged], words: Words) -> Chart | None:
    """A dot for the share, a line for the interval; in the order of the report, by the lower end of the interval."""
    guilty = [line for line in endpoints if line.share.numerator and line.share.denominator]
    if not guilty:
        return None
    # One failure of two calls would stretch the scale and say nothing; the report's table has those.
    told = [line for line in guilty if not line.is_small] or guilty
    shown = told[:_TOP]
    first = shown[0]
    title = words(
        "{endpoint} originated failures in {share} of its calls",
        endpoint=shortened(first.label, 44),
        share=f"{words.decimal(first.share.value or 0.0)}%",
    )
    subtitle = words("Failures originated, per cent of the calls that each was sent, with the 95% interval")
    if len(guilty) > len(shown):
        subtitle += f" ({words('{count} more are not shown', count=words.number(len(guilty) - len(shown)))})"
    keys = [Key(words("too few calls to tell"), GREY, is_round=True)] if shown[0].is_small else []
    ends = [line.share.interval or (0.0, 0.0) for line in shown]
    top = max(high for _, high in ends)
    with drawing():
        sheet = Sheet(title, subtitle, keys, height=0.40 * len(shown) + 0.3 + ABOVE)
        axes = rows(sheet, [shortened(line.label) for line in shown])
        axes.set_xlim(-0.01 * top, top * 1.45)
        for number, (line, (low, high)) in enumerate(zip(shown, ends, strict=True)):
            colour = GREY if line.is_small else RISE
            axes.hlines(number, low, high, color=colour, linewidth=2.4)
            axes.vlines((low, high), number - 0.1, number + 0.1, color=colour, linewidth=1.4)
            axes.plot(line.share.value or 0.0, number, marker="o", markersize=6.5, color=colour, linestyle="none")
            axes.annotate(_of(line.share, words), (high, number), xytext=(7, 0), textcoords="offset points",
                          va="center_baseline", color=INK)  # fmt: skip
        ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= min(100.0, top * 1.2)]
        axes.set_xticks(ticks, [f"{words.plain(tick)}%" for tick in ticks])
        axes.tick_params(axis="x", length=0, labelcolor=FAINT)
    said = "; ".join(
        f"{shortened(line.label)} {words.decimal(line.share.value or 0.0)}% "
        f"({words.decimal(low)}–{words.decimal(high)}%), {_of(line.share, words)}"
        for line, (low, high) in zip(shown, ends, strict=True)
    )
    return sheet.chart(NAME, f"{title}. {said}")


def _of(share: Ratio, words: Words) -> str:
    return words("{part} of {whole}", part=words.number(share.numerator), whole=words.number(share.denominator))
