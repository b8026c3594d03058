"""The small tables of an analysis by their names in `schema.TABLES`: the ones that are rows, not columns.

Each is counted by a function of its own when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from analyzer.schema import EndpointRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.bounds import bound_rows
from analyzer.stats.causes import causes
from analyzer.stats.conflicts import conflicts
from analyzer.stats.endpoints import endpoints
from analyzer.stats.kpis import kpi_rows
from analyzer.stats.populations import options, populations
from analyzer.stats.releases import releases
from analyzer.stats.route_advance import blocked_calls, overflows
from analyzer.stats.translations import translations
from analyzer.stats.vantage import vantage

Rows: TypeAlias = Sequence[Any]


def endpoint_rows(analysis: Analysis) -> list[EndpointRow]:
    """Every endpoint, with the calls that went on without it and those that it had asked not to be sent."""
    calls = analysis.columns("calls")
    blocked, sessions = blocked_calls(analysis.columns("blocks"), calls), analysis.sessions
    advanced = overflows(analysis.columns("branches")) + sessions.overflows
    return endpoints(calls, analysis.config, advanced, blocked, sessions.charges)


#: Every table that is listed row by row, by name.
LISTED: Mapping[str, Callable[[Analysis], Rows]] = {
    "responses": lambda analysis: analysis.responses,
    "requests": lambda analysis: analysis.requests,
    "causes": lambda analysis: causes(analysis.columns("calls"), analysis.registry),
    "releases": lambda analysis: releases(analysis.columns("calls"), analysis.registry),
    "endpoints": endpoint_rows,
    "kpis": kpi_rows,
    "issues": lambda analysis: analysis.issue_rows,
    "captures": lambda analysis: analysis.captures,
    "populations": lambda analysis: populations(analysis.columns("others")),
    "options": lambda analysis: options(
        analysis.columns("others"), analysis.config, populations_counted=analysis.counts("populations")
    ),
    "conflicts": lambda analysis: conflicts(
        analysis.columns("calls"), analysis.registry, analysis.config, analysis.causes_profile
    ),
    "translations": lambda analysis: translations(analysis.translations, analysis.registry, analysis.config),
    "vantage": vantage,
    "bounds": bound_rows,
    "scanners": lambda analysis: [scanner.row for scanner in analysis.scanning.scanners],
}


def listed(analysis: Analysis, name: str) -> Rows:
    """The rows of a table. Raises KeyError for one that is kept as columns or that there is not."""
    return LISTED[name](analysis)
