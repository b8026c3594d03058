"""Whose failures they are: endpoints that originated or passed them on, carriers in both directions."""

from __future__ import annotations

from analyzer.report.document import Block, Cell, ChartRef, Column, Kind, Paragraph, Section, Table
from analyzer.report.lines import EndpointLine
from analyzer.report.lines_of_traffic import TrunkLine
from analyzer.report.telling import DASH, Teller, table
from analyzer.views.table import Tone
from analyzer.vocab import Side
from analyzer.wiretext import printable_text

_DIRECTIONS = {"to": "to them", "from": "from them"}


def whose_section(tell: Teller) -> Section:
    """Endpoints and carriers."""
    words, report = tell.words, tell.report
    blocks: list[Block] = []
    if any(line.originated.calls for line in report.endpoints):
        blocks += [ChartRef("endpoints", words("Failures by who originated them")), _originated(tell)]
    else:
        blocks.append(Paragraph(words("No endpoint originated a failure."), Tone.GOOD))
    if any(line.relayed.calls for line in report.endpoints):
        blocks.append(_relayed(tell))
    if report.trunks:
        blocks += [_trunks(tell), _peaks(tell)]
    return Section("whose", words("Whose failures they were"), (), tuple(blocks))


def _originated(tell: Teller) -> Table:
    words = tell.words
    lines = [line for line in tell.report.endpoints if line.originated.calls]
    largest = max(line.originated.calls for line in lines)
    has_sides = any(line.side is not Side.UNKNOWN for line in lines)
    headings = [
        Column(words("endpoint"), Kind.TEXT),
        *([Column(words("side"), Kind.TEXT)] if has_sides else []),
        Column(
            words("failures originated"),
            Kind.COUNT,
            words("it sent the final response, or was silent; each session once"),
        ),
        Column(
            words("of the calls sent to it"),
            Kind.RATIO,
            words("with the 95% interval by whose lower end the rows are ranked"),
        ),
        Column(words("calls sent to it"), Kind.NUMBER),
        Column(words("change"), Kind.CHANGE),
        Column(words("as caller"), Kind.NUMBER, words("failures of its own calls")),
        Column(words("contradictions"), Kind.NUMBER, words("codes that contradict their cause")),
        Column(words("codes"), Kind.TEXT),
    ]
    rows = [_endpoint(tell, line, largest, has_sides) for line in lines]
    return table("endpoints", words("Failures by who originated them"), headings, rows)


def _endpoint(tell: Teller, line: EndpointLine, largest: int, has_sides: bool) -> tuple[Cell, ...]:
    name = tell.endpoint(line.ip, line.name, line.network)
    return (
        Cell(name),
        *([Cell(tell.word(line.side.value))] if has_sides else []),
        tell.count(line.originated, name, largest=largest),
        tell.ratio(line.share, is_small=line.is_small),
        tell.plain(line.calls_as_callee),
        tell.change(line.originated.calls, line.before),
        tell.plain(line.failures_as_caller),
        tell.plain(line.conflicts, tone=Tone.WARN if line.conflicts else Tone.PLAIN),
        Cell(tell.codes(line.by_status_code.items())),
    )


def _relayed(tell: Teller) -> Table:
    words = tell.words
    lines = sorted((line for line in tell.report.endpoints if line.relayed.calls), key=lambda line: -line.relayed.calls)
    headings = [
        Column(words("endpoint"), Kind.TEXT),
        Column(words("failures passed on"), Kind.COUNT),
        Column(words("calls sent to it"), Kind.NUMBER),
    ]
    rows = []
    for line in lines:
        name = tell.endpoint(line.ip, line.name, line.network)
        rows.append((Cell(name), tell.count(line.relayed, name), tell.plain(line.calls_as_callee)))
    note = words("They passed on what another had failed: it is not their failure.")
    return table("relayed", words("Failures that were passed on"), headings, rows, [note])


def _subject(tell: Teller, line: TrunkLine) -> str:
    return f"{printable_text(line.name)} {tell.words(_DIRECTIONS.get(line.direction, line.direction))}"


