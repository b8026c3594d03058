"""How every chart looks: colours that colour-blind readers tell apart, a title that says the finding, one source line.

Colours are those of Okabe and Ito ("Color Universal Design", 2008). Files are the same octets for the same figures: no
date is written, and the identifiers in an SVG come from a fixed salt.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from analyzer.vocab import Family

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE, GREY = "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#B8B8B8"

FAMILY_COLOURS = {
    Family.PROVISIONAL: GREY,
    Family.SUCCESS: GREEN,
    Family.REDIRECTION: SKY,
    Family.CLIENT_ERROR: ORANGE,
    Family.SERVER_ERROR: VERMILION,
    Family.GLOBAL_FAILURE: PURPLE,
    Family.VENDOR: BLUE,
}
FAMILY_TITLES = {
    Family.PROVISIONAL: "1xx provisional",
    Family.SUCCESS: "2xx success",
    Family.REDIRECTION: "3xx redirection",
    Family.CLIENT_ERROR: "4xx client error",
    Family.SERVER_ERROR: "5xx server error",
    Family.GLOBAL_FAILURE: "6xx global failure",
    Family.VENDOR: "vendor (from 700)",
}

#: Letters of a title's line.
_TITLE_WIDTH = 88

STYLE: Any = {
    "svg.hashsalt": "sipcause",
    "text.parse_math": False,  # a $ in a name is a dollar
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#E4E4E4",
    "hatch.linewidth": 0.6,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Chart:
    """A figure, the name of its file, and what it shows in words for those who cannot see it."""

    name: str
    figure: Figure
    alt: str


def styled() -> Any:
    """The style as a context: ``with styled(): ...``."""
    return mpl.rc_context(STYLE)


def figure(title: str, subtitle: str, source: str, height: float = 5.0) -> Figure:
    """An empty figure with its finding, what is counted in which unit, and where the figures come from."""
    lines = textwrap.wrap(title, _TITLE_WIDTH) or [""]
    head, foot = 0.26 * len(lines) + 0.45, 0.30  # inches
    inside = (0.01, foot / height, 0.98, 1 - (head + foot) / height)
    made = Figure(figsize=(10, height), layout=ConstrainedLayoutEngine(rect=inside))
    made.text(0.015, 1 - 0.10 / height, "\n".join(lines), fontsize=13, fontweight="bold", va="top")
    made.text(0.015, 1 - (0.16 + 0.26 * len(lines)) / height, subtitle, fontsize=10, color="#404040", va="top")
    made.text(0.015, 0.08 / height, source, fontsize=8, color="#606060", va="bottom")
    return made


def nothing(name: str, title: str, source: str) -> Chart:
    """The chart of an analysis that has nothing to show."""
    made = figure(title, "", source, height=3.0)
    return Chart(name, made, title)


def legend(axes: Axes, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """A legend beside the drawing, where it hides nothing."""
    axes.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, borderaxespad=0.0)


def whole_numbers(axis: Axis) -> None:
    """Ticks at whole numbers, their thousands apart."""
    axis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def luminance(rgba: Sequence[float]) -> float:
    """The relative luminance of a colour, WCAG 2.1."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def ink_on(rgba: Sequence[float]) -> str:
    """Black or white, whichever is read better on a colour."""
    return "black" if luminance(rgba) > 0.179 else "white"
