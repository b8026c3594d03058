"""Calls by outcome."""

from __future__ import annotations

from matplotlib.patches import Patch

from analyzer.charts.style import GREEN, GREY, ORANGE, VERMILION, Chart, figure, legend, nothing, styled, whole_numbers
from analyzer.stats.calls import CallTotals
from analyzer.views.outcomes import counted_as
from analyzer.vocab import Outcome

_COLOURS = {"success": GREEN, "unsuccessful": ORANGE, "failure": VERMILION, "left out": GREY}
_TITLES = {
    "success": "answered",
    "unsuccessful": "unsuccessful: a user's doing",
    "failure": "failure",
    "left out": "left out of ratios",
}
NAME = "calls_by_outcome"


def calls_by_outcome(figures: CallTotals, source: str) -> Chart:
    """One bar an outcome, coloured by how it counts; figures and shares of all calls at the bars."""
    if not figures.total:
        return nothing(NAME, "No calls", source)
    answered = figures.by_outcome.get(Outcome.ANSWERED, 0)
    title = (
        f"{answered / figures.total:.1%} of {figures.total:,} calls were answered, "
        f"{figures.failures / figures.total:.1%} were failures"
    )
    outcomes = list(figures.by_outcome.items())
    with styled():
        made = figure(title, "Calls by outcome", source, height=max(3.2, 1.7 + 0.36 * len(outcomes)))
        axes = made.add_subplot()
        names = [outcome.value.replace("_", " ") for outcome, _ in outcomes]
        counts = [count for _, count in outcomes]
        bars = axes.barh(names, counts, color=[_COLOURS[counted_as(outcome)] for outcome, _ in outcomes])
        axes.bar_label(bars, [f"{c:,}  ({c / figures.total:.1%})" for c in counts], padding=4)
        axes.invert_yaxis()
        axes.set_xlabel("calls")
        axes.set_xlim(0, max(counts) * 1.25)
        whole_numbers(axes.xaxis)
        axes.grid(axis="x")
        used = [kind for kind in _COLOURS if any(counted_as(outcome) == kind for outcome, _ in outcomes)]
        legend(axes, [Patch(color=_COLOURS[kind]) for kind in used], [_TITLES[kind] for kind in used])
    alt = f"{title}. " + ", ".join(f"{outcome.value} {count}" for outcome, count in outcomes)
    return Chart(NAME, made, alt)
