"""A whole-parsed message as a row of a `MessageBatch`; the other way in is `message_kernels`."""

from __future__ import annotations

from analyzer.batch import (
    F_COOKIE,
    F_CUT,
    F_HAS_CREDENTIALS,
    F_HAS_SDP,
    F_STALE,
    F_WHOLE,
    M_BODY_LEN,
    M_CONTENT_LENGTH,
    M_CSEQ,
    M_CSEQ_METHOD,
    M_DEFECTS,
    M_EXPIRES,
    M_FLAGS,
    M_ISUP_CAUSE,
    M_LENGTH,
    M_MAX_FORWARDS,
    M_MESSAGE_NO,
    M_METHOD,
    M_REASON_LOCATION,
    M_REASON_Q850,
    M_REASON_SIP,
    M_RETRY_AFTER,
    M_RSEQ,
    M_SESSION_EXPIRES,
    M_START,
    M_STATUS,
    M_VENDOR_CAUSE,
    M_VIA_COUNT,
    M_WARNING,
    MISSING,
    S_AGENT,
    S_BRANCH,
    S_CALL_ID,
    S_CONTACT_URI,
    S_CONTENT_TYPE,
    S_FROM_TAG,
    S_FROM_URI,
    S_LINKED_ID,
    S_METHOD,
    S_ORIGIN,
    S_REASON,
    S_REASON_PHRASE,
    S_REQUEST_URI,
    S_SENT_BY,
    S_SESSION_ID,
    S_TO_TAG,
    S_TO_URI,
    S_WARNING,
    MethodNames,
)
from analyzer.sip.message import Message


def message_numbers(message: Message, offset: int, methods: MethodNames) -> dict[int, int]:
    """The M_* columns of a message whose datagram starts at ``offset``, without the datagram's own."""
    reason = message.reason_summary
    flags = F_WHOLE | reason.flags
    for is_set, flag in (
        (message.has_credentials, F_HAS_CREDENTIALS),
        (message.is_stale, F_STALE),
        (message.has_sdp, F_HAS_SDP),
        (message.is_cut, F_CUT),
        (message.has_cookie, F_COOKIE),
    ):
        flags |= flag if is_set else 0
    return {
        M_METHOD: methods.number(message.method) if message.method is not None else 0,
        M_STATUS: message.status_code or 0,
        M_CSEQ: _or_missing(message.cseq),
        M_CSEQ_METHOD: methods.number(message.cseq_method) if message.cseq_method is not None else 0,
        M_VIA_COUNT: message.via_count,
        M_FLAGS: flags,
        M_DEFECTS: message.defect_bits,
        M_REASON_Q850: _or_missing(reason.q850),
        M_REASON_SIP: _or_missing(reason.sip),
        M_REASON_LOCATION: reason.location,
        M_VENDOR_CAUSE: _or_missing(message.vendor_cause),
        M_ISUP_CAUSE: _or_missing(message.isup_cause),
        M_WARNING: message.warning_code or 0,
        M_RETRY_AFTER: _or_missing(message.retry_after),
        M_RSEQ: message.rseq or 0,
        M_EXPIRES: _or_missing(message.expires),
        M_MAX_FORWARDS: _or_missing(message.max_forwards),
        M_CONTENT_LENGTH: _or_missing(message.content_length),
        M_BODY_LEN: len(message.body),
        M_LENGTH: len(message.octets),
        M_SESSION_EXPIRES: _or_missing(message.session_expires),
        M_MESSAGE_NO: 0,
        M_START: offset + message.line_ends,
    }


def message_texts(message: Message) -> dict[int, bytes | None]:
    """The S_* columns of a message as octets; None where missing."""
    method = message.method if message.method is not None else message.cseq_method
    return {
        S_METHOD: method.encode("ascii") if method is not None else None,
        S_REQUEST_URI: message.request_uri,
        S_REASON_PHRASE: message.reason_phrase,
        S_CALL_ID: message.call_id,
        S_FROM_URI: message.from_uri,
        S_FROM_TAG: message.from_tag,
        S_TO_URI: message.to_uri,
        S_TO_TAG: message.to_tag,
        S_CONTACT_URI: message.contact_uri,
        S_BRANCH: message.via_branch,
        S_SENT_BY: message.via_sent_by,
        S_AGENT: message.user_agent,
        S_REASON: message.reason,
        S_CONTENT_TYPE: message.content_type,
        S_SESSION_ID: message.session_id,
        S_WARNING: message.warning,
        S_LINKED_ID: message.linked_id,
        S_ORIGIN: message.origin,
    }


def _or_missing(number: int | None) -> int:
    return MISSING if number is None else number
