"""``sipcause.toml``: what a site says about itself, so that results read in its own words.

    timezone = "Europe/Amsterdam"          # default: the machine's; it is always printed
    own = ["192.0.2.0/24", "2001:db8::5"]  # our side of the network
    registry = ["packs"]                   # folders with TOML of ours, relative to this file
    causes = "dss1"                        # mapping profile
    ports = [5060, 5061]

    [aliases.endpoints]
    "192.0.2.10" = "SBC 1"
    [aliases.trunks]
    "Carrier A" = ["198.51.100.0/28"]
    [aliases.numbers]
    "+3120" = "Amsterdam"

    [numbers]                              # how is dialled here
    country = "31"
    [trunks."Carrier A"]                   # what was agreed with a trunk of aliases.trunks
    channels = 60
    calls_per_second = 10
    [report]
    notes = "notes.toml"                   # the operator's notes and holidays
    [report.thresholds]                    # `sipcause report` ends with exit code 3 beyond them
    asr_min = 45
    [mail]
    host = "mail.example"

    [windows]                              # seconds; docs/counting.md says what each decides
    no_response_s = 32
    [thresholds]
    abandoned_wait_s = 10

Unknown keys are refused with a suggestion: a mistyped setting that is silently ignored is worse than none.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from analyzer.config_entries import (
    Aliases,
    Contract,
    Mail,
    Numbers,
    ReportSettings,
    ReportThresholds,
    Settings,
    Thresholds,
    Windows,
)
from analyzer.errors import ConfigError, suggestion
from analyzer.vocab import Side

FILE_NAME = "sipcause.toml"

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"


class Config:
    """Settings, checked. ``origin`` is the file they come from, None for the defaults."""

    def __init__(self, settings: Settings | None = None, origin: Path | None = None) -> None:
        self._settings = settings = settings or Settings()
        self.origin = origin
        self.causes = settings.causes or "dss1"
        self.ports = settings.ports
        self.windows = settings.windows
        self.thresholds = settings.thresholds
        self.numbers = settings.numbers
        self.contracts: Mapping[str, Contract] = settings.trunks
        self.report = settings.report
        self.mail = settings.mail
        base = origin.parent if origin else Path()
        self.registry = tuple(base / folder for folder in settings.registry)
        self.own = tuple(self._network("own", text) for text in settings.own)
        self._endpoints = {
            self._address("aliases.endpoints", text): name for text, name in settings.aliases.endpoints.items()
        }
        trunks = [
            (self._network(f"aliases.trunks.{name}", text), name)
            for name, texts in settings.aliases.trunks.items()
            for text in texts
        ]
        # The narrowest network names an address.
        self._trunks = [
            (_bits(network), name) for network, name in sorted(trunks, key=lambda pair: pair[0].prefixlen, reverse=True)
        ]
        self._own = [_bits(network) for network in self.own]
        self._numbers = sorted(settings.aliases.numbers.items(), key=lambda pair: len(pair[0]), reverse=True)
        self._check()

    def _check(self) -> None:
        for group, values in (("windows", self.windows), ("thresholds", self.thresholds)):
            for field in values.__struct_fields__:
                value = getattr(values, field)
                listed = value if isinstance(value, tuple) else (value,)
                if not all(0 < number < 86_400 * 365 for number in listed):
                    unit = "less than a year, in seconds" if field.endswith("_s") else "less than 31,536,000"
                    raise self._error(f"{group}.{field}", f"must be more than 0 and {unit}")
        if len(self.thresholds.short_call_s) > 10:
            raise self._error("thresholds.short_call_s", "more than ten lengths")
        for port in self.ports:
            if not 0 < port < 65_536:
                raise self._error("ports", f"{port} is no port")
        if self._settings.timezone is not None:
            _ = self.zone
        for name in self.contracts:
            if name not in self._settings.aliases.trunks:
                known = ", ".join(sorted(self._settings.aliases.trunks)) or "none"
                raise self._error(f"trunks.{name}", f"no trunk of aliases.trunks has this name; there: {known}")
        for number in (self.numbers.country or "", *self.numbers.international, self.numbers.national,
                       *self.numbers.outside, *self.numbers.emergency):
            if number and not (number.isascii() and number.isdecimal()):
                raise self._error("numbers", f"{number!r} is not made of digits")
        if self.mail.security not in ("starttls", "tls", "none"):
            raise self._error("mail.security", "is starttls, tls or none")

    def _error(self, key: str, reason: str) -> ConfigError:
        return ConfigError(str(self.origin) if self.origin else FILE_NAME, key, reason)

    def _network(self, key: str, text: str) -> Network:
        try:
            return ipaddress.ip_network(text)
        except ValueError as error:
            raise self._error(key, f"{text!r} is no address or network: {error}") from None

    def _address(self, key: str, text: str) -> Address:
        found = _parsed(text)
        if found is None:
            raise self._error(key, f"{text!r} is no address")
        return found

    @cached_property
    def zone(self) -> tzinfo:
        """The time zone in which times are shown: the one that is set, else the machine's."""
        name = self._settings.timezone
        if name is None:
            machine = machine_zone()
            return machine if machine is not None else (datetime.now().astimezone().tzinfo or ZoneInfo("UTC"))
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            reason = f"{name!r} is no time zone of the IANA database, such as Europe/Amsterdam or UTC"
            raise self._error("timezone", reason) from None

    @property
    def has_zone(self) -> bool:
        """Whether ``timezone`` is set."""
        return self._settings.timezone is not None

    @property
    def timezone(self) -> str:
        """The name of that zone, to be printed beside times."""
        return str(self.zone)

    def side(self, ip: str) -> Side:
        """Whether an address is ours; unknown as long as ``own`` names nothing."""
        number = _number(ip)
        if not self._own or number is None:
            return Side.UNKNOWN
        version, bits = number
        is_own = any(kind == version and bits & mask == network for kind, network, mask in self._own)
        return Side.OWN if is_own else Side.OTHER

    def alias(self, ip: str) -> str | None:
        """Our name for an address: as endpoint, else as the trunk with the narrowest network that holds it."""
        address = _parsed(ip)
        if address is None:
            return None
        return self._endpoints.get(address) or self.trunk(ip)

    def trunk(self, ip: str) -> str | None:
        """The trunk that an address belongs to."""
        number = _number(ip)
        if number is None:
            return None
        version, bits = number
        return next(
            (name for (kind, network, mask), name in self._trunks if kind == version and bits & mask == network), None
        )

    def number_alias(self, number: str) -> str | None:
        """Our name for a number: that of the longest prefix that fits."""
        return next((name for prefix, name in self._numbers if number.startswith(prefix)), None)

    @property
    def number_prefixes(self) -> tuple[str, ...]:
        """The prefixes that have a name of ours."""
        return tuple(prefix for prefix, _ in self._numbers)

    def number_prefix(self, number: str) -> str | None:
        """The longest prefix with a name of ours that fits a number."""
        return next((prefix for prefix, _ in self._numbers if number.startswith(prefix)), None)


