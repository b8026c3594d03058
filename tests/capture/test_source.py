from __future__ import annotations

import gzip
import lzma
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analyzer.batch import D_FILE_OFFSET, D_LENGTH
from analyzer.capture.source import expand, open_source, read_octets
from analyzer.capture.unpack import PIECE
from analyzer.errors import CaptureError
from tests.capture.made import INVITE, RTP, interface, packet, pcap, read, section, sip

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "zst": zstd.compress}
CAPTURE = pcap([sip(), sip(RTP), sip(b"SIP/2.0 200 OK\r\n\r\n")])


@pytest.mark.parametrize("how", PACKERS)
def test_packed_captures_are_told_by_content(tmp_path: Path, how: str) -> None:
    path = tmp_path / "trace.txt"
    path.write_bytes(PACKERS[how](CAPTURE))
    got = read(path)
    assert got.reader.format == f"pcap.{how}"
    assert len(got.rows) == 2
    assert got.reader.progress == (path.stat().st_size, path.stat().st_size)
    assert not got.issues.counts


@pytest.mark.parametrize("how", PACKERS)
def test_members_one_after_the_other_are_one_stream(tmp_path: Path, how: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(PACKERS[how](CAPTURE[:100]) + PACKERS[how](CAPTURE[100:]))
    assert len(read(path).rows) == 2


@pytest.mark.parametrize("how", PACKERS)
def test_padding_behind_the_last_member_is_no_damage(tmp_path: Path, how: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(PACKERS[how](CAPTURE) + bytes(512))
    got = read(path)
    assert len(got.rows) == 2
    assert not got.reader.truncated


@pytest.mark.parametrize("how", PACKERS)
def test_what_stands_before_the_damage_is_read(tmp_path: Path, how: str) -> None:
    rng = np.random.default_rng(1)
    noise = [sip(b"\x80" + rng.bytes(1000)) for _ in range(1500)]
    octets = PACKERS[how](pcap([sip(), *noise]))
    assert len(octets) > 4 * PIECE
    path = tmp_path / "x"
    path.write_bytes(octets[: len(octets) // 2])
    cut = read(path)
    assert len(cut.rows) == 1
    assert 0 < cut.reader.frames < 1501
    assert cut.reader.truncated
    assert cut.issues.counts == {"capture.bad_compression": 1}
    assert "cut short" in cut.issues.notes[0].detail
    middle = len(octets) // 2
    path.write_bytes(octets[:middle] + b"\xff" * 300_000 + octets[middle + 300_000 :])
    damaged = read(path)
    assert len(damaged.rows) == 1
    assert damaged.reader.truncated
    # Where the decompressor goes on with nonsense, no record stands in it.
    assert damaged.issues.counts in ({"capture.bad_compression": 1}, {"capture.damaged": 1})


def test_a_packed_text_is_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap.gz"
    path.write_bytes(gzip.compress(b"INVITE sip:x SIP/2.0"))
    with pytest.raises(CaptureError, match="not a capture"):
        open_source(str(path))


def test_a_bomb_is_read_piece_by_piece(tmp_path: Path) -> None:
    octets = pcap([sip()]) + section() * 3_000_000  # 84 MB of one block, in 100 kB
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(octets, 1))
    with open_source(str(path)) as source:
        buffer = np.empty(1 << 20, dtype=np.uint8)
        total = 0
        while count := source.read_into(buffer):
            assert count <= len(buffer)
            total += count
    assert total == len(octets)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "nothing in it"),
        (b"#!/bin/sh\necho INVITE\n", "not a capture"),
        (b"\n\r\r\n and a text", "not a capture"),
    ],
)
def test_no_captures(tmp_path: Path, octets: bytes, reason: str) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(octets)
    with pytest.raises(CaptureError, match=reason) as raised:
        open_source(str(path))
    assert "\n" not in str(raised.value)


def test_missing_file() -> None:
    for find in (open_source, lambda path: expand([path])):
        with pytest.raises(CaptureError, match="no such file"):
            find("/nowhere/x.pcap")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(CAPTURE)
    path.chmod(0)
    for find in (open_source, lambda path: expand([path])):
        with pytest.raises(CaptureError, match="no permission"):
            find(str(path))


def test_a_name_with_a_nul_octet_is_no_file() -> None:
    with pytest.raises(CaptureError, match="no such file"):
        expand(["a\0b"])


def test_directories_are_searched_for_captures(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "b.txt").write_bytes(CAPTURE)
    (tmp_path / "a.pcap").write_bytes(b"not one")
    (tmp_path / "empty.pcap").write_bytes(b"")
    (tmp_path / "deep" / "er" / "c").write_bytes(gzip.compress(section() + interface()))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    found = expand([str(tmp_path)])
    assert found == [str(tmp_path / "b.txt"), str(tmp_path / "deep" / "er" / "c")]


def test_each_capture_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CAPTURE)
    assert expand([str(path), "-", str(tmp_path), f"{tmp_path}/./a", "-"]) == [str(path), "-"]


def test_a_directory_without_captures(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="without captures"):
        expand([str(tmp_path)])


def test_standard_input(tmp_path: Path) -> None:
    code = (
        "from tests.capture.made import read; got = read('-');"
        "print(len(got.rows), got.reader.format, got.reader.source, got.reader.progress)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=gzip.compress(CAPTURE),
        capture_output=True,
        cwd=root,
        check=True,
    )
    size = len(gzip.compress(CAPTURE))
    assert done.stdout.decode() == f"2 pcap.gz standard input ({size}, None)\n"


@pytest.mark.parametrize("how", [None, *PACKERS])
def test_octets_of_a_message_are_found_again(tmp_path: Path, how: str | None) -> None:
    octets = section() + interface() + b"".join(packet(sip(RTP)) for _ in range(2000)) + packet(sip())
    path = tmp_path / "x"
    path.write_bytes(PACKERS[how](octets) if how else octets)
    row = read(path).rows[0]
    assert read_octets(str(path), int(row[D_FILE_OFFSET]), int(row[D_LENGTH])) == INVITE
    assert read_octets(str(path), len(octets) - 4, 100) == octets[-4:]
    assert read_octets(str(path), len(octets) + 4, 100) == b""


def test_standard_input_cannot_be_read_again() -> None:
    with pytest.raises(CaptureError, match="second time"):
        read_octets("-", 0, 1)
