"""The file of ``--alerts``: TOML with a table ``[[alert]]`` for each rule.

    [defaults]                           # for every alert that does not say otherwise
    to = ["syslog"]
    every = "30m"

    [[alert]]
    name = "answer rate"
    alert = "SER < 90 % over 15m, n >= 50"
    for = "2m"                           # must hold so long; is over when it has not held as long
    every = "30m"                        # is told again at most so often while it holds
    to = ["stderr", "webhook", "command"]
    webhook = "https://alerts.example/hook"     # or "$NAME": the whole address from the environment
    webhook_token = "HOOK_TOKEN"                # environment variable; sent as Authorization: Bearer
    webhook_headers = { X-Api-Key = "HOOK_KEY" }
    command = ["/usr/local/bin/page-me", "--now"]

It is no part of sipcause.toml, which every command of every user reads: what is here starts programs and sends data.
Secrets are named by environment variables, so that the file holds none.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from analyzer.errors import ConfigError, suggestion
from analyzer.ops.alert_rules import Condition, RuleFault, parse, seconds_of
from analyzer.ops.alert_ways import Command, Syslog, Way, Webhook, secrets
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Alerts of one file, and characters of a name.
MOST_ALERTS, LONGEST_NAME = 100, 100
#: How often a notice is told again unless the file says otherwise, and the longest ``for`` and ``every``.
EVERY_S, LONGEST_WAIT_S = 3600, 7 * 86_400
WAYS = ("stderr", "syslog", "webhook", "command")


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``[defaults]`` and an alert can both say."""

    hold: str = msgspec.field(default="0s", name="for")
    every: str = f"{EVERY_S}s"
    to: tuple[str, ...] = ("stderr",)
    webhook: str | None = None
    webhook_token: str | None = None
    webhook_headers: dict[str, str] = msgspec.field(default_factory=dict)
    command: tuple[str, ...] = ()


