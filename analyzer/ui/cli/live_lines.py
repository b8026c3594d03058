"""A live run in lines of text: one a minute on standard output, what happens to the run on standard error.

A line is time and then ``key=value``, always the same keys in the same order and without blanks in a value, so that
``grep`` and ``awk`` find their way; texts that hold blanks are quoted and stand last. The keys are English in every
language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from analyzer.batch import Columns
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.stats.tally import MINUTE_S, SECOND
from analyzer.ui.cli.outlet import Closing, Outlet
from analyzer.views.times import local_time
from analyzer.views.words import Words
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.config import Config

MINUTE_NS = 60 * SECOND
#: Codes and causes that a line names.
TOP = 5
_STDOUT, _STDERR = 1, 2
_NOTICE_ROOM = 1_000_000


class Minutes:
    """When a minute is over, by the clock of the run."""

    def __init__(self) -> None:
        self._next: int | None = None

    def is_over(self, now_ts: int) -> bool:
        """Whether a minute has gone by since this was last so, or since it was first asked."""
        if self._next is None:
            self._next = now_ts + MINUTE_NS
        if now_ts < self._next:
            return False
        # After a pause (a stopped process, a clock that was set) there is one line, not one for each minute.
        self._next = max(self._next + MINUTE_NS, now_ts + 1)
        return True


class LinePrinter(Closing):
    """A line a minute; see `analyzer.live.screen.Screen`. ``is_quiet``: nothing on standard error."""

    def __init__(self, config: Config, words: Words, is_quiet: bool = False, out: int = _STDOUT) -> None:
        self._zone = config.zone
        self._words = words
        self._is_quiet = is_quiet
        self._out = Outlet(out)
        self._err = Outlet(_STDERR, _NOTICE_ROOM)
        self._minutes = Minutes()
        self._dropped = 0

    @property
    def minds_stderr(self) -> bool:
        """Notices are there, unless they are not wanted."""
        return not self._is_quiet

    @property
    def wants_to_stop(self) -> bool:
        """Whether whoever read standard output has left."""
        return self._out.is_gone

    def show(self, snapshot: LiveSnapshot) -> None:
        """A line when a minute is over."""
        if self._minutes.is_over(snapshot.now_ts):
            self._say(minute_line(snapshot, self._zone, self._dropped))
            self._dropped = lost(snapshot)

    def calls(self, calls: Columns) -> None:
        """Calls that ended are not named one by one; ``--json`` does."""

    def registrations(self, registrations: Columns) -> None:
        """Nor are registrations."""

    def notice(self, ts: int, text: str) -> None:
        """At once, on standard error."""
        if not self._is_quiet:
            self._err.put(f"sipcause: {noted(ts, text, self._zone)}\n".encode("utf-8", "backslashreplace"))

    def summary(self, document: Mapping[str, Any]) -> None:
        """A few lines about the whole run."""
        for line in summary_lines(document, self._words, self._zone):
            self._say(line)

    def close(self) -> None:
        """Write what waits."""
        self._out.close()
        self._err.close()

    def _say(self, line: str) -> None:
        self._out.put(f"{line}\n".encode("utf-8", "backslashreplace"))


def minute_line(snapshot: LiveSnapshot, zone: tzinfo, dropped_before: int = 0) -> str:
    """The essentials of the last minute; ``dropped_before``: frames that were lost before it began."""
    counts = snapshot.tally.span(MINUTE_S)
    seconds, _ = divmod(snapshot.now_ts, SECOND)
    pairs: dict[str, object] = {
        "calls": counts.calls,
        "answered": counts.by_outcome["answered"],
        "unsuccessful": counts.unsuccessful,
        "failures": counts.failures,
        **{kpi: _ratio(*counts.ratio(kpi)) for kpi in ("asr", "ner", "ser")},
        "registrations": sum(counts.by_registration.values()),
        "codes": _most(counts.failures_by_code),
        "causes": _most(counts.by_cause),
        "setting_up": snapshot.setting_up,
        "in_call": snapshot.in_call,
        "messages_s": round(snapshot.rates.messages, 1),
        "frames_s": round(snapshot.rates.frames, 1),
        "dropped": lost(snapshot) - dropped_before,
        "dropped_total": lost(snapshot),
        "evicted": snapshot.evicted,
        "memory_mb": round(snapshot.memory_octets / 1e6, 1),
    }
    troubles = [f"{source.name} {source.trouble}" for source in snapshot.sources if source.trouble]
    troubles += [said for said in (snapshot.store_trouble, snapshot.frames_trouble) if said]
    if snapshot.alerts:
        pairs["alerts"] = _quoted("; ".join(snapshot.alerts))
    if troubles:
        pairs["trouble"] = _quoted("; ".join(troubles))
    at = datetime.fromtimestamp(seconds, UTC).astimezone(zone).isoformat()
    return " ".join([at, *(f"{key}={value}" for key, value in pairs.items())])


def lost(snapshot: LiveSnapshot) -> int:
    """Frames that were lost so far, by the sources or behind them."""
    return snapshot.dropped + snapshot.queue_dropped


def _ratio(numerator: int, denominator: int) -> str:
    share = f"{100 * numerator / denominator:.1f}%" if denominator else "-"
    return f"{numerator}/{denominator}:{share}"


def _most(counts: Mapping[int | None, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or 0))
    return ",".join(f"{'none' if key is None else key}x{count}" for key, count in ordered[:TOP]) or "-"


def _quoted(text: str) -> str:
    return json.dumps(printable_text(text), ensure_ascii=False)


def noted(ts: int, text: str, zone: tzinfo) -> str:
    """A notice as a line: local time and what happened."""
    return f"{local_time(ts, zone, 0)} {printable_text(text)}"


def summary_lines(document: Mapping[str, Any], words: Words, zone: tzinfo) -> list[str]:
    """The whole run in a few lines, by its summary (`stats.live_documents.summary_document`)."""
    calls = document["calls"]
    total = calls["total"]
    messages = sum(row["sip_messages"] for row in document["captures"])
    frames = sum(row["frames"] for row in document["captures"])
    lines = [
        words(
            "{frames} frames, {messages} SIP messages, {calls} calls: {answered} answered, "
            "{unsuccessful} unsuccessful, {failures} of them failures ({share}).",
            frames=words.number(frames),
            messages=words.number(messages),
            calls=words.number(total),
            answered=words.number(calls["by_outcome"].get("answered", 0)),
            unsuccessful=words.number(calls["unsuccessful"]),
            failures=words.number(calls["failures"]),
            share=words.share(calls["failures"], total),
        )
    ]
    gone = document["dropped"] + document["queue_dropped"]
    if gone:
        lines.append(words("! {count} frames dropped", count=words.number(gone)))
    if document["evicted"]:
        lines.append(words("! {count} ended early for want of room", count=words.number(document["evicted"])))
    return [printable_text(line) for line in lines]
