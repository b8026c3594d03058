"""Which limits of ``sipcause.toml`` a report crosses: ``[report.thresholds]``, and what was agreed with trunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.report.lines import Breach, Change
from analyzer.report.lines_of_traffic import EmergencyLine, TrunkLine
from analyzer.report.week_head import ratio
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio

#: The subject of what is no trunk's.
REPORT = "report"


def crossed(
    week: Facts, ira: Ratio, change: Change, emergency: Sequence[EmergencyLine], trunks: Sequence[TrunkLine]
) -> tuple[Breach, ...]:
    """Every limit that was crossed. A figure that nothing was counted for crosses none."""
    limits = week.config.report.thresholds
    found = []
    for limit, value in _figures(week, ira, change, emergency):
        bound = getattr(limits, limit)
        if bound is None or value is None:
            continue
        if value < bound if limit.endswith("_min") else value > bound:
            found.append(Breach(REPORT, limit, float(bound), float(value)))
    return (*found, *(breach for trunk in trunks for breach in trunk.breaches))


def _figures(
    week: Facts, ira: Ratio, change: Change, emergency: Sequence[EmergencyLine]
) -> Iterator[tuple[str, float | None]]:
    """The figure that each key of ``[report.thresholds]`` is about."""
    for kpi in ("asr", "ner", "ser", "seer"):
        yield f"{kpi}_min", ratio(week, kpi).value
    yield "failure_share_max", ratio(week, "failures").value
    yield "failures_max", int(week.failed.sum())
    yield "emergency_failed_max", sum(line.failed.calls for line in emergency)
    yield "ira_max", ira.value
    yield "drops_max", ratio(week, "drops").value
    yield "rises_max", sum(line.is_rise and not line.is_redials for line in change.lines)
