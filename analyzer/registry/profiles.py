"""Mapping profiles: SIP status code to Q.850 cause and back, each as one source has it.

A profile answers with the row of its table and nothing else; what a gateway does with codes that its table
does not list is told (``default_cause``, ``default_rule``), never applied silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.registry.entries import ProfileEntry, ReverseEntry


class Profile:
    """One source's table in both directions.

    ``name``, ``title``, ``source`` and ``checked`` as in mappings.toml.
    """

    def __init__(
        self, entry: ProfileEntry, back: ReverseEntry | None, warning_causes: Mapping[int, int] | None = None
    ) -> None:
        """``warning_causes``: the cause that a mapping by Warning chooses, by Warning code."""
        self.entry = entry
        self.back = back
        self.name = entry.name
        self.title = entry.title
        self.source = entry.source
        self.checked = entry.checked
        self.origin = entry.origin
        self._warning_causes = dict(warning_causes or {})

    def cause(self, status: int, warning: int | None = None) -> int | None:
        """The cause of a status code by this table; None when the table has no row for it.

        ``warning`` is the first Warning code of the response: where the source maps by Warning (RFC 3398
        §8.2.6.1 for 488 and 606) and the warning says that a bearer capability is missing, that cause holds.
        """
        other = self.entry.by_warning.get(status)
        if other is not None and warning is not None and self._warning_causes.get(warning) == other:
            return other
        return self.entry.causes.get(status)

    def causes(self, status: int) -> tuple[int, ...]:
        """Every cause that this table can give for a status code, the usual one first."""
        found = (self.entry.causes.get(status), self.entry.by_warning.get(status))
        return tuple(value for value in found if value is not None)

    def reverse(self, cause: int) -> tuple[int, ...]:
        """The status codes that a gateway of this kind makes of a cause, the usual one first.

        () when not listed.
        """
        return self.back.codes.get(cause, ()) if self.back else ()

    def candidates(self, status: int) -> tuple[int, ...]:
        """The causes of which a gateway of this kind makes that status code: what the far side may have sent.

        They are candidates, not facts: both directions of a source are seldom inverse (RFC 3398 §7.2.4.1, §8.2.6.1).
        () without a table from causes to codes.
        """
        codes = self.back.codes if self.back else {}
        return tuple(sorted(cause for cause, statuses in codes.items() if status in statuses))

    @property
    def statuses(self) -> tuple[int, ...]:
        """The status codes that the table has a cause for, ascending."""
        return tuple(sorted(self.entry.causes))

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"


def joined(profiles: Iterable[Profile]) -> dict[int, frozenset[int]]:
    """Every cause that any of the profiles, in either direction, joins with a status code, by status code."""
    found: dict[int, set[int]] = {}
    for profile in profiles:
        for table in (profile.entry.causes, profile.entry.by_warning):
            for status, cause in table.items():
                found.setdefault(status, set()).add(cause)
        for cause, statuses in (profile.back.codes if profile.back else {}).items():
            for status in statuses:
                found.setdefault(status, set()).add(cause)
    return {status: frozenset(causes) for status, causes in found.items()}
