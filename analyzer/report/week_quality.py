"""How far the figures can be trusted: what was captured, and between which values they lie."""

from __future__ import annotations

from analyzer.report.lines_of_traffic import BoundLine, QualityLine
from analyzer.report.weeks import Weeks
from analyzer.stats.week_doubts import checks, ranges


def quality(weeks: Weeks) -> tuple[QualityLine, ...]:
    """Every check of data/vantage.toml that something was counted for."""
    return tuple(QualityLine(row.check, row.affected, row.total, row.grade) for row in checks(weeks.week))


def bounds(weeks: Weeks) -> tuple[BoundLine, ...]:
    """The range of each ratio that the captures can falsify."""
    return tuple(
        BoundLine(kpi, value, bound.low, bound.high, bound.doubtful, bound.outside)
        for kpi, (value, bound) in ranges(weeks.week).items()
    )
