"""Running sums over calls that have ended: the summary of a live run, in the keys of ``analyze --json``.

An analysis of files holds its calls and counts them at the end; a live run lets go of a call once it has ended, and
keeps these sums alone. Whatever order and pieces the calls come in, the sums are those that `document` would give for
all of them at once. Memory is bounded: what strangers can make many of (endpoints, codes, methods) has so much room,
and what finds none is counted as *other*.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from analyzer.batch import Columns
from analyzer.schema import CauseRow, EndpointRow
from analyzer.stats import registrations as registration_stats
from analyzer.stats.calls import totals
from analyzer.stats.causes import GROUPS, causes
from analyzer.stats.conflicts import cause_candidates
from analyzer.stats.counting import ranked
from analyzer.stats.endpoints import endpoints
from analyzer.stats.midcall import midcall_counts
from analyzer.stats.releases import releases
from analyzer.stats.tally import ENDPOINTS, OTHER, Endpoint
from analyzer.vocab import MidcallKind, Outcome, RegistrationOutcome, Release

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Codes that are told apart of one endpoint, and what the others are counted as.
ENDPOINT_CODES, OTHER_CODE = 32, "other"
#: Requests inside dialogs that are told apart, and the method of the others.
MIDCALL, OTHER_METHOD = 2_000, "(other)"
#: Of an endpoint, in the order of docs/json.md.
FIGURES = (
    "calls_as_caller", "calls_as_callee", "failures_as_caller", "failures_as_responder", "failures_relayed",
    "conflicts",
)  # fmt: skip
_RESPONDER = FIGURES.index("failures_as_responder")

Midcall: TypeAlias = tuple[MidcallKind, str, int | None]


@dataclass
class _Endpoint:
    """The sums of one endpoint: `FIGURES`, and originated failures by code."""

    figures: list[int] = field(default_factory=lambda: [0] * len(FIGURES))
    by_code: Counter[str] = field(default_factory=Counter)

    def add(self, figures: list[int], by_code: dict[str, int]) -> None:
        """Add another's; a code that finds no room counts as `OTHER_CODE`."""
        self.figures = [a + b for a, b in zip(self.figures, figures, strict=True)]
        for code, count in by_code.items():
            has_room = code in self.by_code or len(self.by_code) < ENDPOINT_CODES
            self.by_code[code if has_room else OTHER_CODE] += count


