"""From a number of a report to its calls: every count carries a few of them, and how to list the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from analyzer.report.lines import CallRef, Count
from analyzer.stats.facts import Facts
from analyzer.stats.proof import refs, useful

if TYPE_CHECKING:
    from analyzer.batch import Ints
    from analyzer.stats.counting import Mask

#: Calls that a number carries: enough for a carrier's ticket.
SHOWN = 5
#: Rows of a long list whose numbers carry so many; those of the further rows carry one.
FIRST = 15


class Proof:
    """Makes counts of masks or rows of ``facts.calls``, and remembers the calls that they show."""

    def __init__(self, facts: Facts, shown: int = SHOWN) -> None:
        self.facts = facts
        self.shown = shown
        self._rows: dict[int, None] = {}

    def count(self, mask: Mask, choice: str = "", shown: int | None = None) -> Count:
        """How many calls, the most useful few of them (`stats.proof.useful`) and the options that list all.

        ``shown``: how many, 0 = every one.
        """
        return self.count_rows(mask.nonzero()[0], choice, shown)

    def count_rows(self, rows: Ints, choice: str = "", shown: int | None = None) -> Count:
        """The same of some rows, ascending, each once."""
        chosen = useful(self.facts, rows, self.shown if shown is None else shown)
        self._rows.update(dict.fromkeys(chosen))
        return Count(len(rows), tuple(self.facts.keys(chosen)), choice)

    def of_row(self, place: int) -> int:
        """How many calls a number of a long list carries, by the place of its row."""
        return self.shown if place < FIRST else 1

    @property
    def calls(self) -> Mapping[str, CallRef]:
        """Every call that a count shows, by key."""
        return {fields["key"]: CallRef(**fields) for fields in refs(self.facts, list(self._rows))}
