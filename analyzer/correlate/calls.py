"""Ended calls as a table: what the kernels left, judged and named."""

from __future__ import annotations

import numpy as np

from analyzer.batch import F_BEHIND_NAT, MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.correlate.branches import BranchTable
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.judge import judge, summary_of
from analyzer.correlate.judging import ByColumn, Flags, among, first_of
from analyzer.correlate.labels import Codes, EndpointNames, Part, Parts, difference, table, text_places, united
from analyzer.correlate.layout import (
    G_ACK_TS,
    G_ANSWER_TS,
    G_ANSWERS,
    G_ATTEMPTS,
    G_BYE_BY_CALLEE,
    G_BYE_FINAL_TS,
    G_BYE_Q850,
    G_BYE_STATUS,
    G_BYE_TS,
    G_CAPTURE_NO,
    G_CHALLENGES,
    G_COLUMNS,
    G_FLAGS,
    G_FORKS,
    G_FRAME_NO,
    G_HOPS,
    G_LAST_TS,
    G_MESSAGES,
    G_NETWORK,
    G_NO,
    G_RESENDS,
    G_START_TS,
    G_TO_TAG_LENGTH,
    G_TO_TAG_TEXT,
    NO_REPLY,
    RINGING,
    SECOND,
    T_ACK_TS,
    T_AGENT,
    T_CANCEL_TS,
    T_CLIENT,
    T_COLUMNS,
    T_FINAL_AGENT,
    T_FINAL_TS,
    T_FLAGS,
    T_LAST_FINAL_TS,
    T_PROGRESS_CLOCK,
    T_REQUEST_TS,
    T_RETRY_AFTER,
    T_SERVER,
    TF_CANCELLED,
)
from analyzer.correlate.makers import Makers
from analyzer.correlate.outcome import EndedCalls, Verdict
from analyzer.correlate.release import LAST_RESEND
from analyzer.correlate.rules import OUTCOME, RELEASE, Rules, family_numbers
from analyzer.correlate.summary_kernels import (
    C_ALERT_TS,
    C_COLUMNS,
    C_FIRST,
    C_FLAGS,
    C_MEDIA_TS,
    C_PROGRESS_TS,
    C_RELAYS,
    CF_RESPONSE,
    CF_RINGING,
)
from analyzer.schema import CallRow
from analyzer.vocab import (
    CallState,
    CauseFrom,
    Family,
    Fault,
    Grade,
    Outcome,
    Release,
    ReleasedBy,
    Side,
    names,
    numbered,
)

_STATE = numbered(CallState)
_BY = numbered(ReleasedBy)
_GRADE = numbered(Grade)
_TEXTS = ("call_id", "from_tag", "from_uri", "to_uri", "request_uri", "session_id", "linked_id", "sdp_origin")
#: Finals that measure no Session Request Delay, RFC 6076 §4.3.
_NO_DELAY = (401, 402, 407)


