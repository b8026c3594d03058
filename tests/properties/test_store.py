"""A run that is killed anywhere and goes on tells the calls that one without a break tells."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from analyzer.batch import D_COLUMNS, M_MESSAGE_NO, Columns, Datagrams, Ints, MessageBatch, MethodNames, OpenNumbers
from analyzer.correlate.calls import CallTable
from analyzer.correlate.correlator import Ended
from analyzer.correlate.registrations import RegistrationTable
from analyzer.correlate.unending import UnendingCorrelator
from analyzer.sip.read import read_messages
from analyzer.tables.store import StoreWriter
from analyzer.tables.store_open import packed
from analyzer.tables.store_read import open_store
from pcaps.make import HERE
from tests.correlate import made
from tests.reading import analyse
from tests.tables.storing import ALWAYS, NEVER, writer

#: Forks, hops, challenges, transfers, silence, registrations; captures in which much is open at any moment.
FOLDERS = (
    "forked", "challenged_then_answered", "b2bua_route_advance", "registrations", "glare_resolved", "cut_by_the_edge",
)  # fmt: skip
#: Numbers that begin at 1 in each run.
OWN = {"call_no", "registration_no", "run"}
SPARE = 64


def datagrams(path: Path) -> list[Datagrams]:
    """The messages of a capture, one by one."""
    found: list[Datagrams] = []

    def take(batch: MessageBatch, links: Ints) -> None:
        for row in range(len(batch)):
            one = packed(batch.numbers[row : row + 1, :D_COLUMNS], batch.octets)
            found.append(Datagrams(np.concatenate([one.octets, np.zeros(SPARE, np.uint8)]), one.rows))

    analyse(path, message_sink=take)
    return found


class Live:
    """The stages of a live run that have to do with the store."""

    def __init__(self, store: StoreWriter) -> None:
        self.store = store
        self.correlator = UnendingCorrelator()
        self.methods = MethodNames()
        self.messages = 0

    def take(self, one: Datagrams) -> None:
        batch = read_messages(one, self.methods, made.rules().registry.cause_headers)
        batch.numbers[:, M_MESSAGE_NO] = np.arange(self.messages + 1, self.messages + len(batch) + 1)
        self.messages += len(batch)
        counts, special = np.zeros((1000, 16, 3), np.int64), np.zeros(1000, np.uint8)
        links, ended, _ = self.correlator.receive(batch, counts, special)
        self.store.keep(batch, links)
        self.tell(ended)

    def tell(self, ended: list[Ended]) -> None:
        calls, registrations = CallTable(made.rules(), self.correlator), RegistrationTable(self.correlator)
        for part in ended:
            calls.add(part)
            registrations.add(part)
        tables: dict[str, Columns] = {"calls": calls.columns(), "registrations": registrations.columns()}
        for name, columns in tables.items():
            self.store.add(name, columns)

    def commit(self) -> None:
        clock = self.correlator.clock
        self.tell(self.correlator.advance(clock))
        assert self.store.commit(OpenNumbers(*self.correlator.open_numbers()), clock)
        assert self.store.trouble is None

    def recover(self) -> None:
        recovered = self.store.recover()
        for one in recovered.datagrams:
            self.take(one)
        if recovered.runs:
            self.tell(self.correlator.advance(recovered.last_ts))

    def close(self) -> None:
        self.tell(self.correlator.close())
        self.store.close()


def told(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What a store says of calls and registrations, without the numbers of a run."""
    store = open_store(folder)
    return {
        table: sorted(
            ({name: cell for name, cell in row.items() if name not in OWN} for row in store.table(table).to_pylist()),
            key=lambda row, key=key: str(row[key]),  # type: ignore[misc]
        )
        for table, key in (("calls", "call_key"), ("registrations", "registration_key"))
    }


@pytest.mark.parametrize("name", FOLDERS)
def test_killed_anywhere_and_gone_on(tmp_path: Path, name: str) -> None:
    messages = datagrams(HERE / name / "capture.pcapng")
    whole = Live(writer(tmp_path / "whole"))
    for one in messages:
        whole.take(one)
    whole.commit()
    whole.close()
    wanted = told(tmp_path / "whole")
    assert wanted["calls"] or wanted["registrations"]
    chance = Random(name)
    for turn in range(2):
        folder = tmp_path / str(turn)
        kills = sorted({chance.randrange(1, len(messages)) for _ in range(turn + 1)})
        live = Live(writer(folder, rolling=chance.choice([ALWAYS, NEVER])))
        for number, one in enumerate(messages, start=1):
            live.take(one)
            if number in kills:
                live.commit()
                os.close(live.store._lock._number)
                live.store._lock._number = -1
                live = Live(writer(folder, rolling=chance.choice([ALWAYS, NEVER])))
                live.recover()
        live.close()
        assert told(folder) == wanted, kills
