"""Records on standard output, for other programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from analyzer.wiretext import neutral_cell


def write_records(names: Sequence[str], records: Iterable[dict[str, Any]], form: str) -> None:
    """Records as CSV with a header line of ``names``, or as one JSON array with a record a line."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        for record in records:
            writer.writerow(neutral_cell(v) if isinstance(v, str) else "" if v is None else v for v in record.values())
        return
    separator = "[\n"
    for record in records:
        sys.stdout.write(separator + json.dumps(record))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")
