"""What the tables of a store are: their row types, the time that gives each row its day, and what makes two rows one.

A stored table is a table of `schema` with the run that wrote it and, where there is one, a lasting key
(`store_keys`). Numbers such as ``call_no`` begin at 1 in each run: together with ``run`` they join tables.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow
from numpy.typing import NDArray

from analyzer.batch import Columns, Ints, Labels
from analyzer.coltypes import LABEL, TEXT, Col
from analyzer.findings import (
    BlockRow,
    BranchRow,
    DoubtRow,
    IntervalRow,
    KeptCaptureRow,
    MidcallRow,
    OtherRow,
    TrafficRow,
)
from analyzer.schema import CallRow, RegistrationRow
from analyzer.tables.build import arrow_schema
from analyzer.tables.store_keys import call_keys, key_names, registration_keys

ArrowTable: TypeAlias = Any
_RUN = Col(LABEL, "Run that wrote the row: start, host and process of its program")
_QUARTER = 900 * 1_000_000_000


class StoredCallRow(CallRow):
    """A call. Of several rows with one key the one counts that is not open, then the one with more messages."""

    call_key: Annotated[str, Col(TEXT, "Lasting key: hash of network, Call-ID, From tag and invite_ts")]
    run: Annotated[str, _RUN]


class StoredRegistrationRow(RegistrationRow):
    """A registration. Of several rows with one key the one counts that is not open, then the one with more attempts."""

    registration_key: Annotated[str, Col(TEXT, "Lasting key: hash of network, Call-ID, address of record, request_ts")]
    run: Annotated[str, _RUN]


class StoredOtherRow(OtherRow):
    """Transactions of no call and no registration, tallied by run and part: add them up."""

    run: Annotated[str, _RUN]


class StoredMidcallRow(MidcallRow):
    """A request inside a dialog that was refused, or that nobody answered. It is told while its call is open."""

    run: Annotated[str, _RUN]


class StoredBranchRow(BranchRow):
    """One INVITE transaction of a call."""

    call_key: Annotated[str | None, Col(TEXT, "Key of its call; missing where that was not written together with it")]
    run: Annotated[str, _RUN]


class StoredBlockRow(BlockRow):
    """An endpoint that asked to be left alone."""

    call_key: Annotated[str | None, Col(TEXT, "Key of its call; missing where that was not written together with it")]
    run: Annotated[str, _RUN]


class StoredTrafficRow(TrafficRow):
    """Messages of one hour by code, method and maker, tallied by run and part: add them up."""

    run: Annotated[str, _RUN]


class StoredIntervalRow(IntervalRow):
    """What one source did: tells silence from a gap. Of a live run between two writings of the store, of a capture on
    one local day."""

    run: Annotated[str, _RUN]


class StoredCaptureRow(KeptCaptureRow):
    """What ``capture_no`` stands for in the rows of a run. Its row lies in the day of the first frame: calls of it may
    lie in later days. Of a live source it says only which one that is; what came from it is in intervals."""

    run: Annotated[str, _RUN]


class StoredDoubtRow(DoubtRow):
    """What limits what one run could see; rows of several runs are added up by check."""

    run: Annotated[str, _RUN]


class Stored(NamedTuple):
    """One table of the store."""

    row_type: type[Any]
    #: What `StoreWriter.add` is given rows of.
    given: type[Any]
    #: The time whose day a row belongs to.
    time: str
    #: Rows of different runs with these equal are one row; of the equal ones of one run the n-th is the n-th.
    same: tuple[str, ...] = ()
    #: Which of them stays: the highest by these, then that of the latest run, or with ``is_first`` the earliest.
    prefer: tuple[str, ...] = ()
    is_first: bool = False
    #: Tallies: rows of one part with all else equal are added up in these columns.
    sums: tuple[str, ...] = ()
    #: Belongs to the day of its call, where that was written together with it.
    of_call: bool = False


STORED: dict[str, Stored] = {
    "calls": Stored(StoredCallRow, CallRow, "invite_ts", ("call_key",), ("outcome", "messages"), True),
    "registrations": Stored(
        StoredRegistrationRow, RegistrationRow, "request_ts", ("registration_key",), ("outcome", "attempts"), True
    ),
    "others": Stored(StoredOtherRow, OtherRow, "last_ts", sums=("transactions",)),
    "midcall": Stored(
        StoredMidcallRow, MidcallRow, "request_ts", ("request_ts", "network", "client_ip", "server_ip", "method")
    ),
    "branches": Stored(
        StoredBranchRow, BranchRow, "request_ts", ("request_ts", "network", "client_ip", "server_ip", "hop", "attempt"),
        of_call=True,
    ),
    "blocks": Stored(
        StoredBlockRow, BlockRow, "from_ts", ("ip", "network", "from_ts", "until_ts"), ("calls",), of_call=True
    ),
    "traffic": Stored(StoredTrafficRow, TrafficRow, "hour_ts", sums=("unique", "resends", "copies")),
    "intervals": Stored(StoredIntervalRow, IntervalRow, "from_ts"),
    "captures": Stored(StoredCaptureRow, KeptCaptureRow, "start_ts", ("digest",), is_first=True),
    "doubts": Stored(StoredDoubtRow, DoubtRow, "ts"),
}  # fmt: skip


def stored_columns(table: str, columns: Columns, run: str, keys: dict[int, str]) -> Columns:
    """Rows as they are stored: with their run and key.

    ``keys`` has the key of each call_no of this writing: calls enter theirs, branches and blocks look it up.
    """
    made = dict(columns.columns)
    count = len(columns)
    made["run"] = Labels(np.zeros(count, dtype=np.int32), [run])
    if table == "calls":
        made["call_key"] = called = call_keys(columns)
        keys.update(zip(columns.ints("call_no").tolist(), key_names(called), strict=True))
    elif table == "registrations":
        made["registration_key"] = registration_keys(columns)
    elif STORED[table].of_call:
        numbers, codes = np.unique(columns.ints("call_no"), return_inverse=True)
        names = [keys.get(number, "") for number in numbers.tolist()]
        known = np.array([name != "" for name in names], dtype=np.bool_)
        named: NDArray[np.int32] = np.where(known[codes], codes, -1).astype(np.int32)
        made["call_key"] = Labels(named, names)
    return Columns(STORED[table].row_type, made, count)


def conformed(found: ArrowTable, row_type: type[Any], names: list[str] | None = None) -> ArrowTable:
    """An Arrow table with the columns that this version knows, in order; what an older part lacks is missing."""
    wanted = stored_schema(row_type)
    if names is None and found.schema.equals(wanted):
        return found
    fields = [wanted.field(name) for name in names] if names is not None else list(wanted)
    places = {name: place for place, name in enumerate(found.column_names)}
    arrays = []
    for field in fields:
        if field.name in places:
            column = found.column(places[field.name])
            arrays.append(column if column.type.equals(field.type) else column.cast(field.type))
        elif pyarrow.types.is_boolean(field.type):
            arrays.append(pyarrow.array(np.zeros(len(found), dtype=np.bool_)))
        else:
            arrays.append(pyarrow.nulls(len(found), field.type))
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields, metadata=wanted.metadata))


def stored_schema(row_type: type[Any]) -> Any:
    """The Arrow schema of a stored row type."""
    known: Any = row_type  # hashable, whatever mypy holds of types
    return _schema(known)


@cache
def _schema(row_type: Any) -> Any:
    return arrow_schema(row_type)


def summed(found: ArrowTable, table: str) -> ArrowTable:
    """Tallies with equal rows added up; ``last_ts`` is the latest of them. Other tables as they are."""
    stored = STORED[table]
    if not stored.sums or len(found) < 2:
        return found
    latest = [name for name in ("last_ts",) if name in found.column_names]
    keys = [name for name in found.column_names if name not in (*stored.sums, *latest)]
    plain = found
    for at, field in enumerate(found.schema):
        if pyarrow.types.is_dictionary(field.type):  # parts have dictionaries of their own
            plain = plain.set_column(at, field.name, plain.column(at).cast(pyarrow.large_string()))
    asked = [*((name, "sum") for name in stored.sums), *((name, "max") for name in latest)]
    groups = plain.group_by(keys, use_threads=False).aggregate(asked)
    groups = groups.rename_columns([_before_suffix(name, asked) for name in groups.column_names])
    return conformed(groups, stored.row_type)


def _before_suffix(name: str, asked: list[tuple[str, str]]) -> str:
    return next((column for column, how in asked if name == f"{column}_{how}"), name)


def local_days(times: Ints, zone: tzinfo) -> NDArray[np.datetime64]:
    """The day of each time (ns since the epoch) in a zone, as ``datetime64[D]``.

    Zones differ from UTC by whole quarters of an hour since 1972, so that only different quarters are looked at.
    """
    if len(times) and int(times.min()) // _QUARTER == int(times.max()) // _QUARTER:  # as messages come
        quarters, places = times[:1] // _QUARTER, np.zeros(len(times), dtype=np.int64)
    else:
        quarters, places = np.unique(times // _QUARTER, return_inverse=True)
    seconds = (quarters * 900).tolist()
    days = [datetime.fromtimestamp(second, UTC).astimezone(zone).date().isoformat() for second in seconds]
    found: NDArray[np.datetime64] = np.array(days, dtype="datetime64[D]")[places]
    return found
