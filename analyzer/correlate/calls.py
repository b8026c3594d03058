"""Ended calls as a table: what the kernels left, judged and named."""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Octets, Texts
from analyzer.capture.address import address_texts
from analyzer.correlate.causes import find_causes
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.layout import (
    G_ACK_TS,
    G_ANSWER_TS,
    G_ATTEMPTS,
    G_BYE_BY_CALLEE,
    G_BYE_FINAL_TS,
    G_BYE_Q850,
    G_BYE_STATUS,
    G_BYE_TS,
    G_CAPTURE_NO,
    G_CHALLENGES,
    G_FORKS,
    G_FRAME_NO,
    G_HOPS,
    G_LENGTHS,
    G_MESSAGES,
    G_NETWORK,
    G_NO,
    G_RESENDS,
    G_START_TS,
    G_TEXT,
    G_TO_TAG_LENGTH,
    G_TO_TAG_TEXT,
    GT_COLUMNS,
    NO_REPLY,
    RINGING,
    SECOND,
    T_ACK_TS,
    T_AGENT,
    T_CANCEL_TS,
    T_CLIENT,
    T_FINAL_AGENT,
    T_FINAL_PHRASE,
    T_FINAL_TS,
    T_FLAGS,
    T_PROGRESS_CLOCK,
    T_REQUEST_TS,
    T_SERVER,
    TF_CANCELLED,
)
from analyzer.correlate.makers import Makers
from analyzer.correlate.outcome import EndedCalls, Verdict, charged, decide
from analyzer.correlate.release import find_releases
from analyzer.correlate.rules import OUTCOME, RELEASE, Rules, family_numbers
from analyzer.correlate.summary_kernels import (
    C_COLUMNS,
    C_FIRST,
    C_FLAGS,
    C_ORIGINATOR,
    C_PROGRESS_TS,
    C_RELAY_0,
    C_RELAYS,
    C_SEEN,
    CF_RESPONSE,
    CF_RINGING,
    summarise,
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
    names,
    numbered,
)

_STATE = numbered(CallState)
_BY = numbered(ReleasedBy)
_GRADE = numbered(Grade)
_TEXTS = ("call_id", "from_tag", "from_uri", "to_uri", "request_uri")
#: Finals that measure no Session Request Delay, RFC 6076 §4.3.
_NO_DELAY = (401, 402, 407)


