"""The command ``sipcause``: finds the subcommand, and turns our errors into one line and an exit code.

Subcommands are imported when they are called, so that ``--help`` is there at once (tests/ui/test_main.py).
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Sequence

import click

from analyzer.errors import AnalyzerError
from analyzer.wiretext import printable_text

#: Command → module of `analyzer.ui.cli`, the name in it, and its line in the help page.
COMMANDS = {
    "analyze": ("analyze", "analyze", "Which calls failed, why, and whose failure it was."),
    "calls": ("calls", "calls", "List calls, choose among them, cut their frames out."),
    "explain": ("explain", "explain", "Why a call, or the calls behind a number, were counted as they were."),
    "kpis": ("kpis", "kpis", "Figures of merit: RFC 6076, ASR, NER and the like, whole or by part."),
    "live": ("live", "live", "The same from network interfaces and capture agents, for as long as it runs."),
    "report": ("report", "report", "The failures of a week: how many, why, whose, what changed. As page, PDF, mail."),
    "interfaces": ("interfaces", "interfaces", "Network interfaces that can be listened to."),
    "captures": ("captures", "captures", "What is in capture files."),
    "alerts": ("alerts", "alerts", "Whether the rules of live --alerts are understood, and whether they arrive."),
    "store": ("store", "store", "What is in a store of captures and live runs, and whether it can be read."),
    "code": ("code", "code", "Explain a SIP status code or a vendor's code."),
    "cause": ("code", "cause", "Explain an ISDN (Q.850) cause."),
    "codes": ("code", "codes", "List status codes, by family."),
    "warm": ("warm", "warm", "Compile the kernels ahead of the first analysis."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it is asked for, and knows its help line without."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"analyzer.ui.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("sipcause")
        except PackageNotFoundError:  # run from a checkout that was never installed
            number = "(not installed)"
        click.echo(f"sipcause {number}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def group() -> None:
    """Which SIP calls failed, why, whose failure it was, and which ISDN cause the other side saw."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and end the program: 0 done, 1 our error in one line, 2 wrong usage, 130 interrupted."""
    # Starting makes some hundred thousand objects and hardly a cycle: to look for cycles in them costs a twentieth.
    gc.set_threshold(100_000)
    # Nothing here multiplies matrices, and the threads that numpy starts for that would keep rights that are given up.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        # Not group.main(), which makes exit code 1 of a reader that has left.
        given = sys.argv[1:] if arguments is None else list(arguments)
        with group.make_context("sipcause", given) as context:
            group.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except AnalyzerError as error:
        _say(printable_text(line) for line in str(error).splitlines())
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _say(["interrupted"])
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        # Whoever read our output has gone (``| head``). What is still buffered would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"sipcause: {line}", file=sys.stderr)
