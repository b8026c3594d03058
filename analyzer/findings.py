"""Row types of what is found beyond messages, transactions and calls: branches, sessions, evidence, KPIs, doubts.

As in `schema`, a row type is the schema of its table.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from analyzer.coltypes import CODE, COUNT, FLAG, KEY, LABEL, REAL, REF, TEXT, TIME, Col
from analyzer.vocab import (
    BranchFate,
    CauseFrom,
    EndedBy,
    EvidenceKind,
    Grade,
    LinkedBy,
    MidcallKind,
    OptionsState,
    Outcome,
    Position,
    Side,
    SourceKind,
)


class BranchRow(NamedTuple):
    """One INVITE transaction of a call that another one of the call outranked, or that another hop relayed."""

    call_no: Annotated[int, Col(KEY, "Row in calls")]
    transaction_no: Annotated[int, Col(KEY, "Row in transactions")]
    attempt: Annotated[int, Col(COUNT, "Attempt of the call that it belongs to, from 1")]
    hop: Annotated[int | None, Col(CODE, "Via values minus one")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    client_ip: Annotated[str, Col(LABEL, "Who sent the INVITE")]
    server_ip: Annotated[str, Col(LABEL, "Whom it was sent to")]
    request_ts: Annotated[int | None, Col(TIME, "When")]
    final_ts: Annotated[int | None, Col(TIME, "Final response")]
    status_code: Annotated[int | None, Col(CODE, "Its status code; missing where none came")]
    fate: Annotated[BranchFate, Col(LABEL, "decided, relayed, outranked, cancelled, step, unanswered")]
    advanced: Annotated[bool, Col(FLAG, "Refused with 5xx; who asked then tried somebody else: route advance")]


class BlockRow(NamedTuple):
    """An endpoint that asked to be left alone: the Retry-After of a 503, RFC 3261 §21.5.4."""

    ip: Annotated[str, Col(LABEL, "Who asked for it")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI, where there is more than one")]
    call_no: Annotated[int, Col(KEY, "Call that it refused: row in calls")]
    from_ts: Annotated[int, Col(TIME, "The 503")]
    until_ts: Annotated[int, Col(TIME, "When its Retry-After was over")]
    calls: Annotated[int, Col(KEY, "Calls that it was sent in between")]


class OtherRow(NamedTuple):
    """Transactions that make no call and no registration, tallied; inside dialogs without their endpoints."""

    method: Annotated[str, Col(LABEL, "Method", field="sip.Method")]
    in_dialog: Annotated[bool, Col(FLAG, "The request carries a To tag")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    client_ip: Annotated[str | None, Col(LABEL, "Who asked")]
    server_ip: Annotated[str | None, Col(LABEL, "Who was asked")]
    status_code: Annotated[int | None, Col(CODE, "Final; missing where none came in time")]
    ended_by: Annotated[EndedBy, Col(LABEL, "final timeout capture_end")]
    transactions: Annotated[int, Col(KEY, "How many")]
    last_ts: Annotated[int | None, Col(TIME, "The last of these requests")]


class MidcallRow(NamedTuple):
    """A request inside a dialog that was refused, or that nobody answered: never the outcome of the call."""

    transaction_no: Annotated[int, Col(KEY, "Row in transactions")]
    call_no: Annotated[int | None, Col(REF, "Row in calls; missing where its INVITE was not seen")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    message_no: Annotated[int | None, Col(REF, "Row in messages: the request")]
    method: Annotated[str, Col(LABEL, "Method of the request")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    client_ip: Annotated[str, Col(LABEL, "Who asked")]
    server_ip: Annotated[str, Col(LABEL, "Who was asked")]
    request_ts: Annotated[int | None, Col(TIME, "When")]
    status_code: Annotated[int | None, Col(CODE, "Final status code; missing where none came")]
    kind: Annotated[MidcallKind, Col(LABEL, "failure glare bye_race dialog_lost late_cancel challenge retry no_reply")]
    resolved: Annotated[bool, Col(FLAG, "A later request of the same kind in the dialog succeeded")]


class PopulationRow(NamedTuple):
    """Transactions of one method, inside or outside dialogs, by what became of them; INVITEs outside are calls."""

    method: Annotated[str, Col(LABEL, "Method", field="sip.Method")]
    in_dialog: Annotated[bool, Col(FLAG, "The request carries a To tag")]
    transactions: Annotated[int, Col(KEY, "Transactions whose request was seen")]
    success: Annotated[int, Col(KEY, "2xx")]
    challenged: Annotated[int, Col(KEY, "401 and 407")]
    refused: Annotated[int, Col(KEY, "Every other final")]
    no_reply: Annotated[int, Col(KEY, "No final within Timer F: never counted as a 408")]
    open: Annotated[int, Col(KEY, "The capture ended first: left out of every ratio")]
    by_status_code: Annotated[dict[str, int], Col(TEXT, "Transactions by final code; none without")]


class OptionsRow(NamedTuple):
    """What OPTIONS outside dialogs say of an endpoint that is asked."""

    ip: Annotated[str, Col(TEXT, "Address that was asked")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI, where there is more than one")]
    name: Annotated[str | None, Col(TEXT, "Alias from sipcause.toml")]
    state: Annotated[OptionsState, Col(LABEL, "By the last answer: alive refusing proxy_answered silent")]
    asked: Annotated[int, Col(KEY, "OPTIONS transactions that have ended")]
    alive: Annotated[int, Col(KEY, "Answered, whatever the code says about the method")]
    refusing: Annotated[int, Col(KEY, "503, 505: does not take calls")]
    proxy_answered: Annotated[int, Col(KEY, "408, 480, 504: somebody answered in its place")]
    silent: Annotated[int, Col(KEY, "No answer within Timer F")]
    by_status_code: Annotated[dict[str, int], Col(TEXT, "Answers by code; none without")]


class TranslationRow(NamedTuple):
    """A status code that an element on the way made of another one."""

    ip: Annotated[str, Col(TEXT, "Element that received the one and sent the other")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI, where there is more than one")]
    name: Annotated[str | None, Col(TEXT, "Alias from sipcause.toml")]
    received: Annotated[int | None, Col(CODE, "Code from behind; missing where nothing came")]
    sent: Annotated[int, Col(CODE, "Code to the front")]
    calls: Annotated[int, Col(KEY, "Calls")]
    expected: Annotated[bool, Col(FLAG, "RFC 3261 or RFC 3398 asks for it")]


class SessionRow(NamedTuple):
    """Calls that are one intention: the legs on both sides of B2BUAs, and the routes that were tried one by one."""

    session_no: Annotated[int, Col(KEY, "Row number in order of its first INVITE, from 1")]
    call_no: Annotated[int, Col(KEY, "Its first call: the upstream-most leg that was seen")]
    calls: Annotated[int, Col(COUNT, "Calls (legs)")]
    linked_by: Annotated[LinkedBy | None, Col(LABEL, "How its weakest link is known; missing for a single call")]
    score: Annotated[int | None, Col(CODE, "Score of the weakest scored link, 0-100")]
    invite_ts: Annotated[int, Col(TIME, "First INVITE")]
    caller_ip: Annotated[str, Col(LABEL, "Caller of the first leg")]
    callee_ip: Annotated[str, Col(LABEL, "Callee of the first leg")]
    outcome: Annotated[Outcome, Col(LABEL, "What became of it: that of the first leg; of tries the best")]
    status_code: Annotated[int | None, Col(CODE, "Its final status code")]
    cause: Annotated[int | None, Col(CODE, "Q.850 cause of the leg where the failure began, else its own")]
    cause_from: Annotated[CauseFrom | None, Col(LABEL, "Where that comes from")]
    failed_by_ip: Annotated[str | None, Col(LABEL, "Who originated the failure")]
    failed_in_call: Annotated[int | None, Col(REF, "Leg in which it began: row in calls")]
    charged_grade: Annotated[Grade | None, Col(LABEL, "How surely: seen, at_or_behind")]
    failed_side: Annotated[Side, Col(LABEL, "own, other or unknown")]
    relayed_by: Annotated[str | None, Col(TEXT, "Who only passed it on, separated by spaces")]
    route_advances: Annotated[int, Col(COUNT, "Legs that were refused before another was tried")]


class LinkRow(NamedTuple):
    """Why two calls are one session."""

    session_no: Annotated[int, Col(KEY, "Row in sessions")]
    call_no: Annotated[int, Col(KEY, "The leg behind: row in calls")]
    upstream_call_no: Annotated[int, Col(KEY, "The leg in front of it, or the try before it: row in calls")]
    linked_by: Annotated[LinkedBy, Col(LABEL, "session_id header score")]
    score: Annotated[int, Col(CODE, "0-100; 100 where a header field says so")]
    evidence: Annotated[str, Col(TEXT, "What fits, in words")]


class EvidenceRow(NamedTuple):
    """One thing that was said about why: a Reason, a Warning, a maker's header field, an event on the wire."""

    message_no: Annotated[int | None, Col(REF, "Row in messages; missing for an event that is no SIP message")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    frame_no: Annotated[int, Col(KEY, "Frame", field="frame.number")]
    ts: Annotated[int, Col(TIME, "When")]
    call_no: Annotated[int | None, Col(REF, "Row in calls")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    sender_ip: Annotated[str, Col(LABEL, "Who said it")]
    position: Annotated[Position, Col(LABEL, "provisional final cancel bye request wire")]
    status_code: Annotated[int | None, Col(CODE, "Of the response that carries it")]
    method: Annotated[str | None, Col(LABEL, "Method of the request, CSeq method of a response")]
    kind: Annotated[EvidenceKind, Col(LABEL, "reason warning vendor_header isup retry_after icmp reset ...")]
    protocol: Annotated[str | None, Col(LABEL, "Reason protocol, name of the header field, kind of ICMP message")]
    cause: Annotated[int | None, Col(REF, "Cause or code that it gives")]
    location: Annotated[str | None, Col(LABEL, "Q.850 location, RFC 8606")]
    text: Annotated[str | None, Col(TEXT, "Its words, escaped")]


class ConflictRow(NamedTuple):
    """Calls that ended with a code which contradicts the cause that was read with it."""

    status_code: Annotated[int, Col(CODE, "Final status code", field="sip.Status-Code")]
    cause: Annotated[int, Col(CODE, "Q.850 cause that was read, which wins")]
    cause_from: Annotated[CauseFrom, Col(LABEL, "Where it was read: isup reason reason_18x")]
    ip: Annotated[str | None, Col(TEXT, "Who sent the final response")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI, where there is more than one")]
    name: Annotated[str | None, Col(TEXT, "Alias from sipcause.toml")]
    calls: Annotated[int, Col(KEY, "Calls")]
    expected: Annotated[bool, Col(FLAG, "No conflict: an element on the way had to change the code")]
    mapped: Annotated[int | None, Col(CODE, "Q.850 cause that the table gives for the code")]
    profile: Annotated[str, Col(LABEL, "Name of the mapping profile")]
    direction: Annotated[str, Col(LABEL, "Direction of its table: sip_to_q850")]
    table: Annotated[str, Col(TEXT, "Source and state of the table")]
    candidates: Annotated[str, Col(TEXT, "What the far PSTN side may have sent for the code, by spaces")]


class KpiRow(NamedTuple):
    """One figure of merit of one part of the calls; definitions in data/kpis.toml."""

    kpi: Annotated[str, Col(LABEL, "Key in data/kpis.toml; short_calls with its seconds: short_calls_6s")]
    unit_counted: Annotated[str, Col(LABEL, "What is counted: calls sessions registrations")]
    by: Annotated[str, Col(LABEL, "Broken down by: all caller callee pair request_domain ... (docs/counting.md)")]
    part: Annotated[str | None, Col(TEXT, "Which part; missing for all; (none) without, (other) beyond the first ones")]
    scanners: Annotated[bool, Col(FLAG, "Scanners are counted with the others")]
    value: Annotated[float | None, Col(REAL, "Ratio in percent, mean of delays and durations; missing without any")]
    unit: Annotated[str, Col(LABEL, "% ms s")]
    numerator: Annotated[int | None, Col(REF, "Of a ratio")]
    denominator: Annotated[int, Col(KEY, "Denominator of a ratio, values of a delay")]
    low: Annotated[float | None, Col(REAL, "Wilson 95 % interval of a ratio")]
    high: Annotated[float | None, Col(REAL, "Its upper end")]
    p50: Annotated[float | None, Col(REAL, "Median of a delay (nearest rank)")]
    p95: Annotated[float | None, Col(REAL, "95th percentile")]
    p99: Annotated[float | None, Col(REAL, "99th percentile")]
    maximum: Annotated[float | None, Col(REAL, "Largest")]


class VantageRow(NamedTuple):
    """One thing that limits what this capture can say."""

    check: Annotated[str, Col(LABEL, "Key in data/vantage.toml")]
    affected: Annotated[int, Col(KEY, "How many are affected")]
    total: Annotated[int, Col(KEY, "Of how many")]
    share: Annotated[float | None, Col(REAL, "The same in percent", unit="%")]
    grade: Annotated[str, Col(LABEL, "good fair poor")]
    meaning: Annotated[str, Col(TEXT, "What follows from it")]


class BoundRow(NamedTuple):
    """Between which values a figure lies, however the calls turned out that this capture leaves in doubt."""

    kpi: Annotated[str, Col(LABEL, "Key in data/kpis.toml")]
    unit: Annotated[str, Col(LABEL, "% s")]
    value: Annotated[float | None, Col(REAL, "As counted; missing without calls")]
    low: Annotated[float | None, Col(REAL, "If all doubtful calls lie on the one side")]
    high: Annotated[float | None, Col(REAL, "If all of them lie on the other")]
    doubtful: Annotated[int, Col(KEY, "Calls that are counted and may have had another outcome")]
    outside: Annotated[int, Col(KEY, "Calls that are not counted: cut off, not seen, not readable")]


class ScannerRow(NamedTuple):
    """An endpoint that tries doors: left out of the KPIs' denominators, and never deleted."""

    ip: Annotated[str, Col(TEXT, "Address")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI, where there is more than one")]
    score: Annotated[int, Col(COUNT, "Points of behaviour and pattern; data/scanners.toml says what counts")]
    agent: Annotated[str | None, Col(TEXT, "User-Agent that it gave most often")]
    calls: Annotated[int, Col(KEY, "Calls that it made")]
    registrations: Annotated[int, Col(KEY, "Registrations that it tried")]
    others: Annotated[int, Col(KEY, "Other requests: OPTIONS and the like")]
    targets: Annotated[int, Col(KEY, "Different users that it asked for")]
    successes: Annotated[int, Col(KEY, "Calls answered and registrations accepted")]
    first_ts: Annotated[int | None, Col(TIME, "From when")]
    last_ts: Annotated[int | None, Col(TIME, "To when")]
    reasons: Annotated[str, Col(TEXT, "What gave it away")]


class TrafficRow(NamedTuple):
    """Messages of one hour by code, method and maker; as captured: unique + resends + copies."""

    hour_ts: Annotated[int, Col(TIME, "When the hour begins; hours are those of UTC")]
    status_code: Annotated[int | None, Col(CODE, "Status code of responses; missing for requests")]
    method: Annotated[str | None, Col(LABEL, "Method of requests, CSeq method of responses")]
    vendor: Annotated[str | None, Col(LABEL, "Code pack told by User-Agent or Server, of responses")]
    unique: Annotated[int, Col(KEY, "Without resends and copies")]
    resends: Annotated[int, Col(KEY, "Repeated by the sender")]
    copies: Annotated[int, Col(KEY, "The same packet captured again")]


class IntervalRow(NamedTuple):
    """What one source did: of a live run between two writings of the store, of a capture on one local day."""

    source: Annotated[str, Col(LABEL, "Interface, address of the HEP socket, or path of the capture")]
    kind: Annotated[SourceKind, Col(LABEL, "live hep file")]
    from_ts: Annotated[int, Col(TIME, "When the interval began")]
    to_ts: Annotated[int, Col(TIME, "When it ended")]
    frames: Annotated[int, Col(KEY, "Frames")]
    octets: Annotated[int, Col(KEY, "Octets of the frames as captured")]
    sip_messages: Annotated[int, Col(KEY, "SIP messages, copies included")]
    dropped: Annotated[int, Col(KEY, "Frames lost between the wire and the program")]
    open_calls: Annotated[int, Col(KEY, "Calls that were open at its end, of all sources")]
    evicted: Annotated[int, Col(KEY, "Calls that were ended for want of room, of all sources")]
    unstored: Annotated[int, Col(KEY, "Rows that found no room while the store could not be written, of all sources")]


class KeptCaptureRow(NamedTuple):
    """A capture that was added to a store, as one file of one analysis; or a source of a live run."""

    capture_no: Annotated[int, Col(COUNT, "Its number in that run: capture_no of the other tables")]
    source: Annotated[str, Col(TEXT, "Whole path of the file; interface, or address of the HEP socket")]
    kind: Annotated[SourceKind, Col(LABEL, "file live hep")]
    digest: Annotated[str, Col(TEXT, "Hash of its SIP messages, whatever the file is called; of a live source its own")]
    start_ts: Annotated[int, Col(TIME, "First frame")]
    end_ts: Annotated[int, Col(TIME, "Last frame")]
    added_ts: Annotated[int, Col(TIME, "When it was added")]
    frames: Annotated[int, Col(KEY, "Frames")]
    octets: Annotated[int, Col(KEY, "Octets of the frames as captured")]
    sip_messages: Annotated[int, Col(KEY, "SIP messages, copies included")]
    dropped: Annotated[int | None, Col(REF, "Frames lost by the capturing program, where it says so")]
    truncated: Annotated[bool, Col(FLAG, "Its end is torn")]
    duplicates: Annotated[int, Col(KEY, "Copies among the messages")]
    opaque: Annotated[int, Col(KEY, "Octets of TLS that could not be read")]
    unread: Annotated[int, Col(KEY, "Frames that were not understood")]


class DoubtRow(NamedTuple):
    """What limits what one run could see; rows of several runs are added up by check."""

    ts: Annotated[int, Col(TIME, "When the captures of the run began")]
    check: Annotated[str, Col(LABEL, "Key in data/vantage.toml, or doubts.NAME of stats.doubts.Doubts")]
    affected: Annotated[int, Col(KEY, "How many are affected")]
    total: Annotated[int, Col(KEY, "Of how many")]
