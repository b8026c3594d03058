"""Make the sample report: two weeks of small mornings from the demo's generator, and the report of the second.

    python3 reports/make_sample.py                     write reports/sample/
    python3 reports/make_sample.py --captures DIR      write the captures alone, to try commands of the report on them

From Tuesday 09:12 of the second week on half of the calls to trunk 2 meet a full trunk. Octets depend on nothing but
this file and pcaps/; tests/report/test_committed_sample.py holds the sample up to date.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pcaps import demo_morning  # noqa: E402
from pcaps.demo_morning import Book, Morning  # noqa: E402
from tests.frames import write_pcap  # noqa: E402

MONDAY = date(2026, 3, 2)
WEEK = "2026-W11"
CAPTURES = "mornings"
SITE = HERE / "sample.toml"
#: Of the demo's calls, so many; of those to trunk 2, so many meet the incident.
SHARE, MET = 0.13, 0.5
#: What a full trunk does on which day: from when to when.
INCIDENT = {
    date(2026, 3, 10): ("09:12", "12:00"),
    date(2026, 3, 11): ("07:00", "12:00"),
    date(2026, 3, 12): ("07:00", "12:00"),
    date(2026, 3, 13): ("07:00", "12:00"),
}


def write_captures(folder: Path) -> None:
    """Write the ten mornings, a capture each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(12):
        day = MONDAY + timedelta(days=number)
        if day.weekday() < 5:
            book = Book(Morning(day.isoformat(), 20260302 + number, INCIDENT.get(day), SHARE, MET))
            rng = random.Random(book.morning.seed)
            demo_morning.calls(book, rng)
            demo_morning.ring_groups(book, rng)
            demo_morning.registrations(book, rng, rounds=5)
            demo_morning.pings(book)
            if day == date(2026, 3, 12):
                demo_morning.scanner(book, rng)
            write_pcap(sorted(book.datagrams, key=lambda datagram: datagram.ts), folder / f"{day}.pcapng")


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """In another folder, so that the report names captures by short paths."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def make(target: Path, formats: str = "html,pdf,csv,md,json") -> None:
    """Write the report of the second week into a folder."""
    from analyzer.ui.cli.main import main

    with tempfile.TemporaryDirectory() as folder, inside(Path(folder)):
        write_captures(Path(CAPTURES))
        try:
            main(["report", CAPTURES, "--week", WEEK, "--config", str(SITE), "-o", "made", "--format", formats, "-q"])
        except SystemExit as leaving:
            if leaving.code not in (None, 0, 3):  # limits are crossed in it
                raise
        shutil.copytree(Path("made") / WEEK, target, dirs_exist_ok=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Make the sample report.")
    options.add_argument("--captures", metavar="DIR", type=Path, help="write the captures alone")
    given = options.parse_args()
    if given.captures:
        write_captures(given.captures)
    else:
        shutil.rmtree(HERE / "sample", ignore_errors=True)
        make(HERE / "sample")
        print("\n".join(str(path.relative_to(HERE)) for path in sorted((HERE / "sample").rglob("*")) if path.is_file()))
