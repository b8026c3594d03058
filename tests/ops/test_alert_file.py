"""The file of --alerts: what it says, and how its faults are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import ConfigError
from analyzer.ops.alert_file import AlertRule, load_alerts
from analyzer.ops.alert_ways import Command, Syslog, Webhook
from tests.ops.made import CONFIG, REGISTRY

ENVIRONMENT = {"TOKEN": "t0p", "KEY": "k3y", "URL": "https://hooks.example/T/S", "BAD": "a\nb", "EMPTY": ""}

FULL = """
[defaults]
to = ["stderr", "syslog"]
every = "30m"

[[alert]]
name = "answer rate"
alert = "SER < 0.9 over 15m, n >= 50"
for = "2m"

[[alert]]
name = "silence"
alert = "silence over 5m"
every = "1d"
to = ["webhook", "command", "webhook"]
webhook = "https://alerts.example:8443/hook"
webhook_token = "TOKEN"
webhook_headers = { X-Key = "KEY" }
command = ["/bin/sh", "-c", "true"]

[[alert]]
name = "from the environment"
alert = "drops > 0 over 1m"
to = ["webhook"]
webhook = "$URL"
"""


def loaded(tmp_path: Path, text: str | bytes) -> list[AlertRule]:
    path = tmp_path / "alerts.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_alerts(path, REGISTRY, CONFIG, ENVIRONMENT)


def test_everything(tmp_path: Path) -> None:
    rate, silence, named = loaded(tmp_path, FULL)
    assert (rate.name, rate.hold_s, rate.every_s, rate.is_said, rate.ways) == (
        "answer rate", 120, 1800, True, (Syslog(),)
    )  # fmt: skip
    assert str(rate.condition) == "SER < 90 % over 15m, n >= 50"
    assert (silence.hold_s, silence.every_s, silence.is_said) == (0, 86_400, False)
    assert silence.ways == (
        Webhook("https://alerts.example:8443/hook", (("Authorization", "Bearer t0p"), ("X-Key", "k3y"))),
        Command(("/bin/sh", "-c", "true"), frozenset({"TOKEN", "KEY", "https://alerts.example:8443/hook"})),
    )
    assert named.ways == (Webhook("https://hooks.example/T/S"),)
    assert "t0p" not in repr(silence)


def test_what_is_left_out(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, '[[alert]]\nname = "x"\nalert = "silence over 5m"')
    assert (rule.hold_s, rule.every_s, rule.is_said, rule.ways) == (0, 3600, True, ())


def one(**keys: Any) -> str:
    lines = {"name": '"x"', "alert": '"silence over 5m"'} | keys
    return "[[alert]]\n" + "\n".join(f"{key} = {value}" for key, value in lines.items())


WEBHOOK = {"to": '["webhook"]'}


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("", "alert", "no alert in it; the first begins with [[alert]]"),
        ("x = ", "TOML", "Invalid value"),
        (b"x = '\xff'", "TOML", "is not UTF-8"),
        ("[alert]\nname = 'x'", "alert", "must be tables, each under [[alert]]"),
        ("alerts = 1", "alerts", "unknown key; did you mean alert?"),
        ("defaults = 1\n" + one(), "defaults", "must be a table"),
        ("[defaults]\nname = 'x'\n" + one(), "defaults.name", "unknown key"),
        ("[defaults]\nto = 1\n" + one(), "defaults.to", "Expected `array`, got `int`"),
        ("[[alert]]\nname = 'x'", "alert 1", "missing required field `alert`"),
        (one(evry="'1h'"), "alert 1.evry", "unknown key; did you mean every?"),
        (one(**{'"\\u001b[2J"': "1"}), "alert 1.??2J", "unknown key"),
        (one(alert="7"), "alert 1.alert", "Expected `str`, got `int`"),
        (one(alert="'SER < 0.9 over 15m'"), "alert 1.alert", "'SER < 0.9 over 15m': at the end: expected the least"),
        (one() + "\n" + one(), "alert 2.name", "'x' is the name of another alert"),
        (one(name="''"), "alert 1.name", "must be 1 to 100 characters"),
        (one(name='"\\n"'), "alert 1.name", "must be 1 to 100 characters"),
        (one(**{"for": "'2 minutes'"}), "alert 1.for", "'2 minutes' is no time from 0s to 7d, such as 30s, 15m, 2h"),
        (one(every="'5s'"), "alert 1.every", "'5s' is no time from 10s to 7d"),
        (one(to="[]"), "alert 1.to", "names no way; known: stderr, syslog, webhook, command"),
        (one(to="['mail']"), "alert 1.to", "'mail' is no way"),
        (one(to="[1]"), "alert 1.to[0]", "Expected `str`, got `int`"),
        (one(**WEBHOOK), "alert 1.webhook", "is missing"),
        (one(**WEBHOOK, webhook="'ftp://x/'"), "alert 1.webhook", "must begin with https://"),
        (one(**WEBHOOK, webhook="'file:///etc/passwd'"), "alert 1.webhook", "must begin with https://"),
        (one(**WEBHOOK, webhook="'https:///x'"), "alert 1.webhook", "must begin with https://"),
        (one(**WEBHOOK, webhook="'https://[x'"), "alert 1.webhook", "is no address that can be called"),
        (one(**WEBHOOK, webhook="'https://h:x/'"), "alert 1.webhook", "is no address that can be called"),
        (one(**WEBHOOK, webhook="'https://u:p@h/'"), "alert 1.webhook", "holds a password"),
        (one(**WEBHOOK, webhook="'https://h/a b'"), "alert 1.webhook", "holds characters that no address has"),
        (one(**WEBHOOK, webhook="'$NOWHERE'"), "alert 1.webhook", "environment variable 'NOWHERE' is not set"),
        (one(**WEBHOOK, webhook="'http://h'", webhook_token="'BAD'"), "alert 1.webhook_token", "variable 'BAD' is"),
        (one(**WEBHOOK, webhook="'http://h'", webhook_token="'EMPTY'"), "alert 1.webhook_token", "'EMPTY' is not set"),
        (one(**WEBHOOK, webhook="'http://h'", webhook_headers="{ 'A:B' = 'KEY' }"), "alert 1.webhook_headers",
         "'A:B' is no name of a header field"),
        (one(to="['command']"), "alert 1.command", "is missing"),
        (one(to="['command']", command="'rm -rf /'"), "alert 1.command", "Expected `array`, got `str`"),
        (one(to="['command']", command="['true']"), "alert 1.command", "'true' must be the whole path of a program"),
        (one(to="['command']", command="['/etc/passwd']"), "alert 1.command", "'/etc/passwd' must be the whole path"),
        (one(to="['command']", command='["/bin/sh", "\\u0000"]'), "alert 1.command", "holds an octet 0"),
        ("\n".join(one(name=f"'{n}'") for n in range(101)), "alert", "more than 100 alerts"),
        ("x = " + "[" * 20_000, "TOML", ""),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, text: str | bytes, key: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert (caught.value.file, caught.value.key) == (str(tmp_path / "alerts.toml"), key)
    assert reason in caught.value.reason
    assert str(caught.value).isprintable()
    assert "t0p" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_alerts(tmp_path / "missing.toml", REGISTRY, CONFIG)
