"""Closed sets: the words whose members we decide ourselves. Open sets (codes, causes, vendors) are TOML in ``data/``.

The order of the members is their number in the integer columns of a batch and in the kernels, so new members
are appended, never inserted.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class Transport(StrEnum):
    """How a SIP message travelled."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    WS = "ws"
    WSS = "wss"
    SCTP = "sctp"


class Family(StrEnum):
    """The class of a status code by its first digit, RFC 3261 §21; from 700 on no RFC gives it a meaning."""

    PROVISIONAL = "provisional"
    SUCCESS = "success"
    REDIRECTION = "redirection"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    GLOBAL_FAILURE = "global_failure"
    VENDOR = "vendor"


class Outcome(StrEnum):
    """What became of a call; definitions and their order in docs/counting.md."""

    ANSWERED = "answered"
    OPEN = "open"
    ELSEWHERE = "elsewhere"
    REDIRECTED = "redirected"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    BUSY = "busy"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    INVALID_NUMBER = "invalid_number"
    UNAUTHORIZED = "unauthorized"
    BLOCKED = "blocked"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    REJECTED = "rejected"


#: Left out of numerator and denominator, or successful: not counted as unsuccessful.
NOT_UNSUCCESSFUL = frozenset({Outcome.ANSWERED, Outcome.OPEN, Outcome.ELSEWHERE, Outcome.REDIRECTED})
#: Unsuccessful calls that are somebody's failure (not merely the called or calling user's doing).
FAILURES = frozenset(
    {
        Outcome.INVALID_NUMBER,
        Outcome.UNAUTHORIZED,
        Outcome.BLOCKED,
        Outcome.TIMED_OUT,
        Outcome.FAILED,
        Outcome.REJECTED,
    }
)


class Fault(StrEnum):
    """Whose doing an unsuccessful call was, as far as code and cause tell."""

    NONE = "none"
    USER = "user"
    CALLER = "caller"
    NETWORK = "network"
    SERVER = "server"
    SECURITY = "security"


class Release(StrEnum):
    """How an answered call ended."""

    NORMAL = "normal"
    ODD = "odd"
    ABNORMAL = "abnormal"
    NO_ACK = "no_ack"
    SESSION_TIMER = "session_timer"
    BYE_UNANSWERED = "bye_unanswered"
    NO_BYE_SEEN = "no_bye_seen"
    STILL_UP = "still_up"


class CallState(StrEnum):
    """Wireshark's call states (``voip_call_state``)."""

    CALL_SETUP = "call_setup"
    RINGING = "ringing"
    IN_CALL = "in_call"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class TransactionState(StrEnum):
    """RFC 3261 Fig. 5-8 and RFC 6026, as an observer between the two ends sees them."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class TransactionKind(StrEnum):
    """RFC 3261 §17: the two kinds of transaction."""

    INVITE = "invite"
    NON_INVITE = "non_invite"


class EndedBy(StrEnum):
    """Why a transaction is over."""

    FINAL = "final"
    TIMEOUT = "timeout"
    CAPTURE_END = "capture_end"


class RegistrationOutcome(StrEnum):
    """What became of a REGISTER and its challenges."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    QUERIED = "queried"
    REJECTED = "rejected"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    OPEN = "open"


class CauseFrom(StrEnum):
    """Where a call's cause comes from, in order of trust (docs/counting.md)."""

    ISUP = "isup"
    REASON = "reason"
    REASON_18X = "reason_18x"
    VENDOR_HEADER = "vendor_header"
    VENDOR_PACK = "vendor_pack"
    REASON_SIP = "reason_sip"
    EVENT = "event"
    PROFILE = "profile"
    PROFILE_FALLBACK = "profile_fallback"


#: The four groups under which the JSON document counts causes by their source.
CAUSE_GROUPS: dict[CauseFrom, str] = {
    CauseFrom.ISUP: "read",
    CauseFrom.REASON: "read",
    CauseFrom.REASON_18X: "read",
    CauseFrom.VENDOR_HEADER: "vendor",
    CauseFrom.VENDOR_PACK: "vendor",
    CauseFrom.REASON_SIP: "derived",
    CauseFrom.EVENT: "event",
    CauseFrom.PROFILE: "derived",
    CauseFrom.PROFILE_FALLBACK: "derived",
}


class ReleasedBy(StrEnum):
    """Who sent the BYE or CANCEL that ended a call."""

    CALLER = "caller"
    CALLEE = "callee"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """How surely a failure belongs to the endpoint that is charged with it."""

    SEEN = "seen"
    AT_OR_BEHIND = "at_or_behind"


class Side(StrEnum):
    """Whether an endpoint is ours, told by the ``own`` networks of ``sipcause.toml``."""

    OWN = "own"
    OTHER = "other"
    UNKNOWN = "unknown"


class BranchFate(StrEnum):
    """What an INVITE transaction was for its call."""

    DECIDED = "decided"
    RELAYED = "relayed"
    OUTRANKED = "outranked"
    CANCELLED = "cancelled"
    STEP = "step"
    UNANSWERED = "unanswered"


class MidcallKind(StrEnum):
    """What a refused request inside a dialog means (docs/counting.md)."""

    FAILURE = "failure"
    GLARE = "glare"
    BYE_RACE = "bye_race"
    DIALOG_LOST = "dialog_lost"
    LATE_CANCEL = "late_cancel"
    CHALLENGE = "challenge"
    RETRY = "retry"
    NO_REPLY = "no_reply"


class OptionsState(StrEnum):
    """What an OPTIONS says of whom it was sent to."""

    ALIVE = "alive"
    REFUSING = "refusing"
    PROXY_ANSWERED = "proxy_answered"
    SILENT = "silent"


class LinkedBy(StrEnum):
    """How two calls are known to be legs of one session, the surest first."""

    SESSION_ID = "session_id"
    HEADER = "header"
    SCORE = "score"


class Position(StrEnum):
    """Where a piece of evidence stands."""

    PROVISIONAL = "provisional"
    FINAL = "final"
    CANCEL = "cancel"
    BYE = "bye"
    REQUEST = "request"
    WIRE = "wire"


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    REASON = "reason"
    WARNING = "warning"
    VENDOR_HEADER = "vendor_header"
    ISUP = "isup"
    RETRY_AFTER = "retry_after"
    ICMP = "icmp"
    RESET = "reset"
    SYN_UNANSWERED = "syn_unanswered"
    TLS_ALERT = "tls_alert"


class Severity(StrEnum):
    """Wireshark's expert severities."""

    CHAT = "chat"
    NOTE = "note"
    WARN = "warn"
    ERROR = "error"


class SourceKind(StrEnum):
    """Where octets come from."""

    FILE = "file"
    LIVE = "live"
    HEP = "hep"


_E = TypeVar("_E", bound=StrEnum)


def numbered(words: type[_E]) -> dict[_E, int]:
    """Each member's number in integer columns: its position, from 0."""
    return {word: number for number, word in enumerate(words)}


def names(words: type[_E]) -> list[str]:
    """The members' texts in the order of their numbers."""
    return [word.value for word in words]
