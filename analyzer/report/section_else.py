"""What else: delays, how long calls lasted and how they ended, refused requests in them, registrations, scanners."""

from __future__ import annotations

from analyzer.report.document import Block, Cell, ChartRef, Column, Kind, Paragraph, Section, Table
from analyzer.report.telling import DASH, Teller, table
from analyzer.views.outcomes import RELEASE_MEANINGS
from analyzer.views.table import Tone
from analyzer.wiretext import printable_text


def else_section(tell: Teller) -> Section:
    """Everything that is no failure of a call being set up."""
    words, report = tell.words, tell.report
    blocks: list[Block] = []
    if any(line.count for line in report.delays):
        blocks.append(_delays(tell))
    blocks += _durations(tell)
    if report.releases:
        blocks.append(_releases(tell))
    if report.midcall:
        blocks.append(_midcall(tell))
    else:
        blocks.append(Paragraph(words("No request inside a call was refused."), Tone.FAINT))
    blocks += _registrations(tell)
    if report.scanners:
        blocks.append(_scanners(tell))
    else:
        blocks.append(Paragraph(words("No scanner was seen."), Tone.FAINT))
    return Section("else", words("What else there is to see"), (), tuple(blocks))


def _delays(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("figure"), Kind.TEXT),
        Column(words("count"), Kind.NUMBER),
        Column(words("mean"), Kind.NUMBER),
        Column("p50", Kind.NUMBER, words("half of them were as short")),
        Column(words("p50 before"), Kind.NUMBER),
        Column("p95", Kind.NUMBER, words("95% of them were as short")),
        Column(words("p95 before"), Kind.NUMBER),
        Column("p99", Kind.NUMBER, words("99% of them were as short")),
        Column(words("longest"), Kind.NUMBER),
        Column(words("unit"), Kind.TEXT),
    ]
    rows = []
    for line in tell.report.delays:
        if not line.count:
            continue
        entry = tell.registry.kpis.get(line.kpi)
        values = (line.mean, line.p50, line.p50_before, line.p95, line.p95_before, line.p99, line.maximum)
        decimals = 1 if line.unit == "s" else 0
        rows.append(
            (
                Cell(
                    words(entry.short) if entry else printable_text(line.kpi), note=words(entry.title) if entry else ""
                ),
                tell.plain(line.count),
                *(Cell(DASH if value is None else tell.words.fraction(value, decimals), value) for value in values),
                Cell(line.unit),
            )
        )
    return table("delays", words("Delays"), headings, rows)


def _durations(tell: Teller) -> list[Block]:
    words, durations = tell.words, tell.report.durations
    blocks: list[Block] = []
    total = sum(each.calls.calls for each in durations.bins)
    if total:
        largest = max(each.calls.calls for each in durations.bins)
        rows = []
        for each in durations.bins:
            length = (
                words("{time} and longer", time=tell.span(each.from_s))
                if each.to_s is None
                else words("{first} up to {last}", first=tell.span(each.from_s), last=tell.span(each.to_s))
            )
            rows.append(
                (
                    Cell(length, each.from_s),
                    tell.count(each.calls, length, largest=largest),
                    tell.share(each.calls.calls, total),
                )
            )
        headings = [
            Column(words("length"), Kind.DURATION),
            Column(words("answered calls"), Kind.COUNT),
            Column(words("share"), Kind.RATIO),
        ]
        short = [
            words(
                "Shorter than {seconds} s: {count} ({share}).",
                seconds=printable_text(seconds),
                count=words.number(ratio.numerator),
                share=tell.percent(ratio.value),
            )
            for seconds, ratio in durations.short.items()
        ]
        blocks += [
            ChartRef("durations", words("How long answered calls lasted")),
            table("durations", words("How long answered calls lasted"), headings, rows, short),
        ]
    if any(line.is_spike for line in durations.spikes):
        blocks.append(_spikes(tell))
    if durations.false_answers:
        blocks.append(_false_answers(tell))
    return blocks


def _spikes(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("calls of"), Kind.DURATION),
        Column(words("calls"), Kind.COUNT),
        Column(words("expected"), Kind.NUMBER, words("by the lengths beside it")),
        Column(words("spike"), Kind.TEXT),
    ]
    rows = [
        (
            tell.duration(line.at_s),
            tell.count(line.calls, tell.span(line.at_s), Tone.WARN if line.is_spike else Tone.PLAIN),
            tell.plain(line.expected),
            Cell(words("yes") if line.is_spike else words("no")),
        )
        for line in tell.report.durations.spikes
    ]
    note = words("A length at which more calls end than beside it is a timer, not a person.")
    return table("spikes", words("Lengths at which a timer ends calls"), headings, rows, [note])


def _false_answers(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("answered by"), Kind.TEXT),
        Column(words("calls"), Kind.COUNT),
        Column(words("of its answered calls"), Kind.RATIO),
    ]
    rows = []
    for line in tell.report.durations.false_answers:
        name = tell.endpoint(line.ip, line.name)
        rows.append((Cell(name), tell.count(line.calls, name, Tone.WARN), tell.ratio(line.share)))
    note = words("Answered, and hung up by the caller within seconds, more often than is usual.")
    return table("false-answers", words("False answers"), headings, rows, [note])


