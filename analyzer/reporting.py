"""From a store, or from captures, to the report of a week: what `sipcause report` does, for people who work in Python.

    from analyzer.reporting import of_captures, of_store
    report = of_store("/var/lib/sipcause/store", period, period.earlier(1), config, registry)

Both count the same rows in the same way (`report.weekly`): a store is read by days and columns, captures are analysed
as one timeline and get the columns that a store would give them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer import api
from analyzer.adding.about import capture_row, doubt_rows, intervals
from analyzer.findings import DoubtRow, IntervalRow, KeptCaptureRow
from analyzer.periods import Period, week_of
from analyzer.report.notes import noted_in
from analyzer.report.weekly import NEEDED, weekly
from analyzer.stats.counting import is_outcome
from analyzer.stats.facts import Facts
from analyzer.stats.message_days import MessageDays, latest_day
from analyzer.stats.remapped import NEEDED as REMAPPED
from analyzer.stats.remapped import remapped
from analyzer.tables import columns_of_rows
from analyzer.tables.slices import Slice, slice_of
from analyzer.tables.store_read import open_store
from analyzer.tables.store_slice import read_slice
from analyzer.vocab import Outcome

if TYPE_CHECKING:
    from datetime import tzinfo

    from analyzer.batch import Columns
    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.report.lines import NoteLine
    from analyzer.report.model import WeeklyReport
    from analyzer.result import Result

#: Tables of an analysis that a report may ask for; the others are made of its captures.
_ANALYSED = ("calls", "registrations", "others", "midcall", "branches", "blocks")
#: What stands for the run of captures that are in no store.
RUN = "captures"


def of_store(
    folder: str | Path,
    period: Period,
    compared: Sequence[Period],
    config: Config,
    registry: Registry,
    profile: str | None = None,
    notes: Sequence[NoteLine] = (),
    version: str = "",
) -> WeeklyReport:
    """The report of a period out of a store, against those that it is compared with (the latest first; may be none).

    ``profile``: the mapping profile of derived causes (default: the configuration's), whatever the runs had that wrote
    the rows. Raises StoreError, UnknownProfile.
    """
    store = open_store(folder)
    columns: dict[str, Sequence[str]] = dict(NEEDED)
    columns["calls"] = tuple(dict.fromkeys((*NEEDED["calls"], *REMAPPED)))
    slices = [read_slice(store, one, columns) for one in (period, *compared)]
    return _report(slices, config, registry, profile or config.causes, str(folder), notes, version)


class Analysed:
    """Captures that were analysed once, and the periods that can be told of them."""

    def __init__(self, paths: Sequence[str], zone: tzinfo, options: Mapping[str, Any]) -> None:
        """``options``: those of `analyzer.api.analyze`. Raises CaptureError, UnknownProfile."""
        self.zone = zone
        self.paths = tuple(paths)
        self._messages = MessageDays(zone)
        self.result: Result = api.analyze(*paths, **options, message_sink=self._messages)
        #: By name, as an analysis has them; ``doubts`` are those of no period.
        self.tables = self._stored()

    def week(self) -> Period | None:
        """The latest week that has calls; None without any."""
        day = latest_day(self.tables["calls"].ints("invite_ts"), self.zone) if self.calls else None
        return None if day is None else week_of(day, self.zone)

    @property
    def calls(self) -> int:
        """How many calls the captures have."""
        return len(self.tables["calls"])

    def report(
        self, period: Period, compared: Sequence[Period], notes: Sequence[NoteLine] = (), version: str = ""
    ) -> WeeklyReport:
        """The report of a period of them."""
        result = self.result
        slices = [slice_of(self._of(one), one, RUN) for one in (period, *compared)]
        made = _report(slices, result.config, result.registry, result.causes_profile, None, notes, version)
        return replace(made, about=replace(made.about, captures=self.paths))

    def _stored(self) -> dict[str, Columns]:
        result = self.result
        open_calls = int(is_outcome(result.columns("calls"), {Outcome.OPEN}).sum())
        listened = [
            line
            for row in result.captures
            for line in intervals(row, row.source, self._messages.of(row.capture_no), self.zone, open_calls)
        ]
        captures = [capture_row(row, "", row.source) for row in result.captures]
        return {
            **{name: result.columns(name) for name in _ANALYSED},
            "intervals": columns_of_rows(IntervalRow, listened),
            "captures": columns_of_rows(KeptCaptureRow, captures),
            "doubts": columns_of_rows(DoubtRow, list(doubt_rows(result))),
        }

    def _of(self, period: Period) -> Mapping[str, Columns]:
        """The tables for a period: what limits the captures limits each part of them."""
        rows = [row._replace(ts=period.from_ts) for row in doubt_rows(self.result)]
        return {**self.tables, "doubts": columns_of_rows(DoubtRow, rows)}


def of_captures(
    paths: Sequence[str], period: Period, compared: Sequence[Period], zone: tzinfo, **options: Any
) -> WeeklyReport:
    """The report of a period out of captures; ``options``: those of `analyzer.api.analyze`."""
    return Analysed(paths, zone, options).report(period, compared)


def _report(
    slices: Sequence[Slice],
    config: Config,
    registry: Registry,
    profile: str,
    store: str | None,
    notes: Sequence[NoteLine],
    version: str,
) -> WeeklyReport:
    week, *before = (
        Facts(
            Slice(part.period, {**part.tables, "calls": remapped(part.calls, registry, profile)}),
            registry,
            config,
            profile,
        )
        for part in slices
    )
    told = noted_in(notes, week.period, [facts.period for facts in before])
    return weekly(week, before, store=store, notes=told, version=version)
