"""The week and those that it is compared with, as all lines of a report see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from analyzer.report.choices import Choices
from analyzer.report.proof import Proof
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio

_K = TypeVar("_K")


@dataclass(frozen=True)
class Weeks:
    """``week`` is the period that the report is about, ``before`` those that it is compared with, the latest first."""

    week: Facts
    before: Sequence[Facts]
    proof: Proof

    @cached_property
    def choices(self) -> Choices:
        """Options that list the calls of the week."""
        return Choices(self.week.period)

    def mean(self, count: Callable[[Facts], Mapping[_K, int]]) -> Mean[_K]:
        """What is counted of each period before, as a mean for each key."""
        return Mean([count(facts) for facts in self.before])

    def mean_of(self, count: Callable[[Facts], int]) -> float | None:
        """A count as its mean over the periods before; None without any."""
        return sum(map(count, self.before)) / len(self.before) if self.before else None

    def ratio_before(self, ratio: Callable[[Facts], Ratio]) -> Ratio | None:
        """A ratio of all periods before together; None without any."""
        parts = [ratio(facts) for facts in self.before]
        if not parts:
            return None
        return Ratio(sum(part.numerator for part in parts), sum(part.denominator for part in parts))


class Mean(dict[_K, float]):
    """Means by key; ``of`` gives 0 for what was never met, None where there is nothing to compare with."""

    def __init__(self, counts: Sequence[Mapping[_K, int]]) -> None:
        super().__init__()
        self._is_known = bool(counts)
        for one in counts:
            for key, count in one.items():
                self[key] = self.get(key, 0.0) + count
        for key in self:
            self[key] /= len(counts)

    def of(self, key: _K) -> float | None:
        """The mean of one key."""
        return self.get(key, 0.0) if self._is_known else None
