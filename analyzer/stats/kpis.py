"""All figures of merit of calls, sessions and registrations, whole or broken down (docs/counting.md, KPIs).

`KPIS` lists the functions by the ids of data/kpis.toml; command line, tables and documents run them all from here. Each
gives a vector; here it is summed up once, for all rows or for all parts at the same time, so that a break-down costs
no more than the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from analyzer.batch import Columns, Ints, Labels
from analyzer.registry.counting_entries import KpiEntry
from analyzer.schema import KpiRow
from analyzer.stats import e411, rfc6076
from analyzer.stats.counting import Mask, one_of
from analyzer.stats.delays import Delays
from analyzer.stats.kpi import Figure, Kpi, Ratio, whole
from analyzer.stats.parts import (
    DIMENSIONS,
    IN_ORDER,
    OF_REGISTRATIONS,
    Settings,
    bounded,
    busiest,
    hour,
    named,
    ranks,
)
from analyzer.stats.population import Measured, Population, Share, with_first_leg, without_scanners

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.stats.analysis import Analysis

Function: TypeAlias = Callable[[Population, KpiEntry], Measured]

#: The function of every figure, by its id in data/kpis.toml.
KPIS: dict[str, Function] = {
    "rrd": rfc6076.rrd,
    "rrd_direct": rfc6076.rrd_direct,
    "ira": rfc6076.ira,
    "ira_wire": rfc6076.ira_wire,
    "ser": rfc6076.ser,
    "ser_codes": rfc6076.by_codes,
    "ser_wire": rfc6076.ser_wire,
    "seer": rfc6076.seer,
    "seer_codes": rfc6076.by_codes,
    "seer_plus": rfc6076.seer,
    "share_487": rfc6076.by_codes,
    "other_2xx": rfc6076.other_2xx,
    "isa": rfc6076.isa,
    "scr": rfc6076.scr,
    "srd": rfc6076.srd,
    "srd_direct": rfc6076.srd_direct,
    "srd_failed": rfc6076.srd_failed,
    "sdd": rfc6076.sdd,
    "sdd_timeouts": rfc6076.sdd_timeouts,
    "sdt": rfc6076.sdt,
    "sdt_failed": rfc6076.sdt_failed,
    "asr": e411.asr,
    "asr_seized": e411.asr_seized,
    "abr": e411.abr,
    "ner": e411.ner,
    "ner_21": e411.ner_with_cause,
    "ner_27": e411.ner_with_cause,
    "ner_88": e411.ner_with_cause,
    "ner_408": e411.ner_with_code,
    "acd": e411.acd,
    "no_end": e411.no_end,
    "short_calls": e411.short_calls,
    "pdd": e411.pdd,
    "pdd_progress": e411.pdd_progress,
    "pdd_direct": e411.pdd_direct,
    "failures": e411.failures,
    "drops": e411.drops,
}
#: Parts of a break-down; the rest is one. A week has up to 169 hours.
TOP, TOP_HOURS = 20, 200


@dataclass(frozen=True)
class Request:
    """Which figures are asked for.

    ``by``: ``all``, and names of `parts.DIMENSIONS`. ``top``: parts of each break-down (0 = all). ``with_scanners``:
    scanners counted with the others, or not; None = without, and with as well where there are any.
    ``prefix_digits``: of dialled numbers; None = by country.
    """

    by: tuple[str, ...] = ("all",)
    top: int = TOP
    with_scanners: bool | None = None
    prefix_digits: int | None = None


ALL = Request()
EVERYTHING = Request(by=("all", *DIMENSIONS))


def kpis(
    calls: Columns,
    registrations: Columns,
    sessions: Columns | None,
    registry: Registry,
    config: Config,
    request: Request = ALL,
    counts: Callable[[str], bool] = lambda rule: True,
) -> list[Kpi]:
    """The figures of calls, of sessions where calls were linked, and of registrations: by population, part and figure.

    ``counts``: whether a rule of data/counting_rules.toml is followed; of these ``intervals``, ``ratios``, ``buckets``
    and ``scanners`` matter here.
    """
    entries = expanded(registry.kpis, config.thresholds.short_call_s)
    settings = Settings(
        config.zone, config, registry.numbering, request.prefix_digits, by_first_invite=counts("buckets")
    )
    tables: dict[str, Columns] = {"calls": calls}
    if sessions is not None and 0 < len(sessions) < len(calls):
        tables["sessions"] = with_first_leg(sessions, calls)
    tables["registrations"] = registrations
    with_scanners = request.with_scanners if counts("scanners") else True
    found: list[Kpi] = []
    for kind, table in tables.items():
        for scanners, chosen in _populations(table, with_scanners):
            rows = Population(chosen, kind, entries)
            for by in request.by:
                if by == "all":
                    found += _all(rows, scanners, settings, counts("ratios"))
                elif kind != "registrations" or by in OF_REGISTRATIONS:
                    found += _parts(rows, by, scanners, settings, request.top, config, counts("intervals"))
    return found


def kpis_of(analysis: Analysis, request: Request = ALL) -> list[Kpi]:
    """The same of an analysis."""
    return kpis(
        analysis.columns("calls"),
        analysis.columns("registrations"),
        analysis.columns("sessions"),
        analysis.registry,
        analysis.config,
        request,
        analysis.counts,
    )


def kpi_rows(analysis: Analysis, request: Request = EVERYTHING) -> list[KpiRow]:
    """The table ``kpis``."""
    has_interval = analysis.counts("intervals")
    return [kpi.row(has_interval) for kpi in kpis_of(analysis, request)]


def expanded(entries: Mapping[str, KpiEntry], short_call_s: tuple[float, ...]) -> dict[str, KpiEntry]:
    """The entries that have a function, short_calls once for each length: ``short_calls_6s``."""
    found: dict[str, KpiEntry] = {}
    for name, entry in entries.items():
        if name != "short_calls":
            if name in KPIS:
                found[name] = entry
            continue
        for seconds in short_call_s:
            filled = entry.with_seconds(seconds)
            found[filled.id] = filled
    return found


def _populations(table: Columns, with_scanners: bool | None) -> Iterator[tuple[bool, Columns]]:
    without = without_scanners(table)
    if not with_scanners:
        yield False, without
    if with_scanners or (with_scanners is None and len(without) < len(table)):
        yield True, table


def _measured(rows: Population) -> Iterator[tuple[str, KpiEntry, Measured]]:
    for name, entry in rows.entries.items():
        if rows.kind in entry.counts:
            yield name, entry, KPIS.get(name, e411.short_calls)(rows, entry)


def _all(rows: Population, scanners: bool, settings: Settings, sums: bool) -> Iterator[Kpi]:
    hours = None if sums else named(hour(rows, settings))
    for name, entry, measured in _measured(rows):
        if hours is None or not hours.names:
            figure = _summed(measured, None)[0]
        else:
            figure = whole(_summed(measured, hours), sums=False)
        yield Kpi(name, entry, rows.kind, "all", None, scanners, figure)


def _parts(
    rows: Population, by: str, scanners: bool, settings: Settings, top: int, config: Config, by_lower_bound: bool
) -> Iterator[Kpi]:
    shown = _shown(rows, by, settings, top, config, by_lower_bound)
    figures = [(name, entry, _summed(measured, shown)) for name, entry, measured in _measured(rows)]
    for number, part in enumerate(shown.names):
        for name, entry, of_parts in figures:
            yield Kpi(name, entry, rows.kind, by, part, scanners, of_parts[number])


def _shown(
    rows: Population, by: str, settings: Settings, top: int, config: Config, by_lower_bound: bool
) -> Labels:
    """The part of each row: those that are shown, and the rest as one."""
    parts = named(DIMENSIONS[by](rows, settings))
    if not parts.names:
        return parts
    if by in IN_ORDER:
        sizes = np.bincount(parts.codes, minlength=len(parts.names))
        return bounded(parts, busiest(sizes, max(top, TOP_HOURS) if top else 0), 0)
    share = e411.failures(rows, rows.entries["failures"])
    failures, counted = _counts(share.numerator, parts), _counts(share.denominator, parts)
    return bounded(parts, ranks(failures, counted, config.thresholds.minimum_calls, by_lower_bound), top)


def counted_rows(analysis: Analysis, row: KpiRow, of_numerator: bool, request: Request = EVERYTHING) -> Columns:
    """The calls, sessions or registrations that a row of ``kpis`` counts; of a delay those that have one.

    ``request``: what the row was asked for with. A row may count more than once (INVITEs instead of calls).
    """
    entries = expanded(analysis.registry.kpis, analysis.config.thresholds.short_call_s)
    calls = analysis.columns("calls")
    table = calls if row.unit_counted == "calls" else analysis.columns(row.unit_counted)
    if row.unit_counted == "sessions":
        table = with_first_leg(table, calls)
    if not row.scanners:
        table = without_scanners(table)
    rows = Population(table, row.unit_counted, entries)
    measured = KPIS.get(row.kpi, e411.short_calls)(rows, entries[row.kpi])
    if isinstance(measured, Share):
        mask: Mask = np.asarray(measured.numerator if of_numerator else measured.denominator).astype(np.bool_)
    else:
        mask = ~np.isnan(measured.values)
    if row.by != "all":
        settings = Settings(
            analysis.config.zone, analysis.config, analysis.registry.numbering, request.prefix_digits,
            by_first_invite=analysis.counts("buckets"),
        )  # fmt: skip
        parts = _shown(rows, row.by, settings, request.top, analysis.config, analysis.counts("intervals"))
        mask = mask & one_of(parts, {str(row.part)})
    return table.take(np.flatnonzero(mask))


def _summed(measured: Measured, parts: Labels | None) -> list[Figure]:
    """The figure of every part, or of all rows."""
    if isinstance(measured, Share):
        if parts is None:
            return [Ratio(int(measured.numerator.sum()), int(measured.denominator.sum()))]
        pairs = zip(
            _counts(measured.numerator, parts).tolist(), _counts(measured.denominator, parts).tolist(), strict=True
        )
        return [Ratio(numerator, denominator) for numerator, denominator in pairs]
    if parts is None:
        return [Delays.of(measured.values)]
    known = ~np.isnan(measured.values)
    codes, values = parts.codes[known], measured.values[known]
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(parts.names))).tolist()
    sorted_values = values[order]
    return [Delays.of(sorted_values[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def _counts(numbers: Mask | Ints, parts: Labels) -> Ints:
    """A mask or whole numbers, summed up by part."""
    size = len(parts.names)
    if numbers.dtype == np.bool_:
        return np.bincount(parts.codes[numbers], minlength=size)
    return np.bincount(parts.codes, weights=numbers, minlength=size).astype(np.int64)