class _Alert(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table ``[[alert]]``."""

    name: str
    alert: str


@dataclass(frozen=True)
class AlertRule:
    """An alert: what it watches, how long that must hold and how often it is told, in seconds, and how.

    ``is_said``: on standard error, beside ``ways``.
    """

    name: str
    condition: Condition
    hold_s: int
    every_s: int
    is_said: bool
    ways: tuple[Way, ...]


def load_alerts(
    path: str | Path, registry: Registry, config: Config, environment: Mapping[str, str] = os.environ
) -> list[AlertRule]:
    """The alerts of a file; ConfigError with file, key, place and what is expected for the first fault."""
    return _File(str(path), registry, config, environment).rules(_document(Path(path)))


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "TOML", printable_text(str(error))) from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "TOML", "is not UTF-8") from None
    except RecursionError:
        raise ConfigError(str(path), "TOML", "is nested too deep") from None
    except OSError as error:
        raise ConfigError(str(path), "-", error.strerror or "cannot be read") from None


class _File:
    """One file on its way to rules."""

    def __init__(self, file: str, registry: Registry, config: Config, environment: Mapping[str, str]) -> None:
        self._file, self._environment = file, environment
        self._registry, self._config = registry, config

    def rules(self, document: Mapping[str, Any]) -> list[AlertRule]:
        """The alerts; names are unique."""
        self._refuse_unknown("", document, ("defaults", "alert"))
        defaults, tables = document.get("defaults", {}), document.get("alert", [])
        if not isinstance(defaults, dict):
            raise self._error("defaults", "must be a table: [defaults]")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._error("alert", "must be tables, each under [[alert]]")
        if not tables:
            raise self._error("alert", "no alert in it; the first begins with [[alert]]")
        if len(tables) > MOST_ALERTS:
            raise self._error("alert", f"more than {MOST_ALERTS} alerts")
        self._converted("defaults", defaults, _Settings)
        rules: dict[str, AlertRule] = {}
        for number, table in enumerate(tables, 1):
            key = f"alert {number}"
            rule = self._rule(key, self._converted(key, table, _Alert, defaults))
            if rule.name in rules:
                raise self._error(f"{key}.name", f"{rule.name!r} is the name of another alert")
            rules[rule.name] = rule
        return list(rules.values())

    def _rule(self, key: str, alert: _Alert) -> AlertRule:
        name = alert.name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise self._error(f"{key}.name", f"must be 1 to {LONGEST_NAME} characters that can be printed")
        try:
            condition = parse(alert.alert, self._registry, self._config)
        except RuleFault as fault:
            raise self._error(f"{key}.alert", str(fault)) from None
        hold_s = self._seconds(f"{key}.for", alert.hold, 0)
        every_s = self._seconds(f"{key}.every", alert.every, 10)
        if not alert.to:
            raise self._error(f"{key}.to", f"names no way; known: {', '.join(WAYS)}")
        ways = tuple(dict.fromkeys(self._way(key, name, alert) for name in alert.to if name != "stderr"))
        return AlertRule(name, condition, hold_s, every_s, "stderr" in alert.to, ways)

    def _seconds(self, key: str, text: str, least: int) -> int:
        seconds = seconds_of(text.strip())
        if seconds is None or not least <= seconds <= LONGEST_WAIT_S:
            raise self._error(key, f"{text[:40]!r} is no time from {least}s to 7d, such as 30s, 15m, 2h")
        return seconds

    # -- ways

    def _way(self, key: str, name: str, alert: _Alert) -> Way:
        match name:
            case "syslog":
                return Syslog()
            case "webhook":
                return self._webhook(key, alert)
            case "command":
                return self._command(key, alert)
        raise self._error(f"{key}.to", f"{printable_text(name[:40])!r} is no way" + suggestion(name[:40], WAYS))

    def _webhook(self, key: str, alert: _Alert) -> Webhook:
        url = alert.webhook
        if url is None:
            raise self._error(f"{key}.webhook", 'is missing: webhook = "https://…"')
        if url.startswith("$"):
            url = self._secret(f"{key}.webhook", url[1:])
        try:
            parts = urlsplit(url)
            has_port = parts.port is None or parts.port > 0
        except ValueError:
            raise self._error(f"{key}.webhook", "is no address that can be called") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not has_port:
            raise self._error(f"{key}.webhook", "must begin with https:// (or http://) and a host")
        if parts.username is not None or parts.password is not None:
            raise self._error(f"{key}.webhook", "holds a password; name an environment variable in webhook_token")
        if not re.fullmatch(r"[!-~]{1,2000}", url):
            raise self._error(f"{key}.webhook", "holds characters that no address has")
        headers = []
        if alert.webhook_token is not None:
            headers.append(("Authorization", "Bearer " + self._secret(f"{key}.webhook_token", alert.webhook_token)))
        for header, variable in alert.webhook_headers.items():
            place = f"{key}.webhook_headers"
            if not re.fullmatch(r"[A-Za-z0-9-]{1,100}", header):
                raise self._error(place, f"{printable_text(header[:40])!r} is no name of a header field")
            headers.append((header, self._secret(place, variable)))
        return Webhook(url, tuple(headers))

    def _secret(self, key: str, variable: str) -> str:
        value = secrets(self._environment, variable)
        if value is None:
            shown = printable_text(variable[:40])
            raise self._error(key, f"the environment variable {shown!r} is not set, or no line of printable ASCII")
        return value

    def _command(self, key: str, alert: _Alert) -> Command:
        if not alert.command:
            raise self._error(f"{key}.command", 'is missing: command = ["/path/to/program", "argument"]')
        if any("\0" in argument for argument in alert.command):
            raise self._error(f"{key}.command", "holds an octet 0")
        program = alert.command[0]
        if not os.path.isabs(program) or shutil.which(program) is None:
            shown = printable_text(program[:100])
            raise self._error(f"{key}.command", f"{shown!r} must be the whole path of a program that can be started")
        names = (alert.webhook_token, *alert.webhook_headers.values(), (alert.webhook or "").removeprefix("$"))
        return Command(alert.command, frozenset(name for name in names if name))

    # -- faults

    def _converted(self, key: str, table: Mapping[str, Any], kind: type[Any], defaults: Mapping[str, Any] = {}) -> Any:
        self._refuse_unknown(key, table, [field.encode_name for field in msgspec.structs.fields(kind)])
        try:
            return msgspec.convert({**defaults, **table}, kind)
        except msgspec.ValidationError as error:
            reason, _, place = str(error).partition(" - at `$")
            raise self._error(key + place.rstrip("`"), printable_text(reason)) from None

    def _refuse_unknown(self, group: str, table: Mapping[str, Any], known: tuple[str, ...] | list[str]) -> None:
        for key in table:
            if key not in known:
                shown = re.sub(r"[^\w.-]", "?", key[:40])
                raise self._error(f"{group}.{shown}" if group else shown, "unknown key" + suggestion(key[:40], known))

    def _error(self, key: str, reason: str) -> ConfigError:
        return ConfigError(self._file, key, reason)
