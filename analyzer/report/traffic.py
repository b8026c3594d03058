"""Carriers, destinations, emergency calls and durations of a report (docs/report-parts/trunks.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.config_entries import Contract
from analyzer.report.lines import Breach
from analyzer.report.lines_of_traffic import (
    DestinationLine,
    DurationBin,
    Durations,
    EmergencyLine,
    FalseAnswerLine,
    SpikeLine,
    TrunkLine,
)
from analyzer.report.outages import outage_lines
from analyzer.report.proof import Proof
from analyzer.stats.concurrency import Peak
from analyzer.stats.destinations import destinations, emergencies
from analyzer.stats.durations import TIMERS_S, bin_masks, false_answers, lengths, short_calls, spike
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio
from analyzer.stats.trunk_figures import TrunkFigures, chosen_subjects, counts_of, figures, peaks
from analyzer.stats.trunk_traffic import DIRECTIONS, TO, Seizures, seizures

__all__ = ["NEEDED", "destination_lines", "durations", "emergency_lines", "outage_lines", "trunk_lines"]
#: Columns that this part reads of the tables of a slice.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "calls": (
        "call_no", "call_key", "run", "network", "caller_ip", "callee_ip", "to_uri", "request_uri", "invite_ts",
        "alert_ts", "media_ts", "answer_ts", "bye_ts", "end_ts", "last_ts", "outcome", "released_by", "status_code",
        "cause", "cause_from", "failed_by_ip", "pdd_ms",
    ),
    "branches": ("call_no", "call_key", "run", "server_ip", "request_ts", "final_ts", "status_code", "fate"),
    "registrations": ("client_ip", "registrar_ip", "request_ts", "final_ts", "outcome", "expires_s"),
    "others": (
        "method", "in_dialog", "client_ip", "server_ip", "status_code", "ended_by", "transactions", "last_ts",
    ),
    "intervals": ("source", "from_ts", "to_ts"),
    "captures": ("source", "start_ts", "end_ts"),
}  # fmt: skip
#: Dial codes that stand in lines of their own; the rest is one.
_DESTINATIONS = 100
#: Failed calls of one emergency number that are listed; how many there are is said in any case.
EMERGENCY_SHOWN = 1000
#: False answerers that are shown.
_FALSE_ANSWERERS = 20


def trunk_lines(week: Facts, before: Sequence[Facts], proof: Proof) -> tuple[TrunkLine, ...]:
    """Traffic with each trunk of ours in each direction, then with the busiest addresses without a name."""
    found = {direction: seizures(week, direction) for direction in DIRECTIONS}
    earlier = {
        direction: [counts_of(seizures(facts, direction), facts) for facts in before] for direction in DIRECTIONS
    }
    minimum = week.config.thresholds.minimum_calls
    lines = []
    told: set[str] = set()
    for direction in DIRECTIONS:
        now = found[direction]
        subjects = [(now.subjects[code], now.is_named[code], code) for code in chosen_subjects(now, minimum)]
        seen = {name for name, is_named, _ in subjects if is_named}
        # A trunk of ours that had calls before and has none is what somebody wants to see.
        gone = {name for counts in earlier[direction] for name, is_named in counts if is_named} - seen
        for name, is_named, code in [*subjects, *((name, True, -1) for name in gone)]:
            there = figures(week, now.of(code))
            past = [counts.get((name, is_named), (0, Ratio(0, 0))) for counts in earlier[direction]]
            contract = (week.config.contracts.get(name) if is_named else None) or Contract()
            breaches = _quality(name, contract, there, minimum) if direction == TO else []
            if is_named and name not in told:
                told.add(name)
                breaches = _capacity(name, contract, found) + breaches
            lines.append(_trunk_line(name, is_named, direction, there, past, contract, breaches, proof))
    lines.sort(
        key=lambda line: (
            not line.is_named,
            line.name if line.is_named else "",
            -line.attempts.calls,
            line.name,
            DIRECTIONS.index(line.direction),
        )
    )
    return tuple(lines)


def _trunk_line(
    name: str,
    is_named: bool,
    direction: str,
    there: TrunkFigures,
    past: Sequence[tuple[int, Ratio]],
    contract: Contract,
    breaches: Sequence[Breach],
    proof: Proof,
) -> TrunkLine:
    before = Ratio(sum(asr.numerator for _, asr in past), sum(asr.denominator for _, asr in past))
    return TrunkLine(
        name=name,
        is_named=is_named,
        direction=direction,
        attempts=proof.count_rows(there.rows),
        asr=there.asr,
        ner=there.ner,
        failures=proof.count_rows(there.failed),
        acd_s=there.acd_s,
        minutes=there.minutes,
        pdd_p50_ms=there.pdd.percentile(50),
        pdd_p95_ms=there.pdd.percentile(95),
        peak_calls=there.calls_peak.number,
        peak_calls_ts=there.calls_peak.ts,
        channels=contract.channels,
        peak_cps=there.second_peak.number,
        peak_cps_ts=there.second_peak.ts,
        contracted_cps=contract.calls_per_second,
        peak_hour_ts=there.hour_ts,
        peak_hour_attempts=there.hour_attempts,
        peak_hour_34=there.hour_34,
        peak_hour_42=there.hour_42,
        peak_hour_503=there.hour_503,
        asr_before=before if past else None,
        attempts_before=sum(attempts for attempts, _ in past) / len(past) if past else None,
        breaches=tuple(breaches),
    )


def _capacity(name: str, contract: Contract, found: Mapping[str, Seizures]) -> list[Breach]:
    """Channels and calls a second that were agreed are for both directions together."""
    calls, second = peaks(name, found.values())
    limits: list[tuple[str, float | None, Peak]] = [
        ("channels", contract.channels, calls), ("calls_per_second", contract.calls_per_second, second),
    ]  # fmt: skip
    return [
        Breach(name, limit, float(bound), float(peak.number), peak.ts)
        for limit, bound, peak in limits
        if bound is not None and peak.number > bound
    ]


def _quality(name: str, contract: Contract, there: TrunkFigures, minimum: int) -> list[Breach]:
    """What was agreed about the calls that we send to a trunk, where there are enough to speak of."""
    found = []
    for limit, bound, ratio in (("asr_min", contract.asr_min, there.asr), ("ner_min", contract.ner_min, there.ner)):
        value = ratio.value
        if bound is not None and value is not None and ratio.denominator >= minimum and value < bound:
            found.append(Breach(name, limit, bound, value))
    longest, p95 = contract.pdd_p95_ms_max, there.pdd.percentile(95)
    if longest is not None and p95 is not None and there.pdd.count >= minimum and p95 > longest:
        found.append(Breach(name, "pdd_p95_ms_max", longest, p95))
    return found


def destination_lines(week: Facts, before: Sequence[Facts], proof: Proof) -> tuple[DestinationLine, ...]:
    """Calls by dial code, the most first; all lines together are all calls."""
    minimum = week.config.thresholds.minimum_calls
    found = destinations(week, _DESTINATIONS)
    past = [destinations(facts, 0).failure_shares for facts in before]
    lines = []
    for number, code in enumerate(found.codes):
        shares = [shares.get(code, Ratio(0, 0)) for shares in past]
        share = Ratio(sum(share.numerator for share in shares), sum(share.denominator for share in shares))
        there = found.figures[number]
        lines.append(
            DestinationLine(
                prefix=code,
                name=found.names[number],
                attempts=proof.count(there.mask, shown=1),
                failures=proof.count(there.failed, shown=proof.of_row(number)),
                asr=there.asr,
                ner=there.ner,
                acd_s=there.acd_s,
                minutes=there.minutes,
                failure_share_before=share if before and not found.is_other[number] else None,
                is_small=there.asr.denominator < minimum,
            )
        )
    return tuple(lines)


def emergency_lines(week: Facts, proof: Proof) -> tuple[EmergencyLine, ...]:
    """Calls to emergency numbers; each that was not answered is listed, up to `EMERGENCY_SHOWN` of a number."""
    answered = week.answered
    return tuple(
        EmergencyLine(
            number=number,
            calls=proof.count(mask),
            answered=int((mask & answered).sum()),
            failed=proof.count(mask & ~answered, shown=EMERGENCY_SHOWN),
        )
        for number, mask in emergencies(week)
    )


def durations(week: Facts, proof: Proof) -> Durations:
    """How long answered calls lasted."""
    calls, thresholds = week.population, week.config.thresholds
    held = lengths(calls)
    false = false_answers(calls, min(thresholds.short_call_s, default=6.0), thresholds.minimum_calls)
    return Durations(
        bins=tuple(DurationBin(start, end, proof.count(mask, shown=1)) for start, end, mask in bin_masks(held)),
        spikes=tuple(
            SpikeLine(at_s, proof.count(found.mask), found.expected, found.is_spike)
            for at_s in TIMERS_S
            for found in (spike(held, at_s),)
        ),
        false_answers=tuple(
            FalseAnswerLine(answer.ip, week.config.alias(answer.ip), proof.count(answer.mask), answer.share)
            for answer in false[:_FALSE_ANSWERERS]
        ),
        short=short_calls(calls, thresholds.short_call_s),
    )
