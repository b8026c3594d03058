"""Write the pages of this folder that are made from the code, or check that they are fresh.

    python docs/generate.py            write them
    python docs/generate.py --check    name the stale ones, write nothing, exit 1 if there are any

A page is a function that returns its text; `PAGES` lists them by file name.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from live_schema import live_schema  # noqa: E402
from report_schema import report_schema  # noqa: E402

from analyzer import schema  # noqa: E402  found once the repository is on the path
from analyzer.registry import load_registry  # noqa: E402
from analyzer.schema import Kind  # noqa: E402
from analyzer.tables.store_tables import STORED, Stored  # noqa: E402

KINDS = {
    Kind.KEY: "whole number, never missing",
    Kind.REF: "whole number",
    Kind.COUNT: "whole number, never missing",
    Kind.CODE: "whole number",
    Kind.REAL: "number with decimals; missing is NaN",
    Kind.FLAG: "true or false",
    Kind.TIME: "time in UTC, exact to the nanosecond; missing is NaT",
    Kind.LABEL: "one of few texts",
    Kind.TEXT: "text",
}

FORMATS = [
    (
        "csv",
        'UTF-8, RFC 4180 with LF line ends, a header line. Missing cells are empty, an empty text is `""`. '
        "Times are RFC 3339 in UTC with nine decimals. A text that a spreadsheet would take for a formula "
        "begins with an apostrophe.",
    ),
    ("parquet", "zstd, labels as dictionaries; `pandas.read_parquet` gives back the types above."),
    (
        "json",
        "One array, each row an object on a line of its own. Maps (`by_status_code`, `unread`) are objects, "
        "missing is null, times are written as in CSV.",
    ),
]

TABLES_PAGE = """\
# The tables

`sipcause analyze CAPTURE -o DIR` writes these tables, and `analyzer.analyze(CAPTURE)` hands them out as pandas
DataFrames (`result.calls` and so on). This page is made from `analyzer/schema.py` by `python docs/generate.py`.

A thing that is missing is missing (`None`, NA, NaT), never 0, -1 or an empty text. What each number counts, and
why, stands in [counting.md](counting.md). Every text from the wire is shown with control characters,
bidirectional marks and octets that are not UTF-8 escaped (`\\xNN`).

## Types

{types}

A whole number from the wire that does not fit its column is missing (`Int16`) or the largest that fits (`int32`).

## Files

{formats}

A file gets its name when it is whole; until then its name ends in `.part`.

{tables}

# Tables in a store

`sipcause analyze --store DIR` and `sipcause live --store DIR` write these, as `DIR/TABLE/day=YYYY-MM-DD/part-….parquet`
([store.md](store.md)); days are those of the store's time zone. Numbers (`call_no`, `capture_no`) begin at 1 in each
run: with `run` they join tables. A reader of the parts alone sees a call twice that was open at the end of a run and
went on in the next one: `analyzer.tables.store_read.open_store(DIR).calls()` gives each once.

{stored}
"""


def tables_page() -> str:
    """Every table, column by column."""
    types = [(f"`{kind.value}`", said) for kind, said in KINDS.items()]
    formats = [(f"`NAME.{name}`", said) for name, said in FORMATS]
    tables = [f"## {name}\n\n{row_type.__doc__}\n\n{_columns(row_type)}" for name, row_type in schema.TABLES.items()]
    return TABLES_PAGE.format(
        types=_table(("type in pandas", "holds"), types),
        formats=_table(("file", "what to know"), formats),
        tables="\n\n".join(tables),
        stored="\n\n".join(_stored(name, stored) for name, stored in STORED.items()),
    )


def _stored(name: str, stored: Stored) -> str:
    """A table of the store: whole, or what it has more than the table of the same name."""
    known = {column.name for column in schema.columns(stored.given)} if name in schema.TABLES else set()
    more = f"The columns of [{name}](#{name}), and:\n\n" if known else ""
    return f"## stored {name}\n\n{stored.row_type.__doc__}\n\n{more}{_columns(stored.row_type, known)}"


def _columns(row_type: type[Any], known: Collection[str] = ()) -> str:
    rows = []
    for column in schema.columns(row_type):
        if column.name in known:
            continue
        kind = f"`{column.kind.value}`" + (", may be missing" if column.optional else "")
        field = f"`{column.field}`" if column.field else ""
        rows.append((f"`{column.name}`", kind, column.unit, column.meaning, field))
    return _table(("column", "type", "unit", "meaning", "Wireshark"), rows)


VERIFIED = Path(__file__).resolve().parent / "verified.toml"

VERIFIED_PAGE = """\
# Calls read by hand

{calls} calls of {captures} captures that other people made and published, read message by message with tshark 4.0.17.
What each must be by [counting.md](counting.md) was written down first, with its frames; then the program was asked.
`tests/test_verified.py` holds the program to every cell, where the captures stand beside the repository. Captures
that were made for a purpose do not count here. This page is made from `docs/verified.toml` by
`python docs/generate.py`.

*ladder*: every message of the call as captured, copies left out; `×3`: three in a row; `200(BYE)`: the response to
a BYE (without a method: to an INVITE). *charged*: the frame whose sender or receiver is the endpoint that the failure
is charged to; strangers' addresses are not repeated here. *A/C/H*: attempts, challenges, hops. Numbers in brackets
are frames. What stands empty is missing.

