from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.capture.windows import TLS_KEY_LOG
from analyzer.capture.write import write_frames
from analyzer.errors import CaptureError, OutputError
from tests.capture.made import INVITE, RINGING, RTP, interface, ipv4, option, packet, pcap, read, section, sip, udp

T = 1_700_000_000_123_456_789


@pytest.fixture
def captures(tmp_path: Path) -> tuple[str, str]:
    a, b = tmp_path / "a.pcap", tmp_path / "b.pcapng.gz"
    a.write_bytes(pcap([(10 << 32 | 5, sip(RTP), 9999), (20 << 32, sip(), 0), (30 << 32, sip(RINGING), 0)]))
    b.write_bytes(
        gzip.compress(
            section()
            + interface(1)
            + interface(101, option(9, b"\x09"))
            + packet(sip(RTP), 15_000_000)
            + packet(ipv4(udp(RINGING)), T, 1)
        )
    )
    return str(a), str(b)


def test_frames_are_cut_out(tmp_path: Path, captures: tuple[str, str]) -> None:
    a, b = captures
    out = tmp_path / "out.pcapng"
    assert write_frames(str(out), {a: [3, 1, 77, 1], b: {1, 2}}) == 4
    got = read(out)
    assert got.reader.frames == 4
    assert got.payloads == [RINGING, RINGING]
    assert (got.reader.start_ts, got.reader.end_ts) == (10_000_005_000, T)
    assert got.rows[:, 0].tolist() == [3, 4]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pcap", "b.pcapng.gz", "out.pcapng"]


def test_secrets_stand_before_the_frames(tmp_path: Path, captures: tuple[str, str]) -> None:
    out = tmp_path / "out.pcapng"
    secrets = [(TLS_KEY_LOG, b"CLIENT_RANDOM " + b"01" * 32 + b" " + b"02" * 48 + b"\n"), (7, b"other")]
    assert write_frames(str(out), {captures[0]: [2]}, secrets) == 1
    got = read(out)
    assert got.reader.secrets == secrets
    assert got.reader.frames == 1
    assert not got.issues.counts


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_opens_it(tmp_path: Path, captures: tuple[str, str]) -> None:
    a, b = captures
    out = str(tmp_path / "out.pcapng")
    write_frames(out, {a: [1, 2], b: [2]})
    fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.encap_type", "frame.interface_id", "sip.Method"]
    options = [part for field in fields for part in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", out, "-T", "fields", *options], capture_output=True, text=True, check=True
    )
    size = len(sip(RTP))
    assert done.stdout.splitlines() == [
        f"10.000005000\t9999\t{size}\t1\t0\t",
        f"20.000000000\t{len(sip())}\t{len(sip())}\t1\t0\tINVITE",
        f"1700000000.123456789\t{len(ipv4(udp(RINGING)))}\t{len(ipv4(udp(RINGING)))}\t7\t1\t",
    ]


def test_nothing_chosen(tmp_path: Path, captures: tuple[str, str]) -> None:
    out = tmp_path / "out.pcapng"
    assert write_frames(str(out), {captures[0]: [], captures[1]: [0, 99]}) == 0
    assert read(out).reader.frames == 0


def test_many_sources(tmp_path: Path) -> None:
    chosen = {}
    for number in range(120):
        path = tmp_path / f"{number:03}"
        path.write_bytes(pcap([(number << 32, sip(INVITE), 0)]))
        chosen[str(path)] = [1]
    assert write_frames(str(tmp_path / "out"), chosen) == 120


def test_a_capture_is_never_overwritten(tmp_path: Path, captures: tuple[str, str]) -> None:
    a, _ = captures
    before = Path(a).read_bytes()
    link = tmp_path / "other-name"
    link.symlink_to(a)
    for out in (a, str(link)):
        with pytest.raises(OutputError, match="choose another name"):
            write_frames(out, {a: [1]})
    assert Path(a).read_bytes() == before


def test_nothing_half_written_stays(tmp_path: Path, captures: tuple[str, str]) -> None:
    a, _ = captures
    with pytest.raises(OutputError, match="cannot be written"):
        write_frames(str(tmp_path / "no" / "such" / "folder"), {a: [1]})
    with pytest.raises(CaptureError, match="no such file"):
        write_frames(str(tmp_path / "out"), {a: [1], "/nowhere": [1]})
    with pytest.raises(CaptureError, match="second time"):
        write_frames(str(tmp_path / "out"), {"-": [1]})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pcap", "b.pcapng.gz"]
