"""The words of tables and screens in the user's language.

Code is written in English; another language is the section ``[ui]`` of ``data/lang/<language>.toml``, English text
to translation. A text without a translation is shown in English.
"""

from __future__ import annotations

from functools import cache

from analyzer.registry.languages import language as spoken

#: The languages that the terminal speaks.
LANGUAGES = ("en", "nl")
_DUTCH_MARKS = str.maketrans(",.", ".,")


class Words:
    """Texts and numbers in one language."""

    def __init__(self, language: str, texts: dict[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, english: str, **values: str) -> str:
        """The translation of a text, its ``{placeholders}`` filled in."""
        text = self._texts.get(english, english)
        return text.format(**values) if values else text

    def number(self, value: int) -> str:
        """A whole number with its thousands apart."""
        text = f"{value:,}"
        return text.replace(",", ".") if self.language == "nl" else text

    def share(self, part: int, whole: int) -> str:
        """A share in per cent with one decimal; a dash where there is nothing to divide by (RFC 6076 §5)."""
        if not whole:
            return "–"
        text = f"{100 * part / whole:.1f}%"
        return text.replace(".", ",") if self.language == "nl" else text

    def decimal(self, value: float) -> str:
        """A number with one decimal."""
        text = f"{value:.1f}"
        return text.replace(".", ",") if self.language == "nl" else text

    def fraction(self, value: float, decimals: int) -> str:
        """A number with so many decimals, its thousands apart."""
        text = f"{value:,.{decimals}f}"
        return text.translate(_DUTCH_MARKS) if self.language == "nl" else text

    def plain(self, value: float) -> str:
        """A number with as many of three decimals as it needs."""
        text = f"{value:.3f}".rstrip("0").rstrip(".")
        return text.replace(".", ",") if self.language == "nl" else text

    def span_s(self, nanoseconds: int) -> str:
        """A span in seconds with three decimals and its sign."""
        text = f"{nanoseconds / 1e9:+.3f}"
        return text.replace(".", ",") if self.language == "nl" else text

    def octets(self, value: int) -> str:
        """A size in decimal units."""
        size, unit = float(value), "B"
        for larger in ("kB", "MB", "GB", "TB"):
            if size < 1000:
                break
            size, unit = size / 1000, larger
        text = f"{value} B" if unit == "B" else f"{size:.1f} {unit}"
        return text.replace(".", ",") if self.language == "nl" else text


@cache
def words(language: str = "en") -> Words:
    """The words of a language of `LANGUAGES`."""
    return Words(language, spoken(language).ui)
