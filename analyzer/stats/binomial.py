"""How improbable a count is by chance: the upper tail of the binomial distribution, summed from its terms."""

from __future__ import annotations

import math

#: A term that is smaller than the sum by this factor ends it.
_NEGLIGIBLE = 1e-12


def binomial_at_least(count: int, of: int, share: float) -> float:
    """The chance of ``count`` or more of ``of``, each with a chance of ``share``; 1.0 where that many are expected."""
    if count <= of * share or count <= 0:
        return 1.0
    if share <= 0 or count > of:
        return 0.0
    choose = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    term = math.exp(choose + count * math.log(share) + (of - count) * math.log1p(-share)) if share < 1 else 1.0
    total, odds = term, share / (1 - share) if share < 1 else 0.0
    for n in range(count, of):
        term *= odds * (of - n) / (n + 1)
        total += term
        if term <= total * _NEGLIGIBLE:
            break
    return min(total, 1.0)
