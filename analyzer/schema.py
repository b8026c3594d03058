"""The row types. A row type is the schema: name, type, meaning, unit and Wireshark field stand on one line.

Table building and checking, CSV headers, Parquet schemas and ``docs/tables.md`` are derived from here, so a new
column is one new line. A missing thing is missing (``None``, NA, NaT), never 0, -1 or "".
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from analyzer.coltypes import (
    CODE,
    COUNT,
    FLAG,
    KEY,
    LABEL,
    REAL,
    REF,
    TEXT,
    TIME,
    Col,
    Column,
    Kind,
    columns,
)
from analyzer.findings import (
    BlockRow,
    BoundRow,
    BranchRow,
    ConflictRow,
    EvidenceRow,
    KpiRow,
    LinkRow,
    MidcallRow,
    OptionsRow,
    OtherRow,
    PopulationRow,
    ScannerRow,
    SessionRow,
    TranslationRow,
    VantageRow,
)
from analyzer.vocab import (
    CallState,
    CauseFrom,
    EndedBy,
    Family,
    Fault,
    Grade,
    Outcome,
    RegistrationOutcome,
    Release,
    ReleasedBy,
    Severity,
    Side,
    SourceKind,
    TransactionKind,
    TransactionState,
    Transport,
)


class MessageRow(NamedTuple):
    """One SIP message as it was captured, resends and copies included."""

    message_no: Annotated[int, Col(KEY, "Row number in capture order, from 1")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    frame_no: Annotated[int, Col(KEY, "Frame that completed it", field="frame.number")]
    ts: Annotated[int, Col(TIME, "Time of that frame", field="frame.time_epoch")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    transport: Annotated[Transport, Col(LABEL, "udp tcp tls ws wss sctp")]
    src_ip: Annotated[str, Col(LABEL, "Sender's address", field="ip.src")]
    src_port: Annotated[int, Col(COUNT, "Sender's port", field="udp.srcport")]
    dst_ip: Annotated[str, Col(LABEL, "Receiver's address", field="ip.dst")]
    dst_port: Annotated[int, Col(COUNT, "Receiver's port", field="udp.dstport")]
    is_request: Annotated[bool, Col(FLAG, "A request, not a response")]
    method: Annotated[str | None, Col(LABEL, "Method of a request", field="sip.Method")]
    status_code: Annotated[int | None, Col(CODE, "Status code of a response", field="sip.Status-Code")]
    reason_phrase: Annotated[str | None, Col(LABEL, "Text after the status code")]
    request_uri: Annotated[str | None, Col(TEXT, "Request-URI of a request", field="sip.r-uri")]
    call_id: Annotated[str | None, Col(TEXT, "Call-ID", field="sip.Call-ID")]
    cseq: Annotated[int | None, Col(REF, "CSeq number", field="sip.CSeq.seq")]
    cseq_method: Annotated[str | None, Col(LABEL, "CSeq method", field="sip.CSeq.method")]
    from_uri: Annotated[str | None, Col(TEXT, "URI of From", field="sip.from.addr")]
    from_tag: Annotated[str | None, Col(TEXT, "Tag of From", field="sip.from.tag")]
    to_uri: Annotated[str | None, Col(TEXT, "URI of To", field="sip.to.addr")]
    to_tag: Annotated[str | None, Col(TEXT, "Tag of To", field="sip.to.tag")]
    contact_uri: Annotated[str | None, Col(TEXT, "URI of the first Contact", field="sip.contact.uri")]
    via_branch: Annotated[str | None, Col(TEXT, "Branch of the topmost Via", field="sip.Via.branch")]
    via_sent_by: Annotated[str | None, Col(LABEL, "host:port of the topmost Via")]
    via_count: Annotated[int, Col(CODE, "Number of Via values")]
    user_agent: Annotated[str | None, Col(LABEL, "User-Agent, else Server")]
    reason_protocol: Annotated[str | None, Col(LABEL, "Protocol of the first Reason value, RFC 3326")]
    reason_cause: Annotated[int | None, Col(CODE, "Cause of the first Reason value", field="sip.Reason")]
    content_type: Annotated[str | None, Col(LABEL, "Content-Type without parameters")]
    body_len: Annotated[int, Col(COUNT, "Octets of the body that were captured")]
    has_credentials: Annotated[bool, Col(FLAG, "Carries Authorization or Proxy-Authorization")]
    stale: Annotated[bool, Col(FLAG, "A challenge that says stale=true")]
    retry_after: Annotated[int | None, Col(REF, "Retry-After", unit="s")]
    session_id: Annotated[str | None, Col(TEXT, "Session-ID, RFC 7989")]
    max_forwards: Annotated[int | None, Col(CODE, "Max-Forwards", field="sip.Max-Forwards")]
    has_sdp: Annotated[bool, Col(FLAG, "Its body is or holds SDP")]
    resend_of: Annotated[int | None, Col(REF, "message_no that it repeats", field="sip.resend-original")]
    is_copy: Annotated[bool, Col(FLAG, "The same packet captured once more: counted as a message, and nowhere else")]
    transaction_no: Annotated[int | None, Col(REF, "Row in transactions")]
    call_no: Annotated[int | None, Col(REF, "Row in calls")]
    registration_no: Annotated[int | None, Col(REF, "Row in registrations")]
    raw_offset: Annotated[int | None, Col(REF, "Where it stands in the (unpacked) capture", unit="octets")]
    raw_len: Annotated[int, Col(COUNT, "Length there", unit="octets")]


class TransactionRow(NamedTuple):
    """One transaction on one hop, RFC 3261 §17."""

    transaction_no: Annotated[int, Col(KEY, "Row number in order of the request, from 1")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    call_no: Annotated[int | None, Col(REF, "Row in calls")]
    registration_no: Annotated[int | None, Col(REF, "Row in registrations")]
    kind: Annotated[TransactionKind, Col(LABEL, "invite non_invite")]
    method: Annotated[str, Col(LABEL, "Method of the request")]
    call_id: Annotated[str | None, Col(TEXT, "Call-ID", field="sip.Call-ID")]
    cseq: Annotated[int | None, Col(REF, "CSeq number")]
    via_branch: Annotated[str | None, Col(TEXT, "Branch of the topmost Via")]
    hop: Annotated[int | None, Col(CODE, "Via values minus one; the lowest seen is the caller's side")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    client_ip: Annotated[str, Col(LABEL, "Sender of the request")]
    client_port: Annotated[int, Col(COUNT, "Its port")]
    server_ip: Annotated[str, Col(LABEL, "Receiver of the request")]
    server_port: Annotated[int, Col(COUNT, "Its port")]
    transport: Annotated[Transport, Col(LABEL, "udp tcp tls ws wss sctp")]
    request_no: Annotated[int | None, Col(REF, "message_no of the request")]
    final_no: Annotated[int | None, Col(REF, "message_no of the final response")]
    ack_no: Annotated[int | None, Col(REF, "message_no of the ACK")]
    request_ts: Annotated[int | None, Col(TIME, "First sight of the request")]
    first_response_ts: Annotated[int | None, Col(TIME, "First response of any kind")]
    progress_ts: Annotated[int | None, Col(TIME, "First 101-199")]
    final_ts: Annotated[int | None, Col(TIME, "Final response")]
    ack_ts: Annotated[int | None, Col(TIME, "ACK")]
    status_code: Annotated[int | None, Col(CODE, "Final status code")]
    response_time_ms: Annotated[float | None, Col(REAL, "Request to final", unit="ms", field="sip.response-time")]
    request_resends: Annotated[int, Col(COUNT, "Resends of the request")]
    response_resends: Annotated[int, Col(COUNT, "Resends of its responses")]
    request_span_ms: Annotated[float | None, Col(REAL, "First to last sight of a request that was resent", unit="ms")]
    final_span_ms: Annotated[float | None, Col(REAL, "First to last sight of a final that was resent", unit="ms")]
    state: Annotated[TransactionState, Col(LABEL, "RFC 3261 Fig. 5-8, RFC 6026")]
    ended_by: Annotated[EndedBy, Col(LABEL, "final timeout capture_end")]


class CallRow(NamedTuple):
    """One call: every attempt, challenge and dialog of one Call-ID and From tag."""

    call_no: Annotated[int, Col(KEY, "Row number in order of the first INVITE, from 1")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    frame_no: Annotated[int, Col(KEY, "Frame of the first INVITE", field="frame.number")]
    call_id: Annotated[str | None, Col(TEXT, "Call-ID", field="sip.Call-ID")]
    from_tag: Annotated[str | None, Col(TEXT, "Tag of From", field="sip.from.tag")]
    to_tag: Annotated[str | None, Col(TEXT, "Tag of To of the dialog that was confirmed")]
    from_uri: Annotated[str | None, Col(TEXT, "URI of From of the first INVITE", field="sip.from.addr")]
    to_uri: Annotated[str | None, Col(TEXT, "URI of To of the first INVITE", field="sip.to.addr")]
    request_uri: Annotated[str | None, Col(TEXT, "Request-URI of the first INVITE", field="sip.r-uri")]
    session_id: Annotated[str | None, Col(TEXT, "Session-ID of the first INVITE, RFC 7989")]
    linked_id: Annotated[str | None, Col(TEXT, "Call-ID of another leg that its INVITE names, or an id of all legs")]
    sdp_origin: Annotated[str | None, Col(TEXT, "Its SDP's o= line without the o=")]
    session_no: Annotated[int | None, Col(REF, "Row in sessions")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    caller_ip: Annotated[str, Col(LABEL, "Source of the INVITE at the lowest hop")]
    callee_ip: Annotated[str, Col(LABEL, "Its destination")]
    behind_nat: Annotated[bool, Col(FLAG, "The caller's Via names another address than its packets come from")]
    caller_agent: Annotated[str | None, Col(LABEL, "User-Agent of the first INVITE")]
    callee_agent: Annotated[str | None, Col(LABEL, "User-Agent or Server of the final response")]
    invite_ts: Annotated[int, Col(TIME, "First INVITE")]
    progress_ts: Annotated[int | None, Col(TIME, "First 101-199")]
    alert_ts: Annotated[int | None, Col(TIME, "First 180, or 18x with SDP: what the caller hears first")]
    media_ts: Annotated[int | None, Col(TIME, "First 18x with SDP: early media")]
    answer_ts: Annotated[int | None, Col(TIME, "First 2xx to the INVITE")]
    ack_ts: Annotated[int | None, Col(TIME, "First ACK to it")]
    ack_missing: Annotated[bool, Col(FLAG, "Its final was resent to the end of Timer H, and no ACK came")]
    bye_ts: Annotated[int | None, Col(TIME, "First BYE")]
    end_ts: Annotated[int | None, Col(TIME, "When the call was over: BYE, failure, CANCEL or timer")]
    last_ts: Annotated[int | None, Col(TIME, "Last request heard inside the answered call")]
    status_code: Annotated[int | None, Col(CODE, "The final that decided; missing where none came")]
    state: Annotated[CallState, Col(LABEL, "Wireshark's call state", field="voip_call_state")]
    outcome: Annotated[Outcome, Col(LABEL, "What became of it; rules in data/call_outcomes.toml")]
    outcome_detail: Annotated[str | None, Col(LABEL, "The finer word: auth_failed, no_reply, cancel_race, ...")]
    outcome_rule: Annotated[str, Col(LABEL, "Rule of data/call_outcomes.toml that decided")]
    fault: Annotated[Fault, Col(LABEL, "Whose doing, as far as code and cause tell")]
    release: Annotated[Release | None, Col(LABEL, "How an answered call ended")]
    release_cause: Annotated[int | None, Col(CODE, "Q.850 cause of its BYE")]
    released_by: Annotated[ReleasedBy | None, Col(LABEL, "Who sent the BYE or CANCEL")]
    family: Annotated[Family | None, Col(LABEL, "Family of status_code")]
    vendor: Annotated[str | None, Col(LABEL, "Code pack that explains a code outside 100-699")]
    vendor_code: Annotated[int | None, Col(CODE, "The code in that pack")]
    cause: Annotated[int | None, Col(CODE, "Q.850 cause, the best statement about why")]
    cause_from: Annotated[CauseFrom | None, Col(LABEL, "Where cause comes from")]
    cause_mapped: Annotated[int | None, Col(CODE, "What the chosen profile derives from status_code")]
    cause_profile: Annotated[str, Col(LABEL, "Name of that profile")]
    cause_conflict: Annotated[bool, Col(FLAG, "A Reason header's cause contradicts the status code")]
    failed_by_ip: Annotated[str | None, Col(LABEL, "Who originated the final failure")]
    failed_code: Annotated[int | None, Col(CODE, "The code that failed_by_ip sent; missing where it kept silent")]
    charged_grade: Annotated[Grade | None, Col(LABEL, "How surely: seen, at_or_behind")]
    failed_side: Annotated[Side, Col(LABEL, "Whose side failed_by_ip is on, by the own networks of sipcause.toml")]
    relayed_by: Annotated[str | None, Col(TEXT, "Who only passed it on, separated by spaces")]
    wire_event: Annotated[str | None, Col(LABEL, "What the wire said of the silence: port_unreachable, refused, ...")]
    is_scanner: Annotated[bool, Col(FLAG, "The caller scans: counted apart (docs/counting.md)")]
    retry_after_s: Annotated[int | None, Col(REF, "Retry-After of the final that decided", unit="s")]
    attempts: Annotated[int, Col(COUNT, "INVITEs outside a dialog")]
    challenges: Annotated[int, Col(COUNT, "401 and 407 answers to them")]
    forks: Annotated[int, Col(COUNT, "Different To tags in responses")]
    answers: Annotated[int, Col(COUNT, "Different To tags that answered with 2xx")]
    hops: Annotated[int, Col(COUNT, "Different hops seen")]
    messages: Annotated[int, Col(COUNT, "Messages that belong to it")]
    resends: Annotated[int, Col(COUNT, "Resends among them")]
    srd_ms: Annotated[float | None, Col(REAL, "Session Request Delay, RFC 6076 §4.3", unit="ms")]
    pdd_ms: Annotated[float | None, Col(REAL, "Post dial delay: INVITE to alert_ts, else to the answer", unit="ms")]
    ring_s: Annotated[float | None, Col(REAL, "First 18x to final, CANCEL or timer", unit="s")]
    early_media_s: Annotated[float | None, Col(REAL, "media_ts to final, CANCEL or timer", unit="s")]
    sdd_ms: Annotated[float | None, Col(REAL, "Session Disconnect Delay, RFC 6076 §4.4", unit="ms")]
    sdt_s: Annotated[float | None, Col(REAL, "Session Duration Time, RFC 6076 §4.5", unit="s")]


class RegistrationRow(NamedTuple):
    """One REGISTER with its challenges, RFC 3261 §10."""

    registration_no: Annotated[int, Col(KEY, "Row number in order of the first REGISTER, from 1")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    call_id: Annotated[str | None, Col(TEXT, "Call-ID", field="sip.Call-ID")]
    aor: Annotated[str | None, Col(TEXT, "Address of record: URI of To")]
    contact_uri: Annotated[str | None, Col(TEXT, "URI of the first Contact")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI that tells equal addresses apart")]
    client_ip: Annotated[str, Col(LABEL, "Sender of the REGISTER")]
    registrar_ip: Annotated[str, Col(LABEL, "Its receiver")]
    user_agent: Annotated[str | None, Col(LABEL, "User-Agent of the REGISTER")]
    request_ts: Annotated[int, Col(TIME, "First REGISTER")]
    final_ts: Annotated[int | None, Col(TIME, "Final response that decided")]
    status_code: Annotated[int | None, Col(CODE, "Its status code")]
    outcome: Annotated[RegistrationOutcome, Col(LABEL, "What became of it")]
    expires_s: Annotated[int | None, Col(REF, "Lifetime that was granted, else asked for", unit="s")]
    attempts: Annotated[int, Col(COUNT, "REGISTER transactions")]
    challenges: Annotated[int, Col(COUNT, "401 and 407 among their answers")]
    rrd_ms: Annotated[float | None, Col(REAL, "Registration Request Delay, RFC 6076 §4.1", unit="ms")]


class ResponseRow(NamedTuple):
    """Responses by code, CSeq method and vendor; messages = unique + resends + copies."""

    status_code: Annotated[int, Col(CODE, "Status code", field="sip.Status-Code")]
    method: Annotated[str | None, Col(LABEL, "CSeq method", field="sip.CSeq.method")]
    family: Annotated[Family, Col(LABEL, "Family of the code")]
    vendor: Annotated[str | None, Col(LABEL, "Code pack told by User-Agent or Server")]
    vendor_guess: Annotated[str | None, Col(TEXT, "Without one: every pack that knows the code, by spaces")]
    messages: Annotated[int, Col(KEY, "Responses as captured")]
    unique: Annotated[int, Col(KEY, "Without resends and copies")]
    resends: Annotated[int, Col(KEY, "Repeated by the sender")]
    copies: Annotated[int, Col(KEY, "The same packet captured again")]


class RequestRow(NamedTuple):
    """Requests by method; messages = unique + resends + copies."""

    method: Annotated[str, Col(LABEL, "Method", field="sip.Method")]
    messages: Annotated[int, Col(KEY, "Requests as captured")]
    unique: Annotated[int, Col(KEY, "Without resends and copies")]
    resends: Annotated[int, Col(KEY, "Repeated by the sender")]
    copies: Annotated[int, Col(KEY, "The same packet captured again")]


class CauseRow(NamedTuple):
    """Unsuccessful calls by ISDN cause and where the cause comes from."""

    cause: Annotated[int | None, Col(CODE, "Q.850 cause value")]
    hex: Annotated[str | None, Col(TEXT, "The same in hexadecimal")]
    dss1_hex: Annotated[str | None, Col(TEXT, "As the DSS1 octet: with the extension bit, Q.931 §4.5.12")]
    text: Annotated[str | None, Col(TEXT, "Name in Q.850")]
    calls: Annotated[int, Col(KEY, "Unsuccessful calls")]
    read: Annotated[int, Col(KEY, "of these: read in an ISUP body or a Reason header")]
    vendor: Annotated[int, Col(KEY, "of these: from a vendor's header or code pack")]
    event: Annotated[int, Col(KEY, "of these: from what happened (CANCEL, no reply)")]
    derived: Annotated[int, Col(KEY, "of these: from the status code by a mapping profile")]


class ReleaseRow(NamedTuple):
    """BYEs of answered calls by the Q.850 cause that they carry."""

    cause: Annotated[int | None, Col(CODE, "Q.850 cause value")]
    text: Annotated[str | None, Col(TEXT, "Name in Q.850")]
    calls: Annotated[int, Col(KEY, "Answered calls")]


class EndpointRow(NamedTuple):
    """One address in one network, as caller and as responder."""

    ip: Annotated[str, Col(TEXT, "Address")]
    network: Annotated[int | None, Col(REF, "VLAN or VNI, where there is more than one")]
    name: Annotated[str | None, Col(TEXT, "Alias from sipcause.toml")]
    side: Annotated[Side, Col(LABEL, "own, other or unknown")]
    calls_as_caller: Annotated[int, Col(KEY, "Calls that it made")]
    calls_as_callee: Annotated[int, Col(KEY, "Calls that it was sent")]
    failures_as_caller: Annotated[int, Col(KEY, "Failures among the calls that it made")]
    failures_as_responder: Annotated[int, Col(KEY, "Failures that it originated")]
    failures_relayed: Annotated[int, Col(KEY, "Failures that it only passed on")]
    conflicts: Annotated[int, Col(KEY, "Calls that it ended with a code that contradicts the cause it gave")]
    overflows: Annotated[int, Col(KEY, "Calls that it refused and that went on by another way: route advance")]
    blocked_calls: Annotated[int, Col(KEY, "Calls that it was sent while its Retry-After still ran")]
    by_status_code: Annotated[dict[str, int], Col(TEXT, "Originated failures by code")]


class IssueRow(NamedTuple):
    """Something on the wire that is worth a person's eye; codes are explained in data/issues.toml."""

    issue_no: Annotated[int, Col(KEY, "Row number, from 1")]
    capture_no: Annotated[int, Col(COUNT, "Row in captures")]
    ts: Annotated[int | None, Col(TIME, "When")]
    frame_no: Annotated[int | None, Col(REF, "Frame")]
    message_no: Annotated[int | None, Col(REF, "Row in messages")]
    call_no: Annotated[int | None, Col(REF, "Row in calls")]
    code: Annotated[str, Col(LABEL, "Key in data/issues.toml")]
    severity: Annotated[Severity, Col(LABEL, "chat note warn error")]
    group: Annotated[str, Col(LABEL, "capture transport malformed protocol sequence response")]
    detail: Annotated[str, Col(TEXT, "What exactly")]