def _trunks(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.trunks
    headings = [
        Column(words("carrier"), Kind.TEXT),
        Column(words("direction"), Kind.TEXT),
        Column(words("calls"), Kind.COUNT),
        Column(words("change"), Kind.CHANGE),
        Column(words("failures"), Kind.COUNT),
        Column("ASR", Kind.RATIO, words("answered of all that were tried")),
        Column(words("ASR before"), Kind.RATIO),
        Column("NER", Kind.RATIO, words("the network did its part: answered, busy, not answered, refused by the user")),
        Column("ACD", Kind.DURATION, words("average length of answered calls")),
        Column(words("minutes"), Kind.NUMBER),
        Column("PDD p50", Kind.NUMBER, words("ms from the INVITE to ringing, half of the calls")),
        Column("PDD p95", Kind.NUMBER, words("ms from the INVITE to ringing, 95% of the calls")),
    ]
    rows = []
    for line in lines:
        broken = {breach.limit for breach in line.breaches}
        subject = _subject(tell, line)
        rows.append(
            (
                tell.text(line.name),
                Cell(words(_DIRECTIONS.get(line.direction, line.direction))),
                tell.count(line.attempts, subject),
                tell.change(line.attempts.calls, line.attempts_before),
                tell.count(line.failures, f"{subject}: {words('failures')}"),
                tell.ratio(line.asr, _tone(broken, "asr_min")),
                tell.ratio(line.asr_before),
                tell.ratio(line.ner, _tone(broken, "ner_min")),
                tell.duration(line.acd_s),
                tell.plain(line.minutes, 0),
                tell.plain(line.pdd_p50_ms, 0),
                tell.plain(line.pdd_p95_ms, 0, _tone(broken, "pdd_p95_ms_max")),
            )
        )
    return table("trunks", words("Carriers, in each direction"), headings, rows)


def _peaks(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.trunks
    headings = [
        Column(words("carrier"), Kind.TEXT),
        Column(words("direction"), Kind.TEXT),
        Column(words("most at once"), Kind.NUMBER, words("calls that were up or being set up at one moment")),
        Column(words("channels agreed"), Kind.NUMBER),
        Column(words("most calls per second"), Kind.NUMBER),
        Column(words("agreed"), Kind.NUMBER),
        Column(words("peak hour"), Kind.TIME),
        Column(words("its calls"), Kind.NUMBER),
        Column(words("cause 34 then"), Kind.NUMBER, words("no channel free at the peak hour")),
        Column(words("cause 42 then"), Kind.NUMBER, words("switch congestion at the peak hour")),
        Column(words("503 then"), Kind.NUMBER, words("service unavailable at the peak hour")),
        Column(words("limits crossed"), Kind.TEXT),
    ]
    return table(
        "peaks", words("Carriers at their peak, and what was agreed"), headings, [_peak(tell, line) for line in lines]
    )


def _peak(tell: Teller, line: TrunkLine) -> tuple[Cell, ...]:
    broken = {breach.limit for breach in line.breaches}
    limits = ", ".join(
        f"{tell.limit(breach.limit)} {tell.number(breach.value)} / {tell.number(breach.bound)}"
        for breach in line.breaches
    )
    return (
        tell.text(line.name),
        Cell(tell.words(_DIRECTIONS.get(line.direction, line.direction))),
        _at(tell, line.peak_calls, line.peak_calls_ts, _tone(broken, "channels")),
        tell.plain(line.channels),
        _at(tell, line.peak_cps, line.peak_cps_ts, _tone(broken, "calls_per_second")),
        tell.plain(line.contracted_cps),
        tell.time(line.peak_hour_ts),
        tell.plain(line.peak_hour_attempts),
        tell.plain(line.peak_hour_34),
        tell.plain(line.peak_hour_42),
        tell.plain(line.peak_hour_503),
        Cell(limits or DASH, tone=Tone.BAD if limits else Tone.PLAIN),
    )


def _at(tell: Teller, value: int, ts: int | None, tone: Tone) -> Cell:
    """A peak, with its moment beneath."""
    return Cell(tell.number(value), value, tone, note="" if ts is None else tell.moment(ts))


def _tone(broken: set[str], limit: str) -> Tone:
    return Tone.BAD if limit in broken else Tone.PLAIN
