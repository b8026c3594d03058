"""Unsuccessful calls by ISDN cause, with the causes that two mapping profiles would have told side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.schema import CauseRow
from analyzer.stats.causes import GROUPS, Told
from analyzer.views.table import Cell, Column, Table, Tone, plain
from analyzer.views.words import Words

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: The profiles that always stand side by side.
SIDE_BY_SIDE = ("dss1", "rfc3398")
#: Status codes shown for one cause; the rest of them are summed.
_CODES = 4


def profiles_shown(chosen: str) -> tuple[str, ...]:
    """The two usual profiles, and the chosen one where it is another."""
    return SIDE_BY_SIDE if chosen in SIDE_BY_SIDE else (*SIDE_BY_SIDE, chosen)


def causes_table(
    causes: Sequence[CauseRow],
    told: Sequence[Told],
    profiles: Sequence[str],
    registry: Registry,
    words: Words,
    top: int,
) -> Table:
    """One row a cause, and beneath it one for every further status code that its calls ended with."""
    columns = [
        Column(words("calls"), align_right=True),
        Column(words("cause"), align_right=True),
        Column("hex", align_right=True, rank=2),
        Column("DSS1", align_right=True),
        Column(words("text"), shrink=True),
        Column(words("source"), shrink=True),
        Column("SIP", align_right=True),
        Column("×", align_right=True, rank=1),
        *(Column(name, align_right=True) for name in profiles),
        Column(""),
        *([Column(words("PSTN may have sent"), rank=3, shrink=True)] if any(row.derived for row in causes) else []),
    ]
    has_candidates = any(row.derived for row in causes)
    by_cause: dict[int | None, list[Told]] = {}
    for line in sorted(told, key=lambda line: (-line.calls, line.status_code or 0)):
        by_cause.setdefault(line.cause, []).append(line)
    rows: list[Sequence[Cell]] = []
    for row in causes[:top]:
        lines = _rows(row, by_cause.get(row.cause, []), profiles, words)
        if has_candidates:
            codes = [line.status_code if row.derived else None for line in by_cause.get(row.cause, [])[:_CODES]]
            codes += [None] * (len(lines) - len(codes))
            lines = [
                (*line, Cell(_candidates(code, registry, profiles[-1]), Tone.FAINT))
                for line, code in zip(lines, codes, strict=True)
            ]
        rows += lines
    notes = []
    if len(causes) > top:
        notes.append(
            words(
                "… and {count} more causes with {calls} calls",
                count=words.number(len(causes) - top),
                calls=words.number(sum(row.calls for row in causes[top:])),
            )
        )
    if any(row.cause is not None for row in causes):
        notes.append(
            words(
                "read: stood in a Reason header or ISUP body; event: from a CANCEL or silence; derived: from the code"
            )
        )
    if any(line.by_profile for line in told):
        notes.append(
            words(
                "{profiles}: what a gateway with that table would tell an ISDN caller for the SIP code",
                profiles=", ".join(profiles),
            )
        )
    disputed = sum(line.calls for line in told if line.is_disputed)
    if disputed:
        notes.append(words("≠ calls for which the tables differ: {count}", count=words.number(disputed)))
    return Table(words("Unsuccessful calls by ISDN cause"), columns, rows, notes)


def _rows(row: CauseRow, told: Sequence[Told], profiles: Sequence[str], words: Words) -> list[Sequence[Cell]]:
    groups = {name: getattr(row, name) for name in GROUPS}
    sources = [(name, count) for name, count in groups.items() if count]
    if len(sources) == 1:
        source = words(sources[0][0])
    else:
        source = ", ".join(f"{words(name)} {words.number(count)}" for name, count in sources)
    head = (
        Cell(words.number(row.calls), Tone.STRONG),
        Cell("–" if row.cause is None else str(row.cause), Tone.STRONG),
        *plain(row.hex or "", row.dss1_hex or ""),
        Cell(row.text or (words("no cause known") if row.cause is None else words("(unlisted)"))),
        Cell(source or "–"),
    )
    blank = plain(*[""] * len(head))
    shown = [_codes(line, profiles, words) for line in told[:_CODES]]
    if len(told) > _CODES:
        rest = sum(line.calls for line in told[_CODES:])
        shown.append(plain("…", words.number(rest), *[""] * (len(profiles) + 1)))
    return [(*(blank if number else head), *codes) for number, codes in enumerate(shown)]


def _candidates(code: int | None, registry: Registry, profile: str) -> str:
    """What the far PSTN side may have sent where a cause is derived from a code: a set."""
    return "" if code is None else " ".join(map(str, registry.cause_candidates(code, profile)))


def _codes(line: Told, profiles: Sequence[str], words: Words) -> tuple[Cell, ...]:
    tone = Tone.WARN if line.is_disputed else Tone.PLAIN
    says = [line.by_profile.get(name) for name in profiles]
    return (
        Cell("–" if line.status_code is None else str(line.status_code)),
        Cell(words.number(line.calls)),
        *(Cell("–" if cause is None else str(cause), tone) for cause in says),
        Cell("≠" if line.is_disputed else "", tone),
    )
