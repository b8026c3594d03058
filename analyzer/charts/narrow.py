"""Charts for a page that is also read on a phone: narrow, on no ground of their own, in the page's ink.

Ink, faint ink and rules are three stand-in colours which `svg` replaces by the page's (``currentColor`` and two CSS
variables), so that one drawing serves a light page, a dark one and paper. All else must be told apart on both grounds.
Places are given in inches and nothing is laid out by trial: a chart is drawn in a fraction of the time that a layout
engine takes, and labels stand in rows of their own, where they cannot meet.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from analyzer.charts.style import BLUE, FAMILY_COLOURS, GREEN, ORANGE, PURPLE, SKY, VERMILION, Chart
from analyzer.views.words import Words
from analyzer.vocab import Family
from analyzer.wiretext import printable_text

#: Stand-ins for the page's colours.
INK, FAINT, RULE = "#010203", "#040506", "#070809"
#: Read on white and on nearly black.
RISE, FALL, PLAIN, GREY = VERMILION, "#2E8BC9", SKY, "#8A8F98"
#: Colours of things that are of a kind, in order.
SERIES = (VERMILION, "#2E8BC9", GREEN, ORANGE, PURPLE, GREY)
#: Families of the failures, the gravest first; ``none``: no final at all.
FAILING: dict[str, str] = {
    Family.SERVER_ERROR.value: VERMILION,
    Family.CLIENT_ERROR.value: ORANGE,
    Family.GLOBAL_FAILURE.value: PURPLE,
    Family.REDIRECTION.value: SKY,
    Family.VENDOR.value: "#2E8BC9",
    "none": GREY,
    Family.SUCCESS.value: FAMILY_COLOURS[Family.SUCCESS],
    Family.PROVISIONAL.value: BLUE,
}

#: Inches: a chart's width, and what is left free beside it.
WIDTH, EDGE = 5.4, 0.06
#: Inches above the first row of a chart in rows.
ABOVE = 0.12
#: Of a letter, at 9 points: wide enough for any but a row of capitals.
_LETTER = 0.078
#: Letters of a line of the title and of what stands beneath it.
_TITLE, _SUBTITLE = 54, 74
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be found, and takes the page's font
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Key(NamedTuple):
    """An entry of a legend: what the colour means; ``is_outline``: a frame, ``is_round``: a dot or ring."""

    text: str
    colour: str
    is_outline: bool = False
    is_round: bool = False


def drawing() -> Any:
    """The style as a context: ``with drawing(): ...``."""
    return mpl.rc_context(_STYLE)


class Sheet:
    """A figure with its finding, what is counted, a legend, and room beneath for axes of given heights.

    ``place`` hands out axes from the top down.
    """

    def __init__(self, title: str, subtitle: str, keys: Sequence[Key] = (), height: float = 2.4) -> None:
        heads = textwrap.wrap(title, _TITLE) or [""]
        subs = textwrap.wrap(subtitle, _SUBTITLE)
        lines = _lines_of(keys)
        top = 0.06 + 0.205 * len(heads) + 0.165 * len(subs) + (0.06 + 0.2 * len(lines) if lines else 0) + 0.12
        self.height = top + height
        self.top = top
        self.figure = Figure(figsize=(WIDTH, self.height))
        at = 0.04
        self._text(EDGE, at, "\n".join(heads), 12, INK, weight="bold")
        at += 0.205 * len(heads) + 0.04
        if subs:
            self._text(EDGE, at, "\n".join(subs), 9, FAINT)
            at += 0.165 * len(subs)
        at += 0.06
        for line in lines:
            left = EDGE
            for key in line:
                self._mark(key, left, at + 0.02)
                self._text(left + 0.19, at, key.text, 9, INK)
                left += _width_of(key)
            at += 0.2

    def _text(self, left: float, down: float, text: str, size: float, colour: str, weight: str = "normal") -> None:
        self.figure.text(
            left / WIDTH, 1 - down / self.height, text, fontsize=size, color=colour, fontweight=weight, va="top",
            linespacing=1.2,
        )  # fmt: skip

    def _mark(self, key: Key, left: float, down: float) -> None:
        wide, high = 0.13 / WIDTH, 0.12 / self.height
        x, y = left / WIDTH, 1 - (down + 0.12) / self.height
        look: Any = {
            "facecolor": "none" if key.is_outline else key.colour,
            "edgecolor": key.colour,
            "linewidth": 1.2 if key.is_outline else 0,
        }
        self.figure.add_artist(
            Ellipse((x + wide / 2, y + high / 2), 0.115 / WIDTH, 0.115 / self.height, **look)
            if key.is_round
            else Rectangle((x, y), wide, high, **look)
        )

    def place(self, height: float, left: float = EDGE, right: float = EDGE, skip: float = 0.0) -> Axes:
        """Axes of a height, beneath those before; ``skip`` inches are left free above them."""
        self.top += skip
        axes = self.figure.add_axes(
            (left / WIDTH, 1 - (self.top + height) / self.height, 1 - (left + right) / WIDTH, height / self.height)
        )
        self.top += height
        return axes

    def chart(self, name: str, alt: str) -> Chart:
        """The chart that was drawn."""
        return Chart(name, self.figure, printable_text(alt))


def rows(sheet: Sheet, labels: Sequence[str], row: float = 0.40, axis: float = 0.3, right: float = 0.0) -> Axes:
    """Axes with a row for each label: the label above, the mark at ``y = number of the row`` beneath it.

    ``row``: inches each; ``axis``: inches for the ticks at the bottom; ``right``: inches kept free for figures.
    """
    axes = sheet.place(row * len(labels), EDGE + 0.04, EDGE + 0.04 + right, skip=ABOVE)
    axes.set_ylim(len(labels) - 0.5 + 0.12, -0.5 + 0.12)  # the mark stands in the lower half of its row
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for number, label in enumerate(labels):
        axes.annotate(
            label, (0, number), xycoords=("axes fraction", "data"), xytext=(0, 7.5), textcoords="offset points",
            va="bottom", color=INK, fontsize=9, annotation_clip=False,
        )  # fmt: skip
    sheet.top += axis
    return axes


def shortened(text: str, letters: int = 60) -> str:
    """A stranger's text as it may be shown, cut to what a row holds."""
    text = printable_text(text)
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def weekday(day: int, words: Words) -> str:
    """The first letters of a weekday's name; Monday is 0."""
    return words(_WEEKDAYS[day])[: 2 if words.language == "nl" else 3]


