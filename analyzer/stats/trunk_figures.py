"""The figures of calls to and from trunks: of `trunk_traffic.Seizures`, by subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.stats import e411
from analyzer.stats.concurrency import Peak, busiest_hour, concurrent, per_second
from analyzer.stats.counting import Mask
from analyzer.stats.delays import Delays
from analyzer.stats.durations import connected
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio
from analyzer.stats.population import Population, Share
from analyzer.stats.trunk_traffic import Seizures, nothing
from analyzer.vocab import CauseFrom

#: Addresses without a name that are shown in each direction, the busiest first.
UNNAMED = 10
_HOUR = 3600 * 1_000_000_000
_MINUTE_S = 60.0
_DERIVED = (CauseFrom.PROFILE, CauseFrom.PROFILE_FALLBACK)


@dataclass(frozen=True)
class TrunkFigures:
    """The figures of one subject in one direction; ``failed`` and ``rows`` are rows of ``facts.calls``."""

    rows: Ints
    failed: Ints
    asr: Ratio
    ner: Ratio
    acd_s: float | None
    minutes: float
    pdd: Delays
    calls_peak: Peak
    second_peak: Peak
    hour_ts: int | None
    hour_attempts: int
    hour_34: int
    hour_42: int
    hour_503: int


def chosen_subjects(found: Seizures, minimum: int, unnamed: int = UNNAMED) -> list[int]:
    """The named subjects by name, then the busiest addresses without one that have at least so many calls."""
    counts = np.bincount(found.subject, minlength=len(found.subjects))
    ours = sorted((name, code) for code, name in enumerate(found.subjects) if found.is_named[code] and counts[code])
    others = sorted(
        (-int(counts[code]), name, code)
        for code, name in enumerate(found.subjects)
        if not found.is_named[code] and counts[code] >= max(minimum, 1)
    )
    return [code for _, code in ours] + [code for _, _, code in others[:unnamed]]


def figures(facts: Facts, found: Seizures) -> TrunkFigures:
    """The figures of some seizures (of one subject)."""
    rows = Population(found.calls, "calls", facts.population.entries)
    entries = rows.entries
    starts, ends = rows.numbers("invite_ts"), ends_of(found.calls)
    acd = Delays.of(e411.acd(rows, entries["acd"]).values)
    hour, causes = (starts - facts.period.from_ts) // _HOUR, read_causes(rows)
    peak = busiest_hour(hour)
    at_peak = hour == (MISSING if peak.ts is None else peak.ts)
    return TrunkFigures(
        rows=found.row,
        failed=found.row[rows.failed],
        asr=ratio(e411.asr(rows, entries["asr"])),
        ner=ratio(e411.ner(rows, entries["ner"])),
        acd_s=acd.mean,
        minutes=float(np.nansum(connected(rows))) / _MINUTE_S,
        pdd=Delays.of(e411.pdd(rows, entries["pdd"]).values),
        calls_peak=concurrent(starts, ends),
        second_peak=per_second(starts),
        hour_ts=None if peak.ts is None else facts.period.from_ts + peak.ts * _HOUR,
        hour_attempts=peak.number,
        hour_34=int((at_peak & (causes == 34)).sum()),
        hour_42=int((at_peak & (causes == 42)).sum()),
        hour_503=int((at_peak & rows.has_status({503})).sum()),
    )


def counts_of(found: Seizures, facts: Facts) -> dict[tuple[str, bool], tuple[int, Ratio]]:
    """Attempts and ASR of every subject, for a comparison: by its name and whether that is one of ours."""
    if not len(found.row):
        return {}
    rows = Population(found.calls, "calls", facts.population.entries)
    share = e411.asr(rows, rows.entries["asr"])
    size = len(found.subjects)
    attempts = np.bincount(found.subject, minlength=size).tolist()
    answered = np.bincount(found.subject[share.numerator], minlength=size).tolist()
    counted = np.bincount(found.subject[np.asarray(share.denominator, dtype=np.bool_)], minlength=size).tolist()
    keys = zip(found.subjects, found.is_named, strict=True)
    return {
        key: (attempts[code], Ratio(answered[code], counted[code])) for code, key in enumerate(keys) if attempts[code]
    }


def peaks(name: str, directions: Iterable[Seizures]) -> tuple[Peak, Peak]:
    """Of a trunk of ours the most calls at once and in a second, in all directions together."""
    starts, ends = [nothing()], [nothing()]
    for found in directions:
        for code in (code for code, known in enumerate(found.subjects) if known == name and found.is_named[code]):
            calls = found.of(code).calls
            starts.append(calls.ints("invite_ts"))
            ends.append(ends_of(calls))
    began = np.concatenate(starts)
    return concurrent(began, np.concatenate(ends)), per_second(began)


def ratio(share: Share) -> Ratio:
    """A share summed up."""
    return Ratio(int(share.numerator.sum()), int(share.denominator.sum()))


def ends_of(calls: Columns) -> Ints:
    """When each call was over; of one of which no end is known the last that was heard of it: at least so long."""
    if not len(calls):
        return nothing()
    ends = calls.ints("end_ts")
    heard = np.maximum(calls.ints("last_ts"), calls.ints("answer_ts"))  # MISSING is smaller than any time
    return np.where(ends == MISSING, heard, ends)


def read_causes(rows: Population) -> Ints:
    """The cause of each call as somebody said it; MISSING where a table made it of the code, or there is none."""
    derived = rows.is_one_of("cause_from", _DERIVED)
    return np.where(derived, MISSING, rows.numbers("cause"))


def mask_of(rows: Ints, length: int) -> Mask:
    """Rows as a mask over so many."""
    mask = np.zeros(length, dtype=np.bool_)
    mask[rows] = True
    return mask
