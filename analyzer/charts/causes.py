"""Unsuccessful calls by ISDN cause, as a Pareto chart."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.ticker import PercentFormatter

from analyzer.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    Chart,
    figure,
    legend,
    nothing,
    styled,
    whole_numbers,
)
from analyzer.schema import CauseRow
from analyzer.stats.causes import GROUPS

NAME = "failures_by_cause"
#: Causes with a bar of their own; the rest shares one.
_TOP = 12
_COLOURS = {"read": BLUE, "vendor": GREEN, "event": ORANGE, "derived": SKY, "none": GREY}
_TITLES = {
    "read": "read from Reason or ISUP",
    "vendor": "from a vendor's code",
    "event": "from a CANCEL or silence",
    "derived": "derived from the SIP code",
    "none": "no cause known",
}


def failures_by_cause(causes: Sequence[CauseRow], source: str) -> Chart:
    """Bars by cause, coloured by where the cause comes from, and the cumulated share as a line."""
    total = sum(row.calls for row in causes)
    if not total:
        return nothing(NAME, "No unsuccessful calls", source)
    first = causes[0]
    title = f"{_label(first)}: {first.calls / total:.1%} of {total:,} unsuccessful calls"
    bars = [
        (_label(row), {**{group: getattr(row, group) for group in GROUPS}, "none": _none(row)}) for row in causes[:_TOP]
    ]
    if rest := causes[_TOP:]:
        summed = {group: sum(getattr(row, group) for row in rest) for group in GROUPS}
        bars.append((f"{len(rest)} other causes", {**summed, "none": sum(_none(row) for row in rest)}))
    with styled():
        made = figure(title, "Unsuccessful calls by ISDN cause (Q.850), and their cumulated share", source,
                      height=max(3.6, 2.0 + 0.38 * len(bars)))  # fmt: skip
        axes = made.add_subplot()
        labels = [label for label, _ in bars]
        starts = [0] * len(bars)
        handles, names = [], []
        for group, colour in _COLOURS.items():
            widths = [parts[group] for _, parts in bars]
            if not any(widths):
                continue
            handles.append(axes.barh(range(len(bars)), widths, left=starts, color=colour))
            names.append(_TITLES[group])
            starts = [start + width for start, width in zip(starts, widths, strict=True)]
        for position, length in enumerate(starts):
            axes.annotate(f"{length:,}", (length, position), xytext=(8, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(bars)), labels)
        axes.invert_yaxis()
        axes.set_xlabel("calls")
        axes.set_xlim(0, total * 1.12)  # room for the longest bar's figure
        whole_numbers(axes.xaxis)
        axes.grid(axis="x")
        shares = [sum(starts[: position + 1]) / total for position in range(len(starts))]
        above = axes.twiny()
        (line,) = above.plot(shares, range(len(bars)), color=BLACK, marker="o", markersize=4, linewidth=1.2)
        above.set_xlim(0, 1.12)
        above.xaxis.set_major_formatter(PercentFormatter(1.0))
        above.spines["top"].set_visible(True)
        above.set_xlabel("cumulated share of unsuccessful calls")
        legend(axes, [*handles, line], [*names, "cumulated share"])
    alt = f"{title}. " + ", ".join(f"{label} {length}" for label, length in zip(labels, starts, strict=True))
    return Chart(NAME, made, alt)


def _label(row: CauseRow) -> str:
    if row.cause is None:
        return "no cause known"
    text = row.text or "(unlisted)"
    return f"{row.cause} {text if len(text) <= 38 else text[:37].rstrip() + '…'}"


def _none(row: CauseRow) -> int:
    """Calls whose cause has no source: those without a cause."""
    return row.calls - row.read - row.vendor - row.event - row.derived
