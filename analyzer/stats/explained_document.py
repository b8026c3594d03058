"""The JSON document of ``sipcause explain --json``, described in docs/json.md."""

from __future__ import annotations

from typing import Any

from analyzer.coltypes import Kind
from analyzer.schema import CallRow, columns
from analyzer.stats.document import SCHEMA, rfc3339
from analyzer.stats.explained import Effect, Explained, Seen


def explained_document(seen: Explained) -> dict[str, Any]:
    """An explained call as Python values that `json.dumps` takes."""
    times = {column.name for column in columns(CallRow) if column.kind is Kind.TIME}
    call = {name: rfc3339(value) if name in times else value for name, value in seen.call.items()}
    party = seen.trace.party
    return {
        "schema": SCHEMA,
        "call": call,
        "messages": [_message(message, seen) for message in seen.messages],
        "ledger": [_effect(effect, seen) for effect in seen.effects],
        "outcome_rules": [
            {
                "rule": rule.rule,
                "fits": rule.fits,
                "decided": rule.decided,
                "outcome": rule.outcome,
                "fault": rule.fault,
                "detail": rule.detail,
            }
            for rule in seen.trace.outcomes
        ],
        "release_rules": [rule._asdict() for rule in seen.trace.releases],
        "causes": [
            {
                "source": candidate.source,
                "cause": candidate.cause,
                "chosen": candidate.chosen,
                "why_not": candidate.why_not,
            }
            for candidate in seen.trace.causes
        ],
        "told": dict(seen.told),
        "cause_conflict": seen.trace.is_conflict,
        "charged": {
            "ip": party.ip,
            "grade": party.grade,
            "hop": party.hop,
            "why": party.why.format(hop=party.hop, outcome=seen.call["outcome"]),
            "relayed_by": list(party.relayed_by),
        },
        "evidence": [{**row._asdict(), "ts": rfc3339(row.ts)} for row in seen.evidence],
        "session": None if seen.session is None else {**seen.session, "invite_ts": rfc3339(seen.session["invite_ts"])},
        "links": [dict(link) for link in seen.links],
        "left_out": seen.left_out,
    }


def _message(message: Seen, seen: Explained) -> dict[str, Any]:
    return {
        "message_no": message.message_no,
        "capture_no": message.capture_no,
        "frame_no": message.frame_no,
        "time": rfc3339(message.ts),
        "src_ip": message.src_ip,
        "src_port": message.src_port,
        "dst_ip": message.dst_ip,
        "dst_port": message.dst_port,
        "transport": message.transport,
        "method": message.method,
        "status_code": message.status_code,
        "reason_phrase": message.reason_phrase,
        "cseq": message.cseq,
        "cseq_method": message.cseq_method,
        "has_sdp": message.has_sdp,
        "resend_of": None if message.resend_of is None else seen.messages[message.resend_of].message_no,
        "copy_of": None if message.copy_of is None else seen.messages[message.copy_of].message_no,
    }


def _effect(effect: Effect, seen: Explained) -> dict[str, Any]:
    message = None if effect.at is None else seen.messages[effect.at]
    return {
        "message_no": None if message is None else message.message_no,
        "frame_no": None if message is None else message.frame_no,
        "time": rfc3339(effect.ts),
        "text": effect.text.format(**effect.values),
        "rule": effect.rule,
        "number": effect.number,
    }
