"""How the text formats write a table: what stands around rows and cells, and what a cell of text looks like.

CSV: RFC 4180 with LF line ends, UTF-8, a header line, missing cells empty (an empty text is ``""``), times as
RFC 3339 UTC with nine decimals. A text that a spreadsheet would take for a formula begins with an apostrophe.
JSON: one array, each row an object on a line of its own; maps (``by_status_code``) are objects, missing is
null, times are texts as in CSV.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from analyzer import schema
from analyzer.tables.texts import Plain, plain
from analyzer.wiretext import neutral_cell


class Notation(NamedTuple):
    """A text format of one row type.

    ``classes`` tells `gather_kernels.mark_unplain` which texts must go through ``cell``; all others are
    copied with ``quote`` (an octet; 0 = none) on both sides. ``drop_first`` octets of the first row are left
    out.
    """

    start: bytes
    prefixes: tuple[bytes, ...]
    row_end: int
    end: bytes
    missing: bytes
    quote: int
    copied: Plain
    cell: Callable[[str], str]
    maps: frozenset[str]
    drop_first: int


def csv_notation(row_type: type[Any]) -> Notation:
    """CSV of a row type."""
    names = [column.name for column in schema.columns(row_type)]
    return Notation(
        start=(",".join(names) + "\n").encode(),
        prefixes=(b"", *[b","] * (len(names) - 1)),
        row_end=ord("\n"),
        end=b"",
        missing=b"",
        quote=0,
        copied=plain(b'"', b",", first=b" =+-@", last=b" ", empty=False),
        cell=csv_cell,
        maps=frozenset(),
        drop_first=0,
    )


def json_notation(row_type: type[Any]) -> Notation:
    """A JSON array of a row type's rows, one on each line."""
    names = [column.name for column in schema.columns(row_type)]
    openings = (",\n{", *[","] * (len(names) - 1))
    return Notation(
        start=b"[",
        prefixes=tuple(f'{opening}"{name}":'.encode() for opening, name in zip(openings, names, strict=True)),
        row_end=ord("}"),
        end=b"\n]\n",
        missing=b"null",
        quote=ord('"'),
        copied=plain(b'"', b"\\"),
        cell=json_cell,
        maps=_maps(row_type),
        drop_first=1,  # the comma before the first row
    )


def csv_cell(text: str) -> str:
    """A text as a CSV cell: no formula, quoted where RFC 4180 or a reader that trims blanks asks for it."""
    text = neutral_cell(text)
    if not text or '"' in text or "," in text or text[0] == " " or text[-1] == " ":
        return '"' + text.replace('"', '""') + '"'
    return text


def json_cell(text: str) -> str:
    """A text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def map_cell(text: str) -> str:
    """A map held as JSON text, as a JSON object. Read and written anew: no other text gets in unquoted."""
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))


def _maps(row_type: type[Any]) -> frozenset[str]:
    bases = {name: get_args(hint)[0] for name, hint in get_type_hints(row_type, include_extras=True).items()}
    return frozenset(name for name, base in bases.items() if issubclass(get_origin(base) or object, Mapping))
