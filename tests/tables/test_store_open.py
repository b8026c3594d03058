"""Messages of what is open: none too few, none too many, in order; and what they cost in files and copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import batch as b
from analyzer.batch import MISSING, Datagrams, OpenNumbers
from analyzer.tables.store_files import logs_in
from analyzer.tables.store_open import joined, kept, needed, pack_messages, unpack_messages
from analyzer.tables.store_recover import last_commit, uncovered
from tests.tables.storing import ALWAYS, NEVER, START, BadDisk, message_batch, opened, texts, writer


def held(folder: Path) -> list[str]:
    """The open messages of the one run in a store."""
    from analyzer.tables.store_open import messages_in

    logs = dict(sorted({**logs_in(folder, "open"), **logs_in(folder, "journal")}.items()))
    commit = last_commit(list(logs.values()))
    assert commit is not None
    parts = [part for path in uncovered(logs) for part in messages_in(path, commit.still_open)]
    return texts([Datagrams(part.octets, part.rows) for part in parts])


class Model:
    """What a store of open messages is, as a list."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str]] = []
        self.open: set[int] = set()
        self.number = 0

    def step(self, chance: random.Random) -> list[int]:
        """Calls begin, say something and end; the calls that say something."""
        fresh = list(range(self.number + 1, self.number + 1 + chance.randrange(6)))
        self.number += len(fresh)
        self.open |= set(fresh)
        talking = fresh + [call for call in sorted(self.open) if chance.random() < 0.3]
        self.messages += [(call, f"INVITE {call}") for call in talking]
        self.open -= {call for call in sorted(self.open) if chance.random() < (0.05 if call % 10 == 0 else 0.4)}
        self.messages = [(call, text) for call, text in self.messages if call in self.open]
        return talking


@settings(max_examples=12)
@given(st.integers(0, 2**32))
def test_what_is_held_is_what_a_list_would_hold(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("store")
    chance, model = random.Random(seed), Model()
    one = writer(folder, run="run")
    for _ in range(30):
        for _ in range(chance.randrange(1, 4)):
            if talking := model.step(chance):
                one.keep(*message_batch(talking))
        one._rolling = ALWAYS if chance.random() < 0.5 else NEVER
        one.commit(opened(*model.open), START)
        assert one.trouble is None
        assert held(folder) == [text for _, text in model.messages]
    one.close(opened(*model.open), START)
    assert held(folder) == [text for _, text in model.messages]


def test_little_is_left_of_what_has_ended(tmp_path: Path) -> None:
    """A hundred rollings of calls that end at once but for one in fifty: files grow with the logarithm."""
    disk = BadDisk()
    one = writer(tmp_path, run="run", disk=disk, rolling=ALWAYS)
    long_lived: list[int] = []
    for turn in range(100):
        calls = list(range(50 * turn + 1, 50 * turn + 51))
        one.keep(*message_batch(calls))
        one.commit(opened(*long_lived, *calls), START)
        long_lived.append(calls[0])
        one.commit(opened(*long_lived), START)
        assert len(logs_in(tmp_path, "open")) <= 14
    assert held(tmp_path) == [f"INVITE {call}" for call in long_lived]
    one.commit(opened(), START)
    one.close(opened(), START)
    assert not logs_in(tmp_path, "open")
    assert not logs_in(tmp_path, "journal")


def test_a_message_is_copied_as_often_as_its_log_doubles(tmp_path: Path) -> None:
    """Nothing ever ends: the worst case for copying."""
    written = 0

    class Counting(BadDisk):
        def write(self, number: int, content: bytes | memoryview) -> None:
            nonlocal written
            written += len(content)
            super().write(number, content)

    one = writer(tmp_path, run="run", disk=Counting(), rolling=ALWAYS)
    chance = random.Random(1)
    for turn in range(64):
        one.keep(*message_batch([turn], "INVITE {} " + chance.randbytes(4_000).hex()))
        one.commit(opened(*range(turn + 1)), START)
    size = sum(path.stat().st_size for path in tmp_path.glob("open/*.log"))
    assert written < 9 * size  # log2(64) + 1 copies, and what stands around them
    assert len(logs_in(tmp_path, "open")) <= 9
    one.close()


def test_messages_come_back_as_they_went() -> None:
    batch, links = message_batch(range(100))
    chance = np.random.default_rng(3)
    batch.numbers[:, : b.D_COLUMNS] = chance.integers(-(2**62), 2**62, (100, b.D_COLUMNS))
    batch.numbers[:, b.D_LENGTH] = chance.integers(0, 40, 100)
    batch.numbers[:, b.D_OFFSET] = chance.integers(0, 500, 100)
    batch.numbers[:, b.D_COPY] = 0
    part = unpack_messages(pack_messages(kept(batch, links)))
    octets = batch.octets.tobytes()
    said = [octets[row[b.D_OFFSET] : row[b.D_OFFSET] + row[b.D_LENGTH]].decode() for row in batch.numbers]
    assert texts([Datagrams(part.octets, part.rows)]) == said
    same = [column for column in range(b.D_COLUMNS) if column not in (b.D_OFFSET, b.D_FILE_OFFSET)]
    assert part.rows[:, same].tolist() == batch.numbers[:, same].tolist()
    assert (part.rows[:, b.D_FILE_OFFSET] == MISSING).all()
    assert part.rows[:, b.D_COLUMNS :].tolist() == links[:, 1:].tolist()
    empty = unpack_messages(pack_messages(part.take(np.zeros(100, dtype=np.bool_))))
    assert (len(empty), len(empty.octets)) == (0, 0)


def test_copies_and_messages_of_nothing_are_left_out() -> None:
    batch, links = message_batch(range(6))
    batch.numbers[2, b.D_COPY] = 1
    links[4] = MISSING
    assert kept(batch, links).rows[:, -2].tolist() == [0, 1, 3, 5]


def test_needed_by_any_of_three() -> None:
    rows = np.array([[1, 2, 3], [9, 2, 9], [9, 9, 3], [1, 9, 9], [9, 9, 9], [MISSING] * 3])
    one, two, three = (np.array([number]) for number in (1, 2, 3))
    assert needed(rows, OpenNumbers(two, three, one)).tolist() == [True, True, True, True, False, False]
    assert not needed(rows, OpenNumbers.none()).any()


def test_pieces_are_joined_with_their_octets() -> None:
    parts = [kept(*message_batch([number, number + 1])) for number in range(0, 40, 2)]
    whole = list(joined(parts))
    assert len(whole) == 1
    assert texts([Datagrams(part.octets, part.rows) for part in whole]) == [f"INVITE {number}" for number in range(40)]
