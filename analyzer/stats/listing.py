"""The small tables of an analysis by their names in `schema.TABLES`: the ones that are rows, not columns.

Each is counted by a function of its own when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from analyzer.stats.analysis import Analysis
from analyzer.stats.bounds import bound_rows
from analyzer.stats.causes import causes
from analyzer.stats.endpoints import endpoints
from analyzer.stats.releases import releases
from analyzer.stats.vantage import vantage

Rows: TypeAlias = Sequence[Any]

#: Every table that is listed row by row, by name.
LISTED: Mapping[str, Callable[[Analysis], Rows]] = {
    "responses": lambda analysis: analysis.responses,
    "requests": lambda analysis: analysis.requests,
    "causes": lambda analysis: causes(analysis.columns("calls"), analysis.registry),
    "releases": lambda analysis: releases(analysis.columns("calls"), analysis.registry),
    "endpoints": lambda analysis: endpoints(analysis.columns("calls"), analysis.config),
    "issues": lambda analysis: analysis.issue_rows,
    "captures": lambda analysis: analysis.captures,
    "vantage": vantage,
    "bounds": bound_rows,
    "scanners": lambda analysis: [scanner.row for scanner in analysis.scanning.scanners],
}


def listed(analysis: Analysis, name: str) -> Rows:
    """The rows of a table. Raises KeyError for one that is kept as columns or that there is not."""
    return LISTED[name](analysis)
