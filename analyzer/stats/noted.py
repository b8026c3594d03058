"""What stands in tables as a column already, and is listed among the issues so that nobody overlooks it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.issues import IssueNote
from analyzer.stats.analysis import Analysis
from analyzer.stats.counting import Mask, is_outcome, one_of
from analyzer.vocab import MidcallKind, Outcome
from analyzer.wiretext import printable_text

_TERMINATED = 487
#: Codes from here on are makers' own.
_VENDOR = 700
#: How frames of a link type that is not understood are named in `CaptureRow.unread`.
_LINK_TYPE = "link_type_"
_MIDCALL = {MidcallKind.GLARE: "call.glare", MidcallKind.DIALOG_LOST: "call.dialog_lost"}


def noted(calls: Columns, midcall: Columns) -> Iterator[IssueNote]:
    """One note for each oddity of each call, in the order of their codes, then those inside dialogs."""
    if len(calls):
        for code, detail, where in _of_calls(calls):
            for row in np.flatnonzero(where).tolist():
                capture_no, ts, frame_no, call_no = (
                    int(calls.ints(name)[row]) for name in ("capture_no", "invite_ts", "frame_no", "call_no")
                )
                yield IssueNote(code, capture_no, ts, frame_no, call_no=call_no, detail=detail)
    for midcall_row in midcall.rows():
        code = _MIDCALL.get(midcall_row["kind"], "")
        if code:
            numbers = (midcall_row[name] for name in ("request_ts", "message_no", "call_no"))
            ts, message_no, call_no = (MISSING if number is None else number for number in numbers)
            detail = f"{midcall_row['method']} {midcall_row['status_code']}"
            yield IssueNote(code, midcall_row["capture_no"], ts, MISSING, message_no, call_no, detail)


def noted_beside(analysis: Analysis) -> Iterator[tuple[IssueNote, int]]:
    """What traffic, captures and tables beside the calls are odd by: a note for each kind, and how often it was met."""
    for capture in analysis.captures:
        for reason, frames in capture.unread.items():
            if reason.startswith(_LINK_TYPE):
                detail = f"{frames} frames: {reason}"
                yield IssueNote("capture.unknown_link_type", capture.capture_no, detail=detail), frames
        if nested := capture.unread.get("nested", 0):
            yield IssueNote("ip.nested", capture.capture_no, detail=f"{nested} frames"), nested
    for request in analysis.requests:
        if not analysis.registry.method(request.method).known:
            detail = printable_text(request.method)
            yield IssueNote("sip.unknown_method", 1, detail=detail), request.messages - request.copies
    for response in analysis.responses:
        seen = response.messages - response.copies
        if response.status_code >= _VENDOR:
            yield IssueNote("sip.vendor_status", 1, detail=str(response.status_code)), seen
        elif not analysis.registry.status(response.status_code).known:
            yield IssueNote("sip.unlisted_status", 1, detail=str(response.status_code)), seen
    if analysis.orphans:
        yield IssueNote("sip.orphan_response", 1, detail=f"{analysis.orphans} responses"), analysis.orphans
    for block in analysis.columns("blocks").rows():
        seconds = (block["until_ts"] - block["from_ts"]) // 10**9
        detail = f"{block['ip']} for {seconds} s, and was sent {block['calls']} calls in them"
        yield IssueNote("response.retry_after", 1, block["from_ts"], call_no=block["call_no"], detail=detail), 1
    for scanner in analysis.scanning.scanners:
        yield IssueNote("scan.tool", 1, _or_missing(scanner.row.first_ts), detail=scanner.row.ip), 1


def _or_missing(number: int | None) -> int:
    return MISSING if number is None else number


def _of_calls(calls: Columns) -> Iterator[tuple[str, str, Mask]]:
    missing, nat, conflict = (calls[name] for name in ("ack_missing", "behind_nat", "cause_conflict"))
    answers = calls.ints("answers")
    assert isinstance(missing, np.ndarray)
    assert isinstance(nat, np.ndarray)
    assert isinstance(conflict, np.ndarray)
    race = one_of(calls.labels("outcome_detail"), ["cancel_race"])
    yield "call.ack_missing", "the final response was resent to the end, and no ACK came", missing
    yield "call.cancel_race", "answered although a CANCEL was under way", race
    unseen = (calls.ints("status_code") == _TERMINATED) & is_outcome(calls, {Outcome.REJECTED})
    lost = one_of(calls.labels("outcome_detail"), ["final_not_seen"])
    yield "call.final_not_seen", "an ACK or BYE shows that there was one", lost
    yield "call.unseen_cancel", "487, and no CANCEL", unseen
    yield "call.multi_answer", "several different To tags answered", answers > 1
    yield "call.behind_nat", "the caller's Via names another address than its packets come from", nat
    yield "sip.cause_conflict", "the Reason's cause and the status code do not go together", conflict
