"""How many calls this capture may have wrong: seen from one side only, cut off, lost, unreadable.

Every estimate is taken from counts that are there anyway. An INVITE has one final and a final one ACK, on each hop:
when there are more ACKs than finals, finals passed where nothing was captured; a final without its INVITE is an orphan.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.schema import CaptureRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.counting import Mask, is_outcome, one_of, scanned
from analyzer.stats.kpi import Ratio
from analyzer.vocab import Outcome, RegistrationOutcome, Release

#: So many times fewer holes than lost frames: the frames were others.
_FAR_FEWER = 10
#: Messages of a plain call (INVITE 100 180 200 ACK BYE 200), where no call tells better.
PLAIN_CALL = 7
#: Octets of TLS for each SIP message in it, handshakes among them; measured on captures with keys (docs/counting.md).
TLS_OCTETS_A_MESSAGE = 800
#: Each is a message, or a part of one, that is known to have been there and is in no call.
LOSSES = (
    "tcp.gap", "tcp.bound", "sctp.incomplete", "websocket.bad_frame", "tls.bad_record", "hep.bad_packet",
    "ip.fragment", "ip.fragment_overlap",
)  # fmt: skip


class Doubts(NamedTuple):
    """Calls and messages that may be wrong or missing.

    ``silent``: calls without any final although their timer ran out; of these at least ``one_sided`` had one that was
    not captured. ``only_responses``: calls of which no request was captured (estimated). ``lost_messages``: known to be
    missing; ``lost_calls``: whole calls that went with them (estimated). ``open``: cut off by the end of the capture.
    The same of registrations.
    """

    silent: Mask
    one_sided: int = 0
    only_responses: int = 0
    lost_messages: int = 0
    lost_calls: int = 0
    open: int = 0
    silent_registrations: int = 0
    one_sided_registrations: int = 0
    open_registrations: int = 0

    @property
    def inside(self) -> int:
        """Silent calls whose final may have been missed."""
        return min(int(self.silent.sum()), self.one_sided + self.lost_messages)

    @property
    def outside(self) -> int:
        """Calls that are in no ratio although they were made."""
        return self.open + self.only_responses + self.lost_calls


def doubts(analysis: Analysis) -> Doubts:
    """Count what is doubtful."""
    calls, registrations = analysis.columns("calls"), analysis.columns("registrations")
    silent = silent_calls(calls)
    one_sided = _one_sided(analysis, calls, silent)
    dropped, unread = dropped_messages(analysis), opaque_messages(analysis)
    unlinked = unlinked_messages(analysis)
    a_call = max(float(calls.ints("messages").mean()), 1.0) if len(calls) and "messages" in calls else PLAIN_CALL
    timed_out = _registrations(registrations, RegistrationOutcome.TIMED_OUT)
    share = one_sided / silent.sum() if silent.any() else float(not _responses(analysis) and not _has_icmp(analysis))
    return Doubts(
        silent=silent,
        one_sided=one_sided,
        only_responses=only_responses(analysis),
        lost_messages=sum(analysis.issue_counts.get(code, 0) for code in LOSSES) + dropped + unlinked,
        lost_calls=math.ceil((dropped + unread + unlinked) / a_call),
        open=int(is_outcome(calls, {Outcome.OPEN}).sum()),
        silent_registrations=timed_out,
        one_sided_registrations=round(share * timed_out),
        open_registrations=_registrations(registrations, RegistrationOutcome.OPEN),
    )


def silent_calls(calls: Columns) -> Mask:
    """Calls without a final that are not open."""
    if not len(calls):
        return np.zeros(0, dtype=np.bool_)
    silent: Mask = (calls.ints("status_code") == MISSING) & ~is_outcome(calls, {Outcome.OPEN})
    return silent


def _one_sided(analysis: Analysis, calls: Columns, silent: Mask) -> int:
    """Silent calls that did have a final, as far as the capture proves it.

    An ACK or BYE of the call proves it of that call; ACKs in excess of finals of some call. A caller over UDP that
    hears nothing repeats its INVITE, so that silence with resends is real; scanners do not, and are left out.
    """
    if not silent.any():
        return 0
    proven = silent & ((calls.ints("ack_ts") != MISSING) | (calls.ints("bye_ts") != MISSING))
    possible = proven | (silent & (calls.ints("resends") == 0) & ~scanned(calls))
    if not _responses(analysis) and not _has_icmp(analysis):
        return int(possible.sum())  # not one response in the whole capture, and nobody who repeats
    finals = _finals(analysis, "INVITE") - only_responses(analysis)
    acks = sum(row.unique for row in analysis.requests if row.method == "ACK")
    return max(int(proven.sum()), min(int(possible.sum()), acks + without_ack(calls) - finals))


def without_ack(calls: Columns) -> int:
    """Calls with a final to the INVITE whose ACK was not captured."""
    if not len(calls):
        return 0
    status = calls.ints("status_code")
    return int(((status >= 200) & (calls.ints("ack_ts") == MISSING)).sum())


def only_responses(analysis: Analysis) -> int:
    """Calls of which only responses were captured, estimated.

    Orphans are taken to be finals of INVITEs as often as all responses are. The share of orphans weighs them: where few
    responses are orphans, those are of calls that began before the capture and are counted by nobody.
    """
    responses = _responses(analysis)
    if not responses:
        return 0
    share = min(analysis.orphans / responses, 1.0)
    return round(_finals(analysis, "INVITE") * share * share)


def dropped_messages(analysis: Analysis) -> int:
    """SIP messages among the frames that capturing programs lost, if they were as frequent there as elsewhere.

    Where SIP shows no holes (`shows_no_holes`), no more than the holes that may be there unseen.
    """
    lost = sum((row.dropped or 0) * row.sip_messages / row.frames for row in analysis.captures if row.frames)
    if lost and shows_no_holes(analysis):
        lost = min(lost, most_holes(analysis) * sum(row.sip_messages for row in analysis.captures))
    return math.ceil(lost)


def most_holes(analysis: Analysis) -> float:
    """The largest share of requests (0 to 1) that can have been lost, by the responses that miss theirs."""
    return interval(analysis.orphans, _responses(analysis))[1]


def shows_no_holes(analysis: Analysis) -> bool:
    """Whether far fewer requests are missing than frames are said to be lost.

    Capturing programs also count what they lost of other traffic, and a part that was cut out of a recording keeps the
    count of the whole.
    """
    dropped = sum(row.dropped or 0 for row in analysis.captures)
    frames = sum(row.frames for row in analysis.captures)
    return dropped > 0 and most_holes(analysis) < dropped / (dropped + frames) / _FAR_FEWER


def interval(part: int, whole: int) -> tuple[float, float]:
    """The Wilson 95 % interval of a share, 0 to 1; everything is possible where nothing was counted."""
    low, high = Ratio(part, whole).interval or (0.0, 100.0)
    return low / 100, high / 100


def unlinked_messages(analysis: Analysis) -> int:
    """Messages that no call can have: without Call-ID or a CSeq (often both), or with a start line that is none."""
    seen = analysis.issue_counts
    nameless = max(seen.get("sip.no_call_id", 0), seen.get("sip.no_cseq", 0) + seen.get("sip.bad_cseq", 0))
    return nameless + seen.get("sip.bad_start_line", 0)


def opaque_messages(analysis: Analysis) -> int:
    """SIP messages in the TLS that could not be read, by its octets."""
    return math.ceil(sum(row.opaque for row in analysis.captures) / TLS_OCTETS_A_MESSAGE)


def undecided(calls: Columns) -> Mask:
    """Answered calls whose end was not seen: their BYE was missed, or they were up when the capture ended."""
    if not len(calls):
        return np.zeros(0, dtype=np.bool_)
    return one_of(calls.labels("release"), {Release.NO_BYE_SEEN, Release.STILL_UP})


def _registrations(registrations: Columns, outcome: RegistrationOutcome) -> int:
    return int(one_of(registrations.labels("outcome"), {outcome}).sum()) if len(registrations) else 0


def _responses(analysis: Analysis) -> int:
    return sum(row.unique for row in analysis.responses)


def _finals(analysis: Analysis, method: str) -> int:
    return sum(row.unique for row in analysis.responses if row.method == method and row.status_code >= 200)


def _has_icmp(analysis: Analysis) -> bool:
    """ICMP says that nobody is there, which ends the repeating."""
    return any(row.unread.get("icmp") for row in analysis.captures)


def in_streams(row: CaptureRow) -> int:
    """SIP messages of a capture that came in streams."""
    words = ("tcp", "sctp", "tls", "websocket")
    return sum(
        messages for layers, (_, messages, _) in row.layers.items() if any(word in layers.split() for word in words)
    )
