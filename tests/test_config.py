"""sipcause.toml: where it is looked for, what it says, and how its faults are told."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from pathlib import Path

import pytest

from analyzer.config import Config, load_config, machine_zone
from analyzer.errors import ConfigError
from analyzer.vocab import Side

FULL = """
timezone = "Europe/Amsterdam"
own = ["192.0.2.0/24", "2001:db8::5"]
registry = ["packs", "/etc/packs"]
causes = "rfc3398"
ports = [5060, 5080]

[aliases.endpoints]
"192.0.2.10" = "SBC 1"
"2001:db8::7" = "SBC 7"
[aliases.trunks]
"Carrier A" = ["198.51.100.0/24"]
"Carrier A, Utrecht" = ["198.51.100.16/28", "203.0.113.9"]
[aliases.numbers]
"+31" = "Netherlands"
"+3120" = "Amsterdam"

[windows]
no_response_s = 20
[thresholds]
abandoned_wait_s = 7.5
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration folder of the user, and an empty current folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return str(path)


def test_everything(tmp_path: Path) -> None:
    config = load_config(written(tmp_path / "site.toml", FULL))
    assert config.timezone == "Europe/Amsterdam"
    assert config.zone.utcoffset(datetime(2026, 7, 1)).total_seconds() == 7200  # type: ignore[union-attr]
    assert config.causes == "rfc3398"
    assert config.ports == (5060, 5080)
    assert config.registry == (tmp_path / "packs", Path("/etc/packs"))
    assert config.windows.no_response_s == 20
    assert config.windows.progress_s == 180
    assert config.thresholds.abandoned_wait_s == 7.5
    assert config.origin == tmp_path / "site.toml"


def test_sides(tmp_path: Path) -> None:
    config = load_config(written(tmp_path / "site.toml", FULL))
    assert config.side("192.0.2.200") is Side.OWN
    assert config.side("::ffff:192.0.2.200") is Side.OWN
    assert config.side("2001:db8::5") is Side.OWN
    assert config.side("2001:db8::6") is Side.OTHER
    assert config.side("8.8.8.8") is Side.OTHER
    assert config.side("not an address") is Side.UNKNOWN
    assert Config().side("192.0.2.200") is Side.UNKNOWN


def test_aliases(tmp_path: Path) -> None:
    config = load_config(written(tmp_path / "site.toml", FULL))
    assert config.alias("192.0.2.10") == "SBC 1"
    assert config.alias("2001:0db8:0:0::7") == "SBC 7"
    assert config.alias("198.51.100.1") == "Carrier A"
    assert config.alias("198.51.100.17") == config.alias("203.0.113.9") == "Carrier A, Utrecht"
    assert config.alias("8.8.8.8") is None
    assert config.alias("") is None
    assert config.number_alias("+31201234567") == "Amsterdam"
    assert config.number_alias("+31301234567") == "Netherlands"
    assert config.number_alias("+49") is None


def test_defaults(home: Path) -> None:
    config = load_config()
    assert config.origin is None
    assert (config.causes, config.registry, config.ports) == ("dss1", (), (5060, 5061))
    assert config.windows.no_response_s == 32
    assert config.windows.challenge_s == 5
    assert config.thresholds.abandoned_wait_s == 10
    assert config.timezone


def test_where_it_is_looked_for(home: Path) -> None:
    written(home / "config" / "sipcause" / "sipcause.toml", 'causes = "cisco"')
    assert load_config().causes == "cisco"
    written(home / "here" / "sipcause.toml", 'causes = "asterisk"')
    assert load_config().causes == "asterisk"
    written(home / "other" / "sipcause.toml", 'causes = "yate"')
    assert load_config(folder=home / "other").causes == "yate"
    assert load_config(folder=home / "nowhere").causes == "cisco"
    assert load_config(written(home / "named.toml", 'causes = "freeswitch"')).causes == "freeswitch"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('timezon = "UTC"', "timezon", "unknown key; did you mean timezone?"),
        ("[window]", "window", "unknown key; did you mean windows?"),
        ("[windows]\nno_respons_s = 3", "windows.no_respons_s", "did you mean no_response_s?"),
        ("[aliases.endpoint]", "aliases.endpoint", "did you mean endpoints?"),
        ('timezone = "Mars/Olympus"', "timezone", "is no time zone"),
        ('timezone = "../../etc/passwd"', "timezone", "is no time zone"),
        ('own = ["10.0.0.1/8"]', "own", "has host bits set"),
        ('own = ["ours"]', "own", "is no address or network"),
        ('own = "10.0.0.0/8"', "own", "Expected `array`"),
        ('[aliases.endpoints]\n"x" = "y"', "aliases.endpoints", "is no address"),
        ('[aliases.trunks]\n"A" = ["x"]', "aliases.trunks.A", "is no address or network"),
        ("ports = [0]", "ports", "0 is no port"),
        ('ports = ["5060"]', "ports[0]", "Expected `int`"),
        ("[windows]\nprogress_s = 0", "windows.progress_s", "must be more than 0"),
        ("[windows]\nprogress_s = nan", "windows.progress_s", "must be more than 0"),
        ("[thresholds]\nabandoned_wait_s = inf", "thresholds.abandoned_wait_s", "must be more than 0"),
        ("causes = \nports = []", "TOML", "line 1"),
        ('"\\u001b[31m" = 1', "??31m", "unknown key"),
    ],
)
def test_faults(tmp_path: Path, text: str, key: str, reason: str) -> None:
    path = written(tmp_path / "sipcause.toml", text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert (caught.value.file, caught.value.key) == (path, key)
    assert reason in caught.value.reason


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(str(tmp_path / "missing.toml"))
    with pytest.raises(ConfigError, match="directory"):
        load_config(str(tmp_path))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'timezone = "\xe9"')
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_config(str(latin))


def test_the_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    assert str(machine_zone()) == "Europe/Vienna"
    assert Config().timezone == "Europe/Vienna"
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert machine_zone() is None
    assert Config().zone.utcoffset(datetime(2026, 1, 1)) is not None


@pytest.mark.parametrize(
    "text",
    ["198.51.100.7", "198.51.100.07", "256.1.1.1", "1.2.3", "1.2.3.4.5", "::ffff:198.51.100.7", "2001:db8::7",
     "fe80::1", "alice", "", "1.2.3.a", "1.2.3.", "٣.1.1.1", "4294967296.0.0.0"],
)  # fmt: skip
def test_addresses_are_looked_up_as_ipaddress_reads_them(text: str, tmp_path: Path) -> None:
    file = tmp_path / "sipcause.toml"
    text_of_file = 'own = ["198.51.100.0/24", "2001:db8::/32"]\n[aliases.trunks]\nA = ["198.51.100.7", "2001:db8::7"]\n'
    file.write_text(text_of_file)
    config = load_config(str(file))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        assert (config.side(text), config.trunk(text)) == (Side.UNKNOWN, None)
        return
    plain = getattr(address, "ipv4_mapped", None) or address
    is_own = any(plain in network for network in config.own)
    assert config.side(text) is (Side.OWN if is_own else Side.OTHER)
    assert config.trunk(text) == ("A" if str(plain) in ("198.51.100.7", "2001:db8::7") else None)
