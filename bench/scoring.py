"""Asks the programs about every folder of the corpus, judges, and writes the page with the score sheet."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.judgement import FIGURES, Verdict, judge, totals, truth
from bench.opinions import PROGRAMS, Opinion, installed
from bench.programs import version

ROOT = Path(__file__).resolve().parent.parent
PCAPS, PAGE, TEXT = ROOT / "pcaps", ROOT / "docs" / "corpus.md", ROOT / "bench" / "corpus_page.md"
#: What stands behind a figure that is not the expected one.
WRONG = " ✗"


def folders() -> list[Path]:
    """Every folder of the corpus, made or recorded."""
    return sorted(path.parent for path in PCAPS.glob("*/expected"))


def cell(opinion: Opinion, verdicts: Mapping[str, Verdict]) -> str:
    """What a program says of a capture, with a mark at what is wrong."""
    if opinion == Opinion():
        return "no answer"
    if opinion.messages == 0:
        return "sees no SIP"

    def mark(figure: str) -> str:
        return WRONG if verdicts[figure] is Verdict.WRONG else ""

    parts = []
    if opinion.calls is not None:
        parts.append(f"{_number(opinion.calls, 'call')}{mark('calls')}")
    if opinion.states:
        parts.append(_listed(state.replace("_", " ") for state in opinion.states) + mark("outcome"))
    if opinion.codes:
        parts.append(_listed("none" if code is None else str(code) for code in opinion.codes) + mark("code"))
    if opinion.failures is not None:
        parts.append(f"{_number(opinion.failures, 'failure')}{mark('failures')}")
    if opinion.resends is not None:
        parts.append(f"{_number(opinion.resends, 'resend')}{mark('resends')}")
    return "; ".join(parts)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(words: Iterable[str]) -> str:
    """``busy, answered ×2``, in the order of the first of each."""
    return ", ".join(word if count == 1 else f"{word} ×{count}" for word, count in Counter(words).items())


def answer(folder: Path, program: str) -> tuple[str, dict[str, Verdict]]:
    """Ask one program about one folder: the cell of the page, and the verdicts."""
    opinion = PROGRAMS[program][1](folder / "capture.pcapng")
    verdicts = judge(opinion, truth(folder))
    return cell(opinion, verdicts), verdicts


def versions(programs: Sequence[str]) -> list[str]:
    """A line for each executable that was asked."""
    executables = dict.fromkeys(name for program in programs for name in PROGRAMS[program][0] if name != "tmux")
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return [f"- sipcause {ours}", *(f"- {version(executable) or executable}" for executable in executables)]


def page(cells: Mapping[str, Mapping[str, str]], verdicts: Mapping[str, Mapping[str, Mapping[str, Verdict]]]) -> str:
    """The whole page: the introduction that stands beside this file, totals, and a row for each folder."""
    programs = list(cells)
    lines = [TEXT.read_text(encoding="utf-8").rstrip(), "", "## Who was asked", "", *versions(programs), ""]
    lines += ["## Totals", "", "Folders in which a figure is right, of those in which the program gives it.", ""]
    lines += _row(["", *programs]), _row(["---"] * (len(programs) + 1))
    counted = {program: totals(verdicts[program]) for program in programs}
    for figure in FIGURES:
        lines.append(_row([figure, *(_share(counted[program][figure]) for program in programs)]))
    lines += ["", "## Scenario by scenario", "", _row(["scenario", *programs]), _row(["---"] * (len(programs) + 1))]
    for folder in cells[programs[0]]:
        link = f"[{folder}](../pcaps/{folder}/README.md)"
        lines.append(_row([link, *(cells[program][folder] for program in programs)]))
    return "\n".join(lines) + "\n"


def _share(counts: Counter[Verdict]) -> str:
    said = counts[Verdict.RIGHT] + counts[Verdict.WRONG]
    return f"{counts[Verdict.RIGHT]} of {said}" if said else "—"


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def main() -> int:
    """Ask, judge, write, and say the totals. Exit status 1 when sipcause itself is wrong somewhere."""
    parser = argparse.ArgumentParser(prog="bench/score", description=__doc__)
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write (default docs/corpus.md)")
    chosen = parser.parse_args()
    cells: dict[str, dict[str, str]] = {}
    verdicts: dict[str, dict[str, dict[str, Verdict]]] = {}
    for program in PROGRAMS:
        if not installed(program):
            print(f"{program}: not installed, left out", flush=True)
            continue
        cells[program], verdicts[program] = {}, {}
        for folder in folders():
            cells[program][folder.name], verdicts[program][folder.name] = answer(folder, program)
        counted = totals(verdicts[program])
        print(f"{program}: " + ", ".join(f"{figure} {_share(counted[figure])}" for figure in FIGURES), flush=True)
    chosen.output.write_text(page(cells, verdicts), encoding="utf-8")
    print(f"written: {chosen.output}")
    wrong = [name for name, judged in verdicts["sipcause"].items() if Verdict.WRONG in judged.values()]
    if wrong:
        print(f"sipcause is wrong in {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0
