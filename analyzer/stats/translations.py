"""Status codes that changed on their way, and whether they had to (data/translations.toml)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analyzer.schema import TranslationRow

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.correlate.branches import Translation
    from analyzer.registry import Registry


def translations(seen: Mapping[Translation, Sequence[int]], registry: Registry, config: Config) -> list[TranslationRow]:
    """One row for each element, code received and code sent: unexpected ones first, then by calls."""
    rows = [
        TranslationRow(
            ip=which.ip,
            network=which.network,
            name=config.alias(which.ip),
            received=which.received,
            sent=which.sent,
            calls=len(calls),
            expected=registry.is_expected(which.received, which.sent),
        )
        for which, calls in seen.items()
    ]
    return sorted(rows, key=lambda row: (row.expected, -row.calls, row.ip, row.received or 0, row.sent))
