"""A made analysis: calls given as short dicts, columns and rows built around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Octets, Texts, labels_of
from analyzer.capture.copies import Verdict
from analyzer.config import Thresholds
from analyzer.correlate.branches import Translation
from analyzer.correlate.sessions import Sessions
from analyzer.registry import Registry, load_registry
from analyzer.schema import (
    TABLES,
    CallRow,
    CaptureRow,
    IssueRow,
    Kind,
    RequestRow,
    ResponseRow,
    columns,
)
from analyzer.stats.scanners import Scanning, find
from analyzer.vocab import EvidenceKind, Side, SourceKind

#: 2026-11-17 07:00:00 UTC, a Tuesday.
START = 1_794_898_800_000_000_000
SECOND = 1_000_000_000


def texts_of(values: Sequence[str | None]) -> Texts:
    """A text column of Python texts, end to end."""
    octets = [b"" if value is None else value.encode() for value in values]
    lengths = np.array([-1 if v is None else len(o) for v, o in zip(values, octets, strict=True)], dtype=np.int32)
    starts = np.cumsum([0, *map(len, octets)], dtype=np.int64)[:-1]
    joined: Octets = np.frombuffer(b"".join(octets) or b"\0", dtype=np.uint8)
    return Texts(joined, starts, lengths)


def table(row_type: type[Any], rows: Sequence[Mapping[str, Any]], texts: bool = False) -> Columns:
    """Columns of a row type from dicts; what a dict leaves out is missing."""
    made: dict[str, AnyColumn] = {}
    for column in columns(row_type):
        values = [row.get(column.name) for row in rows]
        if column.kind in (Kind.LABEL, Kind.TEXT):
            as_text = [None if v is None else str(v) for v in values]
            made[column.name] = texts_of(as_text) if texts and column.kind is Kind.TEXT else labels_of(as_text)
        elif column.kind is Kind.FLAG:
            made[column.name] = np.array([bool(v) for v in values], dtype=np.bool_)
        elif column.kind is Kind.REAL:
            made[column.name] = np.array([float("nan") if v is None else v for v in values], dtype=np.float64)
        else:
            made[column.name] = np.array([MISSING if v is None else v for v in values], dtype=np.int64)
    return Columns(row_type, made, len(rows))


def calls(*rows: Mapping[str, Any], texts: bool = True) -> Columns:
    """Calls with the usual values where a row says nothing."""
    filled = []
    for number, row in enumerate(rows, 1):
        usual: dict[str, Any] = {
            "call_no": number,
            "capture_no": 1,
            "frame_no": number * 10,
            "call_id": f"call-{number}@192.0.2.1",
            "from_uri": "sip:+31201234567@192.0.2.1",
            "to_uri": "sip:0101234567@192.0.2.9",
            "caller_ip": "192.0.2.1",
            "callee_ip": "192.0.2.9",
            "invite_ts": START + number * SECOND,
            "outcome": "answered",
            "fault": "none",
            "outcome_rule": "made",
            "cause_profile": "dss1",
        }
        filled.append({**usual, "failed_code": row.get("status_code"), **row})
    return table(CallRow, filled, texts)


def empty(row_type: type[Any]) -> Columns:
    """A table without rows or columns, as an analysis without calls has it."""
    return Columns(row_type, {}, 0)


@dataclass(frozen=True)
class MadeConfig:
    """Own networks and aliases by exact address."""

    own: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def timezone(self) -> str:
        """The name of the zone."""
        return str(self.zone)

    def side(self, ip: str) -> Side:
        """Whose an address is."""
        return Side.UNKNOWN if not self.own else Side.OWN if ip in self.own else Side.OTHER

    def alias(self, ip: str) -> str | None:
        """The name of an address."""
        return self.aliases.get(ip)

    @property
    def number_prefixes(self) -> tuple[str, ...]:
        """The prefixes with a name."""
        return tuple(self.numbers)

    def number_prefix(self, number: str) -> str | None:
        """The longest prefix with a name."""
        return max((prefix for prefix in self.numbers if number.startswith(prefix)), key=len, default=None)

    def number_alias(self, number: str) -> str | None:
        """The name of that prefix."""
        prefix = self.number_prefix(number)
        return None if prefix is None else self.numbers[prefix]


@dataclass
class MadeAnalysis:
    """What `analyzer.stats.analysis.Analysis` asks for."""

    tables: dict[str, Columns]
    responses: list[ResponseRow] = field(default_factory=list)
    requests: list[RequestRow] = field(default_factory=list)
    captures: list[CaptureRow] = field(default_factory=list)
    issue_rows: list[IssueRow] = field(default_factory=list)
    issue_counts: dict[str, int] = field(default_factory=dict)
    orphans: int = 0
    copies: list[Verdict] = field(default_factory=list)
    translations: dict[Translation, list[int]] = field(default_factory=dict)
    evidence_counts: dict[EvidenceKind, int] = field(default_factory=dict)
    keeps_copies: bool = False
    causes_profile: str = "dss1"
    without: frozenset[str] = frozenset()
    config: Any = field(default_factory=MadeConfig)
    registry: Registry = field(default_factory=load_registry)

    def counts(self, rule: str) -> bool:
        """Whether a rule of counting is followed."""
        return rule not in self.without

    @property
    def scanning(self) -> Scanning:
        """Who scans among the calls and registrations."""
        return find(self.columns("calls"), self.columns("registrations"), self.registry, self.columns("others"))

    def columns(self, name: str) -> Columns:
        """A table by name; an empty one where none was made."""
        if name not in self.tables and name in ("sessions", "links") and "calls" in self.tables:
            return self.sessions.columns() if name == "sessions" else self.sessions.links()
        return self.tables.get(name) or empty(TABLES[name])

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions of its calls."""
        return Sessions(self.tables.get("calls") or table(CallRow, []), self.registry, self.config)


def capture(**given: Any) -> CaptureRow:
    """A capture row with the usual values."""
    usual: dict[str, Any] = {
        "capture_no": 1,
        "source": "morning.pcapng",
        "kind": SourceKind.FILE,
        "format": "pcapng",
        "start_ts": START,
        "end_ts": START + 3600 * SECOND,
        "frames": 100,
        "octets": 64_000,
        "sip_messages": 42,
        "dropped": None,
        "truncated": False,
        "reader": "kernels",
        "duplicates": 0,
        "opaque": 0,
        "opaque_connections": 0,
        "unread": {},
        "layers": {"eth ip udp": (100, 42, 0)},
    }
    return CaptureRow(**{**usual, **given})
