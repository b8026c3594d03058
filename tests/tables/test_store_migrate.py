"""A store that an earlier version wrote is brought up to date; `data/store-schema-1.tar.gz` is one of schema 1.

Two runs of `sipcause live` made it: one that ended, and one that was killed with a call open.
"""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from analyzer.batch import OpenNumbers
from analyzer.errors import StoreError
from analyzer.tables.store import StoreWriter
from analyzer.tables.store_add import AddingLog
from analyzer.tables.store_files import SCHEMA, read_about
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_migrate import MIGRATIONS, migrate
from analyzer.tables.store_read import open_store
from analyzer.tables.store_verify import verify
from tests.adding.made import rows
from tests.tables.storing import ZONE, BadDisk, Crash, texts, writer

OLD = Path(__file__).parent / "data" / "store-schema-1.tar.gz"
CALLS = [("invalid_number", 404), ("failed", 503)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with tarfile.open(OLD) as packed:
        packed.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


def told(store: Path) -> list[tuple[object, ...]]:
    return rows(store, "calls", "invite_ts", "outcome", "status_code", "messages", "call_key")


def test_an_old_store_is_read_as_it_stands(old: Path) -> None:
    before = sorted(path for path in old.rglob("*") if path.is_file())
    assert open_store(old).schema == 1
    assert [row[1:3] for row in told(old)][:1] == CALLS[:1]
    assert rows(old, "captures", "source") == []
    assert verify(open_store(old)).is_sound
    assert sorted(path for path in old.rglob("*") if path.is_file()) == before


def test_a_writer_brings_it_up_to_date(old: Path) -> None:
    before = told(old)
    one = StoreWriter(old, ZONE, in_background=False)
    assert one.notices == [f"{old} was brought up to date: schema 1 is schema {SCHEMA} now"]
    # What the old version left open goes on.
    assert any("old-3" in text for text in texts(list(one.recover().datagrams)))
    one.close(OpenNumbers.none())
    about = read_about(old)
    assert (about.schema, str(about.zone), about.created) == (SCHEMA, "Europe/Amsterdam", "2026-11-26T21:58:01Z")
    assert told(old) == before
    named = rows(old, "captures", "run", "capture_no", "source", "kind", "frames")
    assert [row[1:] for row in named] == [(1, "lo", "live", 0)] * 2
    assert {row[0] for row in named} == set(rows(old, "intervals", "run"))
    assert migrate(old, BadDisk()) is None


def test_captures_can_be_added_to_it(old: Path) -> None:
    log = AddingLog(old, ZONE, BadDisk())
    assert log.notices == [f"{old} was brought up to date: schema 1 is schema {SCHEMA} now"]
    log.close()
    assert read_about(old).schema == SCHEMA


def test_an_old_version_that_writes_is_one_line(old: Path) -> None:
    lock = Lock.take(old, "20261126T215815315421Z-vm-14833")
    assert lock is not None
    with pytest.raises(StoreError) as refused:
        StoreWriter(old, ZONE)
    assert str(refused.value) == (
        f"{old}: has schema 1 and is being written by an older sipcause (20261126T215815315421Z-vm-14833): "
        "end that one, then this one brings the store up to date"
    )
    assert read_about(old).schema == 1
    lock.release()
    assert migrate(old, BadDisk()) is not None


def test_a_newer_store_is_one_line(tmp_path: Path) -> None:
    writer(tmp_path).close()
    about = json.loads((tmp_path / "store.json").read_text())
    (tmp_path / "store.json").write_text(json.dumps({**about, "schema": SCHEMA + 1}))
    for attempt in (lambda: open_store(tmp_path), lambda: StoreWriter(tmp_path, ZONE)):
        with pytest.raises(StoreError, match=f"newer sipcause .schema {SCHEMA + 1}, this one reads {SCHEMA}.: update"):
            attempt()


def test_a_migration_that_was_interrupted_is_done_again(old: Path) -> None:
    before = told(old)
    step = 1
    while True:
        try:
            migrate(old, BadDisk(crash_at=step))
            break
        except Crash:
            assert read_about(old).schema in (1, SCHEMA)
            assert told(old) == before, step
            step += 1
    assert step > 4
    assert read_about(old).schema == SCHEMA
    assert len(rows(old, "captures", "digest")) == 2
    assert not [name for name in os.listdir(old) if name.endswith(".new")]


def test_every_schema_that_is_read_has_its_migration() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA))
