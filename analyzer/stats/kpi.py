"""What a figure of merit is: numerator and denominator, or delays; value and interval are computed when it is read.

Parts are put together by adding numerators, denominators and histograms (`whole`), never by averaging ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from analyzer.registry.counting_entries import KpiEntry
from analyzer.schema import KpiRow
from analyzer.stats.delays import Delays, merged

#: The standard normal deviate that leaves 2.5 % on each side.
_Z = 1.959963984540054


class Ratio(NamedTuple):
    """How many of how many."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """In per cent; None when there is nothing to divide by (RFC 6076 §4.2 and others: undefined)."""
        return 100 * self.numerator / self.denominator if self.denominator else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson 95 % interval in per cent; None when the ratio is undefined."""
        if not self.denominator:
            return None
        low, high = wilson(self.numerator, self.denominator)
        return float(low), float(high)


def wilson(numerators: Any, denominators: Any) -> tuple[Any, Any]:
    """The ends of the Wilson 95 % interval in per cent, of numbers or of whole columns; no denominator may be 0.

    Unlike the textbook interval it stays between 0 and 100 and says something about 0 of 3 (Wilson 1927; Brown, Cai,
    DasGupta 2001).
    """
    share = np.clip(numerators / denominators, 0.0, 1.0)
    spread = _Z * np.sqrt(share * (1 - share) / denominators + _Z * _Z / (4.0 * denominators * denominators))
    centre, scale = share + _Z * _Z / (2.0 * denominators), 1 + _Z * _Z / denominators
    # Where nothing or everything is counted that end is exact, and rounding must not move it.
    low = np.where(share <= 0, 0.0, np.maximum((centre - spread) / scale, 0.0))
    high = np.where(share >= 1, 1.0, np.minimum((centre + spread) / scale, 1.0))
    return 100 * low, 100 * high


class Average(NamedTuple):
    """The naive whole: ratios of parts, averaged. Only made when the rule `ratios` is switched off."""

    value: float | None
    counted: int


Figure: TypeAlias = "Ratio | Delays | Average"


class Kpi(NamedTuple):
    """One figure of merit of one part of what is counted.

    ``id``: key of data/kpis.toml (of short_calls with its seconds: ``short_calls_6s``); ``unit_counted``: calls,
    sessions or registrations; ``by`` and ``part``: which part of them, ``all`` and None for all.
    """

    id: str
    entry: KpiEntry
    unit_counted: str
    by: str
    part: str | None
    scanners: bool
    figure: Figure

    @property
    def value(self) -> float | None:
        """Per cent of a ratio, mean of delays; None without anything counted."""
        return self.figure.mean if isinstance(self.figure, Delays) else self.figure.value

    @property
    def counted(self) -> int:
        """The denominator of a ratio, the number of delays."""
        return _counted(self.figure)

    def row(self, has_interval: bool = True) -> KpiRow:
        """The figure as a row of the table ``kpis``."""
        figure = self.figure
        ratio = figure if isinstance(figure, Ratio) else None
        delays = figure if isinstance(figure, Delays) else Delays()
        low, high = (ratio.interval if ratio and has_interval else None) or (None, None)
        return KpiRow(
            kpi=self.id,
            unit_counted=self.unit_counted,
            by=self.by,
            part=self.part,
            scanners=self.scanners,
            value=self.value,
            unit=self.entry.unit,
            numerator=ratio.numerator if ratio else None,
            denominator=self.counted,
            low=low,
            high=high,
            p50=delays.percentile(50),
            p95=delays.percentile(95),
            p99=delays.percentile(99),
            maximum=delays.maximum,
        )


def whole(parts: Sequence[Figure], sums: bool = True) -> Figure:
    """The figure of all parts together. ``sums=False``: the mean of their values, as careless reports have it.

    The parts are of one kind. Raises ValueError without parts, because then nothing tells which.
    """
    if not parts:
        raise ValueError("no parts: is it a ratio or a delay?")
    if not sums:
        known = [value for part in parts if (value := _value(part)) is not None]
        return Average(sum(known) / len(known) if known else None, sum(map(_counted, parts)))
    ratios = [part for part in parts if isinstance(part, Ratio)]
    if ratios:
        return Ratio(sum(part.numerator for part in ratios), sum(part.denominator for part in ratios))
    return merged(part for part in parts if isinstance(part, Delays))


def _counted(figure: Figure) -> int:
    if isinstance(figure, Ratio):
        return figure.denominator
    return figure.count if isinstance(figure, Delays) else figure.counted


def _value(figure: Figure) -> float | None:
    return figure.mean if isinstance(figure, Delays) else figure.value
