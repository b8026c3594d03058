"""What ``import analyzer`` offers: analyse captures, and hold what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, MessageBatch, concat
from analyzer.capture.copies import Verdict
from analyzer.capture.layer_kernels import text
from analyzer.capture.reader import Reader
from analyzer.capture.windows import TLS_KEY_LOG
from analyzer.capture.wire import WireEvent
from analyzer.config import Config
from analyzer.correlate.branches import Translation
from analyzer.correlate.evidence import Evidence
from analyzer.correlate.kept import CallMessages
from analyzer.correlate.rules import Rules
from analyzer.correlate.sessions import Sessions, sides
from analyzer.correlate.wire import ISSUES, Matches, evidence_rows, match, with_events
from analyzer.issues import IssueLog, IssueNote
from analyzer.pipeline import MessageSink, Pipeline, Progress, TableSink
from analyzer.registry import Registry, load_registry
from analyzer.schema import CaptureRow, EvidenceRow, IssueRow, MessageRow, RequestRow, ResponseRow
from analyzer.stats.behind import calls_behind
from analyzer.stats.counting import NONE, one_of, ranked
from analyzer.stats.explained import Explained, call_id_octets, explained
from analyzer.stats.noted import noted
from analyzer.stats.route_advance import blocks
from analyzer.stats.scanners import Scanning, find, nobody
from analyzer.stats.select import Choice, chosen
from analyzer.vocab import EvidenceKind, Family, Outcome, Release, SourceKind

if TYPE_CHECKING:
    from analyzer.tables import Table, TableWriter

class Result:
    """What was read and counted. Tables are pandas DataFrames, described column by column in docs/tables.md.

    ``columns`` gives the same tables as numpy columns, without pandas; statistics and views work on these.
    """

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
                    ts=_known(note.ts),
                    frame_no=_known(note.frame_no),
                    message_no=_known(note.message_no),
                    call_no=_known(note.call_no),
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
            "calls": lambda: self._finished(with_events(self._plain_calls, self._wire, self._matches)),
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

    @cached_property
    def evidence(self) -> Table:
        """Everything that was said about why (`schema.EvidenceRow`); reads the captures again for what messages say."""
        from analyzer.tables import columns_of_rows, frame

        rows: list[EvidenceRow] = []
        evidence = Evidence(self.registry)
        self._again(message_sink=lambda batch, links: rows.extend(evidence.rows(batch, links)))
        return frame(columns_of_rows(EvidenceRow, [*rows, *self.wire_evidence]))

    def counts(self, rule: str) -> bool:
        """Whether a rule of data/counting_rules.toml was followed."""
        return self._rules.counts(rule)

    @cached_property
    def calls(self) -> Table:
        """One row a call (`schema.CallRow`)."""
        return self._frame("calls")

    @cached_property
    def registrations(self) -> Table:
        """One row a registration (`schema.RegistrationRow`)."""
        return self._frame("registrations")

    @cached_property
    def transactions(self) -> Table:
        """One row a transaction (`schema.TransactionRow`); reads the captures again unless it was kept."""
        if "transactions" not in self._pipeline.kept:
            return self._again(keep=("transactions",)).transactions
        return self._frame("transactions")

    @cached_property
    def messages(self) -> Table:
        """One row a message (`schema.MessageRow`); reads the captures again, and holds every message in memory."""
        from analyzer.tables import frame
        from analyzer.tables.messages import message_columns

        parts: list[Columns] = []
        self._again(message_sink=lambda batch, links: parts.append(message_columns(batch, links, batch.methods)))
        return frame(concat(MessageRow, parts))

    def explain(self, call_no: int, progress: Progress | None = None) -> Explained:
        """How a call came to be counted as it is: its messages, what each of them changed, and how it was judged.

        Reads the captures again and replays the messages of its Call-ID. Raises KeyError for a call that there is not.
        """
        calls = self.columns("calls")
        rows = np.flatnonzero(calls.ints("call_no") == call_no)
        if not len(rows):
            raise KeyError(call_no)
        messages = CallMessages(call_id_octets(calls, int(rows[0])))
        again = self._again(keep=(), message_sink=messages, progress=progress)
        seen = explained(calls, int(rows[0]), messages, self._rules, again._pipeline.end_ts)
        # The event that explains the call, and those that are about it before any other call.
        about = {event for event, first in enumerate(self._matches.first_call) if first == rows[0]}
        about |= {int(self._matches.event_of_call[rows[0]])} - {-1}
        evidence = sorted([*seen.evidence, *(self.wire_evidence[event] for event in about)], key=lambda row: row.ts)
        return replace(seen, evidence=evidence, **self._session_of(seen.call["session_no"]))

    def _session_of(self, session_no: int | None) -> dict[str, Any]:
        """The session of a call that has others in it, and its links."""
        sessions, links = self.columns("sessions"), self.columns("links")
        if session_no is None or not len(sessions):
            return {}
        (row,) = sessions.take(sessions.ints("session_no") == session_no).rows()
        if row["calls"] < 2:
            return {}
        return {"session": row, "links": list(links.take(links.ints("session_no") == session_no).rows())}

    def calls_behind(
        self,
        row: Any = None,
        count: str = "calls",
        *,
        outcome: str | None = None,
        status_code: int | str | None = None,
        cause: int | str | None = None,
        endpoint: str | None = None,
        release: str | None = None,
    ) -> Columns:
        """The calls behind a number, as columns (``analyzer.tables.frame`` makes a DataFrame of them).

        ``row``: a row of a table that counts calls, with the name of the count (`stats.behind.calls_behind`). Or what
        the calls have in common: ``outcome``, ``status_code`` and ``cause`` (``"none"`` where there is none),
        ``endpoint`` as caller, callee, charged or relaying, ``release``. All that is given must fit.
        """
        calls = self.columns("calls") if row is None else calls_behind(self, row, count)
        choice = Choice(
            outcomes=() if outcome is None else (Outcome(outcome),),
            statuses=() if status_code is None else (_span_of(status_code),),
            causes=() if cause is None else (None if cause == NONE else int(cause),),
            endpoints=() if endpoint is None else (endpoint,),
        )
        found = calls.take(chosen(calls, choice))
        if release is not None and len(found):
            found = found.take(np.flatnonzero(one_of(found.labels("release"), {Release(release)})))
        return found

    def _frame(self, name: str) -> Table:
        from analyzer.tables import frame

        return frame(self.columns(name))

    def _again(self, **options: Any) -> Result:
        return analyze(
            *self._pipeline.paths,
            causes=self.causes_profile,
            reader=self._pipeline.reader,
            config=self.config,
            registry=self.registry,
            keylog=self._pipeline.keylog,
            keep_copies=self.keeps_copies,
            without=self._rules.without,
            **options,
        )


def _span_of(status_code: int | str) -> tuple[int, int] | None:
    return None if status_code == NONE else (int(status_code), int(status_code))


def _layers(number: int, reader: Reader, messages: Mapping[tuple[int, int], int]) -> dict[str, tuple[int, int, int]]:
    """Frames, SIP messages and frames that were not understood by headers; most messages first, then most frames."""
    found = {layers: (frames, 0, unread) for layers, frames, unread in reader.layers}
    for (capture_no, layers), count in messages.items():
        if capture_no == number:
            frames, _, unread = found.get(layers, (0, 0, 0))
            found[layers] = (frames, count, unread)
    order = sorted(found.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    return {text(layers): counts for layers, counts in order}


def _known(number: int) -> int | None:
    return None if number == MISSING else number


def analyze(
    *paths: str,
    causes: str | None = None,
    reader: str = "kernels",
    config: Config | None = None,
    registry: Registry | None = None,
    keep: Collection[str] = ("calls", "registrations"),
    has_timeline: bool = False,
    keylog: str | None = None,
    keep_copies: bool = False,
    without: Collection[str] = (),
    message_sink: MessageSink | None = None,
    transaction_sink: TableSink | None = None,
    progress: Progress | None = None,
) -> Result:
    """Analyse captures as one timeline.

    ``paths``: files, folders, or ``-`` for standard input. ``causes``: mapping profile for causes that are derived
    from status codes (default: the configuration's, else ``dss1``). ``reader``: ``kernels``, or ``scapy`` for the slow
    one that defines right. ``keep``: add ``transactions`` for that table. ``keylog``: a file with the secrets of TLS
    connections (SSLKEYLOGFILE). ``keep_copies``: count packets that were captured twice as often as they stand there.
    ``without``: rules of counting to switch off, by their ids in ``data/counting_rules.toml``: shows what each is for.
    ``message_sink`` gets every batch of messages, ``transaction_sink`` that table in pieces instead of its being kept,
    ``progress`` the share that is done and the frames read. Raises CaptureError for a path that cannot be read or is no
    capture (or no key log), UnknownProfile for ``causes``.
    """
    settled = config or Config()
    codes = registry or load_registry(settled.registry)
    profile = causes or settled.causes
    rules = Rules(codes, profile, without)
    pipeline = Pipeline(
        [str(path) for path in paths],
        rules,
        reader=reader,
        keep=keep,
        has_timeline=has_timeline,
        keylog=keylog,
        keep_copies=keep_copies or not rules.counts("copies"),
        transaction_sink=transaction_sink,
    )
    pipeline.run([message_sink] if message_sink else [], progress)
    return Result(pipeline, rules, settled, profile)


def table_sink(writer: TableWriter) -> Callable[[MessageBatch, Ints], None]:
    """A message sink that writes the messages table as the captures are read."""
    from analyzer.tables.messages import message_columns

    def write(batch: MessageBatch, links: Ints) -> None:
        writer.write(message_columns(batch, links, batch.methods))

    return write


def evidence_sink(writer: TableWriter, registry: Registry) -> Callable[[MessageBatch, Ints], None]:
    """A message sink that writes what messages say about why as the captures are read (`Result.evidence`)."""
    from analyzer.tables import columns_of_rows

    evidence = Evidence(registry)

    def write(batch: MessageBatch, links: Ints) -> None:
        rows = list(evidence.rows(batch, links))
        if rows:
            writer.write(columns_of_rows(EvidenceRow, rows))

    return write


__all__ = ["Result", "analyze", "evidence_sink", "table_sink"]
