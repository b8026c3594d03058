"""How many and why: outcomes, families, codes, ISDN causes, codes and causes that contradict each other."""

from __future__ import annotations

from dataclasses import replace

from analyzer.report.document import Block, Cell, ChartRef, Column, Kind, Paragraph, Section, Table
from analyzer.report.lines import CauseLine, ConflictLine
from analyzer.report.telling import DASH, Teller, table
from analyzer.views.outcomes import MEANINGS, counted_as, outcome_tone
from analyzer.views.table import Tone
from analyzer.vocab import CAUSE_GROUPS, Family, Fault

_FAMILIES = {
    Family.PROVISIONAL: "1xx provisional",
    Family.SUCCESS: "2xx success",
    Family.REDIRECTION: "3xx redirection",
    Family.CLIENT_ERROR: "4xx client error",
    Family.SERVER_ERROR: "5xx server error",
    Family.GLOBAL_FAILURE: "6xx global failure",
    Family.VENDOR: "a maker's own (from 700)",
}
#: Causes that the far side may have sent, named for one cause.
_CANDIDATES = 6


def outcomes_section(tell: Teller) -> Section:
    """What became of the calls."""
    words, lines = tell.words, tell.report.outcomes
    title = words("What became of the calls")
    if not lines:
        return Section("outcomes", title, (words("No calls."),))
    total = sum(line.calls.calls for line in lines)
    largest = max(line.calls.calls for line in lines)
    headings = [
        Column(words("outcome"), Kind.TEXT),
        Column(words("counts as"), Kind.TEXT),
        Column(words("whose doing"), Kind.TEXT),
        Column(words("calls"), Kind.COUNT),
        Column(words("share"), Kind.RATIO),
        Column(words("change"), Kind.CHANGE),
        Column(words("that is"), Kind.TEXT),
    ]
    rows = [
        (
            Cell(tell.word(line.outcome.value), tone=outcome_tone(line.outcome)),
            Cell(words(counted_as(line.outcome))),
            Cell(DASH if line.fault in (None, Fault.NONE) else tell.word(line.fault.value)),
            tell.count(line.calls, tell.word(line.outcome.value), largest=largest),
            tell.share(line.calls.calls, total),
            tell.change(line.calls.calls, line.before),
            Cell(words(MEANINGS[line.outcome]), tone=Tone.FAINT),
        )
        for line in lines
    ]
    blocks: tuple[Block, ...] = (
        ChartRef("days", words("Calls and failures by day")),
        ChartRef("ratios", words("Ratios by day")),
        table("outcomes", words("Calls by outcome"), headings, rows),
    )
    return Section("outcomes", title, (), blocks)


def why_section(tell: Teller) -> Section:
    """Why calls failed: codes in SIP, causes in ISDN."""
    words, report = tell.words, tell.report
    blocks: list[Block] = []
    if report.families:
        blocks += [_families(tell), _codes(tell)]
    else:
        blocks.append(Paragraph(words("No call failed."), Tone.GOOD))
    if report.causes:
        blocks += [ChartRef("causes", words("Unsuccessful calls by ISDN cause")), _causes(tell)]
    if report.conflicts:
        blocks.append(_conflicts(tell))
    elif report.causes:
        blocks.append(Paragraph(words("No code contradicts the cause that was read with it."), Tone.FAINT))
    return Section("why", words("Why calls failed"), (), tuple(blocks))