Redirects, 6xx, Retry-After, a Warning with a meaning and forks with several finals are in none of these captures;
[pcaps/](../pcaps/) has made ones.

{sections}

## Where reading and program differed

{disagreements}

## Figures

Numbers of the JSON document, counted with tshark alone: display filters, Call-IDs sorted by the codes that they saw,
the time that was left to the end of the capture.

{figures}
"""


def verified_page() -> str:
    """Calls and figures that were read by hand, capture by capture."""
    read = tomllib.loads(VERIFIED.read_text(encoding="utf-8"))
    head = ("call", "ladder", "outcome", "code", "cause", "release", "charged", "A/C/H", "why")
    sections = [
        f"## {capture['path']}\n\n{capture['what'][0].upper()}{capture['what'][1:]}.\n\n"
        + _table(head, [_verified_call(call) for call in capture["call"]])
        for capture in read["capture"]
    ]
    said = ("where", "reading", "program", "settled")
    disagreements = [tuple(row[name] for name in said) for row in read["disagreement"]]
    figures = [(row["capture"], _figure(row), str(row["value"]), row["how"]) for row in read["figure"]]
    return VERIFIED_PAGE.format(
        calls=sum(len(capture["call"]) for capture in read["capture"]),
        captures=len(read["capture"]),
        sections="\n\n".join(sections),
        disagreements=_table(said, disagreements),
        figures=_table(("capture", "figure", "value", "how"), figures),
    )


def _verified_call(call: dict[str, Any]) -> tuple[str, ...]:
    outcome = call["outcome"] + (f" ({call['detail']})" if "detail" in call else "")
    cause = f"{call['cause']}, {call['cause_from']}" if "cause" in call else ""
    charged = f"{call['charged']}, {call['grade']}" if "charged" in call else ""
    numbers = f"{call['attempts']}/{call['challenges']}/{call['hops']}"
    return (
        f"`{call['call_id']}…`, {call['frame']}", call["ladder"], outcome, str(call.get("status_code", "")), cause,
        call.get("release", ""), charged, numbers, call["why"],
    )  # fmt: skip


def _figure(figure: dict[str, Any]) -> str:
    where = " and ".join(f"{name} is {value}" for name, value in figure.get("where", {}).items())
    return f"`{figure['table']}`{' where ' + where if where else ''}: `{figure['column']}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


KPIS_PAGE = """\
# Figures of merit

`sipcause kpis CAPTURE` prints these. This page is made from `analyzer/data/kpis.toml` by `python docs/generate.py`;
the words that it uses, and where we differ from the letter of RFC 6076, stand in [counting.md](counting.md).

{tables}
"""

_KPI_GROUPS = {
    "%": ("Ratios", "numerator", "denominator"),
    "ms": ("Delays, ms", "from, to", "of"),
    "s": ("Durations, s", "from, to", "of"),
}


def kpis_page() -> str:
    """Every figure of merit: what it divides by what, and by whose definition."""
    entries = load_registry().kpis.values()
    parts = []
    for unit, (title, first, second) in _KPI_GROUPS.items():
        rows = [
            (
                f"`{entry.id}`",
                entry.title,
                entry.numerator,
                entry.denominator,
                ", ".join(entry.counts),
                entry.source,
                entry.note,
            )
            for entry in entries
            if entry.unit == unit
        ]
        parts.append(f"## {title}\n\n{_table(('id', 'title', first, second, 'counts', 'source', 'note'), rows)}")
    return KPIS_PAGE.format(tables="\n\n".join(parts))


#: What report.md is joined of: the manual, then definitions, then forms.
REPORT_PARTS = ("manual", "numbers", "change", "trunks", "page", "paper")


def report_page() -> str:
    """The manual of reports, with the definitions of each part beneath; titles are one level below the page's."""
    texts = [FOLDER / "report-parts" / f"{name}.md" for name in REPORT_PARTS]
    joined = "\n\n".join(_below(path.read_text(encoding="utf-8").strip()) for path in texts if path.exists())
    return f"<!-- Joined from docs/report-parts/ by docs/generate.py. -->\n{joined.replace('](../../', '](../')}\n"


def _below(text: str) -> str:
    """Only the manual has a title of the first level; a part with such titles is moved one level down."""
    is_manual = text.startswith("# The weekly report")
    lines = text.splitlines()
    if is_manual or not any(line.startswith("# ") for line in lines):
        return text
    return "\n".join("#" + line if line.startswith("#") else line for line in lines)


PAGES: dict[str, Callable[[], str]] = {
    "kpis.md": kpis_page,
    "live.schema.json": live_schema,
    "report.md": report_page,
    "report.schema.json": report_schema,
    "tables.md": tables_page,
    "verified.md": verified_page,
}


def stale() -> list[str]:
    """The pages whose file says something else than the code."""
    return [name for name, page in PAGES.items() if _written(FOLDER / name) != page()]


def _written(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def main(arguments: Sequence[str]) -> int:
    """Write the stale pages, or with --check only name them."""
    names = stale()
    for name in names:
        if "--check" in arguments:
            print(f"docs/{name} is stale: python docs/generate.py")
        else:
            (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
            print(f"docs/{name} written")
    return 1 if names and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
