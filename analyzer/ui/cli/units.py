"""Sizes, durations, ports, addresses and networks as people type them; what cannot be read is wrong usage."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import click

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)(i?)b?", re.IGNORECASE | re.ASCII)
_POWERS = ("", "k", "m", "g", "t")
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhdw]))+", re.IGNORECASE | re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.IGNORECASE | re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
#: What is longer is a mistake, s.
_LONGEST_S = 10 * 366 * 86_400.0


class Size(click.ParamType):  # type: ignore[type-arg]
    """Octets: 64M, 1.5G, 500k, 4096; a unit is a power of 1000, with an i (64Mi) of 1024."""

    name = "size"

    def __init__(self, least: int = 1) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of octets."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is no size; write 64M, 1.5G, 500k or 4096", param, ctx)
        number, unit, binary = match.groups()
        base = 1024 if binary else 1000
        octets = round(float(number) * float(base ** _POWERS.index(unit.lower())))
        if octets < self._least:
            self.fail(f"{value!r} is too small: at least {self._least} octets", param, ctx)
        return octets


class Duration(click.ParamType):  # type: ignore[type-arg]
    """Seconds: 90s, 1h, 1h30m, 2d, 500ms; a number alone is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds."""
        if isinstance(value, int | float):
            return float(value)
        text = value.strip().replace(" ", "")
        if re.fullmatch(r"\d{1,9}(\.\d{1,3})?", text, re.ASCII):
            seconds = float(text)
        elif _DURATION.fullmatch(text):
            seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PART.findall(text))
        else:
            self.fail(f"{value!r} is no duration; write 90s, 15m, 1h30m or 2d", param, ctx)
        if not 0 < seconds <= _LONGEST_S:
            self.fail(f"{value!r}: more than 0 and at most ten years", param, ctx)
        return seconds


class HostPort(click.ParamType):  # type: ignore[type-arg]
    """Where to listen: 127.0.0.1:9060, [::1]:9060, localhost:9060; :9060 or 9060 for every address."""

    name = "addr:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Host and port; an IPv6 address without its brackets, every address as an empty host."""
        if isinstance(value, tuple):
            return value
        host, _, port = value.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
            is_good = _is_address(host)
        else:
            is_good = re.fullmatch(r"[A-Za-z0-9.-]*", host) is not None
        if not is_good or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not 0 < int(port) < 65_536:
            self.fail(f"{value!r}: write an address and a port, 0.0.0.0:9060 or :9060", param, ctx)
        return host, int(port)


class Network(click.ParamType):  # type: ignore[type-arg]
    """An address or a network: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32."""

    name = "net"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The network in its usual form."""
        try:
            return str(ipaddress.ip_network(value.strip(), strict=False))
        except ValueError:
            self.fail(f"{value!r} is no address or network; write 192.0.2.7 or 192.0.2.0/24", param, ctx)


class Ports(click.ParamType):  # type: ignore[type-arg]
    """Ports: 5060,5061 or 5060-5080,5090."""

    name = "list"
    _MOST = 1000

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The ports, ascending, each once."""
        if isinstance(value, tuple):
            return value
        found: set[int] = set()
        for part in value.split(","):
            match = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", part, re.ASCII)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if not 0 < first <= last < 65_536:
                self.fail(f"{part.strip()!r} is no port; write 5060,5061 or 5060-5080", param, ctx)
            found.update(range(first, last + 1))
        if len(found) > self._MOST:
            self.fail(f"{len(found)} ports; at most {self._MOST}. Without --ports every port is read", param, ctx)
        return tuple(sorted(found))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
