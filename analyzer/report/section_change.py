"""What changed and why: the cells that explain the change, ways of failing that are new, and those that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.report.calls_told import calls_table
from analyzer.report.document import Block, Cell, ChartRef, Column, Finding, Findings, Kind, Paragraph, Section, Table
from analyzer.report.lines import ChangeLine, SeenLine
from analyzer.report.telling import Teller, table
from analyzer.views.table import Tone
from analyzer.wiretext import printable_text

#: Findings told in sentences with their proof; all of them are in the table.
_TOLD = 6
_PROOF = 5
#: Names in a list of agents or causes.
_NAMED = 3

_WHY_NOT = {
    "no_comparison": "There is nothing to compare with.",
    "few_calls": "Too few calls to say what changed.",
    "no_change": "Nothing changed by more than chance.",
}


def change_section(tell: Teller) -> Section:
    """Findings, their table, what is new and what is gone."""
    words, report = tell.words, tell.report
    change, blocks = report.change, list[Block]()
    if change.lines:
        told = sorted(change.lines, key=lambda line: -abs(line.share if line.share is not None else line.points))
        blocks.append(Findings(tuple(_finding(tell, number, line) for number, line in enumerate(told[:_TOLD]))))
        blocks.append(ChartRef("change", words("What explains the change")))
        blocks.append(_changes(tell, told))
    if report.first_seen:
        blocks.append(_seen(tell, "first-seen", words("New ways of failing"), report.first_seen, is_new=True))
    elif report.about.compared:
        blocks.append(Paragraph(words("No way of failing is new."), Tone.FAINT))
    if report.solved:
        blocks.append(_seen(tell, "solved", words("Ways of failing that are gone"), report.solved, is_new=False))
    return Section("change", words("What changed, and why"), tuple(_lead(tell)), tuple(blocks))


def _lead(tell: Teller) -> list[str]:
    words, change = tell.words, tell.report.change
    if change.why_not is not None:
        return [words(_WHY_NOT.get(change.why_not, change.why_not))]
    said = []
    if change.points is not None:
        low, high = change.points_low, change.points_high
        text = words(
            "{now} failures against {before}; their share changed by {points}",
            now=words.number(change.failures),
            before=tell.number(change.failures_before),
            points=tell.points(change.points),
        )
        if low is not None and high is not None:
            between = words(
                "95% interval {low} to {high}, by blocks of day and hour",
                low=tell.signed(low, 1),
                high=tell.signed(high, 1),
            )
            text += f" ({between})"
        said.append(text + ".")
    if not change.lines:
        said.append(words("No endpoint, code, cause, destination or device stands out."))
    return said


def cell_sentence(tell: Teller, line: ChangeLine, is_short: bool = False) -> str:
    """ "503 from 192.0.2.7 rose from 14 to 412, 71% of the rise in failures; began Tuesday 14:05; cause 34 …"."""
    words, change = tell.words, tell.report.change
    values = {
        "what": subject(tell, line),
        "before": tell.number(line.before),
        "now": words.number(line.failures.calls),
    }
    parts = [
        words("{what} rose from {before} to {now}", **values)
        if line.is_rise
        else words("{what} fell from {before} to {now}", **values)
    ]
    if line.share is not None and line.share > 0:
        share = tell.percent(line.share)
        is_total_rise = change.failures >= change.failures_before
        parts[0] += ", " + (
            words("{share} of the rise in failures", share=share)
            if is_total_rise
            else words("{share} of the fall in failures", share=share)
        )
    if line.began_ts is not None:
        when = tell.weekday_time(line.began_ts)
        parts.append(words("began {when}", when=when) if line.is_rise else words("ended {when}", when=when))
    if line.read_causes and not is_short:
        causes = _listed(line.read_causes)
        many = len(line.read_causes) > 1
        parts.append(
            words("causes {causes} in Reason headers", causes=causes)
            if many
            else words("cause {causes} in its Reason headers", causes=causes)
        )
    return "; ".join(parts) + "."


def subject(tell: Teller, line: ChangeLine) -> str:
    """What the cell is, from those dimensions that tell it from the rest."""
    words, where = tell.words, line.where
    code, cause = where.get("status_code"), where.get("cause")
    if code is not None:
        what = words("Silence") if code == "none" else printable_text(code)
        if cause is not None and cause != "none":
            what += " " + words("with cause {cause}", cause=printable_text(cause))
    elif cause is not None and cause != "none":
        what = words("Cause {cause}", cause=printable_text(cause))
    else:
        what = words("Failures")
    parts = [what]
    if "endpoint" in where:
        name = line.name if line.name and line.name != line.endpoint else None
        parts.append(words("from {endpoint}", endpoint=tell.endpoint(line.endpoint or where["endpoint"], name)))
    if "prefix" in where:
        parts.append(words("to {prefix}", prefix=printable_text(where["prefix"])))
    if "agent" in where:
        parts.append(words("with {agent}", agent=printable_text(where["agent"])))
    if "caller_agent" in where:
        parts.append(words("of callers with {agent}", agent=printable_text(where["caller_agent"])))
    if "hours" in where:
        parts.append(words("at {hours}", hours=printable_text(where["hours"])))
    what = " ".join(parts)
    return words("One caller's redials: {what}", what=what) if line.is_redials else what


def _listed(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(printable_text(name) for name, _ in ordered[:_NAMED]) + (", …" if len(ordered) > _NAMED else "")


def _finding(tell: Teller, number: int, line: ChangeLine) -> Finding:
    words = tell.words
    details = [
        words(
            "{failures} of {calls} calls failed, {before} of {calls_before} before.",
            failures=words.number(line.failures.calls),
            calls=words.number(line.calls),
            before=tell.number(line.before),
            calls_before=tell.number(line.calls_before),
        )
    ]
    if line.collapsed < line.failures.calls:
        details.append(
            words(
                "Redials taken for one: {now}, {before} before.",
                now=words.number(line.collapsed),
                before=tell.number(line.collapsed_before),
            )
        )
    if line.agents:
        details.append(words("Devices: {agents}.", agents=_listed(line.agents)))
    proof = calls_table(tell, f"proof-{number + 1}", words("Calls for a ticket"), line.failures.shown[:_PROOF])
    return Finding(
        sentence=cell_sentence(tell, line),
        tone=Tone.BAD if line.is_rise else Tone.GOOD,
        link=tell.link(line.failures, subject(tell, line)),
        weight=None if line.share is None else min(max(line.share / 100, 0.0), 1.0),
        details=tuple(details),
        facts=tuple(_facts(tell, line)),
        proof=proof if proof.rows else None,
    )


def _facts(tell: Teller, line: ChangeLine) -> list[tuple[str, Cell]]:
    """Its codes and causes, which can be told in three ways, and how sure it is."""
    words, facts = tell.words, []
    codes = line.codes or ({line.where["status_code"]: line.failures.calls} if "status_code" in line.where else {})
    for code, count in sorted(codes.items(), key=lambda pair: -pair[1])[:_NAMED]:
        told = tell.causes.code(int(code) if code.isdecimal() else None)
        facts.append((words("code"), replace(told, note=f"×{words.number(count)}")))
    for cause, count in sorted(line.read_causes.items(), key=lambda pair: -pair[1])[:_NAMED]:
        if cause.isdecimal():
            cell = tell.causes.cause(int(cause))
            facts.append((words("cause read"), replace(cell, note=f"×{words.number(count)}")))
    facts.append((words("share of calls"), Cell(tell.points(line.points), line.points)))
    if not line.is_redials:
        facts.append((words("chance"), Cell(_chance(tell, line), line.q)))
    return facts


def _chance(tell: Teller, line: ChangeLine) -> str:
    """The false discovery rate; none where no significance is claimed."""
    if line.is_redials:
        return ""
    return f"< {tell.words.fraction(0.001, 3)}" if line.q < 0.001 else tell.words.fraction(line.q, 3)


def _changes(tell: Teller, lines: Sequence[ChangeLine]) -> Table:
    words = tell.words
    headings = [
        Column(words("what"), Kind.TEXT),
        Column(words("failures"), Kind.COUNT),
        Column(words("before"), Kind.NUMBER),
        Column(words("change"), Kind.CHANGE),
        Column(words("share of the change"), Kind.RATIO),
        Column(words("calls"), Kind.NUMBER),
        Column(words("redials as one"), Kind.NUMBER),
        Column(words("began or ended"), Kind.TIME),
        Column(words("chance"), Kind.NUMBER, words("false discovery rate at which it is significant")),
    ]
    rows = [
        (
            Cell(subject(tell, line), tone=Tone.BAD if line.is_rise else Tone.GOOD),
            tell.count(line.failures, subject(tell, line)),
            tell.plain(line.before),
            Cell(tell.signed(line.failures.calls - line.before), line.failures.calls - line.before),
            Cell(tell.percent(line.share), line.share),
            tell.plain(line.calls),
            tell.plain(line.collapsed),
            tell.time(line.began_ts),
            Cell(_chance(tell, line), line.q),
        )
        for line in lines
    ]
    note = words(
        "Cells compared: {count}; told are those beyond chance with at least 30 calls and 0.3 points.",
        count=words.number(tell.report.change.cells_tested),
    )
    return table("changes", words("All that changed by more than chance"), headings, rows, [note])


def _seen(tell: Teller, id: str, title: str, lines: Sequence[SeenLine], is_new: bool) -> Table:
    words = tell.words
    headings = [
        Column(words("endpoint"), Kind.TEXT),
        Column(words("code"), Kind.CODE),
        Column(words("cause"), Kind.CAUSE),
        Column(words("calls"), Kind.COUNT),
        Column(words("before"), Kind.NUMBER),
        Column(words("first seen") if is_new else words("last seen"), Kind.TIME),
    ]
    rows = []
    for line in lines:
        code = tell.causes.code(line.status_code)
        whose = f"{code.text}, {tell.endpoint(line.failed_by_ip, line.name)}"
        rows.append(
            (
                Cell(tell.endpoint(line.failed_by_ip, line.name)),
                code,
                tell.causes.cause(line.cause),
                tell.count(line.calls, whose),
                tell.plain(line.before),
                tell.time(line.ts),
            )
        )
    return table(id, title, headings, rows)
