"""``--alerts``: rules over what a live run decides, and whom they tell.

    alerts = Alerts(load_alerts("alerts.toml", registry, config), config)
    tally = Tally(registry, config, alerts.spans, alerts.watched)
    alerts.check(snapshot)        once a second, by the loop
    alerts.firing                 what a screen shows
    alerts.close()

An alert is *pending* while its condition holds for less than ``for``, then *firing*, and *over* when the condition has
not held for as long. It is told when it fires, again every ``every`` while it does, and once when it is over. One that
comes back is told again after `REST_S` seconds at the earliest, so that flapping fills no mailbox.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from analyzer.ops.alert_file import AlertRule, load_alerts
from analyzer.ops.alert_readings import NAMED, Reading, Rise, described, frames_lost, holding_endpoints, reading
from analyzer.ops.alert_rules import What, spans_of
from analyzer.ops.alert_ways import WAITS_S, Courier, NamedEndpoint, Notice, Way
from analyzer.stats.tally import BUCKET_S, SECOND

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.stats.snapshot import LiveSnapshot

#: Seconds between two notices that the same alert fires, when it was over in between.
REST_S = 300


class AlertState(StrEnum):
    """Where an alert stands."""

    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"
    OVER = "over"


@dataclass
class _Watch:
    """One rule and where it stands; times in ns, None = not so."""

    rule: AlertRule
    state: AlertState = AlertState.QUIET
    held_since: int | None = None
    clear_since: int | None = None
    fired_ts: int = 0
    told_ts: int | None = None
    is_told: bool = False
    rise: Rise | None = None
    readings: Sequence[Reading] = ()
    holds: bool = False
    looked_ts: int | None = None
    text: str = ""

    def set_back(self, now_ts: int) -> None:
        """No time stands in the future: a clock that was set back would silence the alert until then."""
        self.held_since = None if self.held_since is None else min(self.held_since, now_ts)
        self.clear_since = None if self.clear_since is None else min(self.clear_since, now_ts)
        self.told_ts = None if self.told_ts is None else min(self.told_ts, now_ts)
        self.fired_ts = min(self.fired_ts, now_ts)
        self.looked_ts = None
        if self.rise is not None:
            self.rise.begin(now_ts)


class Alerts:
    """Watches rules.

    ``say`` gets the lines for standard error, always in the thread that calls `check` and `close`; by default they are
    printed there. Threads of ways begin with their first notice, so that privileges may be given up before.
    ``waits_s``: between the tries of a notice.
    """

    def __init__(
        self,
        rules: Iterable[AlertRule],
        config: Config,
        say: Callable[[str], None] | None = None,
        waits_s: tuple[float, ...] = WAITS_S,
    ) -> None:
        self._config = config
        self._say = say if say is not None else _print
        self._watches = [_Watch(rule) for rule in rules]
        # Couriers speak in threads of their own; what they report is said by the loop.
        self._reports: list[str] = []
        ways: dict[Way, None] = {way: None for watch in self._watches for way in watch.rule.ways}
        self._couriers = {way: Courier(way, self._reports.append, waits_s) for way in ways}
        self._last_ts = 0

    @property
    def spans(self) -> frozenset[int]:
        """Seconds of the spans that the tally must keep."""
        return spans_of([watch.rule.condition for watch in self._watches])

    @property
    def watched(self) -> frozenset[str]:
        """Addresses that the tally must keep by name."""
        conditions = [watch.rule.condition for watch in self._watches]
        return frozenset(str(condition.subject) for condition in conditions if condition.what is What.ENDPOINT)

    @property
    def firing(self) -> list[str]:
        """The alerts that fire, in words."""
        return [f"{watch.rule.name}: {watch.text}" for watch in self._watches if watch.state is AlertState.FIRING]

    @property
    def states(self) -> dict[str, AlertState]:
        """Where each alert stands, by name; *over* for the one look at which it ended."""
        return {watch.rule.name: watch.state for watch in self._watches}

    def check(self, snapshot: LiveSnapshot) -> None:
        """Look at every rule once and tell what is to be told; never raises for a way that fails."""
        now_ts = snapshot.now_ts
        for watch in self._watches:
            if now_ts < self._last_ts:
                watch.set_back(now_ts)
            self._look(watch, snapshot)
            self._step(watch, now_ts)
        self._last_ts = now_ts
        self._report()

    def send_test(self, now_ts: int) -> None:
        """Tell a test by every way, once: as the first alert that goes that way."""
        tried: set[Way | None] = set()
        for watch in self._watches:
            ways = {*watch.rule.ways, *([None] if watch.rule.is_said else [])} - tried
            self._tell(watch, "test", now_ts, ways)
            tried |= ways

    def close(self, patience_s: float = 5.0) -> bool:
        """Deliver what waits, for so many seconds at most; whether that was enough."""
        end = time.monotonic() + patience_s
        is_done = [courier.close(max(end - time.monotonic(), 0)) for courier in self._couriers.values()]
        self._report()
        return all(is_done)

    # -- measuring

    def _look(self, watch: _Watch, snapshot: LiveSnapshot) -> None:
        condition, now_ts = watch.rule.condition, snapshot.now_ts
        if condition.what in (What.DROPS, What.SILENCE):
            if watch.rise is None:  # the first look: what was before is no silence, nobody listened
                watch.rise = Rise(condition.span_s, now_ts)
            counter = frames_lost(snapshot) if condition.what is What.DROPS else snapshot.sip_messages
            watch.readings = [Reading(watch.rise.add(now_ts, counter))]
            seen = condition.what is What.DROPS or watch.rise.covers(now_ts)
            watch.holds = seen and watch.readings[0].holds(condition)
        elif condition.what is What.ANY_ENDPOINT:
            # All endpoints of a span are looked at: once in a bucket's time, not once a second.
            if watch.looked_ts is None or now_ts - watch.looked_ts >= BUCKET_S * SECOND:
                watch.readings = holding_endpoints(condition, snapshot.tally.span(condition.span_s))
                watch.holds, watch.looked_ts = bool(watch.readings), now_ts
        else:
            watch.readings = [reading(condition, snapshot.tally.span(condition.span_s))]
            watch.holds = watch.readings[0].holds(condition)

    # -- states

    def _step(self, watch: _Watch, now_ts: int) -> None:
        hold_ns, every_ns = watch.rule.hold_s * SECOND, watch.rule.every_s * SECOND
        if watch.state is AlertState.OVER:
            watch.state = AlertState.QUIET
        if watch.holds:
            watch.clear_since = None
            if watch.held_since is None:
                watch.held_since = now_ts
            if watch.state is not AlertState.FIRING:
                is_long_enough = now_ts - watch.held_since >= hold_ns
                watch.state = AlertState.FIRING if is_long_enough else AlertState.PENDING
                watch.fired_ts, watch.is_told = watch.held_since, False
            if watch.state is AlertState.FIRING:
                watch.text = self._described(watch)
                pause = every_ns if watch.is_told else min(every_ns, REST_S * SECOND)
                if watch.told_ts is None or now_ts - watch.told_ts >= pause:
                    self._tell(watch, "firing", now_ts)
                    watch.told_ts, watch.is_told = now_ts, True
            return
        watch.held_since = None
        if watch.state is AlertState.FIRING:
            watch.text = self._described(watch)
            if watch.clear_since is None:
                watch.clear_since = now_ts
            if now_ts - watch.clear_since < hold_ns:
                return
            watch.state = AlertState.OVER
            if watch.is_told:
                self._tell(watch, "over", now_ts)
        else:
            watch.state = AlertState.QUIET
        watch.clear_since = None

    # -- telling

    def _described(self, watch: _Watch) -> str:
        names = {r.endpoint[0]: self._config.alias(r.endpoint[0]) for r in watch.readings[:NAMED] if r.endpoint}
        return described(watch.rule.condition, list(watch.readings), names)

    def _tell(self, watch: _Watch, state: str, now_ts: int, only: set[Way | None] | None = None) -> None:
        condition, first = watch.rule.condition, watch.readings[0] if watch.readings else None
        notice = Notice(
            name=watch.rule.name,
            state=state,
            rule=str(condition),
            text="a test" if state == "test" else watch.text,
            ts=now_ts,
            since_ts=now_ts if state == "test" else watch.fired_ts,
            value=first.value if first else None,
            numerator=first.numerator if first else None,
            denominator=first.denominator if first else None,
            span_s=condition.span_s,
            endpoints=self._endpoints(watch),
        )
        if watch.rule.is_said and (only is None or None in only):
            self._say(notice.line)
        for way in watch.rule.ways:
            if only is None or way in only:
                self._couriers[way].send(notice)

    def _endpoints(self, watch: _Watch) -> tuple[NamedEndpoint, ...]:
        condition = watch.rule.condition
        if condition.what is What.ENDPOINT:
            address, first = str(condition.subject), watch.readings[0] if watch.readings else Reading(0)
            alias = self._config.alias(address)
            return (NamedEndpoint(address, None, alias, first.numerator, first.denominator),)
        return tuple(
            NamedEndpoint(*r.endpoint, self._config.alias(r.endpoint[0]), r.numerator, r.denominator)
            for r in watch.readings[:NAMED]
            if r.endpoint is not None
        )

    def _report(self) -> None:
        while self._reports:
            self._say(self._reports.pop(0))


def _print(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever read standard error has gone: no reason to stop
        print(f"sipcause: {line}", file=sys.stderr, flush=True)


__all__ = ["AlertRule", "AlertState", "Alerts", "load_alerts"]
