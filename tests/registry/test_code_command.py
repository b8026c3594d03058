"""sipcause code, cause and codes: the same facts for people and as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from analyzer.registry import load_registry
from analyzer.ui.cli.code import cause, code, codes

ACME = Path(__file__).resolve().parents[1] / "vendors" / "acme.toml"


def shown(command: click.Command, *arguments: str, width: int = 80) -> str:
    result = CliRunner().invoke(command, arguments, env={"COLUMNS": str(width)}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def facts(command: click.Command, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shown(command, *arguments, "--json"))
    return document


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_busy() -> None:
    output = shown(code, "486")
    for text in (
        "486 Busy Here",
        "called phone is busy",
        "callee",
        "RFC 3261 §21.4.24",
        "busy (user); call_outcomes.toml: rule.busy",
        "   17   11    91  User busy",
        "mappings.toml: profile.rfc3398",
        "apparatuur gebelde partij in gesprek",
    ):
        assert text in output


def test_busy_as_data() -> None:
    document = facts(code, "486")
    assert (document["phrase"], document["family"], document["known"]) == ("Busy Here", "client_error", True)
    rows = {row["profile"]: row for row in document["causes"]}
    assert set(rows) == set(load_registry().profiles)
    assert list(rows)[:2] == ["dss1", "rfc3398"]
    assert {k: rows["dss1"][k] for k in ("cause", "hex", "dss1_hex", "text")} == {
        "cause": 17,
        "hex": "11",
        "dss1_hex": "91",
        "text": "User busy",
    }
    assert rows["kamailio"]["cause"] is None
    assert all(row["source"] and row["origin"] for row in document["causes"])


def test_a_siemens_code_and_its_rivals() -> None:
    document = facts(code, "703")
    assert [row["vendor"] for row in document["vendor_codes"]] == ["gigaset", "pjsip"]
    assert document["vendor_codes"][0]["dss1_hex"] == "E6"
    assert document["internal_cause"]["name"] == "MANAGER_REQUEST"
    output = shown(code, "703")
    assert "Connection cancelled because of timeout" in output
    assert "a guess" in output


def test_0x_is_no_hexadecimal_sign() -> None:
    assert facts(code, "0x703") == facts(code, "703")
    assert facts(code, "0X404")["code"] == 404
    local = facts(code, "0x31")
    assert (local["known"], local["handset_codes"][0]["display"]) == (False, "0x31")
    assert "SIP domain missing" in shown(code, "0x31")


@pytest.mark.parametrize("text", ["0x1F", "1795", "x", "", "4 8", "٤٨٦", "0x"])
def test_what_is_no_code(text: str) -> None:
    result = CliRunner().invoke(code, [text])
    assert result.exit_code == 2
    assert "is no code" in result.output


@pytest.mark.parametrize(("text", "value"), [("17", 17), ("0x11", 17), ("0x91", 17), ("145", 17), ("0x7f", 127)])
def test_causes_in_all_notations(text: str, value: int) -> None:
    assert facts(cause, text)["cause"] == value


@pytest.mark.parametrize("text", ["0", "256", "0x80", "x", "0xZZ", "-1"])
def test_what_is_no_cause(text: str) -> None:
    result = CliRunner().invoke(cause, ["--", text])
    assert result.exit_code == 2
    assert "is no cause" in result.output


def test_a_cause() -> None:
    document = facts(cause, "34")
    assert (document["text"], document["hex"], document["dss1_hex"]) == ("No circuit/channel available", "22", "A2")
    back = {row["profile"]: row["codes"] for row in document["to_status"]}
    assert back["rfc3398"] == [503]
    forward = {row["profile"]: row["codes"] for row in document["from_status"]}
    assert forward == {"asterisk": [503], "asterisk_chan_sip": [503]}
    output = shown(cause, "34")
    assert "NORMAL_CIRCUIT_CONGESTION" in output
    assert "resource unavailable" in output


def test_corrected_slips_are_shown() -> None:
    output = shown(code, "503", width=160)
    assert "Overzicht" in output
    assert "Use Proxy" in output
    assert "wrong label" in output
    corrections = facts(code, "415")["lists"]
    assert "cause 63" in corrections["simbox"]["cause_remark"]


def test_dutch() -> None:
    output = shown(code, "408", "--lang", "nl", width=160)
    assert "betekenis" in output
    assert "gebeld neemt niet aan of zijn apparatuur gaat niet over" in output
    assert "waarschijnlijk bij" in output
    document = facts(code, "487", "--lang", "nl")
    assert document["hint"] == "gebelde antwoordt niet / eindigt gesprek"
    assert document["hint_correction"].startswith("niet de gebelde maar de beller")
    assert facts(cause, "17", "--lang", "nl")["meaning"] == "gebelde in gesprek"
    assert facts(code, "487")["hint"] is None


def test_every_registered_code_and_assigned_cause_has_its_dutch_words() -> None:
    from analyzer.registry.languages import language

    registry, dutch = load_registry(), language("nl")
    assert set(dutch.status) == set(registry.statuses)
    assert set(dutch.cause) == {value for value, entry in registry.causes.items() if entry.assigned}
    hints = {code: entry.overzicht_hint for code, entry in registry.sections["listed"].items() if entry.overzicht_hint}
    assert dutch.hint == hints
    assert set(dutch.hint_correction) <= set(dutch.hint)


def test_lists() -> None:
    every = facts(codes)
    assert len(every["codes"]) == len(load_registry().statuses)
    assert {row["vendor"] for row in every["vendor_codes"]} >= {"gigaset", "pjsip", "kamailio"}
    client = facts(codes, "--family", "4xx")
    assert {row["code"] // 100 for row in [*client["codes"], *client["vendor_codes"]]} == {4}
    assert facts(codes, "--family", "client_error") == client
    vendor = facts(codes, "--family", "vendor")
    assert vendor["codes"] == []
    assert len([row for row in vendor["vendor_codes"] if row["vendor"] == "gigaset"]) == 17
    assert facts(codes, "--family", "7xx") == vendor
    assert "603  Decline" in shown(codes, "--family", "6xx")
    assert "General socket layer error" in shown(codes, "--family", "vendor")


def test_an_unknown_family_lists_the_names() -> None:
    result = CliRunner().invoke(codes, ["--family", "10xx"])
    assert result.exit_code == 2
    assert "client_error" in result.output


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize(
    "number", ["100", "200", "302", "407", "415", "480", "486", "487", "488", "499", "503", "603", "701"]
)
def test_lines_fit_the_screen(number: str, width: int) -> None:
    for arguments in ((number,), (number, "--lang", "nl"), (number, "--sources")):
        for line in shown(code, *arguments, width=width).splitlines():
            assert len(line) <= width, line
            assert line == line.rstrip()


def test_sources_in_full() -> None:
    short, full = shown(code, "486"), shown(code, "486", "--sources")
    assert "…" in short
    assert "Mediant 3000 7.0 p.487" not in short
    assert "Mediant" in full
    assert "newer web edition" in full
    assert len(full.splitlines()) > len(short.splitlines())


def test_a_strangers_pack_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    assert facts(code, "799", "--registry", str(ACME))["vendor_codes"][0]["vendor"] == "acme"
    assert str(ACME.name) in shown(code, "799", "--registry", str(ACME), width=200)
    hostile = tmp_path / "hostile.toml"
    hostile.write_text('[status.499]\nphrase = "a\\u001b[31mb"\nmeaning = "c\\u202ed"\nresponsible = "x"\n')
    output = shown(code, "499", "--registry", str(hostile))
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "a\\x1b[31mb" in output


def test_settings_name_registry_folders(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "acme.toml").write_text(ACME.read_text("utf-8"), "utf-8")
    (tmp_path / "sipcause.toml").write_text('registry = ["packs"]\n')
    assert facts(code, "799")["vendor_codes"][0]["vendor"] == "acme"
