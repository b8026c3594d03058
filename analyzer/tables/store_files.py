"""Files of a store: where they stand, how they are written so that a power cut leaves the old or the new, and locks.

    store.json                                       schema version, time zone, when it was made
    TABLE/day=YYYY-MM-DD/part-RUN-SEQUENCE.parquet   what has ended, by day in the store's zone
    journal/RUN-SEQUENCE.log                         what has ended and is not in parts yet, and messages (`journal`)
    open/RUN-SEQUENCE.log                            journals that are in parts: messages of what is open (`store_open`)
    locks/RUN.lock                                   held by the process of a run as long as it lives
    store.lock                                       held while captures are added or the schema changes

Whatever is not yet whole has a name that ends in ``.new``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from io import RawIOBase
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analyzer.errors import StoreError

#: The layout and meaning of what is stored. A column more does not change it, another meaning does.
SCHEMA = 2
#: The oldest that is read; a writer brings it up to `SCHEMA` first (`store_migrate`).
OLDEST = 1
ABOUT, JOURNAL, OPEN, LOCKS, NEW = "store.json", "journal", "open", "locks", ".new"
_LOG = re.compile(r"(?P<run>[A-Za-z0-9._-]+)-(?P<sequence>\d{6,})\.log")
_RUN = re.compile(r"[A-Za-z0-9._-]+")


class About(NamedTuple):
    """What ``store.json`` says."""

    schema: int
    zone: tzinfo
    created: str


class LogName(NamedTuple):
    """Which log of which run a file is."""

    run: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.run}-{self.sequence:06d}"


def new_run() -> str:
    """A name for this process: when it began (UTC), host, number of the process; in order of time."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:40] or "host"
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{host}-{os.getpid()}"


def logs_in(folder: Path, kind: str) -> dict[LogName, Path]:
    """The logs in ``journal`` or ``open``, by run and sequence."""
    try:
        names = sorted(os.listdir(folder / kind))
    except FileNotFoundError:
        return {}
    found = {}
    for name in names:
        if match := _LOG.fullmatch(name):
            found[LogName(match["run"], int(match["sequence"]))] = folder / kind / name
    return found


def log_path(folder: Path, kind: str, name: LogName) -> Path:
    """Where a log stands."""
    return folder / kind / f"{name}.log"


def part_path(folder: Path, table: str, day: str, name: LogName) -> Path:
    """Where the rows of one log, table and day stand once they are rolled."""
    return folder / table / f"day={day}" / f"part-{name}.parquet"


class Disk:
    """Everything that is written to a store goes through here. Raises OSError."""

    def append(self, path: Path) -> Appended:
        """A new file to append to; it must not exist."""
        self.make_folder(path.parent)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            self.sync_folder(path.parent)
        except OSError:
            os.close(number)
            raise
        return Appended(self, number)

    def put(self, path: Path, content: bytes | memoryview) -> None:
        """A whole file in the place of what stood there: after a power cut either is there, never half of one."""
        self.make_folder(path.parent)
        new = path.with_name(path.name + NEW)
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            self.write(number, content)
            self.sync(number)
        except BaseException:
            with suppress(OSError):
                new.unlink()  # a full disk needs the room
            raise
        finally:
            os.close(number)
        self.rename(new, path)

    @contextmanager
    def made(self, path: Path) -> Iterator[Growing]:
        """The same for a file that is written bit by bit: it stands in its place when the block ends well."""
        self.make_folder(path.parent)
        new = path.with_name(path.name + NEW)
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            growing = Growing(self, number)
            yield growing
            growing.finish()
            self.sync(number)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
        finally:
            os.close(number)
        self.rename(new, path)

    def write(self, number: int, content: bytes | memoryview) -> None:
        """All of some octets."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(number, rest) :]

    def cut(self, number: int, octets: int) -> None:
        """The file ends behind so many octets."""
        os.ftruncate(number, octets)

    def sync(self, number: int) -> None:
        """What was written to a file is on the disk when this returns."""
        os.fsync(number)

    def sync_folder(self, folder: Path) -> None:
        """The names in a folder are on the disk when this returns."""
        number = os.open(folder, os.O_RDONLY)
        try:
            self.sync(number)
        finally:
            os.close(number)

    def make_folder(self, folder: Path) -> None:
        """A folder and those above it, so that they outlast a power cut."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o750)
        self.sync_folder(folder.parent)

    def rename(self, old: Path, new: Path) -> None:
        """Another name, on the disk when this returns."""
        self.make_folder(new.parent)
        os.replace(old, new)
        self.sync_folder(new.parent)
        if old.parent != new.parent:
            self.sync_folder(old.parent)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is no trouble."""
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder if it is empty: somebody may just have begun to write into it."""
        with suppress(OSError):
            folder.rmdir()