class CallTable:
    """Collects ended calls batch by batch; `columns` gives the table, in order of call_no."""

    def __init__(self, rules: Rules, correlator: Correlator) -> None:
        self._rules = rules
        self._correlator = correlator
        self._makers = Makers(rules, correlator.word)
        self._parts: list[dict[str, Ints]] = []
        self._texts: list[Octets] = []
        self._text_octets = 0

    def add(self, ended: Ended) -> None:
        """Judge the calls among what has ended and keep them."""
        summary = np.empty((len(ended.groups), C_COLUMNS), dtype=np.int64)
        summary = summary[: summarise(ended.groups, ended.transactions, summary)]
        if not len(summary):
            return
        calls = EndedCalls.of(summary, ended.groups, ended.transactions)
        part = self._judge(calls, ended.transactions[summary[:, C_FIRST]])
        for column in (*(f"{name}_start" for name in _TEXTS), "to_tag_start"):
            part[column] += self._text_octets
        self._texts.append(ended.text)
        self._text_octets += len(ended.text)
        self._parts.append(part)

    def _judge(self, calls: EndedCalls, first: Ints) -> dict[str, Ints]:
        summary, groups, final = calls
        status = summary[:, 3]
        vendor_rule, vendor_cause, vendor = self._makers.ask(
            status, final[:, T_FINAL_AGENT], final[:, T_FINAL_PHRASE]
        )
        verdict = decide(calls, self._rules, vendor_rule)
        release = find_releases(calls, verdict, self._rules)
        causes = find_causes(calls, verdict, release, self._rules, vendor_cause)
        answered = verdict.outcome == OUTCOME[Outcome.ANSWERED]
        is_charged = charged(verdict)
        known = np.where(status > 0, status, MISSING)
        part: dict[str, Ints] = {
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
            "failed_by_ip": np.where(is_charged, summary[:, C_ORIGINATOR], -1).astype(np.int32),
            "charged_grade": np.where(
                is_charged & (summary[:, C_ORIGINATOR] >= 0),
                np.where(summary[:, C_SEEN] == 1, _GRADE[Grade.SEEN], _GRADE[Grade.AT_OR_BEHIND]),
                -1,
            ).astype(np.int32),
            "attempts": groups[:, G_ATTEMPTS],
            "challenges": groups[:, G_CHALLENGES],
            "forks": groups[:, G_FORKS],
            "hops": np.bitwise_count(groups[:, G_HOPS]).astype(np.int64),
            "messages": groups[:, G_MESSAGES],
            "resends": groups[:, G_RESENDS],
        }
        for k in range(C_RELAYS):
            part[f"relay_{k}"] = np.where(is_charged, summary[:, C_RELAY_0 + k], -1).astype(np.int32)
        part |= _times(calls, verdict, answered, release)
        part |= _text_places(groups)
        return part

    def columns(self) -> Columns:
        """The table of all calls that were added, in order of call_no."""
        parts = self._parts or [self._judge_nothing()]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.argsort(joined["call_no"], kind="stable")
        data = {name: column[order] for name, column in joined.items()}
        octets = np.concatenate(self._texts) if self._texts else np.empty(0, np.uint8)
        rules, correlator = self._rules, self._correlator
        places = EndpointNames(correlator.endpoints)
        words = [correlator.word(number) or "" for number in range(correlator.word_count)]
        profile = Labels(np.zeros(len(order), np.int32), [rules.profile.name])
        columns: dict[str, AnyColumn] = {
            **{name: Texts(octets, data[f"{name}_start"], data[f"{name}_length"]) for name in (*_TEXTS, "to_tag")},
            **{name: places.labels(data[name]) for name in ("caller_ip", "callee_ip", "failed_by_ip")},
            **{name: _word_labels(data[name], words) for name in ("caller_agent", "callee_agent")},
            "state": Labels(data["state"], names(CallState)),
            "outcome": Labels(data["outcome"], names(Outcome)),
            "outcome_detail": Labels(data["outcome_detail"], list(rules.detail_names)),
            "outcome_rule": united(data["outcome_rule"], rules.rule_names),
            "fault": Labels(data["fault"], names(Fault)),
            "release": Labels(data["release"], names(Release)),
            "released_by": Labels(data["released_by"], names(ReleasedBy)),
            "family": Labels(data["family"], names(Family)),
            "vendor": Labels(data["vendor"], list(self._makers.vendor_names)),
            "cause_from": Labels(data["cause_from"], names(CauseFrom)),
            "cause_profile": profile,
            "charged_grade": Labels(data["charged_grade"], names(Grade)),
            "relayed_by": places.joined(np.stack([data[f"relay_{k}"] for k in range(C_RELAYS)], axis=1)),
        }
        return Columns(
            CallRow,
            {name: columns[name] if name in columns else data[name] for name in CallRow._fields},
            len(order),
        )

    def _judge_nothing(self) -> dict[str, Ints]:
        from analyzer.correlate.layout import G_COLUMNS, T_COLUMNS

        nothing = EndedCalls(
            np.empty((0, C_COLUMNS), np.int64), np.empty((0, G_COLUMNS), np.int64), np.empty((0, T_COLUMNS), np.int64)
        )
        return self._judge(nothing, nothing.deciding)


def _states(calls: EndedCalls, verdict: Verdict, answered: Ints) -> Ints:
    """Wireshark's call state of each call."""
    summary, groups, _ = calls
    return np.select(
        [
            answered & (groups[:, G_BYE_TS] != MISSING),
            answered,
            verdict.is_cancelled,
            verdict.status >= 300,
            summary[:, C_FLAGS] & CF_RINGING != 0,
        ],
        [np.int32(_STATE[s]) for s in (CallState.COMPLETED, CallState.IN_CALL, CallState.CANCELLED, CallState.REJECTED,
                                       CallState.RINGING)],
        default=np.int32(_STATE[CallState.CALL_SETUP]),
    )  # fmt: skip


