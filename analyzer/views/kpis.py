"""Figures of merit: ratios with their interval, delays with their percentiles, and parts side by side.

A figure that is undefined, because there was nothing to count, is a dash and never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from analyzer.schema import KpiRow
from analyzer.stats.kpi import Kpi, Ratio
from analyzer.stats.ring_times import RingTime
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words

if TYPE_CHECKING:
    from analyzer.config import Config

UNDEFINED = "–"
#: Titles of what is counted, and of the parts of a break-down.
COUNTED = {
    "calls": "Key figures",
    "sessions": "Key figures of sessions",
    "registrations": "Key figures of registrations",
}
DELAYS = {
    "calls": "Delays and durations",
    "sessions": "Delays and durations of sessions",
    "registrations": "Delays of registrations",
}
PARTS = {
    "caller": "By caller",
    "callee": "By callee",
    "pair": "By caller and callee",
    "request_domain": "By domain of the Request-URI",
    "to_domain": "By domain of To",
    "from_domain": "By domain of From",
    "prefix": "By prefix of the dialled number",
    "agent": "By User-Agent of the caller",
    "server": "By User-Agent or Server of the final response",
    "hour": "By hour in which they began",
}
#: Figures that tell whether calls were linked.
_TELLING = frozenset({"asr", "ner", "failures"})
#: What a break-down shows beside the failures: the value of a ratio, the median or the mean of delays.
_SHOWN = {
    "calls": (("asr", ""), ("ner", ""), ("seer", ""), ("isa", ""), ("pdd", "p50"), ("acd", "")),
    "sessions": (("asr", ""), ("ner", ""), ("seer", ""), ("isa", "")),
    "registrations": (("rrd", "p50"), ("rrd", "p95")),
}


def kpi_tables(kpis: Sequence[Kpi], words: Words, is_compact: bool = True, has_interval: bool = True) -> list[Table]:
    """Ratios and delays of everything that is counted; only tables that say something.

    Sessions are shown where they differ from calls. ``is_compact``: other readings stand in one cell beside the figure,
    not on lines of their own.
    """
    tables = []
    for kind in COUNTED:
        chosen = [kpi for kpi in kpis if kpi.unit_counted == kind and kpi.by == "all"]
        if kind == "registrations":  # whose failures are IRA by another name
            chosen = [kpi for kpi in chosen if kpi.id != "failures"]
        if kind == "sessions" and not _differ(chosen, kpis):
            continue
        if not any(kpi.counted for kpi in chosen):
            continue
        tables += [
            _ratios(words(COUNTED[kind]), chosen, words, is_compact, has_interval),
            _delays(words(DELAYS[kind]), chosen, words, is_compact),
        ]
    return [table for table in tables if table.rows]


def _differ(sessions: Sequence[Kpi], kpis: Sequence[Kpi]) -> bool:
    """Whether sessions say something that calls do not: where no calls were linked, both are the same."""
    calls = {(k.id, k.by, k.part, k.scanners): k.figure for k in kpis if k.unit_counted == "calls" and k.id in _TELLING}
    return any(k.figure != calls.get((k.id, k.by, k.part, k.scanners)) for k in sessions if k.id in _TELLING)


def _split(kpis: Sequence[Kpi]) -> tuple[list[Kpi], dict[str, Kpi]]:
    """The figures to show, and by id those with scanners where there are both."""
    without = [kpi for kpi in kpis if not kpi.scanners]
    if not without:
        return list(kpis), {}
    return without, {kpi.id: kpi for kpi in kpis if kpi.scanners}


def _ratios(title: str, kpis: Sequence[Kpi], words: Words, is_compact: bool, has_interval: bool) -> Table:
    shown, with_scanners = _split(kpis)
    columns = [
        Column(words("figure")),
        Column(words("value"), align_right=True),
        *([Column("95 %", align_right=True)] if has_interval else []),
        Column(words("of"), align_right=True),
        *([Column(words("with scanners"), align_right=True)] if with_scanners else []),
        *([Column(words("other readings"), rank=1, shrink=True)] if is_compact else []),
        Column(words("that is"), rank=2, shrink=True),
    ]
    rows = []
    for kpi in shown:
        if kpi.entry.unit != "%" or (is_compact and kpi.entry.beside):
            continue
        row = kpi.row(has_interval)
        rows.append(
            (
                Cell(words(kpi.entry.short), Tone.FAINT if kpi.entry.beside else Tone.PLAIN),
                Cell(_value(row.value, "%", words), Tone.STRONG if not kpi.entry.beside else Tone.PLAIN),
                *([Cell(_interval(row, words), Tone.FAINT)] if has_interval else []),
                Cell(_of(kpi, words)),
                *([Cell(_value(_known(with_scanners.get(kpi.id)), "%", words))] if with_scanners else []),
                *([Cell(_readings(kpi, shown, words))] if is_compact else []),
                Cell(_meaning(kpi, words, is_compact), Tone.FAINT),
            )
        )
    notes = []
    if is_compact and rows:
        notes.append(words("Readings that change nothing are left out; sipcause kpis shows all, and what each divides"))
    return Table(title, columns, rows, notes)


def _delays(title: str, kpis: Sequence[Kpi], words: Words, is_compact: bool) -> Table:
    shown, with_scanners = _split(kpis)
    columns = [
        Column(words("figure")),
        Column(words("unit")),
        Column(words("mean"), align_right=True),
        Column("p50", align_right=True),
        Column("p95", align_right=True),
        Column("p99", align_right=True),
        Column(words("largest"), align_right=True),
        Column(words("count"), align_right=True),
        *([Column(words("with scanners"), align_right=True, rank=3)] if with_scanners else []),
        *([Column(words("other readings"), rank=1, shrink=True)] if is_compact else []),
        Column(words("that is"), rank=2, shrink=True),
    ]
    rows = []
    for kpi in shown:
        unit = kpi.entry.unit
        if unit == "%" or (is_compact and kpi.entry.beside):
            continue
        row = kpi.row()
        rows.append(
            (
                Cell(words(kpi.entry.short), Tone.FAINT if kpi.entry.beside else Tone.PLAIN),
                Cell(unit),
                Cell(_value(row.value, unit, words), Tone.STRONG if not kpi.entry.beside else Tone.PLAIN),
                *(Cell(_value(value, unit, words)) for value in (row.p50, row.p95, row.p99, row.maximum)),
                Cell(words.number(row.denominator)),
                *([Cell(_value(_known(with_scanners.get(kpi.id)), unit, words))] if with_scanners else []),
                *([Cell(_readings(kpi, shown, words))] if is_compact else []),
                Cell(_meaning(kpi, words, is_compact), Tone.FAINT),
            )
        )
    return Table(title, columns, rows)


def _readings(kpi: Kpi, kpis: Sequence[Kpi], words: Words) -> str:
    """Every other reading of a figure with its value, of delays the median.

    What changes nothing and shares of nothing are left out.
    """
    texts = []
    for other in kpis:
        if kpi.id not in other.entry.beside or other.value is None or other.figure == kpi.figure:
            continue
        if isinstance(other.figure, Ratio) and not other.figure.numerator and other.entry.good != "high":
            continue
        value = other.value if other.entry.unit == "%" else other.row().p50
        text = f"{words(other.entry.reading)} {_value(value, other.entry.unit, words)}"
        texts.append(text if other.entry.unit == "%" else f"{text} (p50)")
    return ", ".join(texts)


def _meaning(kpi: Kpi, words: Words, is_compact: bool) -> str:
    """The title; where there is room, what is divided by what."""
    entry = kpi.entry
    if is_compact:
        return _title(kpi, words)
    return (
        f"{entry.numerator} / {entry.denominator}" if entry.unit == "%" else f"{entry.numerator}: {entry.denominator}"
    )


def _title(kpi: Kpi, words: Words) -> str:
    if kpi.id.startswith("short_calls_"):
        seconds = kpi.id.rpartition("_")[2].removesuffix("s")
        return words("Answered calls shorter than {seconds} s", seconds=seconds)
    return words(kpi.entry.title)


def _of(kpi: Kpi, words: Words) -> str:
    if isinstance(kpi.figure, Ratio):
        return f"{words.number(kpi.figure.numerator)} / {words.number(kpi.figure.denominator)}"
    return words.number(kpi.counted)


def _known(kpi: Kpi | None) -> float | None:
    return None if kpi is None else kpi.value


def _value(value: float | None, unit: str, words: Words) -> str:
    """A figure as people read it: one decimal, delays of 100 ms and more without."""
    if value is None:
        return UNDEFINED
    if unit == "%":
        return f"{words.decimal(value)}%"
    return words.number(round(value)) if unit == "ms" and abs(value) >= 100 else words.decimal(value)


def _interval(row: KpiRow, words: Words) -> str:
    if row.low is None or row.high is None:
        return UNDEFINED
    return f"{words.decimal(row.low)}–{words.decimal(row.high)}"


def part_tables(kpis: Sequence[Kpi], words: Words, config: Config, has_interval: bool = True) -> list[Table]:
    """One table a break-down and population: its parts with failures, a few figures and their number of calls."""
    grouped: dict[tuple[str, str], dict[str, dict[str, Kpi]]] = {}
    without = {(kpi.unit_counted, kpi.by) for kpi in kpis if not kpi.scanners}
    for kpi in kpis:
        # What is there without scanners need not be shown with them again.
        if kpi.part is not None and not (kpi.scanners and (kpi.unit_counted, kpi.by) in without):
            grouped.setdefault((kpi.unit_counted, kpi.by), {}).setdefault(kpi.part, {})[kpi.id] = kpi
    return [
        _parts(kind, by, parts, words, config, has_interval)
        for (kind, by), parts in grouped.items()
        if any(kpi.counted for part in parts.values() for kpi in part.values())
        and (kind != "sessions" or _differ([kpi for part in parts.values() for kpi in part.values()], kpis))
    ]


def _parts(
    kind: str, by: str, parts: Mapping[str, Mapping[str, Kpi]], words: Words, config: Config, has_interval: bool
) -> Table:
    figures = _SHOWN[kind]
    columns = [
        Column(words("part"), shrink=True),
        Column(words(kind), align_right=True),
        Column(words("failures"), align_right=True),
        *([Column("95 %", align_right=True)] if has_interval else []),
        *(
            Column(_heading(name, which, parts, words), align_right=True, rank=number + 1)
            for number, (name, which) in enumerate(figures)
        ),
    ]
    least = config.thresholds.minimum_calls
    rows = [_part_row(part, by, of, figures, words, config, has_interval) for part, of in parts.items()]
    notes = []
    if by != "hour":
        notes.append(
            words(
                "Ranked by the lower end of the interval; parts of fewer than {least} come last",
                least=str(least),
            )
        )
    else:
        notes.append(words("The hour is that of the first request, in {zone}", zone=config.timezone))
    title = words(PARTS[by])
    return Table(title if kind == "calls" else f"{title} ({words(kind)})", columns, rows, notes)


def _heading(name: str, which: str, parts: Mapping[str, Mapping[str, Kpi]], words: Words) -> str:
    entry = next(iter(parts.values()))[name].entry
    return " ".join(word for word in (words(entry.short), which, entry.unit if entry.unit != "%" else "") if word)


def _part_row(
    part: str, by: str, of: Mapping[str, Kpi], figures: Sequence[tuple[str, str]], words: Words, config: Config,
    has_interval: bool,
) -> tuple[Cell, ...]:  # fmt: skip
    failures = of["failures"]
    row = failures.row(has_interval)
    is_small = failures.counted < config.thresholds.minimum_calls
    tone = Tone.FAINT if is_small else Tone.PLAIN
    bad = Tone.BAD if row.numerator and not is_small else tone
    return (
        Cell(" > ".join(_named(one, by, config) for one in part.split(" > ")), tone),
        Cell(words.number(failures.counted), tone),
        Cell(_value(row.value, "%", words), bad),
        *([Cell(_interval(row, words), Tone.FAINT)] if has_interval else []),
        *(Cell(_value(_figure(of[name], which), of[name].entry.unit, words), tone) for name, which in figures),
    )


def _figure(kpi: Kpi, which: str) -> float | None:
    row = kpi.row()
    return {"p50": row.p50, "p95": row.p95}.get(which, row.value)


def _named(part: str, by: str, config: Config) -> str:
    """A part with our name for it: of an endpoint, of a number prefix."""
    name = None
    if by in ("caller", "callee", "pair"):
        name = config.alias(part.partition(" ")[0])
    elif by == "prefix":
        name = config.number_alias(part)
    return f"{name} ({part})" if name else part


def ring_times_table(times: Sequence[RingTime], words: Words) -> Table:
    """How long calls rang that their callers gave up, and those that nobody answered."""
    columns = [
        Column(words("rang")),
        Column(words("cancelled"), align_right=True),
        Column(words("no_answer"), align_right=True),
    ]
    return Table(words("Ring time of calls without an answer"), columns, list(_ring_rows(times, words)))


def _ring_rows(times: Sequence[RingTime], words: Words) -> Iterator[tuple[Cell, ...]]:
    for row in times:
        span = (
            f"{row.from_s}–{row.to_s} s"
            if row.to_s is not None
            else words("{from_s} s and more", from_s=str(row.from_s))
        )
        yield Cell(span), Cell(words.number(row.cancelled)), Cell(words.number(row.no_answer))
