"""Delays and durations that can be put together: a histogram, from which percentiles and the mean are read.

Averages of averages and percentiles of percentiles are wrong (docs/counting.md), so what is kept of an hour is what a
week can be made of: every value while there are few, and beyond `EXACT` values how many fell into each bucket. Buckets
are as wide as half a per cent of what is in them, so a percentile read from them is off by no more than that. Which
bucket a value belongs to depends on nothing but the value: parts that are put together equal the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

#: Up to so many values each one is kept.
EXACT = 4096
#: How much wider each bucket is than the one below it, and the smallest value that is told from 0.
_WIDTH = np.log(1.005)
_SMALLEST = 1e-6
#: The mean is summed in millionths, so that the order of summing does not matter.
_PER_UNIT = 1e6
_LARGEST = 9e18
_HALF = 32


@dataclass(frozen=True)
class Delays:
    """Values of one unit. ``values`` holds them in order while there are few; else ``buckets`` counts them.

    ``buckets``: count by bucket number; 0 holds 0, negative numbers hold negative values (clocks that step), which are
    reported as they are. ``total`` is the sum in millionths of the unit.
    """

    count: int = 0
    total: int = 0
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[float, ...] | None = ()
    buckets: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, values: Reals) -> Delays:
        """Some values; what is NaN is missing and left out."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls()
        ordered = np.sort(known)
        few = len(ordered) <= EXACT
        return cls(
            count=len(ordered),
            total=_sum(ordered),
            minimum=float(ordered[0]),
            maximum=float(ordered[-1]),
            values=tuple(ordered.tolist()) if few else None,
            buckets=() if few else _bucketed(ordered),
        )

    @property
    def mean(self) -> float | None:
        """Their sum by their number; None without values."""
        return self.total / _PER_UNIT / self.count if self.count else None

    def percentile(self, percent: float) -> float | None:
        """The smallest value that so many per cent of all values do not exceed (nearest rank); None without values."""
        if not self.count or self.minimum is None or self.maximum is None:
            return None
        rank = max(int(np.ceil(self.count * percent / 100)), 1)
        if self.values is not None:
            return self.values[rank - 1]
        if rank == self.count:
            return self.maximum
        seen = 0
        for number, count in self.buckets:
            seen += count
            if seen >= rank:
                return min(max(_middle(number), self.minimum), self.maximum)
        return self.maximum

    def document(self) -> dict[str, Any]:
        """What is stored of it; `Delays.read` makes the same of it again."""
        return {
            "count": self.count,
            "total": self.total,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "values": None if self.values is None else list(self.values),
            "buckets": [list(pair) for pair in self.buckets],
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Delays:
        """What `document` gave."""
        values = document["values"]
        return cls(
            document["count"],
            document["total"],
            document["minimum"],
            document["maximum"],
            None if values is None else tuple(values),
            tuple((number, count) for number, count in document["buckets"]),
        )


def merged(parts: Iterable[Delays]) -> Delays:
    """The delays of several parts as those of the whole."""
    filled = [part for part in parts if part.count]
    if not filled:
        return Delays()
    count = sum(part.count for part in filled)
    values: list[float] = []
    buckets: dict[int, int] = {}
    for part in filled:
        values += part.values or ()
        for number, share in part.buckets:
            buckets[number] = buckets.get(number, 0) + share
    few = count <= EXACT
    if not few:
        for number, share in _bucketed(np.array(values, dtype=np.float64)):
            buckets[number] = buckets.get(number, 0) + share
    return Delays(
        count=count,
        total=sum(part.total for part in filled),
        minimum=min(part.minimum for part in filled if part.minimum is not None),
        maximum=max(part.maximum for part in filled if part.maximum is not None),
        values=tuple(sorted(values)) if few else None,
        buckets=tuple(sorted(buckets.items())),
    )


def _sum(values: Reals) -> int:
    """The sum in millionths of the unit, exact whatever the order: halves of 64-bit numbers are summed apart."""
    whole = np.clip(np.rint(values * _PER_UNIT), -_LARGEST, _LARGEST).astype(np.int64)
    high, low = whole >> _HALF, whole & ((1 << _HALF) - 1)
    return (int(high.sum()) << _HALF) + int(low.sum())


def _bucketed(values: Reals) -> tuple[tuple[int, int], ...]:
    size = np.abs(values)
    numbers = np.zeros(len(values), dtype=np.int64)
    told = size >= _SMALLEST
    numbers[told] = np.floor(np.log(size[told] / _SMALLEST) / _WIDTH).astype(np.int64) + 1
    numbers = np.where(values < 0, -numbers, numbers)
    found, counts = np.unique(numbers, return_counts=True)
    return tuple(zip(found.tolist(), counts.tolist(), strict=True))


def _middle(number: int) -> float:
    """The value that stands for a bucket."""
    if not number:
        return 0.0
    size = float(_SMALLEST * np.exp((abs(number) - 0.5) * _WIDTH))
    return size if number > 0 else -size
