"""What several parts of a report ask of one period's calls, each found once: masks, who is charged, hours, prefixes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.batch import AnyColumn, Columns, Ints, Labels, Texts
from analyzer.correlate.blame import NOT_CHARGED, ORIGINATED, Charges
from analyzer.correlate.sessions import Sessions, sides
from analyzer.periods import Period
from analyzer.stats.counting import Mask, unsuccessful
from analyzer.stats.dial_codes import NumberPlan
from analyzer.stats.kpis import expanded
from analyzer.stats.local_hours import slots
from analyzer.stats.parts import Settings
from analyzer.stats.population import Population
from analyzer.stats.scanners import Scanning, find
from analyzer.tables.slices import Slice
from analyzer.vocab import CAUSE_GROUPS

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Columns of calls by which legs of one session and traces of scanners are told, and nothing else is.
_OF_LEGS = ("from_tag", "session_id", "linked_id", "sdp_origin")
_HOUR = 3600 * 1_000_000_000


class Facts:
    """The calls of a slice without scanners', and what is known of each. Masks and columns have a row for each call."""

    def __init__(self, part: Slice, registry: Registry, config: Config, profile: str) -> None:
        self.part = part
        self.period: Period = part.period
        self.registry = registry
        self.config = config
        self.profile = profile

    @cached_property
    def scanning(self) -> Scanning:
        """Who scans, and which calls of the slice are theirs."""
        part = self.part
        return find(part.calls, part["registrations"], self.registry, part["others"])

    @cached_property
    def calls(self) -> Columns:
        """The calls that everything is counted from: those of scanners are left out."""
        calls = self.part.calls
        if not len(calls):
            return calls
        kept = calls.take(np.flatnonzero(~self.scanning.is_scanner)) if self.scanning.is_scanner.any() else calls
        told: dict[str, AnyColumn] = {
            "is_scanner": np.zeros(len(kept), dtype=np.bool_),
            "failed_side": sides(kept.labels("failed_by_ip"), self.config),
            # Numbers begin at 1 in each run; here they tell the calls of all of them apart.
            "call_no": np.arange(1, len(kept) + 1, dtype=np.int64),
        }
        return Columns(kept.row_type, {**kept.columns, **told}, len(kept))

    @cached_property
    def population(self) -> Population:
        """The calls with the masks that figures of merit are computed from (``failed``, ``answered``, ``counted``)."""
        entries = expanded(self.registry.kpis, self.config.thresholds.short_call_s)
        return Population(self.calls, "calls", entries)

    @cached_property
    def everyone(self) -> Mask:
        """All calls."""
        return np.ones(len(self.calls), dtype=np.bool_)

    @property
    def failed(self) -> Mask:
        """Calls that are somebody's failure."""
        return self.population.failed

    @property
    def answered(self) -> Mask:
        """Answered calls."""
        return self.population.answered

    @property
    def counted(self) -> Mask:
        """The denominator of most ratios: without elsewhere, redirected and open."""
        return self.population.counted

    @cached_property
    def sessions(self) -> Sessions:
        """Calls that are one intention."""
        return Sessions(self.calls, self.registry, self.config)

    @cached_property
    def charges(self) -> Charges:
        """Whose failure each session is, in the leg where it began."""
        if not len(self.calls):
            return Charges(np.zeros(0, dtype=np.int8), Labels(np.zeros(0, dtype=np.int32), []))
        return self.sessions.charges

    @cached_property
    def overflows(self) -> Mapping[tuple[str, int | None], int]:
        """How many calls each endpoint refused that then went another way."""
        return self.sessions.overflows if len(self.calls) else {}

    def settle(self) -> None:
        """Find out who scans and who is charged, and let go of what nothing else needs: a fifth of a week's memory.

        After it there are no ``sessions`` and none of `_OF_LEGS`. The slice that was given keeps them; whoever wants
        the memory back lets go of it too.
        """
        _ = self.charges, self.overflows
        self.__dict__.pop("sessions", None)
        self.calls = without(self.calls, _OF_LEGS)
        self.part = Slice(self.period, {**self.part.tables, "calls": without(self.part.calls, _OF_LEGS)})
        self.population.table = self.calls

    @cached_property
    def began(self) -> Mask:
        """Failures in the leg where they began: each failed session once."""
        return np.asarray(self.charges.role == ORIGINATED)

    @cached_property
    def is_charged(self) -> Mask:
        """Failed calls that originated or passed on a session's failure."""
        return np.asarray(self.charges.role != NOT_CHARGED)

    @cached_property
    def settings(self) -> Settings:
        """What breaking down needs to know of the site."""
        return Settings(self.period.zone, self.config, self.registry.numbering)

    @cached_property
    def hour(self) -> Ints:
        """The hour of the period in which each call began, from 0 (elapsed hours, so that none is there twice)."""
        found: Ints = (self.population.numbers("invite_ts") - self.period.from_ts) // _HOUR
        return found

    @cached_property
    def slot(self) -> Ints:
        """The block of day × local hour in which each call began, as a place in the period (`local_hours.slots`)."""
        return slots(self.population.numbers("invite_ts"), self.period)

    @cached_property
    def is_read(self) -> Mask:
        """Calls whose cause was read, not derived."""
        read = [source for source, group in CAUSE_GROUPS.items() if group == "read"]
        return self.population.is_one_of("cause_from", read)

    @cached_property
    def conflicting(self) -> Mask:
        """Calls whose code contradicts the cause that was read."""
        return np.asarray(self.calls["cause_conflict"]) if len(self.calls) else np.zeros(0, dtype=np.bool_)

    @cached_property
    def unsuccessful(self) -> Mask:
        """Calls that are neither answered nor left out."""
        return unsuccessful(self.calls)

    @cached_property
    def registrations(self) -> Columns:
        """Registrations without those that scanners tried."""
        table, theirs = self.part["registrations"], self.scanning.of_registrations
        return table.take(np.flatnonzero(~theirs)) if len(table) and theirs.any() else table

    @cached_property
    def registered(self) -> Population:
        """The registrations with the masks that figures of merit are computed from."""
        return Population(self.registrations, "registrations", self.population.entries)

    def labels(self, name: str) -> Labels:
        """A column of labels of the calls; an empty one where there are none."""
        return self.calls.labels(name) if len(self.calls) else Labels(np.empty(0, dtype=np.int32), [])

    @cached_property
    def dial_codes(self) -> Labels:
        """The dial code of the dialled number of each call."""
        return NumberPlan(self.config, self.registry).dial_codes(self.population)

    def keys(self, rows: Any) -> list[str]:
        """``call_key`` of some rows, in their order."""
        if not len(rows):
            return []
        column = self.calls["call_key"]
        assert isinstance(column, (Labels, Texts))
        return [column.value(row) or "" for row in np.asarray(rows, dtype=np.int64).tolist()]


def without(table: Columns, names: tuple[str, ...]) -> Columns:
    """A table without some columns."""
    kept = {name: column for name, column in table.columns.items() if name not in names}
    return Columns(table.row_type, kept, len(table))
