"""Endpoints, ranked by the failures that they originated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.schema import EndpointRow
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.vocab import Side


def endpoints_table(endpoints: Sequence[EndpointRow], failures: int, words: Words, top: int) -> Table:
    """As responder: failures originated and passed on; as caller: failures of its own calls. Quiet ones are summed.

    ``failures``: of all calls; those that nobody is charged with as responder are said beneath.
    """
    has_networks = len({row.network for row in endpoints}) > 1
    has_sides = any(row.side is not Side.UNKNOWN for row in endpoints)
    has_conflicts = any(row.conflicts for row in endpoints)
    columns = [
        Column(words("endpoint"), shrink=True),
        *([Column("VLAN/VNI", align_right=True, rank=2)] if has_networks else []),
        *([Column(words("side"), rank=3)] if has_sides else []),
        Column(words("originated"), align_right=True),
        Column(words("relayed"), align_right=True),
        Column(words("of calls"), align_right=True, rank=1),
        Column(words("as caller"), align_right=True),
        Column(words("of its calls"), align_right=True, rank=1),
        *([Column(words("contradicts"), align_right=True, rank=2)] if has_conflicts else []),
        Column(words("codes originated"), shrink=True),
    ]
    # Among equals (most often zero), the endpoints with failed calls of their own come first.
    chosen = sorted(
        endpoints,
        key=lambda row: (
            -row.failures_as_responder,
            -row.failures_as_caller,
            -row.failures_relayed,
            -(row.calls_as_callee + row.calls_as_caller),
            row.ip,
        ),
    )
    rows = [
        (
            Cell(f"{row.name} ({row.ip})" if row.name else row.ip),
            *([Cell("–" if row.network is None else str(row.network))] if has_networks else []),
            *([Cell(words(row.side.value))] if has_sides else []),
            Cell(words.number(row.failures_as_responder), Tone.BAD if row.failures_as_responder else Tone.FAINT),
            Cell(words.number(row.failures_relayed), Tone.PLAIN if row.failures_relayed else Tone.FAINT),
            Cell(words.number(row.calls_as_callee)),
            Cell(words.number(row.failures_as_caller), Tone.WARN if row.failures_as_caller else Tone.FAINT),
            Cell(words.number(row.calls_as_caller)),
            *([Cell(words.number(row.conflicts), _tone(row.conflicts))] if has_conflicts else []),
            Cell(codes_text(row.by_status_code, words)),
        )
        for row in chosen[:top]
    ]
    notes = []
    if len(chosen) > top:
        rest = chosen[top:]
        notes.append(
            words(
                "… and {count} more endpoints, {failures} failures originated",
                count=words.number(len(rest)),
                failures=words.number(sum(row.failures_as_responder for row in rest)),
            )
        )
    nobody = failures - sum(row.failures_as_responder for row in endpoints)
    if nobody:
        notes.append(
            words("Failures charged to no responder, but to their callers: {count}", count=words.number(nobody))
        )
    notes.append(
        words(
            "originated: it sent the final response, or was silent; relayed: it passed another's failure on; "
            "as caller: its own calls failed"
        )
    )
    return Table(words("Endpoints by failures originated"), columns, rows, notes)


def _tone(conflicts: int) -> Tone:
    return Tone.WARN if conflicts else Tone.FAINT


def codes_text(by_status_code: Mapping[str, int], words: Words) -> str:
    """The first four codes with their counts, in the order given."""
    pairs = list(by_status_code.items())
    shown = ", ".join(
        f"{words('silence') if code == 'none' else code} ×{words.number(count)}" for code, count in pairs[:4]
    )
    return shown + (", …" if len(pairs) > 4 else "")
