"""Sessions by outcome, where calls were linked: the same conversations without counting legs twice."""

from __future__ import annotations

from analyzer.stats.sessions import SessionTotals
from analyzer.views.outcomes import MEANINGS, counted_as, outcome_tone
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.vocab import LinkedBy

LINKED_BY = {
    LinkedBy.SESSION_ID: "by Session-ID",
    LinkedBy.HEADER: "by a header field or Call-ID",
    LinkedBy.SCORE: "by addresses, numbers, SDP and time",
}


def sessions_table(figures: SessionTotals, words: Words) -> Table:
    """Every outcome of sessions; without rows where every call is a session of its own."""
    columns = [
        Column(words("sessions"), align_right=True),
        Column(words("share"), align_right=True),
        Column(words("outcome")),
        Column(words("counts as")),
        Column(words("that is"), rank=2, shrink=True),
    ]
    if not figures.linked:
        return Table(words("Sessions by outcome"), columns, [])
    rows = [
        (
            Cell(words.number(count)),
            Cell(words.share(count, figures.total)),
            Cell(words(outcome.value), outcome_tone(outcome)),
            Cell(words(counted_as(outcome)), outcome_tone(outcome)),
            Cell(words(MEANINGS[outcome]), Tone.FAINT),
        )
        for outcome, count in figures.by_outcome.items()
    ]
    return Table(words("Sessions by outcome"), columns, rows, _notes(figures, words))


def _notes(figures: SessionTotals, words: Words) -> list[str]:
    ways = ", ".join(f"{words(LINKED_BY[by])} {words.number(count)}" for by, count in figures.linked_by.items())
    linked = words.number(figures.linked)
    notes = [words("Sessions of several calls (legs): {count}, linked {ways}", count=linked, ways=ways)]
    if figures.failures_behind:
        notes.append(
            words(
                "Failed sessions whose failure began in a leg behind the first: {count}",
                count=words.number(figures.failures_behind),
            )
        )
    if figures.advanced:
        notes.append(
            words("Answered after another route had been refused: {count}", count=words.number(figures.advanced))
        )
    return notes
