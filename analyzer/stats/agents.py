"""Which programs answered the calls that failed."""

from __future__ import annotations

from analyzer.batch import Columns
from analyzer.stats.counting import label_counts, ranked, unsuccessful


def refusing_agents(calls: Columns) -> dict[str, int]:
    """User-Agent or Server of the final responses of unsuccessful calls, most calls first."""
    if not len(calls):
        return {}
    counts = label_counts(calls.labels("callee_agent"), unsuccessful(calls))
    return ranked({name: count for name, count in counts.items() if name is not None})
