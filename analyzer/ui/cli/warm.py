"""``sipcause warm``: compile the kernels ahead, so that the first analysis on a machine is as fast as the next."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from analyzer.ui.cli.common import notice


@click.command()
@click.option("--reading", is_flag=True, hidden=True, help="Only the kernels that read captures.")
def warm(reading: bool) -> None:
    """Compile the kernels ahead of the first analysis; they are kept for this machine and version."""
    from analyzer.jit import FOLDER
    from analyzer.schema import TABLES
    from analyzer.ui.cli.common import settings
    from analyzer.ui.cli.compiling import compile_ahead
    from analyzer.ui.cli.output import analyze_into
    from analyzer.warming import compile_reading, warm_captures

    if reading:
        compile_reading()
        return
    start = time.monotonic()
    compile_ahead()
    config, registry = settings(None, ())
    with tempfile.TemporaryDirectory(prefix="sipcause-") as folder:
        captures = [str(path) for path in warm_captures(Path(folder))]
        options = {"causes": "dss1", "reader": "kernels", "config": config, "registry": registry}
        analyze_into(f"{folder}/out", captures, options, ("csv", "parquet", "json"), list(TABLES), False, _silent)
    kept = f"kept in {FOLDER}" if FOLDER is not None else "not kept: no folder can be written"
    notice(f"compiled in {time.monotonic() - start:.1f} s, {kept}")


def _silent(share: float, frames: int) -> None:
    """No progress: what is analysed is tiny."""
