"""Datagrams to batches: both roads, row by row."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from analyzer.batch import (
    D_COLUMNS,
    D_TRANSPORT,
    F_CUT,
    F_WHOLE,
    INVITE,
    M_CSEQ_METHOD,
    M_DEFECTS,
    M_FLAGS,
    M_LENGTH,
    M_MESSAGE_NO,
    M_METHOD,
    M_START,
    M_STATUS,
    METHODS,
    S_CALL_ID,
    S_METHOD,
    S_SENT_BY,
    S_TO_TAG,
    X_NO_CONTENT_LENGTH,
    Datagrams,
    MessageBatch,
    MethodNames,
)
from analyzer.sip.read import read_messages, read_messages_whole
from tests.sip.wire import ADDRESSES, REASONS, VALUES, VIAS, assert_roads_equal, datagrams, is_message, made_message

ROOT = Path(__file__).resolve().parents[2]


def ordinary(*lines: str, start: str = "INVITE sip:bob@example.com SIP/2.0") -> bytes:
    head = (start, "Via: SIP/2.0/UDP h;branch=z9hG4bK1", "From: <sip:a>;tag=1", "To: <sip:b>", "Call-ID: c@d")
    return ("\r\n".join((*head, *lines)) + "\r\n\r\n").encode()


def test_rows_stand_in_order_with_their_datagrams() -> None:
    wires = [(ordinary("CSeq: 1 INVITE"), 0), (b"\r\n\r\n" + ordinary(start="SIP/2.0 486 Busy"), 0)]
    window = datagrams([(octets, len(octets)) for octets, _ in wires])
    batch = read_messages(window, MethodNames())
    assert len(batch) == 2
    assert (batch.numbers[:, :D_COLUMNS] == window.rows).all()
    assert batch.numbers[:, M_METHOD].tolist() == [INVITE, 0]
    assert batch.numbers[:, M_STATUS].tolist() == [0, 486]
    assert batch.numbers[:, M_MESSAGE_NO].tolist() == [0, 0]
    assert batch.numbers[1, M_START] == len(wires[0][0]) + 4
    assert batch.numbers[:, M_LENGTH].tolist() == [len(wires[0][0]), len(wires[1][0]) - 4]
    assert batch.text(0, S_CALL_ID) == "c@d"
    assert batch.octets is window.octets
    assert not (batch.numbers[:, M_FLAGS] & F_WHOLE).any()


def test_no_datagrams_make_no_rows() -> None:
    empty = Datagrams(np.zeros(0, dtype=np.uint8), np.zeros((0, D_COLUMNS), dtype=np.int64))
    assert len(read_messages(empty, MethodNames())) == len(read_messages_whole(empty, MethodNames())) == 0


def test_unlisted_methods_get_numbers_in_order_of_sight() -> None:
    octets = [
        ordinary("CSeq: 1 XPING", start="XPING sip:x SIP/2.0"),
        ordinary("CSeq: 1 YPING", start="SIP/2.0 200 OK"),
        ordinary("CSeq: 1 ZPING", start="XPING sip:x SIP/2.0"),
    ]
    methods = MethodNames()
    batch = read_messages(datagrams([(o, len(o)) for o in octets]), methods)
    assert methods.names[len(METHODS) + 1 :] == ["XPING", "YPING", "ZPING"]
    assert [methods.names[n] for n in batch.numbers[:, M_METHOD]] == ["XPING", "", "XPING"]
    assert [methods.names[n] for n in batch.numbers[:, M_CSEQ_METHOD]] == ["XPING", "YPING", "ZPING"]
    assert [batch.text(row, S_METHOD) for row in range(3)] == ["XPING", "YPING", "XPING"]


def test_texts_that_do_not_stand_in_the_window_are_kept_behind_it() -> None:
    octets = ordinary("CSeq: 1 INVITE").replace(b"UDP h;", b"UDP h : 5060 ;")
    octets = octets.replace(b"<sip:b>", b'<sip:b>;tag="a\\b"')
    window = datagrams([(octets, len(octets))])
    batch = read_messages(window, MethodNames())
    assert batch.numbers[0, M_FLAGS] & F_WHOLE
    assert (batch.text(0, S_SENT_BY), batch.text(0, S_TO_TAG)) == ("h:5060", "ab")
    assert len(batch.octets) == len(window.octets) + len("h:5060") + len("ab")
    assert batch.octets[: len(window.octets)].tobytes() == octets


def test_a_cause_header_with_a_name_of_our_own_goes_the_whole_road() -> None:
    octets = ordinary("CSeq: 1 INVITE", "Reason: 17")
    assert_roads_equal([(octets, len(octets))], {"reason": "q850_cause"})


@pytest.mark.parametrize("name", sorted(VALUES))
def test_every_value_of_every_field(name: str) -> None:
    wires = []
    for value in VALUES[name]:
        twice = (f"{name}: {value}", f"{name.upper()} :{VALUES[name][0]}")
        for lines in ((f"{name}: {value}",), twice, (f"{name}:\r\n {value}",)):
            for start in ("INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 486 Busy Here"):
                head = [start, *lines, *(f"{n}: {v[0]}" for n, v in VALUES.items() if n != name), "", "body"]
                octets = "\r\n".join(head).encode()
                wires.append((octets, len(octets)))
    assert_roads_equal(wires)


def test_what_the_kernels_read_themselves() -> None:
    # The common road must not lead through Python.
    for address in ADDRESSES[:3]:
        for via in VIAS[:3]:
            for reason in REASONS[:6]:
                octets = (
                    f"BYE sip:x SIP/2.0\nv: {via}\nVIA: {via}\nf: {address}\nt: {address}\nm: {address}\n"
                    f"i: 1\nCSeq: 1 BYE\nReason: {reason}\nReason: {reason}\nX-Asterisk-HangupCauseCode: 16\n"
                    "Subject: J\u00f6rg\n folded\nl: 0\n\n"
                ).encode()
                assert assert_roads_equal([(octets, len(octets))]) == 0


def test_every_cut_of_a_message() -> None:
    lines = ("CSeq: 1 INVITE", "Reason: Q.850;cause=3", "Content-Type: application/sdp", "Content-Length: 4")
    octets = ordinary(*lines) + b"v=0\r"
    cuts = [wire for wire in ((octets[:at], len(octets)) for at in range(len(octets))) if is_message(wire)]
    assert len(cuts) == len(octets) - len("INVITE sip:bob@example.com SIP/2.0")
    assert_roads_equal(cuts)
    batch = read_messages(datagrams(cuts), MethodNames())
    assert (batch.numbers[:, M_FLAGS] & F_CUT).all()
    assert_roads_equal([(o, len(o)) for o, _ in cuts if is_message((o, len(o)))])


def test_made_messages() -> None:
    random = Random(2026)
    wires = [wire for wire in (made_message(random) for _ in range(4000)) if is_message(wire)]
    whole = assert_roads_equal(wires)
    assert len(wires) > 3000
    assert whole < len(wires) / 2, "most of them must be read by the kernels for this to mean anything"


def test_made_messages_by_kernels_that_are_not_compiled() -> None:
    script = """
import sys
from random import Random
import numba, numpy
from tests.sip.wire import assert_roads_equal, is_message, made_message
assert numba.config.DISABLE_JIT
random = Random(int(sys.argv[1]))
wires = [wire for wire in (made_message(random) for _ in range(250)) if is_message(wire)]
with numpy.errstate(over="ignore"):  # words wrap around, as they do in compiled code
    whole = assert_roads_equal(wires)
print(len(wires), whole)
"""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, "7"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    wires, whole = map(int, done.stdout.split())
    assert wires - whole > 80


@pytest.mark.parametrize("read", [read_messages, read_messages_whole])
def test_a_stream_needs_a_content_length(read: Callable[[Datagrams, MethodNames], MessageBatch]) -> None:
    octets = [ordinary("CSeq: 1 INVITE"), ordinary("CSeq: 1 INVITE"), ordinary("CSeq: 1 INVITE", "l: 0")]
    window = datagrams([(one, len(one)) for one in octets])
    window.rows[:, D_TRANSPORT] = [0, 1, 1]  # udp, tcp, tcp
    defects = read(window, MethodNames()).numbers[:, M_DEFECTS] & X_NO_CONTENT_LENGTH
    assert defects.tolist() == [0, X_NO_CONTENT_LENGTH, 0]
