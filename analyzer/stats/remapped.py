"""Derived causes of stored calls, derived once more by another mapping profile.

A store keeps what each run's profile made of the codes. A report has one profile: the rows of another one get its
causes here, as `analyze --causes` would give them (docs/counting.md). Two things are not in a store, so that these
causes stay as they were: the SIP code of ``Reason: SIP`` (``reason_sip``), and a Warning, by which two profiles tell 31
and 65 apart for 488 and 606.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels
from analyzer.correlate.labels import Codes
from analyzer.stats.counting import is_outcome, one_of
from analyzer.vocab import CauseFrom, Outcome

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: Columns of ``calls`` that `remapped` reads.
NEEDED = ("outcome", "status_code", "cause", "cause_from", "cause_mapped", "cause_profile")
_DERIVED = (CauseFrom.PROFILE, CauseFrom.PROFILE_FALLBACK)
_SILENT = (Outcome.ANSWERED, Outcome.REDIRECTED, Outcome.OPEN)


def remapped(calls: Columns, registry: Registry, profile: str) -> Columns:
    """The calls with the causes that a profile derives; rows that it has derived already are not touched.

    Raises UnknownProfile.
    """
    asked = registry.profile(profile)
    if not len(calls):
        return calls
    is_other = ~one_of(calls.labels("cause_profile"), {profile})
    if not is_other.any():
        return calls
    status, cause, sources = calls.ints("status_code"), calls.ints("cause"), calls.labels("cause_from")
    codes, places = np.unique(status, return_inverse=True)
    known = [int(code) for code in codes]
    mapped = _each(known, places, [asked.cause(code) if code >= 300 else None for code in known])
    fallback = _each(known, places, [registry.fallback_cause(code) for code in known])
    is_derived = one_of(sources, _DERIVED)
    # Nothing else said why, and the profile of that time had no cause for the code.
    is_bare = (sources.codes < 0) & (status >= 300) & ~is_outcome(calls, _SILENT)
    again = is_other & (is_derived | is_bare) & (status < 700)
    by_row, by_fallback = again & (mapped != MISSING), again & (mapped == MISSING) & (fallback != MISSING)
    names = [*sources.names, *(one for one in _DERIVED if one not in sources.names)]
    number = {name: place for place, name in enumerate(names)}
    source: Codes = np.where(again, -1, sources.codes).astype(np.int32)
    source[by_row], source[by_fallback] = number[CauseFrom.PROFILE], number[CauseFrom.PROFILE_FALLBACK]
    derived = np.where(by_row, mapped, fallback)
    made: dict[str, AnyColumn] = {
        "cause": np.where(again, derived, cause),
        "cause_from": Labels(source, names),
        "cause_mapped": np.where(is_other, mapped, calls.ints("cause_mapped")),
        "cause_profile": Labels(np.zeros(len(calls), dtype=np.int32), [profile]),
    }
    return Columns(calls.row_type, {**calls.columns, **made}, len(calls))


def _each(codes: list[int], places: Ints, causes: list[int | None]) -> Ints:
    """A cause for each row, of the causes of the different codes; MISSING where there is none."""
    table = np.array([MISSING if cause is None else cause for cause in causes], dtype=np.int64)
    return table[places]