def _families(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.families
    total = sum(line.failures.calls for line in lines)
    headings = [
        Column(words("family"), Kind.TEXT),
        Column(words("failures"), Kind.COUNT),
        Column(words("share"), Kind.RATIO),
        Column(words("change"), Kind.CHANGE),
    ]
    rows = []
    for line in lines:
        name = words(_FAMILIES[line.family]) if line.family else words("no response")
        rows.append(
            (
                Cell(name),
                tell.count(line.failures, name, largest=total),
                tell.share(line.failures.calls, total),
                tell.change(line.failures.calls, line.before),
            )
        )
    return table("families", words("Failures by family of codes"), headings, rows)


def _codes(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.codes
    total = sum(line.failures.calls for line in lines)
    largest = max((line.failures.calls for line in lines), default=0)
    headings = [
        Column(words("code"), Kind.CODE),
        Column(words("failures"), Kind.COUNT),
        Column(words("share"), Kind.RATIO),
        Column(words("change"), Kind.CHANGE),
        Column(words("family"), Kind.TEXT),
        Column(words("meaning"), Kind.TEXT),
    ]
    rows = []
    for line in lines:
        code = tell.causes.code(line.status_code, line.vendor)
        rows.append(
            (
                code,
                tell.count(line.failures, code.text, largest=largest),
                tell.share(line.failures.calls, total),
                tell.change(line.failures.calls, line.before),
                Cell(words(_FAMILIES[line.family]) if line.family else DASH),
                Cell(tell.causes.code_meaning(line.status_code, line.vendor), tone=Tone.FAINT),
            )
        )
    return table("codes", words("Failures by code"), headings, rows)


def _causes(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.causes
    largest = max(line.calls.calls for line in lines)
    headings = [
        Column(words("cause"), Kind.CAUSE, words("by number and name, with its class")),
        Column("hex", Kind.TEXT),
        Column("DSS1", Kind.TEXT, words("the octet of the cause element, with its extension bit")),
        Column(words("calls"), Kind.COUNT),
        Column(words("failures"), Kind.NUMBER, words("of these calls: somebody's failure")),
        Column(words("read"), Kind.NUMBER, words("stood in a Reason header or ISUP body")),
        Column(words("vendor"), Kind.NUMBER, words("told by a maker's header or code")),
        Column(words("event"), Kind.NUMBER, words("from a CANCEL or silence")),
        Column(words("derived"), Kind.NUMBER, words("from the code, by the profile")),
        Column(words("change"), Kind.CHANGE),
        Column(words("may have been"), Kind.TEXT, words("what the far side may have sent, where it is derived")),
        Column(words("meaning"), Kind.TEXT),
    ]
    notes = [
        words(
            "read + vendor + event + derived = calls; derived by the profile {profile}.",
            profile=tell.report.about.profile,
        )
    ]
    return table(
        "causes",
        words("Unsuccessful calls by ISDN cause"),
        headings,
        [_cause(tell, line, largest) for line in lines],
        notes,
    )


def _cause(tell: Teller, line: CauseLine, largest: int) -> tuple[Cell, ...]:
    cause = tell.causes.cause(line.cause)
    candidates = " ".join(str(value) for value in line.candidates[:_CANDIDATES])
    return (
        replace(cause, note=tell.causes.cause_class(line.cause)),
        Cell(line.hex or DASH),
        Cell(line.dss1_hex or DASH),
        tell.count(line.calls, cause.text, largest=largest),
        *(tell.plain(value) for value in (line.failures, line.read, line.vendor, line.event, line.derived)),
        tell.change(line.calls.calls, line.before),
        Cell(candidates + (" …" if len(line.candidates) > _CANDIDATES else "") or DASH),
        Cell(tell.causes.cause_meaning(line.cause) or DASH, tone=Tone.FAINT),
    )


def _conflicts(tell: Teller) -> Table:
    words, lines = tell.words, tell.report.conflicts
    headings = [
        Column(words("sent by"), Kind.TEXT),
        Column(words("code"), Kind.CODE),
        Column(words("cause read"), Kind.CAUSE),
        Column(words("source"), Kind.TEXT),
        Column(words("calls"), Kind.COUNT),
        Column(words("change"), Kind.CHANGE),
        Column(words("the code would tell"), Kind.CAUSE),
        Column(words("expected"), Kind.TEXT, words("an element on the way had to change the code")),
    ]
    note = words("The cause that was read is believed: a 486 with cause 34 is a full trunk, not a busy user.")
    return table(
        "conflicts",
        words("Codes that contradict their cause"),
        headings,
        [_conflict(tell, line) for line in lines],
        [note],
    )


def _conflict(tell: Teller, line: ConflictLine) -> tuple[Cell, ...]:
    words = tell.words
    code, cause = tell.causes.code(line.status_code), tell.causes.cause(line.cause)
    sender = tell.endpoint(line.ip, line.name, line.network)
    return (
        Cell(sender),
        code,
        cause,
        Cell(words(CAUSE_GROUPS[line.cause_from])),
        tell.count(line.calls, f"{code.text} / {cause.text}", Tone.PLAIN if line.expected else Tone.WARN),
        tell.change(line.calls.calls, line.before),
        Cell(DASH) if line.mapped is None else tell.causes.cause(line.mapped),
        Cell(words("yes") if line.expected else words("no")),
    )