def _parsed(text: str) -> Address | None:
    """An address; an IPv4-mapped one as IPv4; None when the text is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _bits(network: Network) -> tuple[int, int, int]:
    """Version, address and mask of a network, as numbers."""
    return network.version, int(network.network_address), int(network.netmask)


def _number(text: str) -> tuple[int, int] | None:
    """Version and number of an address, as `_parsed` reads it; reports ask this of every address there is, and
    `ipaddress` takes ten times as long for the usual kind."""
    parts = text.split(".")
    if len(parts) == 4 and text.isascii() and all(part.isdecimal() for part in parts):
        first, second, third, fourth = map(int, parts)
        number = first << 24 | second << 16 | third << 8 | fourth
        # No leading zeros and nothing above 255: then it is written as we would write it.
        if text == f"{first}.{second}.{third}.{fourth}" and max(first, second, third, fourth) < 256:
            return 4, number
        return None
    address = _parsed(text)
    return None if address is None else (address.version, int(address))


def machine_zone() -> ZoneInfo | None:
    """The machine's zone by its IANA name: TZ, else where /etc/localtime points; None when it has no name."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name:
        target = os.path.realpath("/etc/localtime")
        name = target.partition("zoneinfo/")[2]
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def config_places(folder: Path | None = None) -> list[Path]:
    """Where `load_config` looks when no file is named: ``folder`` (default: the current one), then the user's."""
    user = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return [(folder or Path()) / FILE_NAME, Path(user) / "sipcause" / FILE_NAME]


def load_config(path: str | None = None, folder: Path | None = None) -> Config:
    """The settings in the file that is named, else in the first of `config_places` that exists, else the defaults.

    Raises ConfigError with file, key and reason.
    """
    if path is not None:
        return read_config(Path(path))
    for place in config_places(folder):
        if place.is_file():
            return read_config(place)
    return Config()


def read_config(path: Path) -> Config:
    """The settings in one file; ConfigError when it is missing, no TOML, or says something wrong."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "TOML", str(error)) from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "TOML", "is not UTF-8") from None
    except OSError as error:
        raise ConfigError(str(path), "-", error.strerror or "cannot be read") from None
    _refuse_unknown(str(path), "", document, Settings)
    try:
        settings = msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        raise ConfigError(str(path), place.rstrip("`").lstrip(".") or "-", reason) from None
    return Config(settings, path)


_GROUPS: Mapping[str, type[msgspec.Struct]] = {
    "aliases": Aliases, "numbers": Numbers, "windows": Windows, "thresholds": Thresholds, "report": ReportSettings,
    "report.thresholds": ReportThresholds, "mail": Mail,
}  # fmt: skip


def _refuse_unknown(file: str, group: str, table: Mapping[str, Any], known: type[msgspec.Struct]) -> None:
    for key, value in table.items():
        name = f"{group}.{key}" if group else key
        if key not in known.__struct_fields__:
            shown = re.sub(r"[^\w.-]", "?", name)
            raise ConfigError(file, shown, "unknown key" + suggestion(key, known.__struct_fields__))
        if name in _GROUPS and isinstance(value, dict):
            _refuse_unknown(file, name, value, _GROUPS[name])
        if name == "trunks" and isinstance(value, dict):
            for trunk, contract in value.items():
                if isinstance(contract, dict):
                    _refuse_unknown(file, f"trunks.{trunk}", contract, Contract)
