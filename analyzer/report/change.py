"""What explains that there are more, or fewer, failures than before: `stats.contributions` as lines of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.report.lines import Change, ChangeLine
from analyzer.report.proof import Proof
from analyzer.stats.contributions import Contribution, contributions, share_difference
from analyzer.stats.facts import Facts


def change(week: Facts, before: Sequence[Facts], proof: Proof) -> Change:
    """The change of failures of ``week`` against ``before`` (the latest first, or none), and what explains it.

    ``calls`` are those that ratios are over: without elsewhere, redirected and open. Numbers before are those of a
    mean week. ``why_not``: ``no_comparison``, ``few_calls`` (less than ``thresholds.minimum_calls``), ``no_change``.
    """
    failures, calls = _totals(week)
    if not before:
        return Change(failures, 0.0, calls, 0.0, None, None, None, (), "no_comparison")
    totals = [_totals(facts) for facts in before]
    failures_before = sum(total[0] for total in totals) / len(before)
    calls_before = sum(total[1] for total in totals) / len(before)
    points = share_difference(week, before)
    found = Change(
        failures=failures,
        failures_before=failures_before,
        calls=calls,
        calls_before=calls_before,
        points=None if points is None else points.value,
        points_low=None if points is None else points.low,
        points_high=None if points is None else points.high,
        lines=(),
        why_not="few_calls",
    )
    few = week.config.thresholds.minimum_calls
    if calls < few or calls_before < few:
        return found
    cells = contributions(week, before)
    whole = _whole(failures - failures_before, [one.failures - one.before for one in cells.lines])
    lines = tuple(_line(one, week, whole, proof) for one in cells.lines)
    why_not = None if any(not line.is_redials for line in lines) else "no_change"
    return replace(found, lines=lines, why_not=why_not, cells_tested=cells.tested)


def _totals(facts: Facts) -> tuple[int, int]:
    return int(facts.failed.sum()), int(facts.counted.sum())


def _whole(net: float, parts: Sequence[float]) -> float:
    """What shares are of: the rise (or fall) of the sum, or of the lines where the rest went the other way."""
    same = [part for part in parts if part * net > 0]
    return net if abs(net) >= abs(sum(same)) else sum(same)


def _line(one: Contribution, week: Facts, whole: float, proof: Proof) -> ChangeLine:
    count = replace(proof.count(one.proof), calls=one.failures)
    share = 100 * (one.failures - one.before) / whole if whole else 0.0
    endpoint = one.endpoint
    return ChangeLine(
        where=one.where,
        endpoint=endpoint,
        name=None if endpoint is None else week.config.alias(endpoint) or week.config.trunk(endpoint),
        failures=count,
        before=one.before,
        calls=one.calls,
        calls_before=one.calls_before,
        share=share if share > 0 else None,
        points=one.points,
        q=one.q,
        is_rise=one.is_rise,
        began_ts=one.began_ts,
        collapsed=one.collapsed,
        collapsed_before=one.collapsed_before,
        read_causes=one.read_causes,
        codes=one.codes,
        agents=one.agents,
        is_redials=one.is_redials,
    )
