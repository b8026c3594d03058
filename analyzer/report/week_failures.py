"""What failed, and why: outcomes, families and codes, causes, contradictions between the two, what is new and gone."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.batch import Ints
from analyzer.report.choices import cause_words, family_words, status_words
from analyzer.report.lines import CauseLine, CodeLine, ConflictLine, Count, FamilyLine, OutcomeLine
from analyzer.report.weeks import Mean, Weeks
from analyzer.stats.causes import GROUPS
from analyzer.stats.conflicts import cause_candidates, is_expected, is_read
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import Column, Key, counted, grouped
from analyzer.vocab import CAUSE_GROUPS, FAILURES, CauseFrom, Family, Fault, Outcome

#: Contradictions that are told apart; a firmware may have thousands of phones.
MOST_CONFLICTS = 500


def ranked(keys: Mapping[Key, int], before: Mean[Key] | None = None) -> list[Key]:
    """Keys of now and before, highest count first; equal ones by what they are, missing last."""
    known = dict.fromkeys([*keys, *(before or ())])
    return sorted(
        known,
        key=lambda key: (
            -keys.get(key, 0),
            -(before or {}).get(key, 0.0),
            [(part is None, str(part).rjust(8) if isinstance(part, int) else str(part)) for part in key],
        ),
    )


def outcomes(weeks: Weeks) -> tuple[OutcomeLine, ...]:
    """Calls by outcome."""
    week = weeks.week
    rows = grouped(week.everyone.nonzero()[0], week.labels("outcome"))
    faults = counted(week.everyone.nonzero()[0], week.labels("outcome"), week.labels("fault"))
    before = weeks.mean(lambda facts: counted(facts.everyone.nonzero()[0], facts.labels("outcome")))
    found = []
    for key in ranked({key: len(own) for key, own in rows.items()}, before):
        outcome = Outcome(key[0])
        whose = [fault for (one, fault) in faults if one == key[0]]
        found.append(
            OutcomeLine(
                outcome=outcome,
                fault=Fault(whose[0]) if len(whose) == 1 and whose[0] is not None else None,
                calls=_count(weeks, rows.get(key), weeks.choices.outcomes([outcome])),
                is_failure=outcome in FAILURES,
                before=before.of(key),
            )
        )
    return tuple(found)


def families(weeks: Weeks) -> tuple[FamilyLine, ...]:
    """Failures by family of their code."""
    rows, before = _of_failures(weeks, "family")
    found = []
    for key in ranked({key: len(own) for key, own in rows.items()}, before):
        family = None if key[0] is None else Family(key[0])
        count = _count(weeks, rows.get(key), weeks.choices.failures(*family_words(family)))
        found.append(FamilyLine(family, count, before.of(key)))
    return tuple(found)


def codes(weeks: Weeks) -> tuple[CodeLine, ...]:
    """Failures by code and the vendor's pack that explains it."""
    rows, before = _of_failures(weeks, "status_code", "vendor", "family")
    vendors: dict[int | None, int] = {}
    for code, _, _ in rows:
        vendors[code] = vendors.get(code, 0) + 1
    found = []
    for key in ranked({key: len(own) for key, own in rows.items()}, before):
        code, vendor, family = key
        # No option chooses by vendor.
        choice = weeks.choices.failures(*status_words(code)) if vendors.get(code, 1) == 1 else ""
        found.append(
            CodeLine(
                code,
                vendor,
                None if family is None else Family(family),
                _count(weeks, rows.get(key), choice),
                before.of(key),
            )
        )
    return tuple(found)


