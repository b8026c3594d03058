"""When: the hours of the week, and delays."""

from __future__ import annotations

from analyzer.report.lines import Count
from analyzer.report.lines_of_traffic import DelayLine, HeatCell
from analyzer.report.weeks import Weeks
from analyzer.stats.delays import Delays, merged
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import counted, grouped
from analyzer.stats.kpis import KPIS
from analyzer.stats.local_hours import HOURS, hours_there, spans, weekday_hours
from analyzer.stats.population import Times

#: Delays of a report, by their ids in data/kpis.toml.
DELAYS = ("pdd", "srd", "srd_failed", "sdd", "acd", "rrd")
#: Calls that an hour shows: there are 168 hours, and a command lists each one's.
HEAT_SHOWN = 1
_WEEK = 7


def heat(weeks: Weeks) -> tuple[HeatCell, ...]:
    """Calls and failures of each hour of the week in local time, Monday 00:00 first; longer periods are added up."""
    week, period = weeks.week, weeks.week.period
    hour = weekday_hours(week.population.numbers("invite_ts"), period.zone)
    calls = counted(week.everyone.nonzero()[0], hour)
    failed = grouped(week.failed.nonzero()[0], hour)
    there = hours_there(period).tolist()
    # Only where an hour of the week is there once can times choose its calls.
    begins = {place: (begin, end) for place, begin, end in spans(period)} if len(period.days) <= _WEEK else {}
    found = []
    for place in range(_WEEK * HOURS):
        choice = ""
        if place in begins:
            begin, end = begins[place]
            choice = weeks.choices.failures(from_ts=begin, to_ts=end)
        rows = failed.get((place,))
        count = Count(0, (), choice) if rows is None else weeks.proof.count_rows(rows, choice, shown=HEAT_SHOWN)
        found.append(HeatCell(place // HOURS, place % HOURS, there[place], calls.get((place,), 0), count))
    return tuple(found)


def delays(weeks: Weeks) -> tuple[DelayLine, ...]:
    """Delays and durations that were met now or before; those of several periods before are put together."""
    found = []
    for kpi in DELAYS:
        now, before = _delays(weeks.week, kpi), [_delays(facts, kpi) for facts in weeks.before]
        then = merged(before)
        if not now.count and not then.count:
            continue
        found.append(
            DelayLine(
                kpi=kpi,
                unit=weeks.week.registry.kpis[kpi].unit,
                count=now.count,
                mean=now.mean,
                p50=now.percentile(50),
                p95=now.percentile(95),
                p99=now.percentile(99),
                maximum=now.maximum,
                p50_before=then.percentile(50),
                p95_before=then.percentile(95),
            )
        )
    return tuple(found)


def _delays(facts: Facts, kpi: str) -> Delays:
    entry = facts.registry.kpis[kpi]
    rows = facts.population if "calls" in entry.counts else facts.registered
    measured = KPIS[kpi](rows, entry)
    assert isinstance(measured, Times), f"{kpi} is no delay"
    return Delays.of(measured.values)
