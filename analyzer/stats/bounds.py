"""Between which values a figure of merit lies, however the doubtful calls turned out.

Doubtful calls that are counted may have had another outcome; those that are not counted may have had any. Put all of
them on the one side, and then on the other: what lies between is what the capture cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Columns
from analyzer.schema import BoundRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.counting import is_outcome, one_of, scanned
from analyzer.stats.doubts import Doubts, doubts, undecided
from analyzer.stats.kpis import KPIS
from analyzer.stats.population import Population, Share
from analyzer.vocab import Outcome, Release

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: Figures about how answered calls ended: for them a call whose end was not seen is doubtful too.
_ABOUT_ENDS = frozenset({"scr", "drops"})
#: The ratios of calls whose ranges are told.
OF_CALLS = ("ser", "seer", "asr", "ner", "isa", "scr", "failures", "drops")


class Bound(NamedTuple):
    """The lowest and the highest value that is possible, in per cent (seconds for durations); None: nothing counted.

    ``doubtful``: calls that are counted and may have had another outcome; ``outside``: calls that were made, or may
    have been, and are in no count.
    """

    low: float | None
    high: float | None
    doubtful: int
    outside: int


def bound(numerator: int, denominator: int, gains: int, losses: int, outside: int) -> Bound:
    """The range of a ratio.

    ``gains``: counted calls outside the numerator that may belong there; ``losses``: calls of the numerator that may
    not; ``outside``: calls in neither that may belong to the denominator, and to the numerator too.
    """
    whole = denominator + outside
    if whole <= 0:
        return Bound(None, None, gains + losses, outside)
    low = 100 * max(numerator - losses, 0) / whole
    high = 100 * min(numerator + gains + outside, whole) / whole
    return Bound(low, high, gains + losses, outside)


def bounds(calls: Columns, shares: Mapping[str, Share], doubt: Doubts) -> dict[str, Bound]:
    """The range of each ratio of calls, by its id."""
    unended = undecided(calls)
    silent_among, found = doubt.silent, {}
    for kpi, share in shares.items():
        counted = np.asarray(share.denominator, dtype=np.bool_)
        inside = counted & share.numerator
        gains = min(doubt.inside, int((silent_among & counted & ~inside).sum()))
        losses = min(doubt.inside, int((silent_among & inside).sum()))
        outside = doubt.outside
        if kpi in _ABOUT_ENDS:
            gains += int((unended & counted & ~inside).sum())
            outside += int((unended & ~counted).sum())
        found[kpi] = bound(int(inside.sum()), int(counted.sum()), gains, losses, outside)
    return found


def registration_bound(share: Share, doubt: Doubts) -> Bound:
    """The range of a ratio of registrations in whose numerator those without an answer stand."""
    losses = min(doubt.silent_registrations, doubt.one_sided_registrations + doubt.lost_messages)
    counted = np.asarray(share.denominator, dtype=np.bool_)
    inside = int((share.numerator & counted).sum())
    return bound(inside, int(counted.sum()), 0, min(losses, inside), doubt.open_registrations)


def duration_bound(calls: Columns, end_ts: int | None) -> Bound:
    """The range of the mean duration of answered calls, s.

    A call whose BYE was missed lasted between no time and the end of the capture; one that was still up, at least until
    then. What went on behind the capture's end nobody can say, so the high end holds for the time of the capture.
    """
    if not len(calls):
        return Bound(None, None, 0, 0)
    known = durations(calls)
    total, count = float(known.sum()), len(known)
    answer = calls.ints("answer_ts")
    unended = undecided(calls) & (answer != MISSING)
    lasted = np.maximum((end_ts or 0) - answer[unended], 0) / 1e9 if end_ts is not None else np.zeros(unended.sum())
    up = one_of(calls.labels("release").take(unended), {Release.STILL_UP})
    everyone = count + len(lasted)
    if not everyone:
        return Bound(None, None, 0, 0)
    low = (total + float(lasted[up].sum())) / everyone
    high = (total + float(lasted.sum())) / everyone
    as_counted = [total / count] if count else []
    return Bound(min([low, *as_counted]), max([high, *as_counted]), 0, len(lasted))


def bound_rows(analysis: Analysis, doubt: Doubts | None = None) -> list[BoundRow]:
    """The range of each figure that this capture can falsify, in the order in which figures are shown."""
    calls, registrations = analysis.columns("calls"), analysis.columns("registrations")
    doubt = doubts(analysis) if doubt is None else doubt
    kept = ~scanned(calls)
    if not kept.all():  # as the figures themselves
        calls, doubt = calls.take(kept), doubt._replace(silent=doubt.silent[kept])
        doubt = doubt._replace(open=int(is_outcome(calls, {Outcome.OPEN}).sum()))
    shares = call_shares(calls, analysis.registry)
    rows = [_row(kpi, "%", shares[kpi], found) for kpi, found in bounds(calls, shares, doubt).items()]
    ineffective = registration_share(registrations, analysis.registry)
    rows.append(_row("ira", "%", ineffective, registration_bound(ineffective, doubt)))
    end_ts = max((row.end_ts for row in analysis.captures if row.end_ts is not None), default=None)
    known = durations(calls)
    mean = float(known.mean()) if len(known) else None
    found = duration_bound(calls, end_ts)
    rows.append(BoundRow("acd", "s", mean, found.low, found.high, found.doubtful, found.outside))
    return [row for row in rows if row.low is not None]


def durations(calls: Columns) -> NDArray[np.float64]:
    """The durations of answered calls whose end was seen, s."""
    if not len(calls):
        return np.empty(0)
    known: NDArray[np.float64] = np.asarray(calls["sdt_s"], dtype=np.float64)
    return known[~np.isnan(known)]


def _row(kpi: str, unit: str, share: Share, found: Bound) -> BoundRow:
    counted = np.asarray(share.denominator, dtype=np.bool_)
    whole = int(counted.sum())
    value = 100 * int((share.numerator & counted).sum()) / whole if whole else None
    return BoundRow(kpi, unit, value, found.low, found.high, found.doubtful, found.outside)


def call_shares(calls: Columns, registry: Registry) -> dict[str, Share]:
    """The ratios of calls whose ranges are told, by their ids in data/kpis.toml."""
    rows = Population(calls, "calls", registry.kpis)
    return {kpi: share for kpi in OF_CALLS if isinstance(share := KPIS[kpi](rows, registry.kpis[kpi]), Share)}


def registration_share(registrations: Columns, registry: Registry) -> Share:
    """Ineffective registration attempts, RFC 6076 §4.2."""
    share = KPIS["ira"](Population(registrations, "registrations", registry.kpis), registry.kpis["ira"])
    assert isinstance(share, Share)
    return share
