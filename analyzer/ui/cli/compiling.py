"""Compiling every kernel ahead: reading in a process of its own beside correlating, so that both cores work.

numba compiles one function at a time and holds Python's lock while it does, so threads would not help. Each process
leaves what it has compiled in the cache folder; whoever analyses afterwards loads it from there.
"""

from __future__ import annotations

import subprocess
import sys


def compile_ahead() -> None:
    """Compile what an analysis needs, in one process after the other where no second one can start."""
    from analyzer.jit import mark_warm
    from analyzer.warming import compile_correlating, compile_reading

    command = [sys.executable, "-m", "analyzer", "warm", "--reading"]
    try:
        helper = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        compile_correlating()
        compile_reading()
        mark_warm()
        return
    try:
        compile_correlating()
        if helper.wait() == 0:
            mark_warm()
    finally:
        helper.kill()