class CallTable:
    """Collects ended calls batch by batch; `columns` gives the table, in order of call_no."""

    def __init__(self, rules: Rules, correlator: Correlator) -> None:
        self._rules = rules
        self._correlator = correlator
        self._makers = Makers(rules, correlator.word)
        self._parts = Parts()
        self.branches = BranchTable(correlator)

    def add(self, ended: Ended) -> None:
        """Judge the calls among what has ended and keep them."""
        summary = summary_of(ended, self._rules)
        if not len(summary):
            return
        self.branches.add(ended, summary)
        calls = EndedCalls.of(summary, ended.groups, ended.transactions)
        self._parts.add(self._judge(calls, ByColumn(ended.transactions, summary[:, C_FIRST])), ended.text)

    def forget_words(self) -> None:
        """Words have got other numbers; the rows that name them must have been taken (`columns` gives them up)."""
        self._makers.forget()

    def _judge(self, calls: EndedCalls, first: ByColumn) -> Part:
        _, groups, final = calls
        judged = judge(calls, self._rules, self._makers)
        verdict, release, causes = judged.verdict, judged.releases.release, judged.causes
        charge, vendor, status = judged.charge, judged.vendor, verdict.status
        answered = verdict.outcome == OUTCOME[Outcome.ANSWERED]
        known = np.where(status > 0, status, MISSING)
        part: Part = {
            "call_no": groups[:, G_NO],
            "capture_no": groups[:, G_CAPTURE_NO],
            "frame_no": groups[:, G_FRAME_NO],
            "network": groups[:, G_NETWORK],
            "caller_ip": first[:, T_CLIENT].astype(np.int32),
            "callee_ip": first[:, T_SERVER].astype(np.int32),
            "caller_agent": first[:, T_AGENT].astype(np.int32),
            "callee_agent": final[:, T_FINAL_AGENT].astype(np.int32),
            "status_code": known,
            "state": _states(calls, verdict, answered),
            "outcome": verdict.outcome.astype(np.int32),
            "outcome_detail": verdict.detail,
            "outcome_rule": verdict.rule.astype(np.int32),
            "fault": verdict.fault.astype(np.int32),
            "release": release.astype(np.int32),
            "released_by": _released_by(calls, verdict, answered),
            "release_cause": np.where(answered, groups[:, G_BYE_Q850], MISSING),
            "family": family_numbers(status),
            "vendor": vendor,
            "vendor_code": np.where(vendor >= 0, status, MISSING),
            "cause": causes.cause,
            "cause_from": causes.cause_from,
            "cause_mapped": causes.mapped,
            "cause_conflict": causes.conflict,
            "failed_by_ip": charge.originator.astype(np.int32),
            "failed_code": charge.code,
            "charged_grade": charge.grade.astype(np.int32),
            "attempts": groups[:, G_ATTEMPTS],
            "challenges": groups[:, G_CHALLENGES],
            "forks": groups[:, G_FORKS],
            "hops": np.bitwise_count(groups[:, G_HOPS]).astype(np.int64),
            "answers": groups[:, G_ANSWERS],
            "behind_nat": (groups[:, G_FLAGS] & F_BEHIND_NAT != 0) & self._rules.counts("addresses"),
            "ack_missing": _ack_missing(calls, verdict, release),
            "retry_after_s": np.where(status > 0, final[:, T_RETRY_AFTER], MISSING),
            "messages": groups[:, G_MESSAGES],
            "resends": groups[:, G_RESENDS],
        }
        for k in range(C_RELAYS):
            part[f"relay_{k}"] = charge.relays[:, k].astype(np.int32)
        part |= _times(calls, verdict, answered, release)
        part |= _texts(groups)
        return part

    def columns(self) -> Columns:
        """The table of all calls that were added, in order of call_no."""
        none = np.empty(0, dtype=np.int64)
        no_transactions = ByColumn(np.empty((0, T_COLUMNS), np.int64), none)
        nothing = EndedCalls(
            np.empty((0, C_COLUMNS), np.int64), ByColumn(np.empty((0, G_COLUMNS), np.int64), none), no_transactions
        )
        data, octets = self._parts.whole(self._judge(nothing, no_transactions), "call_no")
        rules, correlator = self._rules, self._correlator
        places = EndpointNames(correlator.endpoints)
        profile = Labels(np.zeros(len(data["call_no"]), np.int32), [rules.profile.name])
        count = len(data["call_no"])
        # What one call alone does not tell is missing until the whole table is looked at (`analyzer.api`).
        data["session_no"] = np.full(count, MISSING, dtype=np.int64)
        data["is_scanner"] = np.zeros(count, dtype=np.bool_)
        columns: dict[str, AnyColumn] = {
            "failed_side": Labels(np.full(count, 2, np.int32), names(Side)),
            **{name: Texts(octets, data[f"{name}_start"], data[f"{name}_length"]) for name in (*_TEXTS, "to_tag")},
            **{name: places.labels(data[name]) for name in ("caller_ip", "callee_ip", "failed_by_ip")},
            **{name: united(data[name], correlator.word_text) for name in ("caller_agent", "callee_agent")},
            "state": Labels(data["state"], names(CallState)),
            "outcome": Labels(data["outcome"], names(Outcome)),
            "outcome_detail": Labels(data["outcome_detail"], list(rules.detail_names)),
            "outcome_rule": united(data["outcome_rule"], rules.rule_names.__getitem__),
            "fault": Labels(data["fault"], names(Fault)),
            "release": Labels(data["release"], names(Release)),
            "released_by": Labels(data["released_by"], names(ReleasedBy)),
            "family": Labels(data["family"], names(Family)),
            "vendor": Labels(data["vendor"], list(self._makers.vendor_names)),
            "cause_from": Labels(data["cause_from"], names(CauseFrom)),
            "cause_profile": profile,
            "charged_grade": Labels(data["charged_grade"], names(Grade)),
            "wire_event": Labels(np.full(count, -1, np.int32), []),
            "relayed_by": places.joined(np.stack([data[f"relay_{k}"] for k in range(C_RELAYS)], axis=1)),
        }
        return table(CallRow, columns, data)


def _states(calls: EndedCalls, verdict: Verdict, answered: Flags) -> Codes:
    """Wireshark's call state of each call."""
    summary, groups, _ = calls
    state = np.full(len(groups), _STATE[CallState.CALL_SETUP], dtype=np.int32)
    state[summary[:, C_FLAGS] & CF_RINGING != 0] = _STATE[CallState.RINGING]
    state[verdict.status >= 300] = _STATE[CallState.REJECTED]
    state[verdict.is_cancelled] = _STATE[CallState.CANCELLED]
    state[answered] = _STATE[CallState.IN_CALL]
    state[answered & (groups[:, G_BYE_TS] != MISSING)] = _STATE[CallState.COMPLETED]
    return state


