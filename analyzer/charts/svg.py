"""A chart as the text of an ``<svg>`` that stands in a page: small, in the page's ink, its identifiers its own.

Matplotlib's SVG is written for files: each group has an identifier, coordinates have six decimals, and the octets of
two drawings in one page would share names. Here what no one refers to is dropped and the rest is named after the chart.
"""

from __future__ import annotations

import io
import re
import warnings
from html import escape

import matplotlib as mpl

from analyzer.charts.narrow import FAINT, INK, RULE, drawing
from analyzer.charts.style import Chart

#: The page's colours for the stand-ins, and what they are on paper.
THEME = {INK: "currentColor", FAINT: "var(--chart-faint, #6b7280)", RULE: "var(--chart-rule, #c3c8d0)"}
PAPER = {INK: "#16181d", FAINT: "#565c66", RULE: "#c9ced6"}

_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r"#([A-Za-z_][\w.-]*)")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_FACE = re.compile(r" ?font-family: [^;\"]*;?")
#: What stands for nothing: grounds without fill or line, and empty groups.
_UNSEEN = re.compile(r'<path d="[^"]*" style="fill: none"/>|<defs>\s*</defs>|<g/>|<g>\s*</g>')
_STYLE = re.compile(r' style="([^"]*)"')
_BETWEEN = re.compile(r">\s+<")
_BLANKS = re.compile(r"[ \n]+")


def svg(chart: Chart, scope: str, colours: dict[str, str] | None = None) -> str:
    """The chart as SVG with its description. ``scope`` makes its identifiers unlike those of others in the page.

    ``colours``: for the stand-in colours of `narrow`; the page's by default. The same chart gives the same text.
    """
    stream = io.StringIO()
    with drawing(), mpl.rc_context({"svg.hashsalt": scope}), warnings.catch_warnings():
        # A letter that the font lacks is measured as a box; the page's font has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        chart.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    head, body = text[text.index("<svg") :].split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head)
    assert box is not None
    body = re.sub(r"<metadata>.*?</metadata>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>[^<]*</style>", "", body)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = _named(body, scope)
    body = "".join(_FACE.sub("", part) if part.startswith("<text") else _short(part) for part in _parts(body))
    found = 1
    while found:
        body, found = _UNSEEN.subn("", body)
    # Attributes, not styles: a page may forbid styles in its elements.
    body = _STYLE.sub(lambda found: "".join(_attributes(found[1])), body)
    for stand_in, colour in (THEME if colours is None else colours).items():
        body = body.replace(stand_in, colour)
    return (
        f'<svg class="chart" viewBox="{box[1]}" role="img" aria-label="{escape(chart.alt)}" stroke-linejoin="round" '
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{body.strip()}\n'
    )


def _attributes(style: str) -> list[str]:
    pairs = (part.partition(":") for part in style.split(";"))
    return [f' {name.strip()}="{value.strip()}"' for name, _, value in pairs if value.strip()]


def _parts(body: str) -> list[str]:
    """The drawing cut at its texts, which must stay as they are."""
    return re.split(r"(<text.*?</text>)", body, flags=re.DOTALL)


def _short(part: str) -> str:
    """Fewer decimals, no blanks between elements."""
    part = _NUMBER.sub(lambda found: f"{float(found.group()):.1f}".removesuffix(".0"), part)
    return _BETWEEN.sub("><", _BLANKS.sub(" ", part))


def _named(body: str, scope: str) -> str:
    """Identifiers that are referred to get the scope before them, all others are dropped."""
    wanted = set(_REFERENCE.findall(body))
    body = _ID.sub(lambda found: f' id="{scope}-{found[1]}"' if found[1] in wanted else "", body)
    return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{scope}-", body)
