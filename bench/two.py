"""Analyse captures in one process, in as many threads as asked: ``python -m bench.two THREADS FILE …``.

Kernels release the GIL, so two captures on two cores should take hardly longer than one.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import analyzer


def main(threads: int, files: list[str]) -> None:
    """Analyse every file, `threads` of them at a time."""
    with ThreadPoolExecutor(threads) as pool:
        for result in pool.map(analyzer.analyze, files):
            print(*(capture.source for capture in result.captures))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
