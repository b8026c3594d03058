"""Ladders cut into captures, and what a store says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analyzer import api
from analyzer.adding.captures import Added
from analyzer.config import Config
from analyzer.config_entries import Settings
from analyzer.tables.store_read import open_store
from tests.flow import sent
from tests.frames import write_pcap

ZONE = ZoneInfo("Europe/Amsterdam")
CONFIG = Config(Settings(timezone="Europe/Amsterdam"))


def ts(text: str) -> int:
    """A local time in ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 10**9


def cut(folder: Path, ladder: str, *moments: str, ending: str = "pcap") -> list[str]:
    """The captures that a ladder becomes when a new file is begun at some local times."""
    packets = sent(ladder)
    bounds = [0, *map(ts, moments), 1 << 62]
    paths = []
    for number, (begin, end) in enumerate(pairwise(bounds), 1):
        path = folder / f"part-{number}.{ending}"
        write_pcap([packet for packet in packets if begin <= packet.ts < end], path)
        paths.append(str(path))
    return paths


def add(store: Path, *paths: str, **options: Any) -> Added:
    """Add captures; what came of it."""
    options.setdefault("config", CONFIG)
    added = api.analyze(*paths, store=store, **options).added
    assert added is not None
    return added


def rows(store: Path, table: str, *names: str) -> list[Any]:
    """Some columns of a table of a store, sorted; single values of a single column."""
    told = open_store(store).table(table, columns=list(names))
    columns = [
        (column.cast("int64") if str(column.type).startswith("timestamp") else column).to_pylist()
        for column in (told.column(name) for name in names)
    ]
    found = list(zip(*columns, strict=True))
    found.sort(key=lambda row: [(cell is None, str(cell)) for cell in row])
    return [row[0] for row in found] if len(names) == 1 else found


def told(store: Path) -> dict[str, Any]:
    """What a store counts: the same for the same captures, however they were added."""
    return {
        "calls": rows(store, "calls", "call_key", "outcome", "status_code", "messages", "end_ts"),
        "registrations": rows(store, "registrations", "registration_key", "outcome", "attempts"),
        "midcall": rows(store, "midcall", "request_ts", "method", "status_code", "kind"),
        "branches": rows(store, "branches", "request_ts", "client_ip", "server_ip", "status_code", "fate"),
        "others": summed(rows(store, "others", "method", "in_dialog", "status_code", "ended_by", "transactions")),
        "traffic": summed(rows(store, "traffic", "hour_ts", "method", "status_code", "unique", "resends", "copies"), 3),
    }


def summed(found: Sequence[tuple[Any, ...]], numbers: int = 1) -> list[tuple[Any, ...]]:
    """Tallies added up: the last columns are numbers."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in found:
        so_far = sums.setdefault(row[:-numbers], [0] * numbers)
        for place, number in enumerate(row[-numbers:]):
            so_far[place] += number
    return sorted(((*key, *counts) for key, counts in sums.items()), key=str)
