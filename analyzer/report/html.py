"""The report as one HTML file that asks nothing of any network: both languages, its own style and script inside.

    Path("index.html").write_text(page(report, registry, charts={"en": {"days": (svg, alt)}}), encoding="utf-8")

Without a script it is a readable page in one language; with it tables sort and filter, and a number opens its calls.
A Content-Security-Policy in the page itself forbids whatever is not in it: scripts and styles run by their hashes, so
that no text of a stranger's could, even where it were not escaped. Texts are made safe once, by `sections`, and escaped
once, by the template.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.report.html_view import NAMES, Calls, view
from analyzer.report.sections import document
from analyzer.views.words import LANGUAGES, words

if TYPE_CHECKING:
    from jinja2 import Environment

    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport

#: For each language, for each chart by the name that a document gives it: its SVG and what it shows in words.
Charts = Mapping[str, Mapping[str, tuple[str, str]]]
#: Calls that a page has at most, whatever the site's size: in the order in which the report names them.
CALLS = 500
_TEMPLATES = Path(__file__).parent / "templates"


def page(report: WeeklyReport, registry: Registry, charts: Charts | None = None, lang: str = "en") -> str:
    """The page in every language of `LANGUAGES`, that of ``lang`` open. Charts that are not given are left out."""
    from markupsafe import Markup

    ordered = [lang, *(other for other in LANGUAGES if other != lang)]
    views = [
        view(document(report, words(each), registry), words(each), (charts or {}).get(each, {}), is_first=each == lang)
        for each in ordered
    ]
    # Ours, read from the package: they are no strangers' text.
    style, early, script = (Markup(_own(name)) for name in ("page.css", "early.js", "page.js"))
    return (
        _environment()
        .get_template("page.html")
        .render(
            views=views,
            names=[(each.document.language, NAMES[each.document.language]) for each in views],
            calls=Calls(views, CALLS),
            style=style,
            early=early,
            script=script,
            policy=_policy(style, early, script),
        )
    )


def _policy(style: str, *scripts: str) -> str:
    """What the page may do: run these scripts and this style, show pictures that stand in it. Nothing else, nowhere.

    Charts carry style attributes, which can fetch nothing here.
    """
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; style-src-elem {_hash(style)}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _own(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
