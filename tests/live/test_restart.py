"""Kills, restarts and signals of the real command: what was open goes on, what was stored stays."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from analyzer.tables.store_info import store_info
from analyzer.tables.store_read import open_store
from tests.live.test_equality import message
from tests.live.wire import PATIENCE_S, free_ports, live, needs_capture, send

pytestmark = needs_capture


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something that always happens."""
    give_up = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def open_messages(store: Path) -> int:
    return sum(run.open_messages for run in store_info(open_store(store)).runs)


def test_a_call_that_was_open_at_a_kill_ends_in_the_next_run_and_is_stored_once(tmp_path: Path) -> None:
    client, server = free_ports(2)
    store = tmp_path / "store"
    options = ["-i", "lo", "--ports", f"{client},{server}", "--store", str(store), "--store-every", "1s"]
    over, begun = "restart-1", "restart-2"
    with live(tmp_path, *options) as first:
        send(
            (client, server),
            [
                (True, message("INVITE sip:2@example.com SIP/2.0", over)),
                (False, message("SIP/2.0 404 Not Found", over)),
                (True, message("INVITE sip:2@example.com SIP/2.0", begun)),
                (False, message("SIP/2.0 180 Ringing", begun)),
            ],
        )
        wait_until(lambda: open_messages(store) == 4)
        first.process.kill()
        first.process.wait()
    (tmp_path / "second").mkdir()
    with live(tmp_path / "second", *options) as second:
        assert any("goes on with 1 open calls" in line["text"] for line in second.lines("notice"))
        send((client, server), [(False, message("SIP/2.0 486 Busy Here", begun))])
        wait_until(lambda: 486 in open_store(store).table("traffic").column("status_code").to_pylist())
        summary = second.end(signal.SIGINT)
    calls = open_store(store).calls(columns=["call_id", "outcome", "status_code", "messages"]).to_pylist()
    assert sorted((call["call_id"], call["outcome"], call["status_code"], call["messages"]) for call in calls) == [
        (over, "invalid_number", 404, 2),
        (begun, "busy", 486, 3),
    ]
    # Messages are counted by the run that heard them.
    assert [(row["status_code"], row["messages"]) for row in summary["responses"]] == [(486, 1)]
    traffic = open_store(store).table("traffic").to_pylist()
    assert {(row["status_code"], row["method"]): row["unique"] for row in traffic} == {
        (None, "INVITE"): 2,
        (404, "INVITE"): 1,
        (180, "INVITE"): 1,
        (486, "INVITE"): 1,
    }


def test_a_hangup_signal_begins_the_next_frames_file(tmp_path: Path) -> None:
    client, server = free_ports(2)
    folder = tmp_path / "frames"
    with live(tmp_path, "-i", "lo", "--ports", f"{client},{server}", "-w", str(folder)) as run:
        for number in (1, 2):
            send((client, server), [(True, message("INVITE sip:2@example.com SIP/2.0", f"rotated-{number}"))])
            wait_until(lambda number=number: len(list(folder.glob("*.pcapng"))) == number)
            run.process.send_signal(signal.SIGHUP)
            time.sleep(2.5)  # it looks once a second
        run.end()
    assert len(list(folder.glob("*.pcapng"))) == 2


def test_it_ends_by_itself_after_its_frames_or_its_time(tmp_path: Path) -> None:
    client, server = free_ports(2)
    with live(tmp_path, "-i", "lo", "--ports", f"{client},{server}", "--count", "2") as run:
        calls = [(True, message("INVITE sip:2@example.com SIP/2.0", f"counted-{number}")) for number in range(3)]
        send((client, server), calls)
        assert run.process.wait(PATIENCE_S) == 0
        (summary,) = run.lines("summary")
    assert summary["captures"][0]["frames"] == 2
    assert summary["calls"]["by_outcome"] == {"open": 2}
    (tmp_path / "timed").mkdir()
    with live(tmp_path / "timed", "-i", "lo", "--ports", str(client), "--duration", "2s") as run:
        assert run.process.wait(PATIENCE_S) == 0
        assert len(run.lines("summary")) == 1
