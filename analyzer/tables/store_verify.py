"""Reading everything in a store, to say what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow
from pyarrow import parquet

from analyzer.errors import StoreError
from analyzer.tables.journal import MESSAGES, Log, unpack
from analyzer.tables.store_files import JOURNAL, NEW, OPEN, logs_in
from analyzer.tables.store_locks import is_alive
from analyzer.tables.store_open import unpack_messages
from analyzer.tables.store_pieces import counted, listed
from analyzer.tables.store_read import Store
from analyzer.tables.store_roll import united
from analyzer.tables.store_tables import STORED

#: What is wrong with a file: only the first two are losses.
DAMAGED, UNREADABLE, TORN, UNFINISHED = "damaged", "unreadable", "torn", "unfinished"
LOSSES = (DAMAGED, UNREADABLE)


class Fault(NamedTuple):
    """One file that is not as it should be."""

    path: str
    what: str
    detail: str


class Verified(NamedTuple):
    """What reading everything showed."""

    parts: int
    rows: int
    logs: int
    messages: int
    faults: list[Fault]

    @property
    def is_sound(self) -> bool:
        """Nothing that was once written is lost; ends that a kill or a power cut tore are none of it."""
        return not any(fault.what in LOSSES for fault in self.faults)


def verify(store: Store) -> Verified:
    """Read every part and every log whole. A file that another process removes meanwhile is left out."""
    faults: list[Fault] = []
    parts = rows = logs = messages = 0
    for table, path in store.every_part():
        try:
            with parquet.ParquetFile(path) as file:
                rows += len(united([file.read()], table))
            parts += 1
        except FileNotFoundError:
            continue
        except (OSError, pyarrow.ArrowException, ValueError) as error:
            faults.append(Fault(str(path), UNREADABLE, _said(error)))
    for kind in (JOURNAL, OPEN):
        for name, path in logs_in(store.folder, kind).items():
            try:
                messages += _read(path)
                logs += 1
                faults += _torn(path, is_alive(store.folder, name.run))
            except FileNotFoundError:
                continue
            except (OSError, pyarrow.ArrowException, ValueError, KeyError) as error:
                faults.append(Fault(str(path), UNREADABLE, _said(error)))
    faults += [
        Fault(str(path), UNFINISHED, "its rows stand in a merged part; the next compaction removes it")
        for path in _merged(store)
    ]
    halves = sorted(store.folder.glob(f"*/**/*{NEW}"))
    faults += [Fault(str(path), UNFINISHED, "writing it was interrupted; it is made anew") for path in halves]
    return Verified(parts, rows, logs, messages, faults)


def _merged(store: Store) -> Iterator[Path]:
    """Parts that were merged and are still there."""
    for table in STORED:
        try:
            count = {path for _, path in counted(store.folder, table)}
        except (FileNotFoundError, StoreError):
            continue  # it changes just now, or is among the unreadable
        yield from (path for _, path in listed(store.folder, table) if path not in count and path.exists())


def _read(path: Path) -> int:
    """Read all that a log says; the number of its messages."""
    messages = 0
    with Log(path) as log:
        for frame in log.frames:
            if frame.name == MESSAGES:
                messages += len(unpack_messages(log.payload(frame)))
            elif frame.name in STORED:
                united([unpack(log.payload(frame))], frame.name)
    return messages


def _torn(path: Path, is_written: bool) -> Iterator[Fault]:
    with Log(path) as log:
        if log.is_damaged:
            yield Fault(str(path), DAMAGED, f"{log.torn:,} octets behind octet {log.octets - log.torn:,} are lost")
        elif log.torn and not is_written:
            yield Fault(str(path), TORN, f"its last {log.torn:,} octets were not finished when its process ended")


def _said(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.splitlines()[0] if text else type(error).__name__