class EndedTotals:
    """Calls, registrations and requests inside dialogs that have ended, summed up.

    ``room``: endpoints that are told apart; when there are more, the half with most failures, then most calls, stays.
    """

    def __init__(self, registry: Registry, config: Config, profile: str, room: int = ENDPOINTS) -> None:
        self._registry = registry
        self._config = config
        self._profile = profile
        self._room = room
        self.calls = self.unsuccessful = self.failures = 0
        self.by_outcome: Counter[Outcome] = Counter()
        self.by_status_code: Counter[str] = Counter()
        self.by_release: Counter[Release] = Counter()
        self.registrations: Counter[RegistrationOutcome] = Counter()
        self._causes: dict[int | None, list[int]] = {}
        self._candidates: dict[int | None, set[int]] = {}
        self._releases: Counter[int | None] = Counter()
        self._endpoints: dict[Endpoint, _Endpoint] = {}
        self._midcall: dict[Midcall, list[int]] = {}

    def add(self, calls: Columns, registrations: Columns | None = None, midcall: Columns | None = None) -> None:
        """Count calls (CallRow), registrations (RegistrationRow) and mid-call rows (MidcallRow), each of them once."""
        if len(calls):
            self._add_calls(calls)
        if registrations is not None and len(registrations):
            self.registrations.update(registration_stats.by_outcome(registrations))
        if midcall is not None and len(midcall):
            self._add_midcall(midcall)

    def _add_calls(self, calls: Columns) -> None:
        figures = totals(calls)
        self.calls += figures.total
        self.unsuccessful += figures.unsuccessful
        self.failures += figures.failures
        self.by_outcome.update(figures.by_outcome)
        self.by_status_code.update(figures.by_status_code)
        self.by_release.update(figures.by_release)
        for row in causes(calls, self._registry):
            held = self._causes.setdefault(row.cause, [0] * len(GROUPS) + [0])
            added = [row.calls, *(getattr(row, group) for group in GROUPS)]
            self._causes[row.cause] = [a + b for a, b in zip(held, added, strict=True)]
        for cause, candidates in cause_candidates(calls, self._registry, self._profile).items():
            self._candidates.setdefault(cause, set()).update(candidates)
        for released in releases(calls, self._registry):
            self._releases[released.cause] += released.calls
        for endpoint in endpoints(calls, self._config):
            self._add_endpoint(endpoint)

    def _add_endpoint(self, row: EndpointRow) -> None:
        held = self._endpoints.setdefault((row.ip, row.network), _Endpoint())
        held.add([getattr(row, name) for name in FIGURES], row.by_status_code)
        if len(self._endpoints) > self._room:
            self._make_room()

    def _make_room(self) -> None:
        def rank(endpoint: Endpoint) -> tuple[bool, int, int, str]:
            figures = self._endpoints[endpoint].figures
            return endpoint == OTHER, -figures[_RESPONDER], -sum(figures), endpoint[0]

        least = sorted(self._endpoints, key=rank)[self._room // 2 :]
        gone = [self._endpoints.pop(endpoint) for endpoint in least]
        other = self._endpoints.setdefault(OTHER, _Endpoint())
        for endpoint in gone:
            other.add(endpoint.figures, endpoint.by_code)

    def _add_midcall(self, midcall: Columns) -> None:
        for row in midcall_counts(midcall):
            key: Midcall = (row.kind, row.method, row.status_code)
            if key not in self._midcall and len(self._midcall) >= MIDCALL:
                key = (row.kind, OTHER_METHOD, None)
            held = self._midcall.setdefault(key, [0, 0])
            held[0] += row.transactions
            held[1] += row.resolved

    def document(self) -> dict[str, Any]:
        """The keys ``calls`` (without ``orphans`` and scanners), ``causes``, ``releases``, ``endpoints``,
        ``registrations`` and ``midcall`` of the JSON document.

        An entry of ``endpoints`` has the figures that a call by itself tells: what sessions and route advance add is
        not among them, nor how many different calls stand behind an entry of ``midcall``.
        """
        return {
            "calls": {
                "total": self.calls,
                "unsuccessful": self.unsuccessful,
                "failures": self.failures,
                "by_outcome": {outcome.value: count for outcome, count in ranked(self.by_outcome).items()},
                "by_status_code": _by_code(self.by_status_code),
                "by_release": {release.value: count for release, count in ranked(self.by_release).items()},
            },
            "causes": self._cause_documents(),
            "releases": [
                {"cause": cause, "text": self._cause_name(cause), "calls": count}
                for cause, count in ranked(self._releases).items()
            ],
            "endpoints": self._endpoint_documents(),
            "registrations": {
                "total": sum(self.registrations.values()),
                "by_outcome": {outcome.value: count for outcome, count in ranked(self.registrations).items()},
            },
            "midcall": [
                {
                    "method": method,
                    "status_code": code,
                    "kind": kind.value,
                    "transactions": transactions,
                    "resolved": resolved,
                }
                for (kind, method, code), (transactions, resolved) in sorted(
                    self._midcall.items(), key=lambda item: (-item[1][0], *item[0][:2], item[0][2] or 0)
                )
            ],
        }

    def _cause_name(self, cause: int | None) -> str | None:
        return None if cause is None else self._registry.cause(cause).name or None

    def _cause_documents(self) -> list[dict[str, Any]]:
        ordered = sorted(self._causes.items(), key=lambda item: (-item[1][0], item[0] is None, item[0] or 0))
        found = []
        for value, (count, *groups) in ordered:
            entry = None if value is None else self._registry.cause(value)
            shown = (None, None, None) if entry is None else (entry.hex, entry.dss1_hex, entry.name or None)
            row = CauseRow._make([value, *shown, count, *groups])
            found.append({**row._asdict(), "cause_candidates": sorted(self._candidates.get(value, ()))})
        return found

    def _endpoint_documents(self) -> list[dict[str, Any]]:
        def order(item: tuple[Endpoint, _Endpoint]) -> tuple[bool, int, str, bool, int]:
            (ip, network), held = item
            return item[0] == OTHER, -held.figures[_RESPONDER], ip, network is not None, network or 0

        return [
            {
                "ip": ip,
                "network": network,
                "side": self._config.side(ip).value,
                **dict(zip(FIGURES, held.figures, strict=True)),
                "by_status_code": _by_code(held.by_code),
            }
            for (ip, network), held in sorted(self._endpoints.items(), key=order)
        ]


def _by_code(counts: Counter[str]) -> dict[str, int]:
    """Highest count first, then by code as a number, words last."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], not item[0].isdecimal(), len(item[0]), item[0])))
