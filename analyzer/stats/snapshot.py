"""All that a live run shows at one moment: what screens, metrics pages and alerts look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyzer.schema import RequestRow, ResponseRow
from analyzer.stats.tally import Tally
from analyzer.vocab import SourceKind


@dataclass(frozen=True)
class SourceState:
    """One listener so far. ``trouble``: why nothing comes at the moment, None while all is well."""

    capture_no: int
    name: str
    kind: SourceKind
    frames: int
    octets: int
    sip_messages: int
    dropped: int
    trouble: str | None


@dataclass(frozen=True)
class Rates:
    """Of the last second or so, a second."""

    frames: float = 0.0
    octets: float = 0.0
    messages: float = 0.0
    calls: float = 0.0


@dataclass(frozen=True)
class LiveSnapshot:
    """A live run at a moment; times in ns.

    ``setting_up``: calls without a final response; ``in_call``: answered ones without an end; ``lingering``: decided
    ones that may still be heard of. ``open_groups``: calls, registrations and other transactions that memory is spent
    on, ``evicted`` how many of them were ended early because there were too many. ``tally``: what was decided.
    ``newest_failures``: rows of CallRow as dicts with ``call_key``, newest first. ``responses`` and ``requests``:
    messages since the start. ``queue_dropped``: frames that were read and then lost for want of time (part of no
    source). ``store``, ``frames_file``: a few words on each, its trouble first; None where there is none.
    ``store_committed_ts``: up to when the store has everything on disk, ns. ``memory_octets``: of the process,
    resident. ``issues``: how often each was met. ``notices``: what happened to the run itself, newest first, with the
    time; ``alerts``: those that fire, in words.
    """

    now_ts: int
    start_ts: int
    sources: Sequence[SourceState]
    rates: Rates
    setting_up: int
    in_call: int
    lingering: int
    open_groups: int
    evicted: int
    tally: Tally
    newest_failures: Sequence[Mapping[str, Any]]
    responses: Sequence[ResponseRow]
    requests: Sequence[RequestRow]
    orphans: int
    memory_octets: int
    issues: Mapping[str, int] = field(default_factory=dict)
    queue_dropped: int = 0
    store: str | None = None
    store_trouble: str | None = None
    store_committed_ts: int | None = None
    frames_file: str | None = None
    frames_trouble: str | None = None
    notices: Sequence[tuple[int, str]] = ()
    alerts: Sequence[str] = ()

    @property
    def frames(self) -> int:
        """Frames of all sources."""
        return sum(source.frames for source in self.sources)

    @property
    def sip_messages(self) -> int:
        """SIP messages of all sources."""
        return sum(source.sip_messages for source in self.sources)

    @property
    def dropped(self) -> int:
        """Frames that all sources lost."""
        return sum(source.dropped for source in self.sources)