class Growing(RawIOBase):
    """A new file as others write to one, in large steps: it is closed by who made it."""

    STEP = 1 << 20

    def __init__(self, disk: Disk, number: int) -> None:
        self._disk = disk
        self._number = number
        self._waiting = bytearray()
        self._octets = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: Any) -> int:
        """Append. Raises OSError."""
        octets = memoryview(content).cast("B")
        self._waiting += octets
        self._octets += len(octets)
        if len(self._waiting) >= self.STEP:
            self._write()
        return len(octets)

    def tell(self) -> int:
        """How long it is."""
        return self._octets

    def finish(self) -> None:
        """Write what waits. Raises OSError."""
        self._write()

    def _write(self) -> None:
        self._disk.write(self._number, bytes(self._waiting))
        self._waiting = bytearray()


class Appended:
    """A file that grows. ``octets`` is how far it is whole; ``is_torn``: it could not be cut back to there."""

    def __init__(self, disk: Disk, number: int) -> None:
        self._disk = disk
        self._number = number
        self.octets = 0
        self.is_torn = False

    def write(self, content: bytes) -> None:
        """Append; when it fails the file is cut back to what stood there. Raises OSError."""
        try:
            self._disk.write(self._number, content)
        except OSError:
            self.cut(self.octets)
            raise
        self.octets += len(content)

    def cut(self, octets: int) -> None:
        """Go back to where the file had so many octets, which needs no room on a full disk."""
        try:
            self._disk.cut(self._number, octets)
            self.octets = octets
        except OSError:
            self.is_torn = True

    def sync(self) -> None:
        """All of it is on the disk when this returns. Raises OSError."""
        self._disk.sync(self._number)

    def close(self) -> None:
        """No more is appended."""
        with suppress(OSError):
            os.close(self._number)


def make_store(folder: Path, zone: tzinfo, disk: Disk) -> About:
    """What the store in a folder says of itself; a new store in a folder that is empty or not there.

    Raises StoreError for a folder with other things in it, another schema version, a zone without a name of the IANA
    database, and what the system refuses.
    """
    try:
        if not (folder / ABOUT).exists():
            strangers = [name for name in _listed(folder) if not name.startswith(ABOUT)]
            if strangers and not (folder / ABOUT).exists():
                raise StoreError(str(folder), "holds other things and no store; name a new or an empty folder")
            zone_name(folder, zone)
            disk.make_folder(folder)
            made = folder / f"{ABOUT}.{secrets.token_hex(4)}"
            disk.put(made, about_text(About(SCHEMA, zone, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"), folder))
            with suppress(FileExistsError):  # another one was first: its zone holds
                os.link(made, folder / ABOUT)
            made.unlink()
            disk.sync_folder(folder)
    except OSError as error:
        raise StoreError(str(folder), f"cannot be written: {error.strerror or error}") from error
    return read_about(folder)


def about_text(about: About, folder: Path) -> bytes:
    """What ``store.json`` says of a store."""
    said = {"schema": about.schema, "zone": zone_name(folder, about.zone), "created": about.created}
    return json.dumps(said, indent=2).encode() + b"\n"


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def zone_name(folder: Path, zone: tzinfo) -> str:
    """The name of a zone that it can be found by again. Raises StoreError when it has none."""
    name = getattr(zone, "key", None) or ("UTC" if zone is UTC else None)
    if name is None:
        reason = "its days need a time zone with a name: set timezone in sipcause.toml, such as Europe/Amsterdam or UTC"
        raise StoreError(str(folder), reason)
    return str(name)


def read_about(folder: Path) -> About:
    """What ``store.json`` says: of this schema or of one before it, which is read as it stands.

    Raises StoreError when there is none, or one that this version does not read.
    """
    try:
        said = json.loads((folder / ABOUT).read_text("utf-8"))
        schema, zone, created = int(said["schema"]), ZoneInfo(said["zone"]), str(said["created"])
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(str(folder), f"is no store: there is no {ABOUT} in it") from None
    except OSError as error:
        raise StoreError(str(folder), f"cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
        raise StoreError(
            str(folder / ABOUT), f"is damaged ({type(error).__name__}): restore it from a backup"
        ) from None
    if not OLDEST <= schema <= SCHEMA:
        newer = f"was written by a newer sipcause (schema {schema}, this one reads {SCHEMA}): update sipcause"
        older = f"has schema {schema}, which no version that was released wrote: begin a new store"
        raise StoreError(str(folder), newer if schema > SCHEMA else older)
    return About(schema, zone, created)


def is_run_name(run: str) -> bool:
    """Whether a name can be one of a run: letters, digits, dot, dash and underscore."""
    return _RUN.fullmatch(run) is not None
