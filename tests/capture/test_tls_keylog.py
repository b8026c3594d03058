from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import tls_keylog
from analyzer.capture.tls_keylog import KeyLog, read_keylog
from analyzer.errors import CaptureError

RANDOM, OTHER = bytes(range(32)), bytes(range(1, 33))
MASTER, TRAFFIC = bytes(range(48)), bytes(range(100, 132))
LINE = f"CLIENT_RANDOM {RANDOM.hex()} {MASTER.hex()}\n".encode()


def test_secrets_by_label_and_client_random() -> None:
    keys = KeyLog()
    text = LINE + f"SERVER_TRAFFIC_SECRET_0 {RANDOM.hex()} {TRAFFIC.hex()}\n".encode()
    assert keys.add(text) == 2
    assert keys.secret("CLIENT_RANDOM", RANDOM) == MASTER
    assert keys.secret("SERVER_TRAFFIC_SECRET_0", RANDOM) == TRAFFIC
    assert keys.secret("CLIENT_TRAFFIC_SECRET_0", RANDOM) is None
    assert keys.secret("CLIENT_RANDOM", OTHER) is None
    assert keys.secret("NO_SUCH_LABEL", RANDOM) is None
    assert (len(keys), keys.bad_lines) == (2, 0)


def test_rsa_lines_go_by_the_encrypted_premaster_secret() -> None:
    keys = KeyLog()
    assert keys.add(f"RSA 0123456789abcdef {MASTER.hex()}".encode()) == 1
    assert keys.secret("RSA", bytes.fromhex("0123456789abcdef")) == MASTER


def test_comments_empty_lines_line_ends_and_capitals_do_not_matter() -> None:
    keys = KeyLog()
    text = b"# made by a phone\r\n\r\n  " + LINE.strip().upper() + b"  \r\n\n"
    assert keys.add(text) == 1
    assert (keys.secret("CLIENT_RANDOM", RANDOM), keys.bad_lines) == (MASTER, 0)


def test_labels_that_open_no_records_are_passed_over() -> None:
    keys = KeyLog()
    assert keys.add(f"EXPORTER_SECRET {RANDOM.hex()} {TRAFFIC.hex()}\nECH_CONFIG {RANDOM.hex()} 00".encode()) == 0
    assert keys.bad_lines == 0


@pytest.mark.parametrize(
    "line",
    [
        b"CLIENT_RANDOM",
        LINE[:50],
        LINE.replace(b"00", b"0g", 1),
        LINE.strip() + b"00",
        LINE.strip() + b" 00",
        LINE.replace(b" 00", b" ", 1),
        f"CLIENT_RANDOM {RANDOM.hex()} {TRAFFIC.hex()}".encode(),
        f"RSA {RANDOM.hex()} {MASTER.hex()}".encode(),
        b"-----BEGIN PRIVATE KEY-----",
        b"\xff\xfeC\x00L\x00",
    ],
)
def test_malformed_lines_are_counted_and_the_others_read(line: bytes) -> None:
    keys = KeyLog()
    assert keys.add(line + b"\n" + LINE) == 1
    assert (len(keys), keys.bad_lines) == (1, 1)


def test_a_later_line_replaces_an_earlier() -> None:
    keys = KeyLog()
    assert (keys.add(LINE), keys.add(LINE)) == (1, 0)
    assert keys.add(f"CLIENT_RANDOM {RANDOM.hex()} {MASTER[::-1].hex()}".encode()) == 0
    assert keys.secret("CLIENT_RANDOM", RANDOM) == MASTER[::-1]


def test_secrets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_keylog, "SECRETS", 1)
    keys = KeyLog()
    assert keys.add(LINE + f"CLIENT_RANDOM {OTHER.hex()} {MASTER.hex()}".encode()) == 1
    assert keys.secret("CLIENT_RANDOM", OTHER) is None


@given(st.binary(max_size=300))
def test_any_octets_are_taken(text: bytes) -> None:
    keys = KeyLog()
    assert keys.add(text) == len(keys)


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(b"# key log\n" + LINE + b"x" * 9000 + b"\n" + LINE.replace(RANDOM.hex().encode(), b"ab" * 32))
    for piece in (1, 7, 300, 1 << 20):
        monkeypatch.setattr(tls_keylog, "_PIECE", piece)
        keys = read_keylog(str(path))
        assert (len(keys), keys.bad_lines) == (2, 1)


@pytest.mark.parametrize("octets", [b"", b"# nothing yet\n", b"-----BEGIN PRIVATE KEY-----\nMIIE\n", os.urandom(500)])
def test_a_file_without_secrets_is_refused_with_what_to_do(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(octets)
    with pytest.raises(CaptureError, match="SSLKEYLOGFILE") as refused:
        read_keylog(str(path))
    assert "\n" not in str(refused.value)
    assert refused.value.path == str(path)


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(CaptureError, match="cannot be read") as refused:
            read_keylog(str(path))
        assert "\n" not in str(refused.value)


def test_somebody_else_is_given_the_secrets_of_some_connections_alone() -> None:
    keys = KeyLog()
    mine, other = "01" * 32, "02" * 32
    keys.add(f"CLIENT_RANDOM {mine} {'aa' * 48}\nSERVER_TRAFFIC_SECRET_0 {mine} {'bb' * 32}\n".encode())
    keys.add(f"CLIENT_RANDOM {other} {'cc' * 48}\nRSA {'03' * 8} {'dd' * 48}\n".encode())
    text = keys.text({bytes.fromhex(mine), bytes(32)})
    assert text.decode().splitlines() == [
        f"CLIENT_RANDOM {mine} {'aa' * 48}",
        f"SERVER_TRAFFIC_SECRET_0 {mine} {'bb' * 32}",
    ]
    again = KeyLog()
    assert again.add(text) == 2
    assert not KeyLog().text({bytes.fromhex(mine)})
