"""The charts of a report by name, in the reader's words: what `document.ChartRef` has the places of.

    drawn = charts_of(report, words("nl"), load_registry())
    drawn["heat"].svg         text of an <svg> to stand in a page
    drawn["heat"].alt         what it shows, in words
    drawn.get("outages")      None: there were none, and nothing is drawn

A chart is drawn when it is first asked for. Nothing is computed here: values are handed on as `weekly` decided them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from analyzer.report.section_change import subject
from analyzer.report.telling import Teller
from analyzer.views.words import Words

if TYPE_CHECKING:
    from analyzer.charts.style import Chart
    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport

#: Names of the charts, in the order of the report.
CHARTS = ("change", "days", "ratios", "causes", "endpoints", "heat", "heat_share", "outages", "durations")


class Drawn(NamedTuple):
    """A chart as text of an ``<svg>``, and what it shows in words (which is its ``aria-label`` too)."""

    svg: str
    alt: str


class Drawings(Mapping[str, Drawn]):
    """Charts of one report in one language, each drawn once; those that have nothing to show are not in it.

    ``on_paper``: with ink of their own instead of the page's, and one grid of hours instead of two.
    """

    def __init__(self, report: WeeklyReport, words: Words, registry: Registry, on_paper: bool = False) -> None:
        self._makers = _makers(report, words, registry)
        if on_paper:
            del self._makers["heat_share"]  # a second grid of hours is set slowly, and says little more
        self._scope = words.language + ("-paper" if on_paper else "")
        self._on_paper = on_paper
        self._made: dict[str, Drawn | None] = {}

    def __getitem__(self, name: str) -> Drawn:
        if name not in self._made:
            self._made[name] = self._drawn(name)
        drawn = self._made[name]
        if drawn is None:
            raise KeyError(name)
        return drawn

    def __iter__(self) -> Iterator[str]:
        return (name for name in CHARTS if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _drawn(self, name: str) -> Drawn | None:
        maker = self._makers.get(name)
        chart = maker() if maker else None
        if chart is None:
            return None
        from analyzer.charts.svg import PAPER, svg

        return Drawn(svg(chart, f"{name}-{self._scope}", PAPER if self._on_paper else None), chart.alt)


def charts_of(report: WeeklyReport, words: Words, registry: Registry, on_paper: bool = False) -> Drawings:
    """The charts of a report in the language of ``words``."""
    return Drawings(report, words, registry, on_paper)


def _makers(report: WeeklyReport, words: Words, registry: Registry) -> dict[str, Callable[[], Chart | None]]:
    """How each chart is made; matplotlib is imported by the first that is drawn."""
    tell = Teller(report, words, registry)

    def days(draws: str) -> Chart | None:
        from analyzer.charts.weekly_days import Day, failures_by_day, ratios_by_day

        lines = [
            Day(line.day, line.by_family, line.failures_before, {"ser": line.ser, "asr": line.asr, "ner": line.ner})
            for line in report.days
        ]
        if draws == "days":
            return failures_by_day(lines, words)
        titles = {
            "ser": words("SER: sessions established (RFC 6076)"),
            "asr": words("ASR: calls answered (E.411)"),
            "ner": words("NER: calls that the network delivered (E.425)"),
        }
        return ratios_by_day(lines, titles, words)

    def heat(draws: str) -> Chart | None:
        from analyzer.charts.weekly_heat import Hour, heat_failures, heat_share

        cells = [Hour(cell.weekday, cell.hour, cell.hours, cell.calls, cell.failures.calls) for cell in report.heat]
        return (heat_failures if draws == "heat" else heat_share)(cells, words)

    def change() -> Chart | None:
        from analyzer.charts.weekly_before import Pair, what_changed

        if report.change.why_not is not None:
            return None
        whole = Pair("", report.change.failures, report.change.failures_before)
        lines = [Pair(subject(tell, line), line.failures.calls, line.before) for line in report.change.lines]
        return what_changed(whole, sorted(lines, key=lambda pair: -abs(pair.more)), words)

    def causes() -> Chart | None:
        from analyzer.charts.weekly_before import Pair, causes_before

        if not report.about.compared:
            return None
        told = tell.causes
        lines = [
            Pair(
                words("no cause known") if line.cause is None else told.cause_text(line.cause),
                line.calls.calls,
                line.before or 0.0,
            )
            for line in report.causes
        ]
        return causes_before(lines, words)

    def endpoints() -> Chart | None:
        from analyzer.charts.weekly_endpoints import Charged, worst_endpoints

        lines = [
            Charged(tell.endpoint(line.ip, line.name, line.network), line.share, line.is_small)
            for line in report.endpoints
        ]
        return worst_endpoints(lines, words)

    def outages() -> Chart | None:
        from analyzer.charts.weekly_outages import Outage
        from analyzer.charts.weekly_outages import outages as drawn

        lines = [
            Outage(line.kind, tell.endpoint(line.subject, line.name), line.from_ts, line.to_ts)
            for line in report.outages
        ]
        return drawn(lines, report.about.period, words)

    def durations() -> Chart | None:
        from analyzer.charts.weekly_durations import Bin, Spike
        from analyzer.charts.weekly_durations import durations as drawn

        found = report.durations
        bins = [Bin(line.from_s, line.to_s, line.calls.calls) for line in found.bins]
        spikes = [Spike(line.at_s, line.calls.calls, line.expected) for line in found.spikes if line.is_spike]
        return drawn(bins, spikes, words)

    return {
        "change": change,
        "days": lambda: days("days"),
        "ratios": lambda: days("ratios"),
        "causes": causes,
        "endpoints": endpoints,
        "heat": lambda: heat("heat"),
        "heat_share": lambda: heat("heat_share"),
        "outages": outages,
        "durations": durations,
    }
