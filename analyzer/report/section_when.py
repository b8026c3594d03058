"""When: the hours of the week, outages and gaps, what the operator noted."""

from __future__ import annotations

from analyzer.report.document import Block, Cell, ChartRef, Column, Kind, Paragraph, Section, Table
from analyzer.report.lines_of_traffic import HeatCell, OutageLine
from analyzer.report.telling import DASH, Teller, table
from analyzer.views.table import Tone

_OUTAGES = {
    "capture_gap": "nobody listened",
    "no_traffic": "no traffic",
    "peer_down": "peer down",
    "registration_lost": "registration lost",
    "only_failures": "only failures",
}
#: What each kind is, for its reader to judge by.
_OUTAGE_HELPS = {
    "capture_gap": "the capture has a hole: what happened then is not known",
    "no_traffic": "somebody listened and nothing came where it usually does",
    "peer_down": "its OPTIONS were not answered or were refused",
    "registration_lost": "a client that was registered was not any more",
    "only_failures": "it answered nothing but failures",
}
#: Hours of a day without a change of clocks.
_DAY = 24
_NOTES = {"note": "note", "holiday": "holiday"}


def when_section(tell: Teller) -> Section:
    """Heat map, outages, notes."""
    words, report = tell.words, tell.report
    blocks: list[Block] = []
    if any(line.calls for line in report.days):
        blocks.append(_days(tell))
    if any(cell.calls for cell in report.heat):
        blocks += [
            ChartRef("heat", words("Failures by hour and weekday")),
            ChartRef("heat_share", words("Share of failures by hour and weekday")),
            _heat(tell),
        ]
    if report.outages:
        blocks += [ChartRef("outages", words("Outages and gaps")), _outages(tell)]
    else:
        blocks.append(Paragraph(words("No outage, and no gap in what was captured, was seen."), Tone.FAINT))
    if report.notes:
        rows = [
            (
                Cell(tell.moment(note.ts) if note.ts is not None else tell.day(note.day), float(note.day.toordinal())),
                Cell(words(_NOTES.get(note.kind, note.kind))),
                tell.text(note.text),
            )
            for note in report.notes
        ]
        headings = [Column(words("day"), Kind.TIME), Column(words("kind")), Column(words("text"))]
        blocks.append(table("notes", words("Notes and holidays"), headings, rows))
    return Section("when", words("When calls failed"), tuple(_lead(tell)), tuple(blocks))


def _lead(tell: Teller) -> list[str]:
    worst = max(tell.report.heat, key=lambda cell: cell.failures.calls, default=None)
    if worst is None or not worst.failures.calls:
        return []
    return [
        tell.words(
            "The hour with most failures: {day} {hour}:00, {failures} of {calls} calls.",
            day=tell.weekday(worst.weekday),
            hour=str(worst.hour),
            failures=tell.words.number(worst.failures.calls),
            calls=tell.words.number(worst.calls),
        )
    ]


def _days(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("day"), Kind.TIME),
        Column(words("calls"), Kind.NUMBER),
        Column(words("answered"), Kind.NUMBER),
        Column(words("failures"), Kind.COUNT),
        Column(words("failures before"), Kind.NUMBER),
        Column(words("share failed"), Kind.RATIO),
        Column("SER", Kind.RATIO),
        Column("NER", Kind.RATIO),
        Column("ASR", Kind.RATIO),
    ]
    largest = max(line.failures.calls for line in tell.report.days)
    rows = []
    for line in tell.report.days:
        name = f"{tell.weekday(line.day.weekday())} {tell.day(line.day)}"
        note = (
            "" if line.hours == _DAY else tell.words("{hours} hours, since the clocks changed", hours=str(line.hours))
        )
        rows.append(
            (
                Cell(name, float(line.day.toordinal()), note=note),
                tell.plain(line.calls),
                tell.plain(line.answered),
                tell.count(line.failures, name, largest=largest),
                tell.plain(line.failures_before),
                tell.share(line.failures.calls, line.calls),
                *(Cell(tell.percent(ratio.value), ratio.value) for ratio in (line.ser, line.ner, line.asr)),
            )
        )
    return table("days", words("Day by day"), headings, rows)


def _heat(tell: Teller) -> Table:
    """A row for each hour and a column for each weekday, so that a phone can show it."""
    words, heat = tell.words, tell.report.heat
    largest = max(cell.failures.calls for cell in heat)
    by_place = {(cell.weekday, cell.hour): cell for cell in heat}
    days = sorted({cell.weekday for cell in heat})
    columns = (
        Column(words("hour")),
        *(Column(tell.weekday(day, short=True), Kind.COUNT, tell.weekday(day)) for day in days),
    )
    rows = tuple(
        (
            Cell(f"{hour:02d}", hour),
            *(_hour(tell, by_place.get((day, hour)), largest) for day in days),
        )
        for hour in range(24)
    )
    notes = [words("Failures in each local hour; the note beneath is of how many calls.")]
    is_week = len(tell.report.about.period.days) == 7
    if any(cell.hours == 0 or (is_week and cell.hours > 1) for cell in heat):
        notes.append(words("The clocks changed: one hour is missing or twice as long."))
    return Table("heat", words("Failures by hour and weekday"), columns, rows, tuple(notes), is_grid=True)


def _hour(tell: Teller, cell: HeatCell | None, largest: int) -> Cell:
    if cell is None or not cell.hours:
        return Cell(DASH, tone=Tone.FAINT)
    title = f"{tell.weekday(cell.weekday)} {cell.hour:02d}:00"
    made = tell.count(cell.failures, title, largest=largest)
    note = tell.words("of {calls}", calls=tell.words.number(cell.calls))
    return Cell(made.text, made.sort, link=made.link, note=note, weight=made.weight)


def _outages(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("from"), Kind.TIME),
        Column(words("to"), Kind.TIME),
        Column(words("length"), Kind.DURATION),
        Column(words("what"), Kind.TEXT),
        Column(words("where"), Kind.TEXT),
        Column(words("seen"), Kind.NUMBER, words("calls or requests behind it")),
        Column(words("usual"), Kind.NUMBER, words("what usually comes in as long a time")),
        Column(words("failures"), Kind.COUNT),
    ]
    return table("outages", words("Outages and gaps"), headings, [_outage(tell, line) for line in tell.report.outages])


def _outage(tell: Teller, line: OutageLine) -> tuple[Cell, ...]:
    words = tell.words
    kind = words(_OUTAGES.get(line.kind, line.kind))
    tone = Tone.WARN if line.kind == "capture_gap" else Tone.BAD
    subject = tell.endpoint(line.subject, line.name)
    return (
        tell.time(line.from_ts),
        tell.time(line.to_ts),
        tell.duration((line.to_ts - line.from_ts) / 1e9),
        Cell(kind, tone=tone, note=words(_OUTAGE_HELPS[line.kind]) if line.kind in _OUTAGE_HELPS else ""),
        Cell(subject),
        tell.plain(line.count),
        tell.plain(line.expected),
        Cell(DASH) if line.failures is None else tell.count(line.failures, f"{subject}: {kind}"),
    )
