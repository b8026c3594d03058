"""The head of a weekly report: what it was made from, its headline, and each day."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.batch import Ints
from analyzer.periods import midnight
from analyzer.report.lines import Count, HeadlineLine
from analyzer.report.lines_of_traffic import BoundLine, DayLine, SourceLine
from analyzer.report.model import About
from analyzer.report.weeks import Weeks
from analyzer.stats.blocks import Blocks, blocks, is_significant, is_significant_count
from analyzer.stats.counting import NONE, Mask
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import counted, grouped
from analyzer.stats.heard import hours_heard, sources
from analyzer.stats.kpi import Ratio
from analyzer.stats.kpis import KPIS
from analyzer.stats.local_hours import HOURS, slot_count
from analyzer.stats.population import Share
from analyzer.vocab import Outcome

#: Ratios of the headline, by their ids in data/kpis.toml.
RATIOS = ("ser", "seer", "ner", "asr")
_HOUR = 3600 * 1_000_000_000
#: Calls that a day shows; a command lists all of it.
DAY_SHOWN = 3


def about(weeks: Weeks, store: str | None, version: str, grade: str | None) -> About:
    """What the report is about."""
    week = weeks.week
    return About(
        period=week.period,
        compared=tuple(facts.period for facts in weeks.before),
        compared_hours=tuple(hours_heard(facts.part) for facts in weeks.before),
        store=store,
        sources=tuple(SourceLine(**source._asdict()) for source in sources(week.part)),
        profile=week.profile,
        version=version,
        calls=len(week.part.calls),
        scanner_calls=len(week.part.calls) - len(week.calls),
        open_calls=int(week.population.is_outcome(Outcome.OPEN).sum()),
        grade=grade,
    )


def share(facts: Facts, kpi: str) -> Share:
    """A ratio of data/kpis.toml of the calls of a period, before it is summed up."""
    found = KPIS[kpi](facts.population, facts.population.entries[kpi])
    assert isinstance(found, Share), f"{kpi} is no ratio"
    return found


def ratio(facts: Facts, kpi: str) -> Ratio:
    """The same, summed up."""
    found = share(facts, kpi)
    return Ratio(int(found.numerator.sum()), int(found.denominator.sum()))


def headline(weeks: Weeks, bounds: Mapping[str, BoundLine]) -> tuple[HeadlineLine, ...]:
    """Calls, answered, unsuccessful and failed ones, then the ratios."""
    choices, week = weeks.choices, weeks.week
    by_block = [_calls_by_block(facts) for facts in weeks.before]
    everyone = HeadlineLine(
        "calls", "calls", *_counts(weeks, "calls"), is_significant_count(_calls_by_block(week), by_block),
        weeks.proof.count(_chosen(week, "calls"), choices.calls()),
    )  # fmt: skip
    options = {
        "answered": choices.outcomes([Outcome.ANSWERED]),
        "unsuccessful": choices.unsuccessful(),
        "failures": choices.failures(),
    }
    found = [everyone]
    for name, option in options.items():
        parts = [_blocks(facts, _chosen(facts, name), _chosen(facts, "calls")) for facts in (week, *weeks.before)]
        count = weeks.proof.count(_chosen(week, name), option)
        found.append(HeadlineLine(name, "calls", *_counts(weeks, name), is_significant(parts[0], parts[1:]), count))
    return (*found, *(_ratio_line(weeks, kpi, bounds.get(kpi)) for kpi in RATIOS))


def _ratio_line(weeks: Weeks, kpi: str, bound: BoundLine | None) -> HeadlineLine:
    now, *before = (
        _blocks(facts, one.numerator, one.denominator)
        for facts in (weeks.week, *weeks.before)
        for one in [share(facts, kpi)]
    )
    return HeadlineLine(
        kpi, "%", ratio(weeks.week, kpi), weeks.ratio_before(lambda facts: ratio(facts, kpi)),
        max(len(weeks.before), 1), is_significant(now, before),
        low=bound.low if bound else None, high=bound.high if bound else None,
    )  # fmt: skip


def _counts(weeks: Weeks, name: str) -> tuple[Ratio, Ratio | None, int]:
    def over_all(facts: Facts) -> Ratio:
        return Ratio(int(_chosen(facts, name).sum()), len(facts.calls))

    return over_all(weeks.week), weeks.ratio_before(over_all), max(len(weeks.before), 1)


def _chosen(facts: Facts, name: str) -> Mask:
    """The calls that a count of the headline counts."""
    if name == "answered":
        return facts.answered
    if name == "unsuccessful":
        return facts.unsuccessful
    return facts.failed if name == "failures" else facts.everyone


def _blocks(facts: Facts, inside: Mask, among: Mask | Ints) -> Blocks:
    return blocks(inside, among.astype(bool), facts.slot, slot_count(facts.period))


def _calls_by_block(facts: Facts) -> Ints:
    return _blocks(facts, facts.everyone, facts.everyone).calls


def days(weeks: Weeks) -> tuple[DayLine, ...]:
    """Every local day of the period."""
    week, period = weeks.week, weeks.week.period
    calls = _by_day(week, week.everyone)
    calls_before = weeks.mean(lambda facts: _by_day(facts, facts.everyone))
    failures_before = weeks.mean(lambda facts: _by_day(facts, facts.failed))
    answered = _by_day(week, week.answered)
    failed = grouped(week.failed.nonzero()[0], _day(week))
    families = counted(week.failed.nonzero()[0], _day(week), week.labels("family"))
    ratios = {kpi: share(week, kpi) for kpi in ("asr", "ner", "ser")}
    numerators = {kpi: _by_day(week, one.numerator) for kpi, one in ratios.items()}
    denominators = {kpi: _by_day(week, one.denominator.astype(bool)) for kpi, one in ratios.items()}
    begins = [*(midnight(day, period.zone) for day in period.days), period.to_ts]
    found = []
    for number, day in enumerate(period.days):
        begin, end = begins[number], begins[number + 1]
        choice = weeks.choices.failures(from_ts=begin, to_ts=end)
        rows = failed.get((number,))
        found.append(
            DayLine(
                day=day,
                hours=(end - begin) // _HOUR,
                calls=calls.get((number,), 0),
                answered=answered.get((number,), 0),
                failures=Count(0, (), choice) if rows is None else weeks.proof.count_rows(rows, choice, DAY_SHOWN),
                by_family={
                    NONE if family is None else family: count
                    for (place, family), count in families.items()
                    if place == number
                },
                **{
                    kpi: Ratio(numerators[kpi].get((number,), 0), denominators[kpi].get((number,), 0)) for kpi in ratios
                },
                calls_before=calls_before.of((number,)),
                failures_before=failures_before.of((number,)),
            )
        )
    return tuple(found)


def _day(facts: Facts) -> Ints:
    """The place of each call's day in its period."""
    return facts.slot // HOURS


def _by_day(facts: Facts, mask: Mask) -> Mapping[tuple[int, ...], int]:
    return counted(mask.nonzero()[0], _day(facts))
