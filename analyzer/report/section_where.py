"""Where to: destinations by dial code, and calls to emergency numbers with each one that was not answered."""

from __future__ import annotations

from analyzer.report.calls_told import calls_table
from analyzer.report.document import Block, Cell, Column, Kind, Paragraph, Section, Table
from analyzer.report.telling import Teller, table
from analyzer.views.table import Tone
from analyzer.wiretext import printable_text


def where_section(tell: Teller) -> Section:
    """Destinations and emergency calls."""
    words, report = tell.words, tell.report
    blocks: list[Block] = _emergency(tell)
    if report.destinations:
        blocks += [_destinations(tell)]
    return Section("where", words("Where calls went"), (), tuple(blocks))


def _emergency(tell: Teller) -> list[Block]:
    words, lines = tell.words, tell.report.emergency
    if not lines:
        return [Paragraph(words("No emergency number was called."), Tone.FAINT)]
    headings = [
        Column(words("emergency number"), Kind.TEXT),
        Column(words("calls"), Kind.COUNT),
        Column(words("answered"), Kind.NUMBER),
        Column(words("not answered"), Kind.COUNT),
    ]
    rows = [
        (
            tell.text(line.number),
            tell.count(line.calls, printable_text(line.number)),
            tell.plain(line.answered),
            tell.count(
                line.failed,
                words("{number}, not answered", number=printable_text(line.number)),
                Tone.BAD if line.failed.calls else Tone.GOOD,
            ),
        )
        for line in lines
    ]
    blocks: list[Block] = [table("emergency", words("Emergency calls"), headings, rows)]
    keys = [key for line in lines for key in line.failed.shown]
    if keys:
        title = words("Emergency calls that were not answered, each of them")
        blocks.append(calls_table(tell, "emergency-calls", title, keys))
    elif not any(line.failed.calls for line in lines):
        blocks.append(Paragraph(words("Every emergency call was answered."), Tone.GOOD))
    return blocks


def _destinations(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.destinations
    largest = max(line.failures.calls for line in lines)
    headings = [
        Column(words("destination"), Kind.TEXT),
        Column(words("name"), Kind.TEXT),
        Column(words("calls"), Kind.COUNT),
        Column(words("failures"), Kind.COUNT),
        Column(words("share failed"), Kind.RATIO),
        Column(words("before"), Kind.RATIO),
        Column("ASR", Kind.RATIO),
        Column("NER", Kind.RATIO),
        Column("ACD", Kind.DURATION),
        Column(words("minutes"), Kind.NUMBER),
    ]
    rows = []
    for line in lines:
        prefix = words("no number") if line.prefix == "(none)" else printable_text(line.prefix)
        share = tell.share(line.failures.calls, line.attempts.calls)
        if line.is_small:
            share = Cell(share.text, share.sort, Tone.FAINT, note=words("few calls"))
        before = tell.ratio(line.failure_share_before)
        rows.append(
            (
                Cell(prefix),
                tell.text(line.name),
                tell.count(line.attempts, prefix),
                tell.count(line.failures, f"{prefix}: {words('failures')}", largest=largest),
                share,
                before,
                tell.ratio(line.asr, is_small=line.is_small),
                tell.ratio(line.ner, is_small=line.is_small),
                tell.duration(line.acd_s),
                tell.plain(line.minutes, 0),
            )
        )
    return table("destinations", words("Calls by destination"), headings, rows)
