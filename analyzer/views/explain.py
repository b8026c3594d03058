"""A call explained as people read it: in a sentence, as a ladder, line by line, and the verdict with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from analyzer.stats.explained import PROFILES, Explained, Seen
from analyzer.stats.select import user_of
from analyzer.views.ladder import Ladder, ladder
from analyzer.views.outcomes import RELEASE_MEANINGS, outcome_tone
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.times import local_time, zone_at
from analyzer.views.words import Words
from analyzer.vocab import Outcome, Position, Release

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Where a cause may come from, in words.
_SOURCES = {
    "isup": "release in an ISUP body",
    "reason": "Reason Q.850 of the deciding message",
    "reason_18x": "Reason Q.850 of the last 18x",
    "vendor_header": "a maker's header field",
    "vendor_pack": "a maker's code pack or phrase",
    "reason_sip": "Reason SIP, by the profile",
    "event": "what happened",
    "profile": "the code, by the profile",
    "profile_fallback": "the code, by RFC 3398 or 31",
}


_LATER = "would also fit, but comes later: {rule}, which leads to {outcome}"


class _Names:
    """Addresses by our names, where there are any."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self, ip: str | None) -> str:
        if ip is None:
            return "–"
        alias = self._config.alias(ip)
        return f"{alias} ({ip})" if alias else ip


@dataclass(frozen=True)
class LedgerLine:
    """A line of the ledger: the message (empty where the line before is of the same one), what it changed, the rule."""

    frame: str
    since_start: str
    message: str
    tone: Tone
    text: str
    rule: str


@dataclass(frozen=True)
class Explanation:
    """Everything that is printed about a call, in the order in which it is read."""

    headline: str
    tone: Tone
    facts: Sequence[tuple[str, str]]
    ladder: Ladder
    ledger: Sequence[LedgerLine]
    verdict: Sequence[tuple[str, Sequence[str]]]
    tables: Sequence[Table]
    remarks: Sequence[str]


def explanation(seen: Explained, registry: Registry, config: Config, zone: tzinfo, words: Words) -> Explanation:
    """A call explained, in the words of a language and in our names for endpoints."""
    call, name = seen.call, _Names(config)
    outcome = Outcome(call["outcome"])
    tables = [_causes(seen, registry, words)]
    said = _said(seen, registry, name, words)
    if said.rows:
        tables.append(said)
    remarks = []
    if seen.left_out:
        remarks.append(words("{count} messages of this Call-ID are beyond what is kept", count=str(seen.left_out)))
    steps = ladder(seen.messages, config.alias, words)
    return Explanation(
        headline=_headline(seen, registry, words),
        tone=outcome_tone(outcome),
        facts=_facts(seen, name, zone, words),
        ladder=steps,
        ledger=_ledger(seen, steps, words),
        verdict=[
            (words("Outcome"), _outcome(seen, registry, words)),
            *([(words("Release"), _release(seen, words))] if seen.trace.releases else []),
            (words("Charged"), _party(seen, name, words)),
            (words("Cause"), _cause(seen, registry, words)),
            *([(words("Session"), _session(seen, name, words))] if seen.session is not None else []),
        ],
        tables=tables,
        remarks=remarks,
    )


def _headline(seen: Explained, registry: Registry, words: Words) -> str:
    call = seen.call
    parts = [words(call["outcome"])]
    if call["outcome_detail"]:
        parts[0] += f" ({call['outcome_detail']})"
    code = call["status_code"]
    if code is not None:
        parts.append(f"{code} {registry.status(code).phrase}".rstrip())
    if call["cause"] is not None:
        parts.append(words("cause {cause} {text}", cause=str(call["cause"]), text=registry.cause(call["cause"]).name))
    if call["release"] is not None:
        parts.append(words("release: {release}", release=words(call["release"])))
    return words("Call {number}: {what}", number=str(call["call_no"]), what=", ".join(parts).rstrip())


