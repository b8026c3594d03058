"""Every message of this folder: what the parser reads, and that the kernels read the same."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from analyzer.sip.parse import ParseError, parse_message
from tests.sip.wire import CAUSE_HEADERS, assert_roads_equal

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.sip"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_message(file: Path) -> None:
    octets = file.read_bytes()
    expected = tomllib.loads(file.with_suffix(".toml").read_text("utf-8"))
    assert expected.pop("about")
    if "error" in expected:
        with pytest.raises(ParseError) as caught:
            parse_message(octets)
        assert caught.value.code == expected["error"]
        return
    message = parse_message(octets, cause_headers=CAUSE_HEADERS)
    summary = message.reason_summary
    found = {"reason_q850": summary.q850, "reason_sip": summary.sip, "reason_location": summary.location}
    for name, value in expected.items():
        read = found[name] if name in found else getattr(message, name)
        if isinstance(read, bytes):
            read = read.decode("utf-8")
        if name == "defects":
            read = sorted(read)
        assert read == value, name
    assert_roads_equal([(octets, len(octets))])


def test_every_message_says_what_must_be_read() -> None:
    assert {file.stem for file in FILES} == {file.stem for file in FOLDER.glob("*.toml")}
    assert len(FILES) > 20
