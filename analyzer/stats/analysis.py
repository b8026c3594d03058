"""What the statistics read of an analysis; `analyzer.gathered.Gathered` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from analyzer.batch import Columns
from analyzer.schema import CaptureRow, IssueRow, RequestRow, ResponseRow
from analyzer.vocab import EvidenceKind

if TYPE_CHECKING:
    from analyzer.capture.copies import Verdict
    from analyzer.config import Config
    from analyzer.correlate.branches import Translation
    from analyzer.correlate.sessions import Sessions
    from analyzer.registry import Registry
    from analyzer.stats.scanners import Scanning


class Analysis(Protocol):
    """Everything that was read of one or more captures, with the registry and configuration it was read by."""

    @property
    def registry(self) -> Registry:
        """Meanings of codes and causes."""

    @property
    def config(self) -> Config:
        """Own networks, aliases, time zone."""

    @property
    def causes_profile(self) -> str:
        """Name of the mapping profile that filled ``cause_mapped``."""

    @property
    def captures(self) -> Sequence[CaptureRow]:
        """One row a capture."""

    @property
    def responses(self) -> Sequence[ResponseRow]:
        """Responses by code, CSeq method and vendor."""

    @property
    def requests(self) -> Sequence[RequestRow]:
        """Requests by method."""

    @property
    def orphans(self) -> int:
        """Responses whose request was not seen."""

    @property
    def copies(self) -> Sequence[Verdict]:
        """Which part of the captures holds the packets of which other part once more."""

    @property
    def keeps_copies(self) -> bool:
        """Whether copies were asked to be counted like everything else."""

    @property
    def issue_rows(self) -> Sequence[IssueRow]:
        """What was odd on the wire; of each kind only the first ones."""

    @property
    def issue_counts(self) -> Mapping[str, int]:
        """How often each kind was seen, exactly."""

    @property
    def sessions(self) -> Sessions:
        """Calls that are one intention, with whom to charge over all their legs."""

    @property
    def translations(self) -> Mapping[Translation, Sequence[int]]:
        """The call_no of the calls in which elements on the way made one code of another."""

    @property
    def evidence_counts(self) -> Mapping[EvidenceKind, int]:
        """Messages with evidence of each kind, and events on the wire; most first."""

    @property
    def scanning(self) -> Scanning:
        """Who scans, and which calls are theirs."""

    def counts(self, rule: str) -> bool:
        """Whether a rule of data/counting_rules.toml was followed."""

    def columns(self, name: str) -> Columns:
        """A table that is kept as columns: ``calls``, ``sessions``, ``links``, ``others``, ``branches``, …"""
