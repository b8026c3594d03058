"""In short: the verdict, the figures of the headline, limits that were crossed."""

from __future__ import annotations

from analyzer.report.document import Block, Cell, Column, Figure, Figures, Kind, Section
from analyzer.report.lines import Breach, HeadlineLine
from analyzer.report.section_change import cell_sentence
from analyzer.report.telling import Teller, table
from analyzer.stats.kpi import Ratio
from analyzer.views.table import Tone
from analyzer.wiretext import printable_text

_TITLES = {
    "calls": "Calls",
    "answered": "Answered",
    "failures": "Failures",
    "unsuccessful": "Unsuccessful",
    "ser": "SER",
    "seer": "SEER",
    "ner": "NER",
    "asr": "ASR",
}
_HELPS = {
    "calls": "calls that began in this time, scanners' left out",
    "answered": "calls with a 2xx to the INVITE",
    "failures": "calls that are somebody's failure: not busy, not declined, not given up",
    "unsuccessful": "calls that were not answered, whatever the reason",
}
#: Which way is better; more or fewer calls is neither.
_GOOD = {"answered": "high", "failures": "low", "ser": "high", "seer": "high", "ner": "high", "asr": "high"}


def verdict(tell: Teller) -> tuple[str, Tone]:
    """The one sentence that everybody reads, and whether it is good or bad news."""
    words, change = tell.words, tell.report.change
    failures = _line(tell, "failures")
    if failures is None or not failures.now.denominator:
        return words("No calls in this time."), Tone.PLAIN
    now = tell.percent(failures.now.value)
    count = words.number(failures.now.numerator)
    if failures.before is None or failures.before.value is None:
        return words("{share} of calls failed: {count}.", share=now, count=count), Tone.PLAIN
    before = tell.percent(failures.before.value)
    if not failures.is_significant:
        text = words("{share} of calls failed ({count}), as before ({before}).", share=now, count=count, before=before)
        return text, Tone.PLAIN
    assert failures.now.value is not None
    is_rise = failures.now.value > failures.before.value
    english = (
        words("Failures rose from {before} to {share} of calls ({count}).", before=before, share=now, count=count)
        if is_rise
        else words("Failures fell from {before} to {share} of calls ({count}).", before=before, share=now, count=count)
    )
    main = next((line for line in change.lines if line.is_rise is is_rise and line.share is not None), None)
    if main is not None and main.share is not None and main.share >= 50:
        english += " " + words(
            "Most of it has one reason: {sentence}", sentence=cell_sentence(tell, main, is_short=True)
        )
    return english, Tone.BAD if is_rise else Tone.GOOD


def short_section(tell: Teller) -> Section:
    """Sentences, figures and crossed limits."""
    blocks: list[Block] = []
    if tell.report.headline:
        blocks.append(Figures(tuple(_figure(tell, line) for line in tell.report.headline)))
    blocks += crossed(tell)
    return Section("short", tell.words("In short"), tuple(_lead(tell)), tuple(blocks))


def _lead(tell: Teller) -> list[str]:
    words, report = tell.words, tell.report
    said = []
    calls, answered = _line(tell, "calls"), _line(tell, "answered")
    if calls is not None and calls.now.numerator and answered is not None:
        said.append(
            words(
                "{calls} calls, {answered} of them answered ({share}).",
                calls=words.number(calls.now.numerator),
                answered=words.number(answered.now.numerator),
                share=words.share(answered.now.numerator, calls.now.numerator),
            )
        )
    if not report.about.compared:
        said.append(words("There is no time before it to compare with."))
    refused = sum(line.failed.calls for line in report.emergency)
    if refused:
        said.append(words("Emergency calls that were not answered: {count}.", count=words.number(refused)))
    if report.crossed:
        said.append(words("Limits that were crossed: {count}.", count=words.number(len(report.crossed))))
    if report.about.scanner_calls:
        said.append(
            words(
                "{count} calls of scanners are left out of every figure.",
                count=words.number(report.about.scanner_calls),
            )
        )
    if report.about.grade in ("fair", "poor"):
        said.append(words("What was captured is {grade}: see how sure this is.", grade=words(report.about.grade)))
    return said


