"""What was gathered of captures, in rows and columns: what the statistics read (`stats.analysis.Analysis`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

from analyzer.batch import MISSING, AnyColumn, Columns, Ints
from analyzer.capture.copies import Verdict
from analyzer.capture.layer_kernels import text
from analyzer.capture.reader import Reader
from analyzer.capture.windows import TLS_KEY_LOG
from analyzer.capture.wire import WireEvent
from analyzer.config import Config
from analyzer.correlate.branches import Translation
from analyzer.correlate.labels import known
from analyzer.correlate.rules import Rules
from analyzer.correlate.sessions import Sessions, sides
from analyzer.correlate.wire import ISSUES, Matches, evidence_rows, match, with_events
from analyzer.issues import IssueLog, IssueNote
from analyzer.pipeline import Pipeline
from analyzer.schema import CaptureRow, EvidenceRow, IssueRow, RequestRow, ResponseRow
from analyzer.stats.counting import ranked
from analyzer.stats.noted import noted, noted_beside
from analyzer.stats.route_advance import blocks
from analyzer.stats.scanners import Scanning, find, nobody
from analyzer.vocab import EvidenceKind, Family, SourceKind


class Gathered:
    """Rows and numpy columns of an analysis; each is made when it is asked for, and kept."""

    def __init__(self, pipeline: Pipeline, rules: Rules, config: Config, profile: str) -> None:
        self.registry = rules.registry
        self._rules = rules
        self.config = config
        self.causes_profile = profile
        self._pipeline = pipeline
        self._columns: dict[str, Columns] = {}

    # -- numbers ------------------------------------------------------------------------------------------------

    @cached_property
    def captures(self) -> list[CaptureRow]:
        """One row a capture, in the order given."""
        pipeline = self._pipeline
        opaque = pipeline.assembly.opaque
        return [
            CaptureRow(
                capture_no=number,
                source=pipeline.paths[number - 1],
                kind=SourceKind.FILE,
                format=reader.format,
                start_ts=reader.start_ts,
                end_ts=reader.end_ts,
                frames=reader.frames,
                octets=reader.octets,
                sip_messages=int(pipeline.sip_messages[number]),
                dropped=reader.dropped,
                truncated=reader.truncated,
                reader=pipeline.reader,
                duplicates=int(pipeline.duplicates[number]),
                opaque=opaque.get(number, (0, 0))[1] + reader.opaque_octets,
                opaque_connections=opaque.get(number, (0, 0))[0] + reader.opaque_connections,
                unread=dict(reader.unread),
                layers=_layers(number, reader, pipeline.layer_messages),
            )
            for number, reader in enumerate(pipeline.timeline.readers, 1)
        ]

    @cached_property
    def responses(self) -> list[ResponseRow]:
        """Responses by code, CSeq method and vendor."""
        return self._pipeline.traffic.responses()

    @cached_property
    def requests(self) -> list[RequestRow]:
        """Requests by method."""
        return self._pipeline.traffic.requests()

    @property
    def orphans(self) -> int:
        """Responses whose request was not seen."""
        return self._pipeline.correlator.orphans

    @property
    def copies(self) -> Sequence[Verdict]:
        """Which part of the captures holds the packets of which other part once more, most copies first."""
        return self._pipeline.copies.verdicts

    @property
    def keeps_copies(self) -> bool:
        """Whether copies were asked to be counted like everything else."""
        return self._pipeline.copies.keep

    @property
    def family_timeline(self) -> Mapping[Family, tuple[Ints, Ints]]:
        """Responses over time by family: (start of each bucket in ns, count); empty unless asked for."""
        return self._pipeline.traffic.family_timeline

    @property
    def timeline_bucket_ns(self) -> int:
        """Length of the timeline's buckets, ns."""
        return self._pipeline.traffic.timeline_bucket_ns

    @property
    def issue_counts(self) -> Mapping[str, int]:
        """How often each issue was met, exactly."""
        return self._issues.counts

    @cached_property
    def issue_rows(self) -> list[IssueRow]:
        """What was odd on the wire; of each kind the first thousand."""
        rows = []
        for number, note in enumerate(self._issues.notes, 1):
            kind = self.registry.issue(note.code)
            rows.append(
                IssueRow(
                    issue_no=number,
                    capture_no=note.capture_no,
                    ts=known(note.ts),
                    frame_no=known(note.frame_no),
                    message_no=known(note.message_no),
                    call_no=known(note.call_no),
                    code=note.code,
                    severity=kind.severity,
                    group=kind.group,
                    detail=note.detail,
                )
            )
        return rows

    @cached_property
    def _issues(self) -> IssueLog:
        log = self._pipeline.issues
        for capture in self.captures:
            if capture.opaque:
                detail = f"{capture.opaque_connections} connections, {capture.opaque} octets"
                log.add(IssueNote("capture.unread_tls", capture.capture_no, detail=detail))
        for note in noted(self.columns("calls"), self.columns("midcall")):
            log.add(note)
        for note, count in noted_beside(self):
            log.add(note, count)
        for event, row in zip(self._wire, self.wire_evidence, strict=True):
            call_no = MISSING if row.call_no is None else row.call_no
            detail = f"{event.name}: {row.text}"
            note = IssueNote(ISSUES[event.kind], event.capture_no, event.ts, event.frame_no, MISSING, call_no, detail)
            log.add(note, event.count)
        if left_out := self._pipeline.assembly.wire.left_out:
            log.add(IssueNote("capture.too_many_events", 1, detail=f"{left_out} events"), left_out)
        return log

    def secrets_of(self, client_randoms: Collection[bytes]) -> list[tuple[int, bytes]]:
        """The secrets for these TLS connections and no others, as pcapng keeps them: kind and text."""
        lines = self._pipeline.timeline.flows.keys.text(client_randoms)
        return [(TLS_KEY_LOG, lines)] if lines else []

    def counts(self, rule: str) -> bool:
        """Whether a rule of data/counting_rules.toml was followed."""
        return self._rules.counts(rule)

    # -- tables -------------------------------------------------------------------------------------------------

    def columns(self, name: str) -> Columns:
        """``calls``, ``sessions``, ``links``, ``registrations``, ``others``, ``midcall``, ``branches``, ``blocks`` or
        (where kept) ``transactions`` as numpy columns."""
        if name not in self._columns:
            make = self._sources.get(name)
            if make is None:
                raise KeyError(f"{name}: not kept; analyze(…, keep=[…, {name!r}])")
            self._columns[name] = make()
        return self._columns[name]

    @cached_property
    def scanning(self) -> Scanning:
        """Who scans, and which calls are theirs; nobody when the rule ``scanners`` is switched off."""
        calls = self._plain_calls
        if not self.counts("scanners"):
            return nobody(calls)
        return find(calls, self.columns("registrations"), self.registry, self.columns("others"))

    @property
    def _sources(self) -> dict[str, Callable[[], Columns]]:
        """What makes each table that is kept as columns."""
        pipeline = self._pipeline
        branches = pipeline.calls.branches
        sources: dict[str, Callable[[], Columns]] = {
            "calls": lambda: self._finished(self.lone_calls),
            "sessions": self._session_columns,
            "links": self._link_columns,
            "registrations": pipeline.registrations.columns,
            "others": pipeline.others.columns,
            "midcall": pipeline.others.midcall,
            "branches": branches.columns,
            "blocks": lambda: blocks(branches.blocks(), self.columns("calls")),
        }
        if pipeline.transactions is not None and "transactions" in pipeline.kept:
            sources["transactions"] = pipeline.transactions.columns
        return sources

    @cached_property
    def _plain_calls(self) -> Columns:
        """The calls as they were judged one by one."""
        return self._pipeline.calls.columns()

    @property
    def lone_calls(self) -> Columns:
        """The table ``calls`` with what each of them alone tells, and what was seen on the wire: no sessions."""
        return with_events(self._plain_calls, self._wire, self._matches)

    @cached_property
    def sessions(self) -> Sessions:
        """Calls that are one intention, with whom to charge over all their legs."""
        return Sessions(self._plain_calls, self.registry, self.config, self._rules.counts("hops"))

    def _session_columns(self) -> Columns:
        return self.sessions.columns()

    def _link_columns(self) -> Columns:
        return self.sessions.links()

    def _finished(self, calls: Columns) -> Columns:
        """The calls with what only all of them together tell."""
        together: dict[str, AnyColumn] = {
            "session_no": self.sessions.session_no,
            "is_scanner": self.scanning.is_scanner,
            "failed_side": sides(calls.labels("failed_by_ip"), self.config),
        }
        return Columns(calls.row_type, {**calls.columns, **together}, len(calls))

    @cached_property
    def translations(self) -> Mapping[Translation, Sequence[int]]:
        """The call_no of the calls in which elements, within a call or between two legs, made one code of another."""
        changed = {which: list(calls) for which, calls in self._pipeline.calls.branches.translations().items()}
        for which, calls in self.sessions.translations.items():
            changed.setdefault(which, []).extend(calls)
        return changed

    @property
    def _wire(self) -> list[WireEvent]:
        return self._pipeline.assembly.wire.events

    @cached_property
    def _matches(self) -> Matches:
        return match(self._wire, self._plain_calls)

    @cached_property
    def wire_evidence(self) -> list[EvidenceRow]:
        """ICMP errors, resets, SYNs without an answer and TLS alerts that concern SIP, in the order of time."""
        return evidence_rows(self._wire, self._plain_calls, self._matches)

    @property
    def evidence_counts(self) -> Mapping[EvidenceKind, int]:
        """Messages with evidence of each kind, resends and copies apart, and events on the wire; most first."""
        counts = Counter(self._pipeline.evidence.counts)
        counts.update(row.kind for row in self.wire_evidence)
        return ranked(counts)


def _layers(number: int, reader: Reader, messages: Mapping[tuple[int, int], int]) -> dict[str, tuple[int, int, int]]:
    """Frames, SIP messages and frames that were not understood by headers; most messages first, then most frames."""
    found = {layers: (frames, 0, unread) for layers, frames, unread in reader.layers}
    for (capture_no, layers), count in messages.items():
        if capture_no == number:
            frames, _, unread = found.get(layers, (0, 0, 0))
            found[layers] = (frames, count, unread)
    order = sorted(found.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    return {text(layers): counts for layers, counts in order}