def _releases(tell: Teller) -> Table:
    words = tell.words
    total = sum(line.calls.calls for line in tell.report.releases)
    headings = [
        Column(words("release"), Kind.TEXT),
        Column(words("cause in the BYE"), Kind.CAUSE),
        Column(words("answered calls"), Kind.COUNT),
        Column(words("share"), Kind.RATIO),
        Column(words("change"), Kind.CHANGE),
        Column(words("that is"), Kind.TEXT),
    ]
    rows = []
    for line in tell.report.releases:
        name = tell.word(line.release.value) if line.release else words("unknown")
        rows.append(
            (
                Cell(name, tone=Tone.BAD if line.is_drop else Tone.PLAIN),
                Cell(DASH) if line.cause is None else tell.causes.cause(line.cause),
                tell.count(line.calls, name, Tone.BAD if line.is_drop else Tone.PLAIN),
                tell.share(line.calls.calls, total),
                tell.change(line.calls.calls, line.before),
                Cell(words(RELEASE_MEANINGS[line.release]) if line.release else DASH, tone=Tone.FAINT),
            )
        )
    drops = sum(line.calls.calls for line in tell.report.releases if line.is_drop)
    note = (
        words("Broken: {count} ({share}).", count=words.number(drops), share=words.share(drops, total))
        if drops
        else words("No answered call broke.")
    )
    return table("releases", words("How answered calls ended"), headings, rows, [note])


def _midcall(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("method"), Kind.TEXT),
        Column(words("what it means"), Kind.TEXT),
        Column(words("code"), Kind.CODE),
        Column(words("requests"), Kind.NUMBER),
        Column(words("then succeeded"), Kind.NUMBER),
        Column(words("change"), Kind.CHANGE),
    ]
    rows = [
        (
            tell.text(line.method),
            Cell(tell.word(line.kind.value)),
            tell.causes.code(line.status_code),
            tell.plain(line.requests),
            tell.plain(line.resolved),
            tell.change(line.requests, line.before),
        )
        for line in tell.report.midcall
    ]
    return table("midcall", words("Requests inside calls that were refused"), headings, rows)


def _registrations(tell: Teller) -> list[Block]:
    words, found = tell.words, tell.report.registrations
    if not found.total:
        return [Paragraph(words("No registration was seen."), Tone.FAINT)]
    outcomes = ", ".join(f"{tell.word(name)} {words.number(count)}" for name, count in found.by_outcome.items())
    said = words("{count} registrations: {outcomes}.", count=words.number(found.total), outcomes=outcomes)
    if found.ira.value is not None:
        said += " " + words("Ineffective (IRA): {share}", share=tell.percent(found.ira.value))
        said += (
            words(", before {share}.", share=tell.percent(found.ira_before.value))
            if found.ira_before is not None and found.ira_before.value is not None
            else "."
        )
    if not found.lines:
        return [Paragraph(said), Paragraph(words("No client was refused."), Tone.GOOD)]
    headings = [
        Column(words("client"), Kind.TEXT),
        Column(words("registrar"), Kind.TEXT),
        Column(words("device"), Kind.TEXT),
        Column(words("registrations"), Kind.NUMBER),
        Column(words("failed"), Kind.NUMBER),
        Column(words("share"), Kind.RATIO),
        Column(words("codes"), Kind.TEXT),
    ]
    rows = [
        (
            Cell(tell.endpoint(line.client_ip, line.name)),
            tell.text(line.registrar_ip),
            tell.text(line.user_agent),
            tell.plain(line.total),
            tell.plain(line.failed, tone=Tone.BAD if line.failed else Tone.PLAIN),
            tell.share(line.failed, line.total),
            Cell(tell.codes(line.by_status_code.items())),
        )
        for line in found.lines
    ]
    return [Paragraph(said), table("registrations", words("Registrations that did not all succeed"), headings, rows)]


def _scanners(tell: Teller) -> Table:
    words = tell.words
    headings = [
        Column(words("scanner"), Kind.TEXT),
        Column(words("device"), Kind.TEXT),
        Column(words("score"), Kind.NUMBER),
        Column(words("calls"), Kind.NUMBER),
        Column(words("registrations"), Kind.NUMBER),
        Column(words("other requests"), Kind.NUMBER),
        Column(words("targets"), Kind.NUMBER),
        Column(words("successes"), Kind.NUMBER, words("a door that opened")),
        Column(words("first"), Kind.TIME),
        Column(words("last"), Kind.TIME),
        Column(words("why"), Kind.TEXT),
    ]
    rows = [
        (
            Cell(tell.endpoint(line.ip, None, line.network)),
            tell.text(line.agent),
            *(tell.plain(value) for value in (line.score, line.calls, line.registrations, line.others, line.targets)),
            tell.plain(line.successes, tone=Tone.BAD if line.successes else Tone.PLAIN),
            tell.time(line.first_ts),
            tell.time(line.last_ts),
            tell.text(line.reasons, Tone.FAINT),
        )
        for line in tell.report.scanners
    ]
    note = words("Their calls are in no other figure.")
    return table("scanners", words("Scanners"), headings, rows, [note])
