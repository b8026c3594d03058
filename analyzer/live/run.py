"""A live run from its options to its end: everything is opened, rights are given up, and the loop runs until it stops.

Two threads: one reads, assembles and parses (`hearing`), this one correlates and counts (`counting`). Signals: SIGINT
and SIGTERM end the run, SIGHUP begins the next frames file.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from analyzer.ahead import Ahead
from analyzer.batch import Columns, Ints, Octets
from analyzer.capture.listening import Listener
from analyzer.capture.rotate import FramesFile
from analyzer.correlate.rules import Rules
from analyzer.errors import CaptureError
from analyzer.live.counting import Counting, Ticked
from analyzer.live.hearing import MEASURED_NS, Heard, Hearing
from analyzer.live.keeping import TICK_S, Keeping
from analyzer.live.options import LiveOptions
from analyzer.live.reporting import Reporter
from analyzer.live.screen import Screen
from analyzer.live.watching import Watch
from analyzer.ops.alert_file import AlertRule, load_alerts
from analyzer.ops.alerts import Alerts
from analyzer.ops.metrics import Metrics
from analyzer.ops.notify import READY, STOPPING, WATCHDOG, notify, status
from analyzer.ops.privileges import drop, plan_user
from analyzer.stages import MessageSink
from analyzer.stats.ended import EndedTotals
from analyzer.stats.live_documents import summary_document
from analyzer.stats.tally import Tally
from analyzer.warming import load_kernels
from analyzer.wiretext import printable_text

SECOND = 1_000_000_000


def run(options: LiveOptions, screen: Screen) -> None:
    """Listen until something ends it: `Screen.wants_to_stop`, a signal, the options' duration or count.

    AnalyzerError when something cannot be opened; once the loop runs, trouble is said and waited out.
    """
    frames = None if options.frames is None else options.frames.folder
    plan = plan_user(options.user, [str(folder) for folder in (frames, options.store) if folder is not None])
    rules = [] if options.alerts is None else load_alerts(options.alerts, options.registry, options.config)
    # Whatever is loaded late would have to be readable for the user that we become, and would let frames wait.
    load_kernels()
    with ExitStack() as stack:
        listeners = _listeners(options, stack)
        metrics = _metrics(options, stack)
        said = [*([] if plan.notice is None else [plan.notice]), *drop(plan)]
        said += [notice for listener in listeners if (notice := getattr(listener, "notice", None))]
        LiveRun(options, screen, listeners, rules, metrics, said, stack).run()


def _listeners(options: LiveOptions, stack: ExitStack) -> list[Listener]:
    """Everything that is listened to, opened."""
    from analyzer.capture.hep_listener import hep_listener
    from analyzer.capture.sockets import listeners

    found: list[Listener] = []
    if options.interfaces:
        found += listeners(
            options.interfaces,
            ports=options.ports or (),
            expression=options.filter,
            is_promiscuous=options.is_promiscuous,
            ring_octets=options.buffer_octets,
        )
        for listener in found:
            stack.callback(listener.close)
    key = None if options.hep.key_file is None else _key(options.hep.key_file)
    for host, port in options.hep.addresses:
        listener = hep_listener(_place(host, port), options.hep.senders, options.hep.rate, key)
        stack.callback(listener.close)
        found.append(listener)
    return found


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _key(file: Path) -> str:
    """The key that HEP packets must carry."""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CaptureError(str(file), f"the key for HEP cannot be read: {error}") from None


def _metrics(options: LiveOptions, stack: ExitStack) -> Metrics | None:
    if options.metrics is None:
        return None
    metrics = Metrics(options.metrics, options.registry, options.config, options.metrics_top)
    stack.callback(metrics.close)
    return metrics


class LiveRun:
    """The parts of a run, and its loop."""

    def __init__(
        self,
        options: LiveOptions,
        screen: Screen,
        listeners: list[Listener],
        rules_of_alerts: Sequence[AlertRule],
        metrics: Metrics | None,
        said: list[str],
        stack: ExitStack,
    ) -> None:
        self._options = options
        self._screen = screen
        self._alerts = alerts = Alerts(rules_of_alerts, options.config, self._say_alert)
        self._metrics = metrics
        self._wants_rotation = threading.Event()
        self._frames = self._frames_file(listeners, stack)
        rules = Rules(options.registry, options.causes)
        tally = Tally(options.registry, options.config, alerts.spans, alerts.watched)
        self._counting = Counting(
            rules, options.config, len(listeners), tally, most_open=options.max_open, events=lambda: hearing.events
        )
        hearing = self._hearing = Hearing(
            listeners,
            self._counting.issues,
            self._counting.read,
            keylog=options.keylog,
            keep_copies=options.keep_copies,
            frames=self._keep_frames if self._frames is not None else None,
            ticked=self._ticked_reading,
            # What is held back is in no store yet: it must be there when the first writing is due.
            measured_ns=MEASURED_NS if options.store is None else int((options.store_every_s - TICK_S) * SECOND),
        )
        self._watch = Watch(hearing.timeline.readers, self._frames, self._counting.gaps, self._notice)
        self._ended = EndedTotals(options.registry, options.config, options.causes)
        self._reporter = Reporter(self._counting, hearing, time.time_ns())
        for text in said:
            self._notice(self._reporter.start_ts, text)
        self._keeping = self._store()

    # -- parts ------------------------------------------------------------------------------------------------------

    def _frames_file(self, listeners: list[Listener], stack: ExitStack) -> FramesFile | None:
        wanted = self._options.frames
        if wanted is None:
            return None
        sources = [(listener.name, listener.link_type) for listener in listeners]
        frames = FramesFile(str(wanted.folder), sources, wanted.rotate_octets, wanted.rotate_s, wanted.keep)
        stack.callback(frames.close)
        return frames

    def _store(self) -> Keeping | None:
        if self._options.store is None:
            return None
        from analyzer.tables.store import StoreWriter

        writer = StoreWriter(self._options.store, self._options.config.zone)
        keeping = Keeping(writer, self._counting, self._reporter, self._options.store_every_s, self._notice)
        self._messages = writer.keep
        keeping.recover(self._reporter.start_ts)
        return keeping

    def _notice(self, ts: int, text: str) -> None:
        self._reporter.notice(ts, text)
        self._screen.notice(ts, text)

    def _say_alert(self, text: str) -> None:
        """Alerts go to standard error, whatever else is shown there or not."""
        self._notice(time.time_ns(), text)
        if not self._screen.minds_stderr:
            print(f"sipcause: {printable_text(text)}", file=sys.stderr, flush=True)

    # -- the reading thread -----------------------------------------------------------------------------------------

    def _keep_frames(self, capture_no: int, records: Octets, first_frame_no: int, frame_nos: Ints) -> None:
        assert self._frames is not None
        self._frames.add(capture_no, records, len(records), first_frame_no, frame_nos)

    def _ticked_reading(self) -> None:
        """Once a second: what belongs to the thread that reads."""
        if self._frames is None:
            return
        for reader in self._hearing.timeline.readers:
            self._frames.count(reader.capture_no, reader.frames, reader.dropped)
        if self._wants_rotation.is_set():
            self._wants_rotation.clear()
            self._frames.rotate()
        self._frames.flush()

    # -- the loop ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until it stops; then everything is closed, written and told."""
        options = self._options
        end = None if options.duration_s is None else time.time_ns() + int(options.duration_s * SECOND)
        sinks: list[MessageSink] = [] if self._keeping is None else [self._messages]
        with _signals(self._hearing.stop, self._wants_rotation.set):
            notify(READY)
            self._show(time.time_ns())
            with Ahead(lambda: _following(self._hearing.heard(end, options.count))) as heard:
                for batch, until in heard:
                    if batch is not None:
                        self._counting.take(batch, sinks)
                    else:
                        self._tick(until)
            notify(STOPPING)
            self._close()

    def _tick(self, until: int | None) -> None:
        now = time.time_ns()
        self._tell(self._counting.tick(now, until))
        self._watch.look(now)
        if self._keeping is not None:
            self._keeping.tick(now)
        self._show(now)
        if self._screen.wants_to_stop:
            self._hearing.stop()

    def _tell(self, ticked: Ticked) -> None:
        """Hand on what has ended."""
        calls, registrations = ticked.ended["calls"], ticked.ended["registrations"]
        self._ended.add(calls, registrations, ticked.ended["midcall"])
        if len(calls):
            self._screen.calls(calls)
        if len(registrations):
            self._screen.registrations(registrations)
        if self._keeping is not None:
            self._keeping.take(ticked)

    def _show(self, now: int) -> None:
        snapshot = self._reporter.snapshot(now, **self._outputs())
        self._alerts.check(snapshot)
        if firing := self._alerts.firing:
            snapshot = replace(snapshot, alerts=tuple(firing))
        if self._metrics is not None:
            self._metrics.show(snapshot)
        self._screen.show(snapshot)
        calls = snapshot.setting_up + snapshot.in_call
        notify(WATCHDOG, status(f"{snapshot.frames:,} frames, {calls:,} calls open, {snapshot.dropped:,} dropped"))

    def _outputs(self) -> Mapping[str, Any]:
        """What snapshots say of store and frames file."""
        keeping, frames = self._keeping, self._frames
        return {
            "store": keeping and keeping.text,
            "store_trouble": keeping and keeping.trouble,
            "store_committed_ts": keeping and keeping.committed_ts,
            "frames_file": frames and (frames.name or "none yet"),
            "frames_trouble": frames and frames.trouble,
        }

    def _close(self) -> None:
        """The end: everything ends, is written and told."""
        now = time.time_ns()
        still_open = self._counting.open_numbers()
        ticked = self._counting.close(now)
        calls: Columns = ticked.ended["calls"]
        self._ended.add(calls, ticked.ended["registrations"], ticked.ended["midcall"])
        self._screen.calls(calls)
        self._screen.registrations(ticked.ended["registrations"])
        if self._keeping is not None:
            self._keeping.close(now, still_open, ticked)
        snapshot = self._reporter.snapshot(now, **self._outputs())
        self._screen.show(snapshot)
        self._screen.summary(summary_document(snapshot, self._ended, self._options.registry))
        self._alerts.close()


def _following(heard: Iterator[Heard]) -> Callable[[], Heard | None]:
    return lambda: next(heard, None)


@contextmanager
def _signals(stop: Callable[[], None], rotate: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM stop, SIGHUP rotates; as they were afterwards. Elsewhere than in the main thread nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stopped(number: int, frame: FrameType | None) -> None:
        stop()

    def rotated(number: int, frame: FrameType | None) -> None:
        rotate()

    wanted = {signal.SIGINT: stopped, signal.SIGTERM: stopped}
    if hasattr(signal, "SIGHUP"):
        wanted[signal.SIGHUP] = rotated
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