def _released_by(calls: EndedCalls, verdict: Verdict, answered: Ints) -> Ints:
    """Who sent the BYE or CANCEL."""
    groups = calls.groups
    bye = answered & (groups[:, G_BYE_TS] != MISSING)
    return np.select(
        [bye & (groups[:, G_BYE_BY_CALLEE] == 1), bye, verdict.is_cancelled],
        [np.int32(_BY[ReleasedBy.CALLEE]), np.int32(_BY[ReleasedBy.CALLER]), np.int32(_BY[ReleasedBy.CALLER])],
        default=np.int32(-1),
    )


def _times(calls: EndedCalls, verdict: Verdict, answered: Ints, release: Ints) -> dict[str, Ints]:
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
    end = np.select(
        [answered, verdict.is_cancelled, verdict.is_open, status > 0],
        [bye, np.where(final[:, T_FLAGS] & TF_CANCELLED != 0, final[:, T_CANCEL_TS], final_ts), MISSING, final_ts],
        default=since + waits,
    )
    measured = np.where((status < 300) | ((status >= 400) & ~np.isin(status, _NO_DELAY)), final_ts, MISSING)
    first_word = np.where(progress != MISSING, progress, measured)
    bye_seen = answered & (bye != MISSING)
    unanswered = release == RELEASE[Release.BYE_UNANSWERED]
    over = np.where(unanswered, bye + NO_REPLY, bye)
    return {
        "invite_ts": start,
        "progress_ts": progress,
        "answer_ts": answer,
        "ack_ts": ack,
        "bye_ts": bye,
        "end_ts": end,
        "srd_ms": difference(first_word, start, first_word != MISSING, 1e6),
        "sdd_ms": difference(bye_final, bye, bye_seen & (bye_final != MISSING), 1e6),
        "sdt_s": difference(over, answer, bye_seen, SECOND),
    }


def difference(late: Ints, early: Ints, there: Ints, unit: float) -> Ints:
    """``late - early`` in a unit, NaN where ``there`` is False. Subtracted as integers, so no digit is lost."""
    span = np.where(there, late, 0) - np.where(there, early, 0)
    return np.where(there, span / unit, np.nan)


def _text_places(groups: Ints) -> dict[str, Ints]:
    """Where each text of a call stands in the octets handed out with it."""
    lengths = groups[:, G_LENGTHS : G_LENGTHS + GT_COLUMNS]
    ends = np.cumsum(np.maximum(lengths, 0), axis=1) + groups[:, G_TEXT : G_TEXT + 1]
    places: dict[str, Ints] = {}
    for column, name in enumerate(_TEXTS):
        length = lengths[:, column]
        places[f"{name}_start"] = ends[:, column] - np.maximum(length, 0)
        places[f"{name}_length"] = length.astype(np.int32)
    places["to_tag_start"] = groups[:, G_TO_TAG_TEXT].copy()
    places["to_tag_length"] = groups[:, G_TO_TAG_LENGTH].astype(np.int32)
    return places


def _word_labels(numbers: Ints, words: list[str]) -> Labels:
    return united(np.where(numbers < 0, -1, numbers).astype(np.int32), words)


def united(codes: Ints, texts: list[str]) -> Labels:
    """A label column whose names are each there once, and only those in use."""
    numbers: dict[str, int] = {}
    used = np.unique(codes[codes >= 0])
    translate = np.full(len(texts) + 1, -1, dtype=np.int32)
    for code in used.tolist():
        translate[code] = numbers.setdefault(texts[code], len(numbers))
    return Labels(translate[codes], list(numbers))


class EndpointNames:
    """Endpoint numbers as label columns of addresses."""

    def __init__(self, endpoints: Ints) -> None:
        self._texts = address_texts(endpoints[:, 1], endpoints[:, 2])

    def labels(self, numbers: Ints) -> Labels:
        """The addresses of endpoint numbers; -1 = missing."""
        return united(numbers, self._texts)

    def joined(self, numbers: Ints) -> Labels:
        """The addresses of several endpoints a row (n × k), by spaces; missing where there is none."""
        some = np.flatnonzero((numbers >= 0).any(axis=1))
        codes = np.full(len(numbers), -1, dtype=np.int32)
        if not len(some):
            return Labels(codes, [])
        different, which = np.unique(numbers[some], axis=0, return_inverse=True)
        texts = [" ".join(self._texts[n] for n in row if n >= 0) for row in different.tolist()]
        codes[some] = which.reshape(-1)
        return united(codes, texts)
