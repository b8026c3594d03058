"""Who originated which failures: endpoints by status code as a heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm

from analyzer.charts.style import Chart, figure, ink_on, nothing, styled
from analyzer.schema import EndpointRow
from analyzer.stats.counting import NONE
from analyzer.wiretext import printable_text

NAME = "failures_by_endpoint"
_TOP_ENDPOINTS, _TOP_CODES = 15, 14


def failures_by_endpoint(endpoints: Sequence[EndpointRow], source: str) -> Chart:
    """A row an endpoint, a column a code; the colour is logarithmic, the figure stands in each cell."""
    guilty = [row for row in endpoints if row.failures_as_responder]
    total = sum(row.failures_as_responder for row in guilty)
    if not total:
        return nothing(NAME, "No failures that an endpoint originated", source)
    shown = guilty[:_TOP_ENDPOINTS]
    codes: Counter[str] = Counter()
    for row in shown:
        codes.update(row.by_status_code)
    kept = [code for code, _ in sorted(codes.items(), key=lambda item: (-item[1], item[0]))[:_TOP_CODES]]
    kept.sort(key=lambda code: (code == NONE, code))
    rest = set(codes) - set(kept)
    headings = [("silence" if code == NONE else code) for code in kept] + (["other"] if rest else [])
    cells = np.array(
        [
            [row.by_status_code.get(code, 0) for code in kept]
            + ([sum(row.by_status_code.get(code, 0) for code in rest)] if rest else [])
            for row in shown
        ]
    )
    first = guilty[0]
    title = f"{_label(first)} originated {first.failures_as_responder / total:.1%} of {total:,} charged failures"
    subtitle = "Failures by the endpoint that originated them and status code"
    if len(guilty) > len(shown):
        subtitle += f"; {len(guilty) - len(shown)} more endpoints are not shown"
    with styled():
        made = figure(title, subtitle, source, height=max(3.2, 2.1 + 0.36 * len(shown)))
        axes = made.add_subplot()
        norm = LogNorm(vmin=1, vmax=max(int(cells.max()), 2))
        colours = mpl.colormaps["cividis"]
        image = axes.imshow(np.where(cells > 0, cells, np.nan), cmap=colours, norm=norm, aspect="auto")
        for y, line in enumerate(cells.tolist()):
            for x, count in enumerate(line):
                if count:
                    axes.text(
                        x, y, f"{count:,}", ha="center", va="center", color=ink_on(colours(norm(count))), fontsize=9
                    )
        axes.set_xticks(range(len(headings)), headings)
        axes.set_yticks(range(len(shown)), [_label(row) for row in shown])
        axes.set_xlabel("final status code (silence: no final response)")
        axes.set_xticks(np.arange(-0.5, len(headings)), minor=True)
        axes.set_yticks(np.arange(-0.5, len(shown)), minor=True)
        axes.grid(which="minor", color="#D8D8D8", linewidth=0.5)
        axes.tick_params(which="both", length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        made.colorbar(image, ax=axes, label="failures", pad=0.02, format="%d")
    alt = f"{title}. " + "; ".join(
        f"{_label(row)}: " + ", ".join(f"{code} {count}" for code, count in row.by_status_code.items()) for row in shown
    )
    return Chart(NAME, made, alt)


def _label(row: EndpointRow) -> str:
    name = f"{printable_text(row.name)} ({row.ip})" if row.name else row.ip
    return name if row.network is None else f"{name} @{row.network}"