def _facts(seen: Explained, name: _Names, zone: tzinfo, words: Words) -> list[tuple[str, str]]:
    call = seen.call
    called = user_of(call["to_uri"] or call["request_uri"])
    facts = [
        ("Call-ID", call["call_id"] or "–"),
        (words("started"), f"{local_time(call['invite_ts'], zone)}, {zone_at(call['invite_ts'], zone)}"),
        (words("caller"), f"{user_of(call['from_uri']) or '–'}, {name(call['caller_ip'])}"),
        (words("callee"), f"{called or '–'}, {name(call['callee_ip'])}"),
    ]
    agents = " → ".join(agent or "–" for agent in (call["caller_agent"], call["callee_agent"]))
    if agents != "– → –":
        facts.append((words("programs"), agents))
    counts = [f"{words(name)} {call[name]}" for name in ("messages", "resends", "attempts", "hops")]
    facts.append((words("seen"), ", ".join(counts)))
    if call.get("session_no") is not None:
        facts.append((words("session"), str(call["session_no"])))
    return facts


def _ledger(seen: Explained, steps: Ladder, words: Words) -> list[LedgerLine]:
    lines: list[LedgerLine] = []
    start = seen.messages[0].ts if seen.messages else 0
    last: int | None = None
    for effect in seen.effects:
        text = words(effect.text, **{key: _value(value, words) for key, value in effect.values.items()})
        rule = f"{effect.rule} {effect.number}" if effect.rule else ""
        since = words.span_s(effect.ts - start)
        if effect.at is None:
            lines.append(LedgerLine("", since, words("(time)"), Tone.FAINT, text, rule))
        elif effect.at == last:
            lines.append(LedgerLine("", "", "", Tone.PLAIN, text, rule))
        else:
            message = seen.messages[effect.at]
            is_again = message.resend_of is not None or message.copy_of is not None
            tone = Tone.FAINT if is_again else Tone.PLAIN
            source = steps.parties[steps.rungs[effect.at].source]
            lines.append(LedgerLine(str(message.frame_no), since, _message(message, source, words), tone, text, rule))
        last = effect.at
    return lines


def _value(value: str | int | float, words: Words) -> str:
    return words.plain(value) if isinstance(value, float) else str(value)


def _message(message: Seen, source: str, words: Words) -> str:
    """A message in a few words: what, and from whom."""
    what = message.method or str(message.status_code)
    if message.method is None and message.cseq_method not in (None, "INVITE"):
        what += f" ({message.cseq_method})"
    return words("{what} from {source}", what=what, source=source)


def _outcome(seen: Explained, registry: Registry, words: Words) -> list[str]:
    rules = registry.outcome_rules.rules
    asked = seen.trace.outcomes
    decided = next(rule for rule in asked if rule.decided)
    meaning = rules[decided.rule].meaning if decided.rule in rules else words("a maker's own code or phrase says so")
    lines = [f"{words(seen.call['outcome'])} – {words('rule {rule}', rule=decided.rule)}: {meaning}"]
    before = [rule.rule for rule in asked[: asked.index(decided)]]
    if before:
        lines.append(words("asked before it, in this order, and not fitting: {rules}", rules=", ".join(before)))
    later = asked[asked.index(decided) + 1 :]
    passed = [rule for rule in later if rule.fits and rule.outcome is not None and rule.rule != decided.rule]
    for rule in passed:
        led = words(str(rule.outcome)) + (f" ({rule.detail})" if rule.detail else "")
        lines.append(words(_LATER, rule=rule.rule, outcome=led))
    return lines


def _release(seen: Explained, words: Words) -> list[str]:
    decided = next(rule for rule in seen.trace.releases if rule.decided)
    meaning = words(RELEASE_MEANINGS[Release(decided.release)])
    lines = [f"{words(decided.release.value)} – {words('rule {rule}', rule=decided.rule)}: {meaning}"]
    later = seen.trace.releases[seen.trace.releases.index(decided) + 1 :]
    passed = [rule for rule in later if rule.fits and rule.release is not decided.release]
    lines += [words(_LATER, rule=rule.rule, outcome=words(rule.release.value)) for rule in passed]
    return lines


def _party(seen: Explained, name: _Names, words: Words) -> list[str]:
    party = seen.trace.party
    values = {"hop": str(party.hop), "outcome": words(seen.call["outcome"])}
    why = words(party.why, **values)
    if party.ip is None:
        lines = [why]
    else:
        # Events on the wire may have made the grade surer than the messages do.
        lines = [f"{name(party.ip)}, {words(str(seen.call['charged_grade']))}: {why}"]
    if seen.call.get("wire_event") is not None:
        lines.append(words("on the wire: {event}", event=str(seen.call["wire_event"])))
    if party.relayed_by:
        lines.append(words("relayed by {who}", who=", ".join(name(ip) for ip in party.relayed_by)))
    return lines


