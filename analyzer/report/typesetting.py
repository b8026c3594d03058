"""From the HTML of a report on paper to its PDF, here or in a process beside us: WeasyPrint takes seconds.

    python -m analyzer.report.typesetting < paper.html > report.pdf
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from analyzer.errors import OutputError

_NO_LIBRARY = "a PDF needs WeasyPrint: pip install 'sipcause[pdf]'"
_NO_PANGO = (
    "WeasyPrint finds no Pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, "
    "or leave pdf out of --format"
)


def typeset(text: str) -> bytes:
    """The PDF of an HTML text; nothing is fetched for it. Raises OutputError where WeasyPrint or Pango is missing."""
    weasyprint = library()
    with _quiet():
        made: bytes = weasyprint.HTML(string=text, url_fetcher=_refuse, base_url=None).write_pdf(
            pdf_identifier=b"sipcause", presentational_hints=False
        )
    return made


class Typesetter:
    """Typesets in a process of its own while we go on; where that fails, here.

    ``with Typesetter() as typesetter: typesetter.give(text); ...; octets = typesetter.take()``
    """

    def __init__(self) -> None:
        folders = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}
        self._text = ""
        self._pool = ThreadPoolExecutor(1, "typesetter")
        self._answer: Future[tuple[bytes, Any]] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            # -P: what lies in the folder that somebody works in is none of our modules.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "analyzer.report.typesetting"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )

    def give(self, text: str) -> None:
        """The HTML to be typeset."""
        self._text = text
        if self._process is not None:
            self._answer = self._pool.submit(self._process.communicate, text.encode())

    def take(self) -> bytes:
        """Its PDF, when it is made. Raises OutputError as `typeset` does."""
        if self._process is not None and self._answer is not None:
            octets, _ = self._answer.result()
            if self._process.returncode == 0 and octets.startswith(b"%PDF"):
                return octets
        return typeset(self._text)

    def __enter__(self) -> Typesetter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()  # does nothing to one that has ended
            if self._answer is None:
                self._process.communicate()
        self._pool.shutdown()


def library() -> Any:
    """WeasyPrint. Raises OutputError where it or Pango is missing, with what to install."""
    try:
        import weasyprint
    except ImportError as error:
        raise OutputError("pdf", _NO_LIBRARY) from error
    except OSError as error:
        raise OutputError("pdf", _NO_PANGO) from error
    return weasyprint


def _refuse(url: str, *_: Any, **__: Any) -> dict[str, Any]:
    """Nothing that a stranger wrote is fetched, from nowhere."""
    raise ValueError(f"nothing is fetched: {url[:80]}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """WeasyPrint and fontTools tell of fonts and of CSS that they pass over; nobody can act on it."""
    loggers = [logging.getLogger(name) for name in ("weasyprint", "fontTools", "fontTools.subset")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def main() -> None:
    """A process beside a report: HTML on standard input, its PDF on standard output."""
    with contextlib.suppress(OutputError):
        library()  # while the text is still being made
    text = sys.stdin.buffer.read().decode()
    if text:
        sys.stdout.buffer.write(typeset(text))


if __name__ == "__main__":
    main()
