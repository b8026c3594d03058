"""Where odd things on the wire are written down while the run goes on.

Counts are exact; of the rows only the first `IssueLog.ROWS_PER_CODE` of each code are kept, because a hostile
capture can make every frame an issue and memory must stay bounded. What a code means (severity, group, what to look at)
is data: ``data/issues.toml``.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.batch import MISSING


class IssueNote(NamedTuple):
    """One observation; the numbers are MISSING where they do not apply."""

    code: str
    capture_no: int
    ts: int = MISSING
    frame_no: int = MISSING
    message_no: int = MISSING
    call_no: int = MISSING
    detail: str = ""


class IssueLog:
    """Observations of a run, in the order in which they were made."""

    ROWS_PER_CODE = 1000

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.notes: list[IssueNote] = []

    def add(self, note: IssueNote, count: int = 1) -> None:
        """Note something; ``count`` > 1 when one row stands for several observations of the same kind."""
        seen = self.counts.get(note.code, 0)
        self.counts[note.code] = seen + count
        if seen < self.ROWS_PER_CODE:
            self.notes.append(note)
