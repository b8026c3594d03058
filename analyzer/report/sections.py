"""The whole report in words: what a page, a PDF, Markdown and CSV show, and in which order.

    made = document(report, words("nl"), load_registry())
    made.verdict              the one sentence that everybody reads
    made.sections[0].blocks   figures, findings, tables, places of charts, sentences
    made.calls                every call that a number of the report shows

The order follows the questions: in short, what changed and why, how many, why, whose, where to, when, what else, how
sure. Empty tables are not drawn; where there is nothing, a sentence says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.report.calls_told import calls_table
from analyzer.report.document import Document, Section
from analyzer.report.section_change import change_section
from analyzer.report.section_else import else_section
from analyzer.report.section_short import short_section, verdict
from analyzer.report.section_sure import sure_section
from analyzer.report.section_when import when_section
from analyzer.report.section_where import where_section
from analyzer.report.section_whose import whose_section
from analyzer.report.section_why import outcomes_section, why_section
from analyzer.report.telling import Teller
from analyzer.views.words import Words
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport


def document(report: WeeklyReport, words: Words, registry: Registry) -> Document:
    """The report in the language of ``words``; every text of it is safe to show, none is escaped for a format."""
    tell = Teller(report, words, registry)
    sentence, tone = verdict(tell)
    sections: tuple[Section, ...] = (
        short_section(tell),
        change_section(tell),
        outcomes_section(tell),
        why_section(tell),
        whose_section(tell),
        where_section(tell),
        when_section(tell),
        else_section(tell),
        sure_section(tell),
    )
    return Document(
        language=words.language,
        title=_title(tell),
        subtitle=_subtitle(tell),
        verdict=sentence,
        tone=tone,
        sections=sections,
        calls=calls_table(tell, "calls", words("Calls behind the numbers"), list(report.calls)),
        explain=tell.explain_command(),
        footer=tuple(filter(None, (_made(tell),))),
    )


def _title(tell: Teller) -> str:
    words, period = tell.words, tell.report.about.period
    if "-W" in period.label:
        return words("Failed calls, week {week}", week=period.label.partition("-W")[2].lstrip("0"))
    return words("Failed calls, {first} to {last}", first=tell.day(period.days[0]), last=tell.day(period.days[-1]))


def _subtitle(tell: Teller) -> str:
    words, about = tell.words, tell.report.about
    period = about.period
    first, last = tell.day(period.days[0]), tell.day(period.days[-1])
    span = first if first == last else words("{first} to {last}", first=first, last=last)
    zone = printable_text(getattr(period.zone, "key", None) or str(period.zone))
    parts = [words("{days}, times in {zone}", days=span, zone=zone)]
    if period.hours != 24 * len(period.days):
        parts.append(words("{hours} hours, since the clocks changed", hours=words.number(period.hours)))
    if len(about.compared) == 1:
        parts.append(words("compared with {label}", label=about.compared[0].label))
    elif about.compared:
        parts.append(
            words(
                "compared with the mean of {count} periods, {first} to {last}",
                count=words.number(len(about.compared)),
                first=about.compared[-1].label,
                last=about.compared[0].label,
            )
        )
    return " · ".join(parts)


def _made(tell: Teller) -> str:
    version = printable_text(tell.report.about.version)
    return tell.words("Made by sipcause {version}", version=version) if version else tell.words("Made by sipcause")