class CaptureRow(NamedTuple):
    """One capture file or interface."""

    capture_no: Annotated[int, Col(COUNT, "Row number, from 1")]
    source: Annotated[str, Col(TEXT, "Path or interface")]
    kind: Annotated[SourceKind, Col(LABEL, "file live hep")]
    format: Annotated[str, Col(LABEL, "pcap, pcapng; with .gz, .zst or .xz where packed")]
    start_ts: Annotated[int | None, Col(TIME, "Earliest frame")]
    end_ts: Annotated[int | None, Col(TIME, "Latest frame")]
    frames: Annotated[int, Col(KEY, "Frames")]
    octets: Annotated[int, Col(KEY, "Octets of the frames as captured")]
    sip_messages: Annotated[int, Col(KEY, "SIP messages")]
    dropped: Annotated[int | None, Col(REF, "Frames that the capturing program says it lost")]
    truncated: Annotated[bool, Col(FLAG, "Cut short or damaged before its end")]
    reader: Annotated[str, Col(LABEL, "kernels or scapy")]
    duplicates: Annotated[int, Col(KEY, "Copies of messages, left out of all counts but that of messages")]
    opaque: Annotated[int, Col(KEY, "TLS on SIP ports that could not be read", unit="octets")]
    opaque_connections: Annotated[int, Col(KEY, "Connections of that TLS")]
    unread: Annotated[dict[str, int], Col(TEXT, "Frames that were not read, by reason")]
    layers: Annotated[
        dict[str, tuple[int, int, int]],
        Col(TEXT, "Frames, SIP messages and frames not understood, by the headers around them"),
    ]


