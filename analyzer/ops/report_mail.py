"""A report as a mail: what it says in a few lines, with the files that are for reading elsewhere attached."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from pathlib import Path

from analyzer.errors import OutputError
from analyzer.ops.mail import Attachment, message
from analyzer.report.brief import Brief
from analyzer.views.words import Words

#: Ending of a file → its media type; CSV files go into one archive.
KINDS = {".pdf": "application/pdf", ".html": "text/html"}
_ZIP = "application/zip"
#: The earliest time that an archive can hold: the same report makes the same octets.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def report_mail(
    told: Brief, label: str, files: Sequence[Path], sender: str, to: Sequence[str], words: Words, is_masked: bool
) -> EmailMessage:
    """The mail of a report whose files were written; ``label``: of its period. Raises MailError, OutputError."""
    attached = [
        Attachment(f"sipcause-{label}{path.suffix}", KINDS[path.suffix], _octets(path))
        for path in files
        if path.suffix in KINDS
    ]
    tables = [path for path in files if path.suffix == ".csv"]
    if tables:
        attached.append(Attachment(f"sipcause-{label}-csv.zip", _ZIP, _zipped(tables)))
    said = [*told.lines, ""]
    if attached:
        said.append(words("Attached: {files}.", files=", ".join(one.name for one in attached)))
    if is_masked:
        said.append(words("Numbers are masked."))
    return message(sender, to, f"{told.title}: {told.headline}", "\n".join(said) + "\n", attached)


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OutputError(str(path), error.strerror or "cannot be read") from error


def _zipped(paths: Iterable[Path]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.writestr(zipfile.ZipInfo(path.name, _NO_TIME), _octets(path), zipfile.ZIP_DEFLATED)
    return made.getvalue()
