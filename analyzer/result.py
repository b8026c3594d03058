"""What came of an analysis, for people who work with it in Python: tables, explanations, the calls behind a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from analyzer.batch import Columns, concat
from analyzer.config import Config
from analyzer.correlate.evidence import Evidence
from analyzer.correlate.kept import CallMessages
from analyzer.correlate.rules import Rules
from analyzer.gathered import Gathered
from analyzer.pipeline import Pipeline, Progress
from analyzer.schema import EvidenceRow, MessageRow
from analyzer.stats.behind import calls_behind
from analyzer.stats.counting import NONE, one_of
from analyzer.stats.explained import Explained, call_id_octets, explained
from analyzer.stats.select import Choice, chosen
from analyzer.vocab import Outcome, Release

if TYPE_CHECKING:
    from analyzer.adding.captures import Added
    from analyzer.tables import Table

#: Analyses the same captures in the same way once more, with further options of `api.analyze`.
Again: TypeAlias = "Callable[..., Result]"


class Result(Gathered):
    """What was read and counted. Tables are pandas DataFrames, described column by column in docs/tables.md.

    ``columns`` gives the same tables as numpy columns, without pandas; statistics and views work on these.
    """

    def __init__(self, pipeline: Pipeline, rules: Rules, config: Config, profile: str, again: Again) -> None:
        super().__init__(pipeline, rules, config, profile)
        self._again = again
        #: What came of adding the captures to a store, where that was asked for.
        self.added: Added | None = None

    def add_to(self, store: str | Path) -> Added:
        """Add what the captures hold to the store in a folder, each capture once by what is in it; reads them again.

        Raises StoreError when that cannot be; then nothing was added.
        """
        added = self._again(store=store).added
        assert added is not None
        return added

    @cached_property
    def calls(self) -> Table:
        """One row a call (`schema.CallRow`)."""
        return self._frame("calls")

    @cached_property
    def registrations(self) -> Table:
        """One row a registration (`schema.RegistrationRow`)."""
        return self._frame("registrations")

    @cached_property
    def transactions(self) -> Table:
        """One row a transaction (`schema.TransactionRow`); reads the captures again unless it was kept."""
        if "transactions" not in self._pipeline.kept:
            return self._again(keep=("transactions",)).transactions
        return self._frame("transactions")

    @cached_property
    def messages(self) -> Table:
        """One row a message (`schema.MessageRow`); reads the captures again, and holds every message in memory."""
        from analyzer.tables import frame
        from analyzer.tables.messages import message_columns

        parts: list[Columns] = []
        self._again(message_sink=lambda batch, links: parts.append(message_columns(batch, links, batch.methods)))
        return frame(concat(MessageRow, parts))

    def explain(self, call_no: int, progress: Progress | None = None) -> Explained:
        """How a call came to be counted as it is: its messages, what each of them changed, and how it was judged.

        Reads the captures again and replays the messages of its Call-ID. Raises KeyError for a call that there is not.
        """
        calls = self.columns("calls")
        rows = np.flatnonzero(calls.ints("call_no") == call_no)
        if not len(rows):
            raise KeyError(call_no)
        messages = CallMessages(call_id_octets(calls, int(rows[0])))
        again = self._again(keep=(), message_sink=messages, progress=progress)
        seen = explained(calls, int(rows[0]), messages, self._rules, again._pipeline.end_ts)
        # The event that explains the call, and those that are about it before any other call.
        about = {event for event, first in enumerate(self._matches.first_call) if first == rows[0]}
        about |= {int(self._matches.event_of_call[rows[0]])} - {-1}
        evidence = sorted([*seen.evidence, *(self.wire_evidence[event] for event in about)], key=lambda row: row.ts)
        return replace(seen, evidence=evidence, **self._session_of(seen.call["session_no"]))

    def _session_of(self, session_no: int | None) -> dict[str, Any]:
        """The session of a call that has others in it, and its links."""
        sessions, links = self.columns("sessions"), self.columns("links")
        if session_no is None or not len(sessions):
            return {}
        (row,) = sessions.take(sessions.ints("session_no") == session_no).rows()
        if row["calls"] < 2:
            return {}
        return {"session": row, "links": list(links.take(links.ints("session_no") == session_no).rows())}

    def calls_behind(
        self,
        row: Any = None,
        count: str = "calls",
        *,
        outcome: str | None = None,
        status_code: int | str | None = None,
        cause: int | str | None = None,
        endpoint: str | None = None,
        release: str | None = None,
    ) -> Columns:
        """The calls behind a number, as columns (``analyzer.tables.frame`` makes a DataFrame of them).

        ``row``: a row of a table that counts calls, with the name of the count (`stats.behind.calls_behind`). Or what
        the calls have in common: ``outcome``, ``status_code`` and ``cause`` (``"none"`` where there is none),
        ``endpoint`` as caller, callee, charged or relaying, ``release``. All that is given must fit.
        """
        calls = self.columns("calls") if row is None else calls_behind(self, row, count)
        choice = Choice(
            outcomes=() if outcome is None else (Outcome(outcome),),
            statuses=() if status_code is None else (_span_of(status_code),),
            causes=() if cause is None else (None if cause == NONE else int(cause),),
            endpoints=() if endpoint is None else (endpoint,),
        )
        found = calls.take(chosen(calls, choice))
        if release is not None and len(found):
            found = found.take(np.flatnonzero(one_of(found.labels("release"), {Release(release)})))
        return found

    def _frame(self, name: str) -> Table:
        from analyzer.tables import frame

        return frame(self.columns(name))

    @cached_property
    def evidence(self) -> Table:
        """Everything that was said about why (`schema.EvidenceRow`); reads the captures again for what messages say."""
        from analyzer.tables import columns_of_rows, frame

        rows: list[EvidenceRow] = []
        evidence = Evidence(self.registry)
        self._again(message_sink=lambda batch, links: rows.extend(evidence.rows(batch, links)))
        return frame(columns_of_rows(EvidenceRow, [*rows, *self.wire_evidence]))


def _span_of(status_code: int | str) -> tuple[int, int] | None:
    return None if status_code == NONE else (int(status_code), int(status_code))
