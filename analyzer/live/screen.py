"""Whom a live run tells what it sees: a screen, lines, or another program. `analyzer.ui.cli` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from analyzer.batch import Columns
from analyzer.stats.snapshot import LiveSnapshot


class Screen(Protocol):
    """One place to show a run at. The loop calls from one thread, `show` once before anything else.

    None of these blocks for long or raises for a reader that is slow or gone: it asks to stop instead.
    """

    @property
    def minds_stderr(self) -> bool:
        """Whether notices are on standard error already, or it is the terminal that the screen is drawn on."""

    @property
    def wants_to_stop(self) -> bool:
        """Whether whoever looks wants the run to end: it closes, writes, and exits with 0. Cheap: ask often."""

    def show(self, snapshot: LiveSnapshot) -> None:
        """The run at a moment; about once a second."""

    def calls(self, calls: Columns) -> None:
        """Calls (CallRow) that have ended, each once."""

    def registrations(self, registrations: Columns) -> None:
        """Registrations (RegistrationRow) that have ended, each once."""

    def notice(self, ts: int, text: str) -> None:
        """Something happened to the run itself (an interface is down, the disk is full): at once; ns."""

    def summary(self, document: Mapping[str, Any]) -> None:
        """The whole run (`stats.live_documents.summary_document`); once, behind the last calls."""

    def close(self) -> None:
        """Give the terminal back, write what waits; twice does no harm."""