def crossed(tell: Teller) -> list[Block]:
    """Limits of the configuration that were crossed, the reason for exit code 3."""
    words, lines = tell.words, tell.report.crossed
    if not lines:
        return []
    rows = [_breach(tell, line) for line in lines]
    headings = [
        Column(words("what"), Kind.TEXT),
        Column(words("limit"), Kind.TEXT),
        Column(words("agreed"), Kind.NUMBER),
        Column(words("met"), Kind.NUMBER),
        Column(words("first"), Kind.TIME),
    ]
    return [table("crossed", words("Limits crossed"), headings, rows)]


def _breach(tell: Teller, line: Breach) -> tuple[Cell, ...]:
    return (
        tell.text(line.subject),
        Cell(tell.limit(line.limit)),
        tell.plain(line.bound),
        tell.plain(line.value, tone=Tone.BAD),
        tell.time(line.ts),
    )


def _line(tell: Teller, id: str) -> HeadlineLine | None:
    return next((line for line in tell.report.headline if line.id == id), None)


def _figure(tell: Teller, line: HeadlineLine) -> Figure:
    words = tell.words
    is_count = line.unit == "calls"
    entry = tell.registry.kpis.get(line.id)
    title = words(_TITLES[line.id]) if line.id in _TITLES else words(entry.short) if entry else printable_text(line.id)
    told = _HELPS.get(line.id) or (entry.title if entry else "")
    notes = []
    if is_count and line.id != "calls":
        notes.append(_amount(tell, line))
    if not is_count and line.now.value is not None:
        notes.append(words("95% interval {interval}", interval=tell.interval(line.now)))
    if line.low is not None and line.high is not None and (line.low, line.high) != (line.now.value, line.now.value):
        notes.append(words("surely {low} to {high}", low=tell.percent(line.low), high=tell.percent(line.high)))
    change, tone = _against(tell, line, is_count)
    return Figure(
        id=line.id,
        title=title,
        value=words.number(line.now.numerator) if is_count else tell.percent(line.now.value),
        help=words(told) if told else "",
        change=change,
        tone=tone,
        notes=tuple(filter(None, notes)),
        link=tell.link(line.count, title),
    )


def _against(tell: Teller, line: HeadlineLine, is_count: bool) -> tuple[str, Tone]:
    """The change against before in words, and its tone, which only a difference beyond chance has."""
    words, before = tell.words, line.before
    if before is None:
        share = words("{share} of calls", share=tell.percent(line.now.value)) if is_count and line.id != "calls" else ""
        return share, Tone.PLAIN
    if line.id == "calls":
        return _amount(tell, line), Tone.PLAIN
    if before.value is None or line.now.value is None:
        return "", Tone.PLAIN
    if is_count:
        # Of counts it is the share that is tested: more calls alone are neither good nor bad.
        text = words(
            "{share} of calls, was {before}", share=tell.percent(line.now.value), before=tell.percent(before.value)
        )
    else:
        difference = line.now.value - before.value
        text = words("{change} against {before}", change=tell.points(difference), before=tell.percent(before.value))
    if not line.is_significant:
        chance = words("no more than chance") if line.is_significant is False else words("too few calls to tell")
        return f"{text}: {chance}", Tone.PLAIN
    shares = _direction(line.now, before)
    good = _GOOD.get(line.id)
    if good is None or not shares:
        return text, Tone.PLAIN
    return text, Tone.GOOD if (shares > 0) is (good == "high") else Tone.BAD


def _amount(tell: Teller, line: HeadlineLine) -> str:
    """By how many more or fewer than before, ``+152 (+2.3%) against 6,650``."""
    if line.before is None:
        return ""
    was = line.before.numerator / max(line.weeks, 1)
    difference = line.now.numerator - was
    relative = f" ({tell.signed(100 * difference / was, 1)}%)" if was else ""
    return tell.words("{change} against {before}", change=tell.signed(difference) + relative, before=tell.number(was))


def _direction(now: Ratio, before: Ratio) -> float:
    return (now.value or 0.0) - (before.value or 0.0)
