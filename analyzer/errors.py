"""The errors that the person at the keyboard can act on; everything odd on the wire is an issue row instead.

Each is printed as one line on standard error and ends the program with exit code 1 (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Iterable


class AnalyzerError(Exception):
    """Something that the user gave cannot be used; the message says what to do about it."""


class CaptureError(AnalyzerError):
    """Not a capture, no such file or interface, or not allowed to read it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class RegistryError(AnalyzerError):
    """TOML entries that are wrong, or would silently replace another; every bad one is named at once.

    ``faults`` holds (file, key, reason) for each of them.
    """

    def __init__(self, faults: list[tuple[str, str, str]]) -> None:
        super().__init__("\n".join(f"{file}: {key}: {reason}" for file, key, reason in faults))
        self.faults = faults


class ConfigError(AnalyzerError):
    """``sipcause.toml`` holds an unknown key or a value of the wrong kind."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file = file
        self.key = key
        self.reason = reason


class OutputError(AnalyzerError):
    """A table, chart or capture cannot be written where the user asked for it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class StoreError(AnalyzerError):
    """A folder that holds no store, a store of another schema version, or one that cannot be read or written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class MailError(AnalyzerError):
    """A report cannot be mailed, or not to everybody: the address, the server or what it answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"mail: {reason}")
        self.reason = reason


class UnknownProfile(AnalyzerError):
    """No mapping profile of that name; the message lists the names there are."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """What a mistyped word was probably meant to be, as the end of a message; the known words when none is near."""
    import difflib

    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(known))}"
