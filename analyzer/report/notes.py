"""The operator's notes and holidays, from a TOML file: what a reader must know to understand a week.

    [[note]]
    time = 2026-11-10T14:00:00       # or day = 2026-11-10; a time without offset is in the site's zone
    text = "Carrier A moved to its new gateway"

    [[holiday]]
    day = 2026-11-11
    name = "Sint-Maarten"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

from analyzer.errors import ConfigError, suggestion
from analyzer.periods import Period
from analyzer.report.lines import NoteLine
from analyzer.wiretext import printable_text

#: Octets of a file and characters of one note; more is no note.
MOST_OCTETS, MOST_CHARACTERS = 1 << 20, 1000
_SECOND = 1_000_000_000
#: Section → its keys, the last of which holds the text.
_KEYS = {"note": ("day", "time", "text"), "holiday": ("day", "name")}


def read_notes(path: Path, zone: tzinfo) -> tuple[NoteLine, ...]:
    """All notes and holidays of a file, in the order of time. Raises ConfigError with file, key and reason."""
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
        if len(octets) > MOST_OCTETS:
            raise ConfigError(str(path), "-", f"has more than {MOST_OCTETS >> 20} MiB: notes are short")
        document = tomllib.loads(octets.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "TOML", str(error)) from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "TOML", "is not UTF-8") from None
    except OSError as error:
        raise ConfigError(str(path), "-", error.strerror or "cannot be read") from None
    lines = [
        _line(str(path), kind, place, entry, zone)
        for kind, entries in document.items()
        for place, entry in _entries(str(path), kind, entries)
    ]
    return tuple(sorted(lines, key=lambda line: (line.day, line.kind, line.ts or 0)))


def noted_in(lines: Iterable[NoteLine], period: Period, compared: Iterable[Period] = ()) -> tuple[NoteLine, ...]:
    """Those of a period, and the holidays of the periods that it is compared with: they explain differences as well."""
    earlier = {day for before in compared for day in before.days}
    return tuple(line for line in lines if line.day in period.days or (line.kind == "holiday" and line.day in earlier))


def _entries(file: str, kind: str, entries: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    shown = printable_text(kind)
    if kind not in _KEYS:
        raise ConfigError(file, shown, "unknown section" + suggestion(kind, _KEYS))
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(file, shown, f"is written [[{shown}]]")
    yield from ((f"{kind}[{number}]", entry) for number, entry in enumerate(entries))


def _line(file: str, kind: str, place: str, entry: Mapping[str, Any], zone: tzinfo) -> NoteLine:
    *moments, worded = _KEYS[kind]
    for key in entry:
        if key not in _KEYS[kind]:
            raise ConfigError(file, f"{place}.{printable_text(key)}", "unknown key" + suggestion(key, _KEYS[kind]))
    given = [key for key in moments if key in entry]
    if len(given) != 1:
        raise ConfigError(file, place, f"needs {' or '.join(moments)}" + (", not both" if given else ""))
    text = entry.get(worded)
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(file, f"{place}.{worded}", "needs a text")
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(file, f"{place}.{worded}", f"has more than {MOST_CHARACTERS} characters")
    day, ts = _moment(file, f"{place}.{given[0]}", given[0], entry[given[0]], zone)
    return NoteLine(kind, day, printable_text(" ".join(text.split())), ts)


def _moment(file: str, place: str, key: str, value: Any, zone: tzinfo) -> tuple[date, int | None]:
    """The local day, and of a time its ns since the epoch."""
    if isinstance(value, str):  # people put quotes around everything
        with suppress(ValueError):
            value = datetime.fromisoformat(value) if key == "time" else date.fromisoformat(value)
    is_sane = isinstance(value, date) and 1970 < value.year < 2200
    if key == "day" and is_sane and not isinstance(value, datetime):
        return value, None
    if key == "time" and is_sane and isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=zone)
        return aware.astimezone(zone).date(), int(aware.astimezone(UTC).timestamp()) * _SECOND
    example = "2026-11-10" if key == "day" else "2026-11-10T14:05:00"
    raise ConfigError(file, place, f"is no {key}; write {example}")
