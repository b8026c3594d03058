"""A live run as JSON lines for another program: one object a line, told apart by ``type`` (docs/live.md).

``call`` and ``registration`` for each that ended, ``status`` once a minute, ``notice`` at once, ``summary`` at the end.
A reader that goes away ends the run; one that is too slow loses whole lines, which the next status counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from analyzer.batch import Columns, Labels, Texts
from analyzer.schema import CallRow, RegistrationRow
from analyzer.stats.document import rfc3339
from analyzer.stats.live_documents import status_document
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.tables.lines import LineWriter, named
from analyzer.ui.cli.live_lines import Minutes
from analyzer.ui.cli.outlet import Closing, Outlet
from analyzer.wiretext import printable_text

#: What stands beside the columns of a row.
_OF_CALLS, _OF_REGISTRATIONS = ("call_key", "source"), ("source",)
_STDOUT = 1


class JsonLines(Closing):
    """Lines for a program; see `analyzer.live.screen.Screen`.

    ``call_keys``: makes the lasting keys of some calls, in their order, where the calls do not bring them along as a
    column ``call_key``; without it the key is null.
    """

    def __init__(
        self, call_keys: Callable[[Columns], Labels | Texts] | None = None, outlet: Outlet | None = None
    ) -> None:
        self._call_keys = call_keys
        self._out = outlet or Outlet(_STDOUT)
        self._calls = LineWriter("call", CallRow, _OF_CALLS)
        self._registrations = LineWriter("registration", RegistrationRow, _OF_REGISTRATIONS)
        self._sources: dict[int, str] = {}
        self._minutes = Minutes()
        self._has_begun = False
        #: Lines for which there was no room.
        self.lines_dropped = 0

    @property
    def minds_stderr(self) -> bool:
        """Notices are lines among the others."""
        return False

    @property
    def wants_to_stop(self) -> bool:
        """Whether the reader has gone away."""
        return self._out.is_gone

    def show(self, snapshot: LiveSnapshot) -> None:
        """A status at once (everything is open, whoever waits for that may begin), then whenever a minute is over."""
        is_first = not self._has_begun
        self._has_begun = True
        self._sources = {source.capture_no: source.name for source in snapshot.sources}
        if self._minutes.is_over(snapshot.now_ts) or is_first:
            self._say("status", {**status_document(snapshot), "lines_dropped": self.lines_dropped})

    def calls(self, calls: Columns) -> None:
        """A line for each call."""
        if len(calls):
            extra: dict[str, Labels | Texts] = {"source": self._source(calls)}
            if "call_key" not in calls and self._call_keys is not None:
                extra["call_key"] = self._call_keys(calls)
            self._put(self._calls.lines(calls, extra), len(calls))

    def registrations(self, registrations: Columns) -> None:
        """A line for each registration."""
        if len(registrations):
            extra = {"source": self._source(registrations)}
            self._put(self._registrations.lines(registrations, extra), len(registrations))

    def notice(self, ts: int, text: str) -> None:
        """A line at once."""
        self._say("notice", {"time": rfc3339(ts), "text": printable_text(text)})

    def summary(self, document: Mapping[str, Any]) -> None:
        """The last line."""
        self._say("summary", {**document, "lines_dropped": self.lines_dropped})

    def close(self) -> None:
        """Write what waits, as long as somebody reads."""
        self._out.close()

    def _source(self, rows: Columns) -> Labels:
        """The names of the listeners that rows come from."""
        return named(rows.ints("capture_no"), self._sources)

    def _say(self, kind: str, document: Mapping[str, Any]) -> None:
        self._put(json.dumps({"type": kind, **document}, separators=(",", ":")).encode() + b"\n", 1)

    def _put(self, octets: bytes, lines: int) -> None:
        if not self._out.put(octets):
            self.lines_dropped += lines
