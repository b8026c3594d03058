"""What a column of a row type is. The row types stand in `schema` and `findings`."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints


class Kind(StrEnum):
    """The table type of a column."""

    KEY = "int64"
    REF = "Int64"
    COUNT = "int32"
    CODE = "Int16"
    REAL = "float64"
    FLAG = "bool"
    TIME = "datetime64[ns, UTC]"
    LABEL = "category"
    TEXT = "str"


KEY, REF, COUNT, CODE, REAL = Kind.KEY, Kind.REF, Kind.COUNT, Kind.CODE, Kind.REAL
FLAG, TIME, LABEL, TEXT = Kind.FLAG, Kind.TIME, Kind.LABEL, Kind.TEXT


class Col(NamedTuple):
    """What a column is: table type, meaning, unit and Wireshark's name for the field."""

    kind: Kind
    meaning: str
    unit: str = ""
    field: str = ""


class Column(NamedTuple):
    """A column of a row type, as `columns` reads it off the annotations."""

    name: str
    kind: Kind
    meaning: str
    unit: str
    field: str
    optional: bool


def columns(row_type: type[Any]) -> tuple[Column, ...]:
    """The columns of a row type, in order."""
    known: Any = row_type  # hashable, whatever mypy holds of types
    return _columns(known)


@cache
def _columns(row_type: Any) -> tuple[Column, ...]:
    found = []
    for name, hint in get_type_hints(row_type, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{row_type.__name__}.{name} has no Col")
        base, col = get_args(hint)[:2]
        optional = type(None) in get_args(base)
        found.append(Column(name, col.kind, col.meaning, col.unit, col.field, optional))
    return tuple(found)
