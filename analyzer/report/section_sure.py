"""How sure: what limits the captures, how far figures can be wrong, what was read, how it was counted."""

from __future__ import annotations

from analyzer.report.document import Block, Cell, Column, Kind, Paragraph, Section, Table
from analyzer.report.telling import Teller, table
from analyzer.views.table import Tone
from analyzer.wiretext import printable_text

_GRADES = {"good": Tone.GOOD, "fair": Tone.WARN, "poor": Tone.BAD}


def sure_section(tell: Teller) -> Section:
    """Bounds, quality, sources, definitions."""
    words, report = tell.words, tell.report
    blocks: list[Block] = []
    if report.bounds:
        blocks.append(_bounds(tell))
    if report.quality:
        blocks.append(_quality(tell))
    else:
        blocks.append(Paragraph(words("Nothing limits what was captured."), Tone.FAINT))
    if report.about.sources:
        blocks.append(_sources(tell))
    blocks += [Paragraph(text, Tone.FAINT) for text in _definitions(tell)]
    return Section("sure", words("How sure this is"), tuple(_lead(tell)), tuple(blocks))


def _lead(tell: Teller) -> list[str]:
    words, about = tell.words, tell.report.about
    said = []
    if about.grade is not None:
        said.append(words("What was captured is {grade}.", grade=words(about.grade)))
    if about.open_calls:
        said.append(words("{count} calls had not ended when they were written.", count=words.number(about.open_calls)))
    for period, hours in zip(about.compared, about.compared_hours, strict=False):
        if hours is not None and hours < period.hours:
            said.append(
                words(
                    "Of {label} only {hours} of {all} hours were listened to.",
                    label=period.label,
                    hours=tell.number(hours),
                    all=words.number(period.hours),
                )
            )
    return said


def _bounds(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("figure"), Kind.TEXT),
        Column(words("as counted"), Kind.RATIO),
        Column(words("at least"), Kind.RATIO),
        Column(words("at most"), Kind.RATIO),
        Column(words("doubtful"), Kind.NUMBER, words("calls whose outcome the captures leave open")),
        Column(words("not counted"), Kind.NUMBER, words("calls that may be there and were not seen whole")),
    ]
    rows = []
    for line in tell.report.bounds:
        entry = tell.registry.kpis.get(line.kpi)
        rows.append(
            (
                Cell(
                    words(entry.short) if entry else printable_text(line.kpi), note=words(entry.title) if entry else ""
                ),
                *(Cell(tell.percent(value), value) for value in (line.value, line.low, line.high)),
                tell.plain(line.doubtful),
                tell.plain(line.outside),
            )
        )
    return table("bounds", words("How far the figures can be wrong"), headings, rows)


def _quality(tell: Teller) -> Table:
    words, checks = tell.words, tell.registry.vantage_checks
    headings = [
        Column(words("limit of the capture"), Kind.TEXT),
        Column(words("grade"), Kind.TEXT),
        Column(words("count"), Kind.NUMBER),
        Column(words("share"), Kind.RATIO),
        Column(words("what follows"), Kind.TEXT),
    ]
    rows = []
    for line in tell.report.quality:
        check = checks.get(line.check)
        rows.append(
            (
                Cell(words(check.title) if check else printable_text(line.check)),
                Cell(tell.word(line.grade), tone=_GRADES.get(line.grade, Tone.PLAIN)),
                tell.plain(line.affected),
                tell.share(line.affected, line.total),
                Cell(words(check.follows) if check else "", tone=Tone.FAINT),
            )
        )
    return table("quality", words("What the captures cannot say"), headings, rows)


def _sources(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("source"), Kind.TEXT),
        Column(words("kind"), Kind.TEXT),
        Column(words("from"), Kind.TIME),
        Column(words("to"), Kind.TIME),
        Column(words("runs"), Kind.NUMBER),
        Column(words("frames"), Kind.NUMBER),
        Column(words("SIP messages"), Kind.NUMBER),
        Column(words("lost"), Kind.NUMBER, words("frames that the capturing program lost")),
    ]
    rows = [
        (
            tell.text(line.source),
            Cell(tell.word(line.kind)),
            tell.time(line.from_ts),
            tell.time(line.to_ts),
            *(tell.plain(value) for value in (line.runs, line.frames, line.sip_messages)),
            tell.plain(line.dropped, tone=Tone.WARN if line.dropped else Tone.PLAIN),
        )
        for line in tell.report.about.sources
    ]
    return table("sources", words("What was read"), headings, rows)


def _definitions(tell: Teller) -> list[str]:
    words, about = tell.words, tell.report.about
    return [
        words("A call is counted once, whatever legs and retries it took, in the time in which its first INVITE lies."),
        words(
            "A failure is an unsuccessful call that is neither busy, declined, not answered nor given up by its "
            "caller; it is charged to the endpoint that originated it."
        ),
        words(
            "A cause that was read is believed; where none was, the profile {profile} tells it from the code.",
            profile=printable_text(about.profile),
        ),
        words("Intervals are Wilson's, 95%; a dash is a ratio with nothing to divide by."),
    ]
