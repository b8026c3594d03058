"""Adding to a store at once: rows and messages of captures are written as they come, and have all happened or none.

They stand in a log that has no name of a log until it is whole; then it gets one, which is the moment in which they
have happened. A kill before that leaves a file that the next writer removes. What the captures leave open waits there
for what was captured next (`store_recover`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from analyzer.batch import Columns, OpenNumbers
from analyzer.correlate.layout import FORGOTTEN
from analyzer.errors import StoreError
from analyzer.tables.build import arrow
from analyzer.tables.journal import COMMIT, Commit, LogWriter, pack, pack_commit
from analyzer.tables.store_files import JOURNAL, NEW, OPEN, Disk, LogName, log_path, logs_in, make_store, new_run
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_migrate import migrate
from analyzer.tables.store_open import Kept, Segments, needed, write_messages
from analyzer.tables.store_read import open_store
from analyzer.tables.store_recover import Adopted, adopt_where, last_commit, runs_in
from analyzer.tables.store_roll import roll
from analyzer.tables.store_tables import STORED, stored_columns

#: Octets of messages that are held before it is looked which of them are still needed, and written if most are.
HELD = 32 << 20
#: A capture may begin so long before the one before it ends, ns: files of one ring, written by several threads.
OVERLAP = 1_000_000_000
#: What captures left open is kept for so long after they were added, for what was captured next and is added later, s.
WAITS_S = 30 * 86400


class AddingLog:
    """One run that adds captures. Raises StoreError for whatever the system refuses; nothing was added then."""

    def __init__(self, folder: Path | str, zone: tzinfo, disk: Disk | None = None) -> None:
        """``zone``: of a store that is made; one that is there keeps its own."""
        self.folder = Path(folder)
        self._disk = disk or Disk()
        self.zone = make_store(self.folder, zone, self._disk).zone
        #: What a person should know.
        self.notices: list[str] = []
        if (migrated := migrate(self.folder, self._disk)) is not None:
            self.notices.append(migrated)
        if str(self.zone) != str(zone):
            self.notices.append(f"days of the store {self.folder} are those of {self.zone}, not of {zone}")
        self._lock, self.run = self._begin()
        self._name = LogName(self.run, 1)
        self._log: LogWriter | None = None
        self._held: list[Kept] = []
        self._held_octets = 0
        self._look_at = HELD
        self._committed: Commit | None = None
        #: What dead runs over captures left open that goes on in these.
        self.adopted: list[Adopted] = []

    def _begin(self) -> tuple[Lock, str]:
        for _ in range(3):  # a name of ours can be looked at by somebody who tidies up just now
            run = new_run()
            try:
                if (lock := Lock.take(self.folder, run, is_new=True)) is not None:
                    return lock, run
            except OSError as error:
                raise self._refused(error) from error
        raise StoreError(str(self.folder), "has a lock of this very process: begin again")

    def _refused(self, error: OSError) -> StoreError:
        reason = f"cannot be written ({error.strerror or error}): nothing of the captures was added"
        return StoreError(str(self.folder), reason)

    def adopt(self, begin: int) -> list[Adopted]:
        """Hold what earlier captures left open that ended before ``begin`` (ns), so lately that it can go on."""

        def is_before(commit: Commit) -> bool:
            return commit.of_captures and begin - FORGOTTEN <= commit.ts <= begin + OVERLAP

        try:
            left = self._left_open()
            notices = self._forget_old({run for run, (commit, _) in left.items() if commit.of_captures}, left)
            found = {run for run, (commit, _) in left.items() if is_before(commit)}
            # Others that were interrupted: before anything had happened, or before it stood in parts.
            found |= runs_in(self.folder) - left.keys() - {self.run}
            found |= {
                name.run for name in logs_in(self.folder, JOURNAL) if name.run in left and left[name.run][0].of_captures
            }
            self.adopted, more = adopt_where(self.folder, self.zone, self._disk, found, is_before)
            notices += more
        except OSError as error:
            notices = [f"{self.folder}: what earlier captures left open is not read: {error.strerror or error}"]
        self.notices += notices
        return self.adopted

    def _left_open(self) -> dict[str, tuple[Commit, float]]:
        """The last commits of other runs, and when their logs were written (s)."""
        logs: dict[str, list[Path]] = {}
        for kind in (OPEN, JOURNAL):
            for name, path in sorted(logs_in(self.folder, kind).items()):
                logs.setdefault(name.run, []).append(path)
        found = {}
        for run, paths in logs.items():
            with suppress(FileNotFoundError):  # another one has rolled or removed it
                commit = last_commit(paths, checked=()) if run != self.run else None
                if commit is not None:
                    found[run] = commit, max(path.stat().st_mtime for path in paths)
        return found

    def _forget_old(self, runs: Collection[str], left: Mapping[str, tuple[Commit, float]]) -> list[str]:
        """Let go of what was left open by captures that were added long ago: what comes next has come."""
        old = [run for run in runs if time.time() - left[run][1] > WAITS_S]
        adopted, notices = adopt_where(self.folder, self.zone, self._disk, old, lambda commit: commit.of_captures)
        for one in adopted:
            one.remove(self._disk)
        return notices

    # -- what is written -------------------------------------------------------------------------------------------

    def add(self, table: str, columns: Columns, keys: dict[int, str]) -> None:
        """Rows of a table of `STORED`; ``keys``: those of their calls by call_no, which calls enter."""
        if columns.row_type is not STORED[table].given:
            raise ValueError(f"rows of {columns.row_type.__name__} are none of {table}")
        if len(columns):
            stored = stored_columns(table, columns, self.run, keys)
            try:
                self._writer().frame(table, len(columns), pack(arrow(stored)))
            except OSError as error:
                raise self._refused(error) from error

    def keep(self, messages: Kept) -> None:
        """Messages of what may be open at the end."""
        if len(messages):
            self._held.append(messages)
            self._held_octets += messages.size

    @property
    def holds_much(self) -> bool:
        """Whether it should be told what is open (`forget`)."""
        return self._held_octets >= self._look_at

    def forget(self, still_open: OpenNumbers) -> None:
        """Let go of messages of what has ended; where most are needed they are written."""
        before, self._held, self._held_octets = self._held, [], 0
        for part in before:
            self.keep(part.take(needed(part.rows, still_open)))
        if self._held_octets > 2 * HELD:
            self._write_messages()
        self._look_at = self._held_octets + HELD

    def _write_messages(self) -> None:
        try:
            write_messages(self._writer(), self._held)
        except OSError as error:
            raise self._refused(error) from error
        self._held, self._held_octets = [], 0

    def _writer(self) -> LogWriter:
        if self._log is None:
            self._log = LogWriter(self._path(NEW), self._disk)
        return self._log

    def _path(self, ending: str = "") -> Path:
        path = log_path(self.folder, JOURNAL, self._name)
        return path.with_name(path.name + ending)

    # -- how it ends -----------------------------------------------------------------------------------------------

    def commit(self, ts: int, still_open: OpenNumbers, taken: list[tuple[str, OpenNumbers]]) -> None:
        """Now it has all happened. ``ts``: the captures' clock at their end; ``taken``: what of `adopted` is held, or
        was told the end of, by this run."""
        self.forget(still_open)
        self._write_messages()
        commit = Commit(1, ts, still_open, taken=tuple(taken), of_captures=True)
        try:
            log = self._writer()
            log.frame(COMMIT, 1, pack_commit(commit))
            log.sync()
            log.close()
            self._disk.rename(self._path(NEW), self._path())
        except OSError as error:
            raise self._refused(error) from error
        self._committed = commit

    def tidy(self) -> None:
        """Do what can also be done by the next one who comes: parts, and what others need no more."""
        commit = self._committed
        if commit is None:
            return
        try:
            for adopted in self.adopted:
                for numbers in (numbers for run, numbers in commit.taken if run == adopted.run):
                    adopted.take_away(numbers)
                if adopted.is_over:
                    adopted.remove(self._disk)
                else:
                    adopted.shorten(self._disk)
            roll(self.folder, self._name, self.zone, self._disk)
            self._leave_messages(commit)
        except OSError as error:
            self.notices.append(f"the store cannot be tidied up now: {error.strerror or error}")

    def _leave_messages(self, commit: Commit) -> None:
        path = log_path(self.folder, OPEN, self._name)
        if any(map(len, commit.still_open)):
            segments = Segments(self.folder, self._disk)
            segments.add(self._name, path)
            segments.rewrite(list(segments.segments), commit)
        else:
            self._disk.remove(path)

    def close(self) -> None:
        """Let go of everything; without `commit` nothing was added. Twice does no harm."""
        if self._log is not None:
            self._log.close()
            self._log = None
        try:
            self._disk.remove(self._path(NEW))
        except OSError as error:
            self.notices.append(f"the store cannot be tidied up now: {error.strerror or error}")
        for adopted in self.adopted:
            adopted.release()
        self.adopted = []
        self._lock.release()


class KnownCapture(NamedTuple):
    """A capture that a store has; times in ns."""

    digest: str
    run: str
    capture_no: int
    source: str
    start_ts: int
    end_ts: int
    added_ts: int


def known_captures(folder: Path) -> Iterator[KnownCapture]:
    """The captures of a store, and sources of live runs. Raises StoreError."""
    told = open_store(folder).table("captures", columns=KnownCapture._fields)
    numbers = ("capture_no", "start_ts", "end_ts", "added_ts")
    columns = [told.column(name).cast("int64") if name in numbers else told.column(name) for name in told.column_names]
    for cells in zip(*(column.to_pylist() for column in columns), strict=True):
        yield KnownCapture(*cells)
