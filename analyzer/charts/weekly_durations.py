"""How long answered calls lasted, and where more of them end than beside: timers, not people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from analyzer.charts.narrow import FAINT, INK, PLAIN, RISE, RULE, Key, Sheet, drawing, whole_ticks
from analyzer.charts.style import Chart
from analyzer.views.words import Words

NAME = "durations"


class Bin(NamedTuple):
    """Answered calls that lasted so long, s; ``to_s`` None: and longer."""

    from_s: float
    to_s: float | None
    calls: int


class Spike(NamedTuple):
    """A length at which a timer ends calls: how many ended there, and how many would by the lengths beside it."""

    at_s: float
    calls: int
    expected: float


def durations(bins: Sequence[Bin], spikes: Sequence[Spike], words: Words) -> Chart | None:
    """Bars of even width for lengths that grow; ``spikes`` (those that are ones) as marks where they lie."""
    total = sum(one.calls for one in bins)
    if not total:
        return None
    spikes = [spike for spike in spikes if _place(bins, spike.at_s) is not None]
    if spikes:
        worst = max(spikes, key=lambda spike: spike.calls - spike.expected)
        title = words(
            "{count} calls ended after {length}, where {expected} would be usual",
            count=words.number(worst.calls),
            length=length(worst.at_s, words),
            expected=words.number(round(worst.expected)),
        )
    else:
        title = words("No length stands out among {count} answered calls", count=words.number(total))
    keys = [Key(words("calls"), PLAIN)]
    if spikes:
        keys.append(Key(words("a timer ended them"), RISE))
    most = max(one.calls for one in bins)
    with drawing():
        # Marks stand above the bars, each on a line of its own.
        over = 0.19 * len(spikes)
        sheet = Sheet(title, words("Answered calls by their duration"), keys, height=over + 2.35)
        axes = sheet.place(2.0 + over, left=0.62)
        axes.bar(range(len(bins)), [one.calls for one in bins], 0.9, color=PLAIN, linewidth=0)
        ceiling = most * 1.06 * (2.0 + over) / 2.0
        axes.set_ylim(0, ceiling)
        axes.set_xlim(-0.5, len(bins) - 0.5)
        for number, spike in enumerate(sorted(spikes, key=lambda spike: spike.at_s)):
            place = _place(bins, spike.at_s)
            assert place is not None
            height = ceiling * (1 - 0.19 * (number + 0.75) / (2.0 + over))
            axes.vlines(place, 0, height, color=RISE, linewidth=1.6)
            axes.plot(place, height, marker="v", color=RISE, markersize=6, linestyle="none")
            is_right = place > len(bins) / 2
            axes.annotate(
                _told(spike, words), (place, height),
                xytext=(-6 if is_right else 6, 0), textcoords="offset points", ha="right" if is_right else "left",
                va="center_baseline", color=INK,
            )  # fmt: skip
        _edges(axes, bins, words)
        whole_ticks(axes, "y", most, words)
        axes.set_yticks([tick for tick in axes.get_yticks() if tick <= most * 1.06])
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
    said = ", ".join(f"{_range(one, words)} {words.number(one.calls)}" for one in bins)
    marks = "".join(
        "; "
        + words(
            "{count} calls ended after {length}, where {expected} would be usual",
            count=words.number(spike.calls),
            length=length(spike.at_s, words),
            expected=words.number(round(spike.expected)),
        )
        for spike in spikes
    )
    return sheet.chart(NAME, f"{title}. {said}{marks}")


def _told(spike: Spike, words: Words) -> str:
    return words(
        "{length}: {count}, usual {expected}",
        length=length(spike.at_s, words),
        count=words.number(spike.calls),
        expected=words.number(round(spike.expected)),
    )


def length(seconds: float, words: Words) -> str:
    """A duration as people say it: 32 s, 15 min, 1 h."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % (size / 2) == 0:
            return f"{words.plain(seconds / size)} {unit}"
    return f"{words.plain(seconds)} s"


def _edges(axes: Axes, bins: Sequence[Bin], words: Words) -> None:
    """The length at which each bar begins, under its left edge; of many bars only some."""
    step = -(-len(bins) // 9)
    axes.set_xticks([])
    for place in range(0, len(bins), step):
        axes.annotate(length(bins[place].from_s, words), (place - 0.5, 0), xycoords=("data", "axes fraction"),
                      xytext=(0, -5), textcoords="offset points", ha="center", va="top", color=FAINT, fontsize=8,
                      annotation_clip=False)  # fmt: skip
        axes.axvline(place - 0.5, color=RULE, linewidth=0.5, zorder=0)


def _range(one: Bin, words: Words) -> str:
    begin = length(one.from_s, words)
    return f"{begin} +" if one.to_s is None else f"{begin}–{length(one.to_s, words)}"


def _place(bins: Sequence[Bin], seconds: float) -> float | None:
    """Where a length lies along the bars."""
    for number, one in enumerate(bins):
        if one.to_s is None:
            return float(number) if seconds >= one.from_s else None
        if one.from_s <= seconds < one.to_s:
            return number - 0.5 + (seconds - one.from_s) / (one.to_s - one.from_s)
    return None