def _ack_missing(calls: EndedCalls, verdict: Verdict, release: Ints) -> Flags:
    """Where a final response was repeated until its sender gave up (RFC 3261 §13.3.1.4, Timer H of §17.2.1)."""
    final = calls.deciding
    resent = final[:, T_LAST_FINAL_TS] - final[:, T_FINAL_TS] >= LAST_RESEND
    refused = (verdict.status >= 300) & (final[:, T_ACK_TS] == MISSING) & resent
    missing: Flags = refused | (release == RELEASE[Release.NO_ACK])
    return missing


def _released_by(calls: EndedCalls, verdict: Verdict, answered: Flags) -> Codes:
    """Who sent the BYE or CANCEL; -1 = nobody."""
    groups = calls.groups
    bye = answered & (groups[:, G_BYE_TS] != MISSING)
    party = np.full(len(groups), -1, dtype=np.int32)
    party[verdict.is_cancelled | bye] = _BY[ReleasedBy.CALLER]
    party[bye & (groups[:, G_BYE_BY_CALLEE] == 1)] = _BY[ReleasedBy.CALLEE]
    return party


def _times(calls: EndedCalls, verdict: Verdict, answered: Flags, release: Ints) -> Part:
    """The times of each call, and the delays of RFC 6076 §4.3-4.5."""
    summary, groups, final = calls
    status = verdict.status
    start = groups[:, G_START_TS]
    progress = summary[:, C_PROGRESS_TS]
    final_ts = np.where(status > 0, final[:, T_FINAL_TS], MISSING)
    answer = np.where(answered, groups[:, G_ANSWER_TS], MISSING)
    bye = groups[:, G_BYE_TS]
    bye_final = np.where(groups[:, G_BYE_STATUS] > 0, groups[:, G_BYE_FINAL_TS], MISSING)
    ack = np.where(answered, groups[:, G_ACK_TS], final[:, T_ACK_TS])
    waits = np.where(summary[:, C_FLAGS] & CF_RESPONSE != 0, RINGING, NO_REPLY)
    last_sign = final[:, T_PROGRESS_CLOCK]
    since = np.where(last_sign != MISSING, last_sign, final[:, T_REQUEST_TS])
    end = first_of(
        [answered, verdict.is_cancelled, verdict.is_open, status > 0],
        [bye, np.where(final[:, T_FLAGS] & TF_CANCELLED != 0, final[:, T_CANCEL_TS], final_ts), MISSING, final_ts],
        default=since + waits,
    )
    measured = np.where((status < 300) | ((status >= 400) & ~among(status, _NO_DELAY)), final_ts, MISSING)
    first_word = np.where(progress != MISSING, progress, measured)
    bye_seen = answered & (bye != MISSING)
    rang = summary[:, C_FLAGS] & CF_RINGING != 0
    alert, media = summary[:, C_ALERT_TS], summary[:, C_MEDIA_TS]
    heard = np.where(alert != MISSING, alert, answer)
    # Ringing is over with the answer; of what was not answered, with the end of the call.
    quiet = np.where(answered, answer, end)
    unanswered = release == RELEASE[Release.BYE_UNANSWERED]
    over = np.where(unanswered, bye + NO_REPLY, bye)
    return {
        "invite_ts": start,
        "progress_ts": progress,
        "alert_ts": alert,
        "media_ts": media,
        "answer_ts": answer,
        "ack_ts": ack,
        "bye_ts": bye,
        "end_ts": end,
        "last_ts": np.where(answered, groups[:, G_LAST_TS], MISSING),
        "srd_ms": difference(first_word, start, first_word != MISSING, 1e6),
        "pdd_ms": difference(heard, start, heard != MISSING, 1e6),
        "ring_s": difference(quiet, progress, rang & (progress != MISSING) & (quiet != MISSING), SECOND),
        "early_media_s": difference(quiet, media, (media != MISSING) & (quiet != MISSING), SECOND),
        "sdd_ms": difference(bye_final, bye, bye_seen & (bye_final != MISSING), 1e6),
        "sdt_s": difference(over, answer, bye_seen, SECOND),
    }


def _texts(groups: ByColumn) -> Part:
    """Where each text of a call stands in the octets handed out with it."""
    starts, lengths = text_places(groups)
    places: Part = {}
    for column, name in enumerate(_TEXTS):
        places[f"{name}_start"] = starts[:, column]
        places[f"{name}_length"] = lengths[:, column]
    places["to_tag_start"] = groups[:, G_TO_TAG_TEXT]
    places["to_tag_length"] = groups[:, G_TO_TAG_LENGTH].astype(np.int32)
    return places
