"""Ways of failing that are new, and those that are gone: who, with which code and cause.

A way of failing that was not met in the time before, or not this week, may be rare rather than new. Were it as frequent
in both, all of its k calls would fall on one side by chance with the probability (share of that side's hours)^k;
it is told only where that is less than one in a thousand. With one week before that takes ten calls, with four
weeks five for a new one and 31 for one that is gone. Hours are those that somebody listened to, where that is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from analyzer.batch import Ints
from analyzer.report.choices import cause_words, status_words
from analyzer.report.lines import Count, SeenLine
from analyzer.report.proof import Proof
from analyzer.report.weeks import Weeks
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import Key, counted, grouped
from analyzer.stats.heard import hours_heard

#: How often chance may make one.
LEVEL = 0.001
#: Fewer calls are never told, and so many ways of failing at most.
LEAST, MOST = 5, 100


def ways(facts: Facts) -> Mapping[Key, Ints]:
    """Rows of failures, each failed session once, by who is charged, code and cause."""
    numbers = facts.population.numbers
    return grouped(facts.began.nonzero()[0], facts.charges.charged, numbers("status_code"), numbers("cause"))


def first_seen(weeks: Weeks) -> tuple[SeenLine, ...]:
    """Those of the week that were not met in any period before, most calls first. Nothing without periods before."""
    if not weeks.before:
        return ()
    known = {key for facts in weeks.before for key in ways(facts)}
    least = _least(1 - _share_before(weeks))
    week = weeks.week
    times = week.population.numbers("invite_ts")
    failures = counted(
        week.failed.nonzero()[0], week.population.numbers("status_code"), week.population.numbers("cause")
    )
    found = []
    for key, rows in _most(ways(week)):
        if key in known or len(rows) < least:
            continue
        is_exact = failures.get((key[1], key[2])) == len(rows)
        choice = weeks.choices.failures(*status_words(key[1]), *cause_words(key[2])) if is_exact else ""
        found.append(_line(week, key, weeks.proof.count_rows(rows, choice), int(times[rows].min()), 0.0))
        if len(found) == MOST:
            break
    return tuple(found)


def solved(weeks: Weeks, proofs: list[Proof]) -> tuple[SeenLine, ...]:
    """Those of the periods before that the week does not have, most calls first.

    ``proofs``: one of each period before. ``calls`` counts all of them; it shows those of the last period that has any.
    """
    now = ways(weeks.week)
    totals: dict[Key, int] = {}
    last: dict[Key, tuple[Proof, Ints]] = {}
    for facts, proof in zip(weeks.before, proofs, strict=True):
        for key, rows in ways(facts).items():
            totals[key] = totals.get(key, 0) + len(rows)
            last.setdefault(key, (proof, rows))
    least = _least(_share_before(weeks)) if weeks.before else 0
    found = []
    for key in sorted(totals, key=lambda key: (-totals[key], str(key))):
        if key in now or totals[key] < least:
            continue
        proof, rows = last[key]
        ts = int(proof.facts.population.numbers("invite_ts")[rows].max())
        count = Count(totals[key], proof.count_rows(rows).shown)
        found.append(_line(proof.facts, key, count, ts, totals[key] / len(weeks.before)))
        if len(found) == MOST:
            break
    return tuple(found)


def _line(facts: Facts, key: Key, count: Count, ts: int, before: float) -> SeenLine:
    ip, code, cause = key
    return SeenLine(ip, None if ip is None else facts.config.alias(ip), code, cause, count, ts, before)


def _most(groups: Mapping[Key, Ints]) -> list[tuple[Key, Ints]]:
    return sorted(groups.items(), key=lambda item: (-len(item[1]), str(item[0])))


def _share_before(weeks: Weeks) -> float:
    """Which part of all hours that were listened to lies in the periods before."""
    now = _hours(weeks.week)
    before = sum(map(_hours, weeks.before))
    return before / (now + before) if now + before else 0.0


def _hours(facts: Facts) -> float:
    heard = hours_heard(facts.part)
    return float(facts.period.hours) if heard is None else heard


def _least(share: float) -> float:
    """How many calls all lie on the side with a share of the hours, so that chance hardly does it."""
    if share <= 0:
        return LEAST
    return max(LEAST, math.ceil(math.log(LEVEL) / math.log(share))) if share < 1 else math.inf