#: The tables that ``analyze -o DIR`` writes, by name.
TABLES: dict[str, type[Any]] = {
    "messages": MessageRow,
    "transactions": TransactionRow,
    "calls": CallRow,
    "registrations": RegistrationRow,
    "responses": ResponseRow,
    "requests": RequestRow,
    "causes": CauseRow,
    "releases": ReleaseRow,
    "endpoints": EndpointRow,
    "issues": IssueRow,
    "captures": CaptureRow,
    "branches": BranchRow,
    "blocks": BlockRow,
    "others": OtherRow,
    "midcall": MidcallRow,
    "populations": PopulationRow,
    "options": OptionsRow,
    "translations": TranslationRow,
    "sessions": SessionRow,
    "links": LinkRow,
    "evidence": EvidenceRow,
    "conflicts": ConflictRow,
    "kpis": KpiRow,
    "vantage": VantageRow,
    "bounds": BoundRow,
    "scanners": ScannerRow,
}

__all__ = [
    "CODE", "COUNT", "FLAG", "KEY", "LABEL", "REAL", "REF", "TABLES", "TEXT", "TIME", "BlockRow", "BoundRow",
    "BranchRow", "CallRow", "CaptureRow", "CauseRow", "Col", "Column", "ConflictRow", "EndpointRow",
    "EvidenceRow", "IssueRow", "Kind", "KpiRow", "LinkRow", "MessageRow", "MidcallRow", "OptionsRow",
    "OtherRow", "PopulationRow", "RegistrationRow", "ReleaseRow", "RequestRow", "ResponseRow", "ScannerRow",
    "SessionRow", "TransactionRow", "TranslationRow", "VantageRow", "columns",
]  # fmt: skip
