"""``sipcause alerts``: whether a file of rules is understood, and whether what it tells arrives."""

from __future__ import annotations

import time

import click

from analyzer.errors import OutputError

#: Seconds that a test may take to arrive; a command may run for thirty.
PATIENCE_S = 45.0


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--test", "is_test", is_flag=True, help="Tell a test by every way that the file names.")
@click.option("--config", metavar="FILE", help="Settings; default: sipcause.toml here or of the user.")
@click.option("--registry", multiple=True, metavar="DIR", help="More codes and vendors: a folder of TOML files.")
def alerts(file: str, is_test: bool, config: str | None, registry: tuple[str, ...]) -> None:
    """Show the rules of a file for `sipcause live --alerts` as they are understood."""
    from analyzer.ops.alert_rules import span_text
    from analyzer.ops.alerts import Alerts, load_alerts
    from analyzer.ui.cli.common import notice, settings
    from analyzer.wiretext import printable_text

    settled, codes = settings(config, registry)
    rules = load_alerts(file, codes, settled)
    for rule in rules:
        ways = ["standard error"] * rule.is_said + [way.title for way in rule.ways]
        hold = f"for {span_text(rule.hold_s)}, " if rule.hold_s else ""
        told = f"{hold}every {span_text(rule.every_s)}, to {', '.join(ways)}"
        click.echo(printable_text(f"{rule.name}: {rule.condition}; {told}"))
    if not is_test:
        return

    failed: list[str] = []

    def say(line: str) -> None:
        if line.startswith("alerts: "):
            failed.append(line)
        notice(line)

    found = Alerts(rules, settled, say, waits_s=())
    found.send_test(time.time_ns())
    if not found.close(PATIENCE_S):
        notice("alerts: a way took too long")
        failed.append(file)
    if failed:
        raise OutputError(file, "not every way works")