def causes(weeks: Weeks) -> tuple[CauseLine, ...]:
    """Unsuccessful calls by ISDN cause, and where it comes from."""
    week = weeks.week
    chosen = week.unsuccessful.nonzero()[0]
    rows = grouped(chosen, week.population.numbers("cause"))
    sources = counted(chosen, week.population.numbers("cause"), week.labels("cause_from"))
    failures = counted(week.failed.nonzero()[0], week.population.numbers("cause"))
    before = weeks.mean(lambda facts: counted(facts.unsuccessful.nonzero()[0], facts.population.numbers("cause")))
    candidates = cause_candidates(week.calls.take(chosen), week.registry, week.profile)
    found = []
    for key in ranked({key: len(own) for key, own in rows.items()}, before):
        cause = key[0]
        entry = None if cause is None else week.registry.cause(cause)
        groups = dict.fromkeys(GROUPS, 0)
        for (value, source), count in sources.items():
            if value == cause and cause is not None and source is not None:
                groups[CAUSE_GROUPS[CauseFrom(source)]] += count
        found.append(
            CauseLine(
                cause=cause,
                hex=entry.hex if entry else None,
                dss1_hex=entry.dss1_hex if entry else None,
                cause_class=None if cause is None else cause >> 4,
                calls=_count(weeks, rows.get(key), weeks.choices.unsuccessful(*cause_words(cause))),
                **groups,
                failures=failures.get(key, 0),
                before=before.of(key),
                candidates=tuple(candidates.get(cause, ())),
            )
        )
    return tuple(found)


def conflicts(weeks: Weeks) -> tuple[ConflictLine, ...]:
    """Calls whose code contradicts the cause that was read, by sender; what had to be changed on the way comes last."""
    week = weeks.week
    rows = _conflicting(week)
    before = weeks.mean(lambda facts: {key: len(own) for key, own in _conflicting(facts).items()})
    has_networks = len({key[4] for key in rows}) > 1
    profile = week.registry.profile(week.profile)
    of_pair = counted(week.everyone.nonzero()[0], *(week.population.numbers(name) for name in ("status_code", "cause")))
    order = ranked({key: len(own) for key, own in rows.items()})
    order.sort(key=lambda key: bool(key[5]))
    found = []
    for place, key in enumerate(order[:MOST_CONFLICTS]):
        code, cause, source, ip, network, is_expected_one = key
        is_exact = of_pair.get((code, cause)) == len(rows[key])
        choice = weeks.choices.calls(*status_words(code), *cause_words(cause)) if is_exact else ""
        found.append(
            ConflictLine(
                status_code=code,
                cause=cause,
                cause_from=CauseFrom(source),
                ip=ip,
                network=network if has_networks else None,
                name=None if ip is None else week.config.alias(ip),
                calls=weeks.proof.count_rows(rows[key], choice, shown=weeks.proof.of_row(place)),
                expected=bool(is_expected_one),
                mapped=profile.cause(code),
                before=before.of(key),
            )
        )
    return tuple(found)


def _conflicting(facts: Facts) -> Mapping[Key, Ints]:
    """Rows by code, cause, its source, sender, network and whether the code had to be changed."""
    if not len(facts.calls):
        return {}
    contradicts = facts.conflicting
    expected = is_expected(facts.calls, facts.registry) & ~contradicts
    rows = (is_read(facts.calls) & (contradicts | expected)).nonzero()[0]
    numbers = facts.population.numbers
    return grouped(
        rows, numbers("status_code"), numbers("cause"), facts.labels("cause_from"), facts.labels("failed_by_ip"),
        numbers("network"), expected,
    )  # fmt: skip


def _of_failures(weeks: Weeks, *names: str) -> tuple[Mapping[Key, Ints], Mean[Key]]:
    """Rows of failures by some columns, and the means of the periods before."""

    def columns(facts: Facts) -> list[Column]:
        return [facts.population.numbers(name) if name == "status_code" else facts.labels(name) for name in names]

    week = weeks.week
    rows = grouped(week.failed.nonzero()[0], *columns(week))
    return rows, weeks.mean(lambda facts: counted(facts.failed.nonzero()[0], *columns(facts)))


def _count(weeks: Weeks, rows: Ints | None, choice: str) -> Count:
    return Count(0, (), choice) if rows is None else weeks.proof.count_rows(rows, choice)