def _cause(seen: Explained, registry: Registry, words: Words) -> list[str]:
    call = seen.call
    lines = []
    if call["cause"] is None:
        lines.append(words("none"))
    else:
        source = words(_SOURCES[call["cause_from"]])
        lines.append(f"{call['cause']} {registry.cause(call['cause']).name} – {source}")
    if any(cause is not None for cause in seen.told.values()):
        told = ", ".join(f"{name} {_named(seen.told[name], registry)}" for name in PROFILES)
        lines.append(words("an ISDN caller would be told, by the code alone: {told}", told=told))
    if seen.trace.is_conflict:
        code = call["status_code"]
        lines.append(
            words(
                "conflict: the code says {code} {phrase}, the Reason says {cause} {text}",
                code=str(code),
                phrase=registry.status(code).phrase,
                cause=str(call["cause"]),
                text=registry.cause(call["cause"]).name,
            )
        )
    return lines


def _named(cause: int | None, registry: Registry) -> str:
    return "–" if cause is None else f"{cause} {registry.cause(cause).name}".rstrip()


def _causes(seen: Explained, registry: Registry, words: Words) -> Table:
    columns = [
        Column(words("source"), shrink=True),
        Column(words("cause"), align_right=True),
        Column(words("text"), rank=2, shrink=True),
        Column(words("verdict"), shrink=True),
    ]
    rows = []
    silent: dict[str, list[str]] = {}
    for candidate in seen.trace.causes:
        tone = Tone.STRONG if candidate.chosen else Tone.PLAIN
        source = words(_SOURCES[candidate.source])
        why_not = words("chosen") if candidate.why_not is None else words(candidate.why_not)
        if candidate.cause is None:
            silent.setdefault(why_not, []).append(source)
            continue
        name = registry.cause(candidate.cause).name
        rows.append((Cell(source, tone), Cell(str(candidate.cause), tone), Cell(name, tone), Cell(why_not, tone)))
    notes = [f"{why_not}: {'; '.join(sources)}" for why_not, sources in silent.items()]
    return Table(words("Where the cause could come from, in the order of trust"), columns, rows, notes)


def _said(seen: Explained, registry: Registry, name: _Names, words: Words) -> Table:
    columns = [
        Column(words("frame"), align_right=True),
        Column(words("in")),
        Column(words("from"), shrink=True),
        Column(words("what"), shrink=True),
        Column(words("cause"), align_right=True),
        Column(words("text"), shrink=True),
    ]
    rows = []
    for said in seen.evidence:
        text = said.text or ""
        if said.cause is not None and (said.protocol or "").upper() in ("Q.850", "ISUP"):
            text = text or registry.cause(said.cause & 0x7F).name
        if said.location is not None:
            text += f" ({words('location {location}', location=said.location)})"
        carrier = str(said.status_code) if said.status_code is not None else said.method
        rows.append(
            (
                Cell(str(said.frame_no)),
                Cell(words("(wire)") if said.position is Position.WIRE else carrier or ""),
                Cell(name(said.sender_ip)),
                Cell(said.protocol or said.kind.value),
                Cell("" if said.cause is None else str(said.cause)),
                Cell(text),
            )
        )
    return Table(words("What was said about why"), columns, rows)


def _session(seen: Explained, name: _Names, words: Words) -> list[str]:
    """The other calls of the session, and what became of it over all of them."""
    session = seen.session
    assert session is not None
    what = words(str(session["outcome"])) + (f" {session['status_code']}" if session["status_code"] else "")
    lines = [
        words(
            "session {number}, {count} calls from call {first} on: {what}",
            number=str(session["session_no"]),
            count=str(session["calls"]),
            first=str(session["call_no"]),
            what=what,
        )
    ]
    if session["failed_by_ip"] is not None:
        text = "over all of them {who} is charged ({grade}), in call {call}"
        who, grade = name(session["failed_by_ip"]), words(str(session["charged_grade"]))
        lines.append(words(text, who=who, grade=grade, call=str(session["failed_in_call"])))
    for link in seen.links:
        text = "call {behind} stands behind call {front}: {evidence}"
        front, behind = str(link["upstream_call_no"]), str(link["call_no"])
        lines.append(words(text, behind=behind, front=front, evidence=link["evidence"]))
    return lines
