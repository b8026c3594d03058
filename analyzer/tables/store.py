"""The history of live runs: written every few seconds, readable at any moment, for years. Captures are added at once
(`store_add`).

`StoreWriter` takes ended rows and messages, and commits both at once to a log (`journal`); now and then a log is
rolled into Parquet parts (`store_roll`) and messages of what has ended are dropped (`store_open`). What a kill -9, a
power cut or a full disk takes is at most what came since the last commit. A start goes on with what dead runs left
open (`store_recover`). `store_read` reads a store, while others write to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import NamedTuple

from analyzer.batch import MISSING, Columns, Ints, MessageBatch, OpenNumbers, concat
from analyzer.errors import StoreError
from analyzer.tables.build import arrow
from analyzer.tables.journal import COMMIT, Commit, LogWriter, pack, pack_commit
from analyzer.tables.store_files import JOURNAL, Disk, LogName, is_run_name, log_path, make_store, new_run
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_migrate import migrate
from analyzer.tables.store_open import Segments, kept, open_path, write_messages
from analyzer.tables.store_recover import Adopted, Recovered, adopt, runs_in
from analyzer.tables.store_roll import roll
from analyzer.tables.store_tables import STORED, stored_columns
from analyzer.tables.store_waiting import Bounds, Waiting

__all__ = ["Bounds", "Rolling", "StoreWriter"]


class Rolling(NamedTuple):
    """When a log is rolled: after so many seconds, or when it is so long."""

    every_s: float = 300.0
    octets: int = 64 << 20
    #: After trouble it is tried again so much later.
    again_s: float = 30.0


ROLLING = Rolling()
BOUNDS = Bounds()


class StoreWriter:
    """Writes to a store for one run. Several may write to one store, each of its own run.

    ``add`` and ``keep`` take what is new, ``commit`` writes it in a thread of its own, ``close`` writes the rest.
    Nothing of these raises for a disk that is full or gone: ``trouble`` says what is the matter, rows wait within
    `Bounds`, what finds no room any more is counted in ``lost_rows`` and ``lost_messages``. All methods are for one
    thread.
    """

    def __init__(
        self,
        folder: Path | str,
        zone: tzinfo,
        *,
        run: str | None = None,
        rolling: Rolling = ROLLING,
        bounds: Bounds = BOUNDS,
        in_background: bool = True,
        disk: Disk | None = None,
    ) -> None:
        """``zone``: of a store that is made; one that is there keeps its own (``zone``).

        Raises StoreError when the folder cannot be a store or not be written to, or the run has been there before.
        """
        self.folder = Path(folder)
        self._disk = disk or Disk()
        about = make_store(self.folder, zone, self._disk)
        self.zone = about.zone
        #: What a person should know of the store, once.
        self.notices: list[str] = []
        if (migrated := migrate(self.folder, self._disk)) is not None:
            self.notices.append(migrated)
        if str(about.zone) != str(zone):
            self.notices.append(f"days of the store {self.folder} are those of {about.zone}, not of {zone}")
        self.run, self._lock = self._take(run)
        self._rolling = rolling
        self._waiting = Waiting(bounds)
        self._journal: tuple[LogName, LogWriter] | None = None
        self._sequence = 0
        self._spilled = 0
        self._began = self._not_before = 0.0
        self._to_roll: list[LogName] = []
        self._segments = Segments(self.folder, self._disk)
        self._committed: Commit | None = None
        self._adopted: list[Adopted] = []
        self._supersedes: set[str] = set()
        self._recovered: Recovered | None = None
        self._pool = ThreadPoolExecutor(1, "sipcause-store") if in_background else None
        self._job: Future[None] | None = None
        self._failure: str | None = None
        self._roll_failure: str | None = None
        self._is_closed = False

    def _take(self, run: str | None) -> tuple[str, Lock]:
        if run is not None and not is_run_name(run):
            raise StoreError(str(self.folder), f"{run!r} is no name for a run")
        try:
            for _ in range(3):  # a name of ours can be looked at by somebody who tidies up just now
                name = run or new_run()
                if (lock := Lock.take(self.folder, name, is_new=True)) is not None:
                    return name, lock
        except OSError as error:
            raise StoreError(str(self.folder), f"cannot be written: {error.strerror or error}") from error
        raise StoreError(str(self.folder), f"another process writes as {run or 'this run'}: end that one first")

    # -- what a caller looks at ------------------------------------------------------------------------------------

    @property
    def trouble(self) -> str | None:
        """Why what has happened is not all in the store at the moment; None while all is well."""
        if self._failure is None:
            return self._roll_failure
        waiting = self._waiting
        lost = f", {waiting.lost_rows:,} rows lost" if waiting.lost_rows else ""
        return f"the store cannot be written ({self._failure}): {waiting.row_count:,} rows wait{lost}"

    @property
    def lost_rows(self) -> int:
        """Rows that found no room while the store could not be written."""
        return self._waiting.lost_rows

    @property
    def lost_messages(self) -> int:
        """Messages that found none: their calls go on, but a restart cannot go on with them."""
        return self._waiting.lost_messages

    @property
    def is_busy(self) -> bool:
        """Whether a commit is being written."""
        if self._job is not None and self._job.done():
            job, self._job = self._job, None
            job.result()  # raises what is our own mistake
        return self._job is not None

    # -- what a caller does ----------------------------------------------------------------------------------------

    def recover(self) -> Recovered:
        """Adopt what dead runs left (of captures, what ended lately): their rows are in the parts when this returns,
        their open messages are in ``datagrams``. To be called once, before the first commit; until ``datagrams`` is
        walked to its end nothing is committed. Trouble with the disk is in the notices; then nothing is recovered now,
        and nothing is lost.
        """
        try:
            self._adopted, notices = adopt(self.folder, self.zone, self._disk, self.run)
        except OSError as error:
            notices = [f"{self.folder}: what earlier runs left open is not read: {error.strerror or error}"]
        self._recovered = Recovered(self._adopted, notices)
        return self._recovered

    def add(self, table: str, columns: Columns) -> None:
        """Take rows that have ended; ``table`` is one of `STORED`. Their arrays must not change any more."""
        if columns.row_type is not STORED[table].given:
            raise ValueError(f"rows of {columns.row_type.__name__} are none of {table}")
        if len(columns):
            self._waiting.add(table, columns)

    def keep(self, batch: MessageBatch, links: Ints) -> None:
        """Take the messages of a batch with what they belong to (n × 4: resend_of, transaction_no, call_no,
        registration_no; MISSING = none). They are copied. Copies and messages of nothing are left out."""
        self._waiting.keep(kept(batch, links))
        if self._waiting.is_much and not self.is_busy:
            self._hand_over(None)

    def commit(self, still_open: OpenNumbers, ts: int) -> bool:
        """Write what was added and kept, in the background; whether that was begun.

        ``still_open`` must fit: what is in it has not been handed to ``add``, all else has (rows that wait inside
        the correlator included). ``ts`` is the capture's clock. While the last commit is still being written, or
        recovered messages are still to come, nothing is begun and the next commit takes it all.
        """
        if self.is_busy or self._replays:
            return False
        self._waiting.forget(still_open)
        number = self._committed.number + 1 if self._committed is not None else 1
        self._hand_over(Commit(number, ts, still_open, tuple(sorted(self._supersedes | self._fresh()))))
        return True

    def close(self, still_open: OpenNumbers | None = None, ts: int = MISSING) -> None:
        """Write what is left and roll it. ``still_open``: what a next run goes on with; None: nothing.

        ``trouble`` tells what could not be written. Twice does no harm.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        still_open = still_open if still_open is not None else OpenNumbers.none()
        clock = max(ts, self._committed.ts if self._committed is not None else MISSING)
        self.commit(still_open, clock)
        if self._journal is not None:
            name, log = self._journal
            log.close()
            self._journal = None
            self._to_roll.append(name)
        self._roll_all()
        if self._failure is None and not self._to_roll and not any(map(len, still_open)) and not self._adopted:
            self._guarded(self._segments.remove)
        for adopted in self._adopted:
            adopted.release()
        self._lock.release()

    # -- in the background -----------------------------------------------------------------------------------------

    @property
    def _replays(self) -> bool:
        return self._recovered is not None and not self._recovered.is_done

    def _fresh(self) -> set[str]:
        """The runs whose messages we hold from the next commit on, and those that these had superseded."""
        earlier = {run for one in self._adopted if one.commit is not None for run in one.commit.supersedes}
        if earlier:
            earlier &= runs_in(self.folder)  # the others are gone, and need not be named for ever
        return {one.run for one in self._adopted} | earlier

    def _hand_over(self, commit: Commit | None) -> None:
        self._waiting.hand_over()
        if self._pool is None:
            self._write(commit)
        else:
            self._job = self._pool.submit(self._write, commit)

    def _write(self, commit: Commit | None) -> None:
        """Write what was handed over; with a commit it has happened."""
        try:
            _, log = self._log()
            begin = log.octets
            try:
                write_messages(log, self._waiting.handed_messages)
                if commit is not None:
                    self._write_rows(log)
                    log.frame(COMMIT, 1, pack_commit(commit))
            except OSError:
                log.cut(begin)
                if log.is_torn:
                    self._give_up(log)
                raise
            if commit is None:
                self._spilled += self._waiting.written(with_rows=False)
                return
            try:
                log.sync()
            except OSError:
                # What the system could not write it may have forgotten: nothing of this file is relied on any more.
                log.cut(begin)
                self._give_up(log)
                raise
        except OSError as error:
            self._waiting.take_back()
            self._failure = error.strerror or str(error)
            return
        self._failure = None
        self._spilled = 0
        self._waiting.written(with_rows=True)
        self._committed = commit
        self._supersedes = set(commit.supersedes)
        self._let_go_of_adopted()
        now = time.monotonic()
        is_old = now - self._began >= self._rolling.every_s or log.octets >= self._rolling.octets
        if (is_old or self._to_roll) and now >= self._not_before:
            if is_old and not self._to_roll:
                self._guarded(self._next_log)
            self._roll_all()

    def _write_rows(self, log: LogWriter) -> None:
        keys: dict[int, str] = {}
        for table in STORED:  # calls come first: branches and blocks look up the keys of theirs
            if parts := self._waiting.handed_rows(table):
                columns = stored_columns(table, concat(parts[0].row_type, parts), self.run, keys)
                log.frame(table, len(columns), pack(arrow(columns)))

    def _log(self) -> tuple[LogName, LogWriter]:
        """The log that is written to; a new one if there is none."""
        if self._journal is None:
            name = LogName(self.run, self._sequence + 1)
            log = LogWriter(log_path(self.folder, JOURNAL, name), self._disk)
            if self._committed is not None:
                # What was true is said again, so that the youngest log always tells what is open.
                try:
                    log.frame(COMMIT, 1, pack_commit(self._committed))
                    log.sync()
                except OSError:
                    log.close()
                    self._disk.remove(log.path)
                    raise
            self._sequence += 1
            self._journal = name, log
            self._began = time.monotonic()
        return self._journal

    def _give_up(self, log: LogWriter) -> None:
        """Nothing more is written to this log; what it holds of earlier commits is rolled."""
        assert self._journal is not None
        self._to_roll.append(self._journal[0])
        log.close()
        self._journal = None
        self._waiting.lost_messages += self._spilled
        self._spilled = 0

    def _next_log(self) -> None:
        """Begin a new log; the one so far is to be rolled. When that fails it goes on as it was."""
        before = self._journal
        self._journal = None
        try:
            self._log()
        except OSError:
            self._journal = before
            raise
        if before is not None:
            before[1].close()
            self._to_roll.append(before[0])

    def _roll_all(self) -> None:
        """Roll what is to be rolled, and drop messages that are needed no more."""
        while self._to_roll:
            name = self._to_roll[0]
            if not self._guarded(partial(self._roll, name)):
                return
            del self._to_roll[0]
        if self._committed is not None:
            self._guarded(partial(self._segments.collect, self._committed))

    def _roll(self, name: LogName) -> None:
        roll(self.folder, name, self.zone, self._disk)
        path = open_path(self.folder, name)
        if path.exists():
            self._segments.add(name, path)

    def _let_go_of_adopted(self) -> None:
        while self._adopted:
            adopted = self._adopted[0]
            if not self._guarded(partial(adopted.remove, self._disk)):
                return
            del self._adopted[0]

    def _guarded(self, step: Callable[[], object]) -> bool:
        """Do what can be done again later; whether it was done."""
        try:
            step()
        except OSError as error:
            self._roll_failure = f"the store cannot be tidied up: {error.strerror or error}"
            self._not_before = time.monotonic() + self._rolling.again_s
            return False
        self._roll_failure = None
        return True
