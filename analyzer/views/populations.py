"""What happened beside the calls: inside dialogs, to requests that make no call, to OPTIONS, to codes on their way."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.schema import OptionsRow, PopulationRow, TranslationRow
from analyzer.stats.midcall import HARMLESS, MidcallCount
from analyzer.views.endpoints import codes_text
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.vocab import MidcallKind, OptionsState

#: What each kind means, in one line.
MEANINGS = {
    MidcallKind.FAILURE: "refused; the call went on as it was",
    MidcallKind.GLARE: "both sides changed the session at once",
    MidcallKind.BYE_RACE: "both sides hung up at once",
    MidcallKind.DIALOG_LOST: "the other side no longer knew the call",
    MidcallKind.LATE_CANCEL: "cancelled when it was over already",
    MidcallKind.CHALLENGE: "asked for credentials",
    MidcallKind.RETRY: "asked to be tried again, later or otherwise",
    MidcallKind.NO_REPLY: "no answer within 32 s",
}
_STATE_TONES = {
    OptionsState.ALIVE: Tone.GOOD,
    OptionsState.REFUSING: Tone.BAD,
    OptionsState.PROXY_ANSWERED: Tone.WARN,
    OptionsState.SILENT: Tone.BAD,
}


def midcall_table(counted: Sequence[MidcallCount], words: Words, top: int) -> Table:
    """Requests inside dialogs that were refused or not answered."""
    columns = [
        Column(words("requests"), align_right=True),
        Column(words("method")),
        Column(words("code"), align_right=True),
        Column(words("kind")),
        Column(words("settled"), align_right=True),
        Column(words("calls"), align_right=True, rank=1),
        Column(words("that is"), shrink=True, rank=2),
    ]
    rows = [
        (
            Cell(words.number(row.transactions)),
            Cell(row.method),
            Cell("–" if row.status_code is None else str(row.status_code)),
            Cell(words(row.kind.value.replace("_", " ")), _midcall_tone(row)),
            Cell(words.number(row.resolved)),
            Cell(words.number(row.calls)),
            Cell(words(MEANINGS[row.kind]), Tone.FAINT),
        )
        for row in counted[:top]
    ]
    note = words("None of this changes what became of the call. settled: harmless, or it worked later")
    return Table(words("Refused inside calls"), columns, rows, [note])


def _midcall_tone(row: MidcallCount) -> Tone:
    if row.kind in HARMLESS or row.resolved == row.transactions:
        return Tone.FAINT
    return Tone.BAD if row.kind in (MidcallKind.DIALOG_LOST, MidcallKind.NO_REPLY) else Tone.WARN


def populations_table(populations: Sequence[PopulationRow], words: Words, top: int) -> Table:
    """Transactions that make no call, by method."""
    columns = [
        Column(words("method")),
        Column(words("where")),
        Column(words("transactions"), align_right=True),
        Column("2xx", align_right=True),
        Column(words("challenged"), align_right=True, rank=2),
        Column(words("refused"), align_right=True),
        Column(words("no reply"), align_right=True),
        Column(words("open"), align_right=True, rank=3),
        Column(words("codes"), shrink=True, rank=1),
    ]
    rows = [
        (
            Cell(row.method),
            Cell(words("in a dialog") if row.in_dialog else words("outside"), Tone.FAINT),
            Cell(words.number(row.transactions)),
            Cell(words.number(row.success)),
            Cell(words.number(row.challenged)),
            Cell(words.number(row.refused), Tone.WARN if row.refused else Tone.FAINT),
            Cell(words.number(row.no_reply), Tone.BAD if row.no_reply else Tone.FAINT),
            Cell(words.number(row.open), Tone.FAINT),
            Cell(codes_text(row.by_status_code, words), Tone.FAINT),
        )
        for row in populations[:top]
    ]
    return Table(words("Requests that make no call"), columns, rows)


def options_table(options: Sequence[OptionsRow], words: Words, top: int) -> Table:
    """Who was asked by OPTIONS, and whether it is there."""
    columns = [
        Column(words("asked"), shrink=True),
        Column(words("state")),
        Column("OPTIONS", align_right=True),
        Column(words("alive"), align_right=True),
        Column(words("refusing"), align_right=True),
        Column(words("by a proxy"), align_right=True, rank=1),
        Column(words("silent"), align_right=True),
        Column(words("codes"), shrink=True, rank=2),
    ]
    rows = [
        (
            Cell(f"{row.name} ({row.ip})" if row.name else row.ip),
            Cell(words(row.state.value.replace("_", " ")), _STATE_TONES[row.state]),
            Cell(words.number(row.asked)),
            Cell(words.number(row.alive)),
            Cell(words.number(row.refusing), Tone.BAD if row.refusing else Tone.FAINT),
            Cell(words.number(row.proxy_answered), Tone.WARN if row.proxy_answered else Tone.FAINT),
            Cell(words.number(row.silent), Tone.BAD if row.silent else Tone.FAINT),
            Cell(codes_text(row.by_status_code, words), Tone.FAINT),
        )
        for row in options[:top]
    ]
    notes = [words("alive: any answer but 503 and 505 (refusing) and 408, 480, 504 (somebody answered in its place)")]
    if len(options) > top:
        notes.insert(0, words("… and {count} more endpoints", count=words.number(len(options) - top)))
    return Table(words("Asked by OPTIONS"), columns, rows, notes)


def translations_table(translations: Sequence[TranslationRow], words: Words, top: int) -> Table:
    """Codes that changed on their way."""
    columns = [
        Column(words("element"), shrink=True),
        Column(words("received"), align_right=True),
        Column(words("sent"), align_right=True),
        Column(words("calls"), align_right=True),
        Column(words("expected")),
    ]
    rows = [
        (
            Cell(f"{row.name} ({row.ip})" if row.name else row.ip),
            Cell(words("silence") if row.received is None else str(row.received)),
            Cell(str(row.sent)),
            Cell(words.number(row.calls)),
            Cell(words("yes"), Tone.FAINT) if row.expected else Cell(words("no"), Tone.WARN),
        )
        for row in translations[:top]
    ]
    notes = [words("expected: RFC 3261 or RFC 3398 asks for it, such as 408 where nobody answered")]
    return Table(words("Codes changed on the way"), columns, rows, notes)

