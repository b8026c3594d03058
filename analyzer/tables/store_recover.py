"""Going on where runs ended that are dead: their journals are rolled, their open messages are read again.

A dead run is one whose lock nobody holds. Who takes the lock adopts the run and keeps the lock until a commit of his
own holds the messages again; that commit names the runs that it supersedes, so that a crash between it and the
removal of their files replays nothing twice.

What runs over captures left open waits for what was captured next, whenever that is added (`store_leftovers`). A live
run goes on with it only where it ended shortly before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import tzinfo
from pathlib import Path

import numpy as np

from analyzer.batch import D_COLUMNS, D_TS, MISSING, Datagrams, Ints, OpenNumbers
from analyzer.tables.journal import Commit, Log
from analyzer.tables.store_files import JOURNAL, LOCKS, NEW, OPEN, Disk, LogName, logs_in
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_open import Kept, Segments, covered, joined, joined_whole, messages_in, packed
from analyzer.tables.store_roll import roll

#: Octets behind the last message: kernels read eight at a time.
SPARE = 64
#: A live run goes on with what captures left open that ended so long before it at most, ns.
LATELY = 3600 * 1_000_000_000


class Recovered:
    """What dead runs left open.

    ``datagrams`` yields the messages in the order of their arrival, of several runs by time; it can be walked once.
    They hold what those runs had committed, whose tallies (traffic, others) are stored: only what ends later than
    ``last_ts`` (ns; MISSING when nothing was ever committed) is news. ``runs`` are their names, ``notices`` what a
    person should know.
    """

    def __init__(self, runs: list[Adopted], notices: list[str]) -> None:
        self.runs = tuple(adopted.run for adopted in runs)
        self.last_ts = max((adopted.commit.ts for adopted in runs if adopted.commit is not None), default=MISSING)
        self.notices = notices
        self.messages = 0
        #: Every message has been handed out, and whoever takes them came back for more.
        self.is_done = not runs
        self.datagrams: Iterator[Datagrams] = self._walk(runs)

    def _walk(self, runs: list[Adopted]) -> Iterator[Datagrams]:
        for part in joined(merged([joined(adopted.messages()) for adopted in runs])):
            self.messages += len(part)
            octets = np.concatenate([part.octets, np.zeros(SPARE, dtype=np.uint8)])
            yield Datagrams(octets, np.ascontiguousarray(part.rows[:, :D_COLUMNS]))
        self.notices += [text for adopted in runs for text in adopted.notices]
        self.is_done = True


class Adopted:
    """A dead run whose lock we hold, its journals rolled."""

    def __init__(self, run: str, lock: Lock, folder: Path) -> None:
        self.run = run
        self._lock = lock
        self._folder = folder
        self._logs = _logs(folder, OPEN, run)
        self.commit = last_commit(list(self._logs.values()))
        #: Its messages are read of what is in this; less than its commit says where other runs took some of it.
        self.still_open = OpenNumbers.none() if self.commit is None else self.commit.still_open
        #: What went wrong while its messages were read.
        self.notices: list[str] = []

    def messages(self) -> Iterator[Kept]:
        """Its open messages in the order in which they came."""
        if self.commit is None:
            return
        try:
            for path in uncovered(self._logs):
                yield from messages_in(path, self.still_open, checked=None)
        except OSError as error:
            self.notices.append(f"what {self.run} left open cannot be read to its end: {error.strerror or error}")

    @property
    def last(self) -> Commit:
        """Its last commit; of one that has none `is_over` is true."""
        assert self.commit is not None
        return self.commit

    @property
    def is_over(self) -> bool:
        """Nothing of it goes on. Of a live run the commit is needed as well, as long as it supersedes others."""
        return self.commit is None or (self.commit.of_captures and not any(map(len, self.still_open)))

    def take_away(self, taken: OpenNumbers) -> None:
        """Others go on with some of it."""
        columns = zip(self.still_open, taken, strict=True)
        self.still_open = OpenNumbers(*(np.setdiff1d(own, theirs, assume_unique=True) for own, theirs in columns))

    def shorten(self, disk: Disk) -> None:
        """Leave no more in its files than what is still open of it. Raises OSError; then it can be done again."""
        if self.commit is not None and sum(map(len, self.still_open)) < sum(map(len, self.commit.still_open)):
            segments, kept = Segments(self._folder, disk), uncovered(self._logs)
            for name, path in self._logs.items():
                if path in kept:
                    segments.add(name, path)
            segments.rewrite(list(segments.segments), self.commit._replace(still_open=self.still_open))
            self._logs = _logs(self._folder, OPEN, self.run)

    def remove(self, disk: Disk) -> None:
        """Its messages are held elsewhere or needed no more. Raises OSError."""
        self._remove(disk)
        self.release()

    def _remove(self, disk: Disk) -> None:
        for path in self._logs.values():
            disk.remove(path)

    def release(self) -> None:
        """Leave it to the next one."""
        self._lock.release()


def adopt(folder: Path, zone: tzinfo, disk: Disk, own: str, now: int | None = None) -> tuple[list[Adopted], list[str]]:
    """Take the locks of dead runs and roll their journals; what they superseded is removed. Also notices for a person.

    ``now``: the time of day, ns. Raises OSError when something cannot be written.
    """
    now = time.time_ns() if now is None else now

    def is_wanted(commit: Commit) -> bool:
        return not commit.of_captures or 0 <= now - commit.ts <= LATELY

    return adopt_where(folder, zone, disk, runs_in(folder) - {own}, is_wanted)


def adopt_where(
    folder: Path, zone: tzinfo, disk: Disk, runs: Collection[str], is_wanted: Callable[[Commit], bool]
) -> tuple[list[Adopted], list[str]]:
    """The same of some runs, of which those are left where they are whose last commit is not wanted."""
    notices: list[str] = []
    taken: list[Adopted] = []
    try:
        for run in sorted(runs):
            if (lock := Lock.take(folder, run)) is None:
                continue
            try:
                notices += _tidy(folder, run, zone, disk)
                taken.append(Adopted(run, lock, folder))
            except BaseException:
                lock.release()
                raise
        commits = last_commits(folder)
        superseded = {run for commit in commits.values() for run in commit.supersedes}
        for adopted in taken:
            for run, numbers in (part for commit in commits.values() for part in commit.taken):
                if run == adopted.run:
                    adopted.take_away(numbers)
            adopted.shorten(disk)
        for adopted in list(taken):
            if adopted.run in superseded or adopted.is_over:
                adopted.remove(disk)
            elif not is_wanted(adopted.last):
                adopted.release()
            else:
                continue
            taken.remove(adopted)
    except BaseException:
        for adopted in taken:
            adopted.release()
        raise
    return taken, notices


def runs_in(folder: Path) -> set[str]:
    """The runs that have logs, and those that left a lock alone."""
    runs = {name.run for kind in (JOURNAL, OPEN) for name in logs_in(folder, kind)}
    with suppress(FileNotFoundError):
        runs |= {path.stem for path in (folder / LOCKS).glob("*.lock")}
    return runs


def _logs(folder: Path, kind: str, run: str) -> dict[LogName, Path]:
    return {name: path for name, path in sorted(logs_in(folder, kind).items()) if name.run == run}


def _tidy(folder: Path, run: str, zone: tzinfo, disk: Disk) -> list[str]:
    """Roll what a dead run left, and remove what it had not finished."""
    unsound = [name for name in _logs(folder, JOURNAL, run) if not roll(folder, name, zone, disk)]
    for kind in (JOURNAL, OPEN):
        for half in (folder / kind).glob(f"{run}-*{NEW}"):
            disk.remove(half)
    return [f"the journal {name} is damaged: what stands behind the damage is left out" for name in unsound]


def last_commits(folder: Path) -> dict[str, Commit]:
    """The last commit of every run, living ones too."""
    logs: dict[str, list[Path]] = {}
    for kind in (OPEN, JOURNAL):
        for name, path in sorted(logs_in(folder, kind).items()):
            logs.setdefault(name.run, []).append(path)
    found = {run: last_commit(paths, checked=()) for run, paths in logs.items()}
    return {run: commit for run, commit in found.items() if commit is not None}


def last_commit(paths: list[Path], checked: tuple[str, ...] | None = None) -> Commit | None:
    """The last commit in the logs of one run, oldest log first."""
    for path in reversed(paths):
        with suppress(FileNotFoundError), Log(path, checked) as log:
            if (commit := log.last_commit) is not None:
                return commit
    return None


def uncovered(logs: dict[LogName, Path]) -> list[Path]:
    """The logs of one run, oldest first, without those whose messages a later one holds as well."""
    found: list[Path] = []
    first = None
    for name, path in reversed(logs.items()):
        if first is None or name.sequence < first:
            found.append(path)
            first = covered(path, name)[0]
    return found[::-1]


def merged(streams: list[Iterator[Kept]]) -> Iterator[Kept]:
    """Messages of several streams by time, those of one stream in their order.

    Time in a stream is the highest that it has shown so far: a clock that was set back reorders nothing.
    """
    if len(streams) == 1:
        yield from streams[0]
        return
    heads: list[tuple[Kept, Ints] | None] = []
    clocks = [MISSING] * len(streams)
    for number, stream in enumerate(streams):
        heads.append(_next(stream, number, clocks))
    while True:
        living = [head for head in heads if head is not None]
        if not living:
            return
        until = min(int(clock[-1]) for _, clock in living)
        pieces: list[tuple[Kept, Ints]] = []
        for number, head in enumerate(heads):
            if head is None:
                continue
            part, clock = head
            count = int(np.searchsorted(clock, until, side="right"))
            pieces.append((packed(part.rows[:count], part.octets), clock[:count]))
            rest = Kept(part.rows[count:], part.octets), clock[count:]
            heads[number] = rest if len(rest[1]) else _next(streams[number], number, clocks)
        yield _by_clock(pieces)


def _next(stream: Iterator[Kept], number: int, clocks: list[int]) -> tuple[Kept, Ints] | None:
    for part in stream:
        clock = np.maximum(np.maximum.accumulate(part.rows[:, D_TS]), clocks[number])
        clocks[number] = int(clock[-1])
        return part, clock
    return None


def _by_clock(pieces: list[tuple[Kept, Ints]]) -> Kept:
    whole = joined_whole([part for part, _ in pieces])
    order = np.argsort(np.concatenate([clock for _, clock in pieces]), kind="stable")
    return Kept(whole.rows[order], whole.octets)
