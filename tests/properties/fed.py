"""A correlator that is fed generated flows by hand, and everything that comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from ipaddress import IPv4Address
from typing import Any

from analyzer.correlate.calls import CallTable
from analyzer.correlate.others import OtherTable
from analyzer.correlate.registrations import RegistrationTable
from analyzer.correlate.transactions import TransactionTable
from analyzer.stats.route_advance import blocks
from tests.correlate import made
from tests.properties.elements import SECOND, START, Seen

Row = dict[str, Any]


def sent(seen: Sequence[Seen]) -> list[made.Sent]:
    """A flow in the terms of `tests.correlate.made`; its START is not ours, only differences of time matter."""
    return [
        made.Sent((one.ts - START) / SECOND, int(IPv4Address(one.src)), int(IPv4Address(one.dst)), one.payload)
        for one in seen
    ]


class Fed(made.Run):
    """`made.Run` with all tables of one correlator."""

    def __init__(self, drain_at: int = 4096) -> None:
        super().__init__(drain_at=drain_at)

    @cached_property
    def tables(self) -> dict[str, Any]:
        """Every table row by row, links, counts, notes: what must not depend on how messages were handed over."""
        calls = CallTable(made.rules(), self.correlator)
        others = OtherTable(made.rules(), self.correlator, self.methods.names)
        registrations = RegistrationTable(self.correlator)
        transactions = TransactionTable(self.correlator, self.methods.names)
        for part in self.ended:
            for table in (calls, others, registrations, transactions):
                table.add(part)
        columns = calls.columns()
        return {
            "calls": list(columns.rows()),
            "blocks": list(blocks(calls.branches.blocks(), columns).rows()),
            "branches": list(calls.branches.columns().rows()),
            "translations": calls.branches.translations(),
            "others": list(others.columns().rows()),
            "midcall": list(others.midcall().rows()),
            "registrations": list(registrations.columns().rows()),
            "transactions": list(transactions.columns().rows()),
            "links": self.links,
            "notes": self.notes,
            "counts": self.counts.nonzero()[0].tolist() + self.counts[self.counts.nonzero()].tolist(),
            "orphans": self.correlator.orphans,
        }


def fed(seen: Sequence[Seen], end: int | None = None, drain_at: int = 64) -> Fed:
    """A flow in one batch; ``end``: when the capture ends, seconds after the start, if later than its last message."""
    run = Fed(drain_at).take(sent(seen), max(len(seen), 1))
    assert isinstance(run, Fed)
    if end is not None and seen:
        run.wait(end)
    run.close()
    return run
