"""The loop over captures: source → copies marked → messages → correlator → whoever wants to know.

Reading and parsing run in a thread of their own, one batch ahead of correlating: the kernels hold no lock, so two
cores work at once. What comes out does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from analyzer.ahead import Ahead
from analyzer.batch import Columns, Datagrams, MessageBatch
from analyzer.capture.assembly import Assembly
from analyzer.capture.copies import Copies
from analyzer.capture.source import expand
from analyzer.capture.timeline import Timeline, timeline
from analyzer.capture.tls_keylog import read_keylog
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.rules import Rules
from analyzer.correlate.transactions import TransactionTable
from analyzer.issues import IssueNote
from analyzer.stages import MessageSink, Stages

#: Gets pieces of a table, in the order of its rows.
TableSink: TypeAlias = Callable[[Columns], None]
#: Gets the share that is done (0 to 1, below 0 where the total is unknown) and the frames read so far.
Progress: TypeAlias = Callable[[float, int], None]


class Beside(Protocol):
    """Whoever goes along with an analysis and wants to know more than its messages."""

    def cut(self, batch: MessageBatch) -> Iterable[MessageBatch]:
        """The batch in the pieces in which it is to be taken, each asked for when those before it have been taken."""

    def ended(self, ended: Sequence[Ended]) -> None:
        """This has ended, and is in the tables."""

    def at_end(self) -> None:
        """Everything was read, and what ended by then has been told; what is still open ends next."""


class Pipeline(Stages):
    """One analysis: its parts, and what they hold when `run` is over."""

    def __init__(
        self,
        paths: Sequence[str],
        rules: Rules,
        *,
        reader: str = "kernels",
        keep: Collection[str] = ("calls", "registrations"),
        has_timeline: bool = False,
        keylog: str | None = None,
        keep_copies: bool = False,
        transaction_sink: TableSink | None = None,
    ) -> None:
        self.paths = expand(paths)
        self.keylog = keylog
        #: The tables whose rows are held when `run` is over.
        self.kept = {"calls", "registrations", *keep}
        if transaction_sink is not None:
            self.kept.discard("transactions")
        has_transactions = "transactions" in keep or transaction_sink is not None
        correlator = Correlator(keep_transactions=has_transactions, without=rules.without)
        super().__init__(rules, len(self.paths), correlator, reader, has_timeline)
        self.transactions = (
            TransactionTable(self.correlator, self.methods.names, transaction_sink) if has_transactions else None
        )
        self.copies = Copies(self.issues, keep_copies)
        self.timeline: Timeline = timeline(self.paths, self.issues, reader)
        if keylog is not None:
            self.timeline.flows.take_keys(read_keylog(keylog))
        self.assembly = Assembly(self.issues, self.timeline.flows, reader)
        self._beside: Beside | None = None

    def run(
        self, sinks: Sequence[MessageSink] = (), progress: Progress | None = None, beside: Beside | None = None
    ) -> None:
        """Read everything and correlate it. Raises CaptureError for what is no capture."""
        self._beside = beside
        try:
            with Ahead(self._batches) as batches:
                for batch in batches:
                    for piece in (batch,) if beside is None else beside.cut(batch):
                        self.take(piece, sinks)
                    if progress is not None:
                        self._report(progress)
            if self.end_ts is not None and self.messages:
                self.keep(self.correlator.advance(self.end_ts))
            if beside is not None:
                beside.at_end()
            self.keep(self.correlator.close())
            if evicted := self.timeline.flows.evicted:
                detail = f"{evicted} flows of SIP lost their place among too many others"
                self.issues.add(IssueNote("tcp.bound", 1, detail=detail), evicted)
            if self.transactions is not None:
                self.transactions.close()
        finally:
            self.timeline.close()

    def keep(self, ended: Sequence[Ended]) -> None:
        """Put what has ended into the tables."""
        super().keep(ended)
        if self.transactions is not None:
            for part in ended:
                self.transactions.add(part)
        if self._beside is not None:
            self._beside.ended(ended)

    @property
    def end_ts(self) -> int | None:
        """The latest frame of all captures, ns."""
        return max((reader.end_ts for reader in self.timeline.readers if reader.end_ts is not None), default=None)

    def _report(self, progress: Progress) -> None:
        consumed, total = self.timeline.progress
        progress(consumed / total if total else -1.0, sum(reader.frames for reader in self.timeline.readers))

    def _batches(self) -> Callable[[], MessageBatch | None]:
        datagrams_to_come = self.datagrams()

        def following() -> MessageBatch | None:
            for datagrams in datagrams_to_come:
                if len(datagrams.rows):
                    return self.read(datagrams)
            return None

        return following

    def datagrams(self) -> Iterator[Datagrams]:
        """What stands in the captures as whole messages, copies marked."""
        for raw in self.timeline:
            for datagrams in self.assembly.receive(raw):
                self.assembly.wire.saw(datagrams.rows)
                yield from self.copies.receive(datagrams)
        for datagrams in self.assembly.close():
            self.assembly.wire.saw(datagrams.rows)
            yield from self.copies.receive(datagrams)
        yield from self.copies.close()


__all__ = ["Beside", "MessageSink", "Pipeline", "Progress", "TableSink"]
