"""The charts of an analysis, as PNG and SVG files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from analyzer.batch import Ints
from analyzer.charts.causes import failures_by_cause
from analyzer.charts.endpoints import failures_by_endpoint
from analyzer.charts.outcomes import calls_by_outcome
from analyzer.charts.style import Chart, styled
from analyzer.charts.traffic import responses_by_family
from analyzer.errors import OutputError
from analyzer.stats.analysis import Analysis
from analyzer.stats.calls import totals
from analyzer.stats.causes import causes
from analyzer.stats.listing import listed
from analyzer.vocab import Family
from analyzer.wiretext import printable_text


class TimedAnalysis(Analysis, Protocol):
    """An analysis that also counted its responses over time."""

    @property
    def family_timeline(self) -> Mapping[Family, tuple[Ints, Ints]]:
        """For each family: starts of buckets (ns), and responses as captured in each."""

    @property
    def timeline_bucket_ns(self) -> int:
        """Length of a bucket."""


def charts(analysis: TimedAnalysis) -> list[Chart]:
    """Every chart of an analysis."""
    calls = analysis.columns("calls")
    starts = [row.start_ts for row in analysis.captures if row.start_ts is not None]
    ends = [row.end_ts for row in analysis.captures if row.end_ts is not None]
    source = source_line(analysis)
    return [
        responses_by_family(
            analysis.family_timeline,
            analysis.timeline_bucket_ns,
            min(starts, default=None),
            max(ends, default=None),
            analysis.config.zone,
            source,
        ),
        calls_by_outcome(totals(calls), source),
        failures_by_cause(causes(calls, analysis.registry), source),
        failures_by_endpoint(listed(analysis, "endpoints"), source),
    ]


def source_line(analysis: Analysis) -> str:
    """Which captures the figures come from, and how many messages they hold."""
    names = [printable_text(Path(row.source).name or row.source) for row in analysis.captures]
    shown = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    if len(shown) > 90:
        shown = "…" + shown[-89:]
    messages = sum(row.sip_messages for row in analysis.captures)
    return f"sipcause: {shown}; {messages:,} SIP messages; causes by profile {analysis.causes_profile}"


def save_charts(analysis: TimedAnalysis, folder: Path) -> list[Path]:
    """Write every chart as PNG and SVG; returns the files. Raises OutputError when the folder cannot be written."""
    written = []
    for chart in charts(analysis):
        for ending in ("png", "svg"):
            path = folder / f"{chart.name}.{ending}"
            save(chart, path)
            written.append(path)
    return written


def save(chart: Chart, path: Path) -> None:
    """Write one chart; the same figures give the same octets. Its description is part of the file."""
    metadata: dict[str, Any] = {"Description": chart.alt}
    metadata |= {"Software": None} if path.suffix == ".png" else {"Date": None, "Creator": None}
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with styled(), warnings.catch_warnings():
            # A letter that the font lacks is drawn as a box; nobody needs to hear of it.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            chart.figure.savefig(part, format=path.suffix[1:], metadata=metadata)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputError(str(path), error.strerror or str(error)) from error