def date_of(day: date, words: Words) -> str:
    """A day as ``Tue 10 Nov``."""
    return f"{weekday(day.weekday(), words)} {day.day} {words(_MONTHS[day.month - 1])}"


def family_title(family: str, words: Words) -> str:
    """The class of a code in short."""
    titles = {
        "server_error": words("5xx server"),
        "client_error": words("4xx client"),
        "global_failure": words("6xx everywhere"),
        "redirection": words("3xx elsewhere"),
        "vendor": words("from 700, vendors'"),
        "none": words("no final response"),
        "success": "2xx",
        "provisional": "1xx",
    }
    return titles[family]


def whole_ticks(axes: Axes, which: str, most: float, words: Words) -> None:
    """Ticks at whole numbers from 0 to what is shown, in the reader's form."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=4 if most < 100_000 else 3, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(round(value))))
    axis.set_tick_params(length=0)


def _width_of(key: Key) -> float:
    return 0.19 + _LETTER * len(key.text) + 0.18


def _lines_of(keys: Sequence[Key]) -> list[list[Key]]:
    """The legend in lines that fit."""
    lines: list[list[Key]] = []
    left = WIDTH
    for key in keys:
        if left + _width_of(key) > WIDTH:
            lines.append([])
            left = EDGE
        lines[-1].append(key)
        left += _width_of(key)
    return lines
