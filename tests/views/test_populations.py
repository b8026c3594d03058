"""The tables beside the calls."""

from __future__ import annotations

from analyzer.schema import OptionsRow, PopulationRow, TranslationRow
from analyzer.stats.midcall import MidcallCount
from analyzer.views.populations import MEANINGS, midcall_table, options_table, populations_table, translations_table
from analyzer.views.table import Tone
from analyzer.views.words import words
from analyzer.vocab import MidcallKind, OptionsState


def test_every_kind_has_a_meaning() -> None:
    assert set(MEANINGS) == set(MidcallKind)


def test_midcall_says_what_settled_itself() -> None:
    counted = [
        MidcallCount("BYE", 481, MidcallKind.BYE_RACE, 2, 2, 2),
        MidcallCount("UPDATE", None, MidcallKind.NO_REPLY, 1, 0, 1),
    ]
    race, silence = midcall_table(counted, words("nl"), 10).rows
    assert [cell.text for cell in race[:5]] == ["2", "BYE", "481", "gelijk opgehangen", "2"]
    assert race[3].tone is Tone.FAINT
    assert silence[2].text == "–"
    assert silence[3].tone is Tone.BAD


def test_populations_and_options() -> None:
    population = PopulationRow("OPTIONS", False, 3, 1, 0, 1, 1, 0, {"200": 1, "404": 1, "none": 1})
    (row,) = populations_table([population], words(), 10).rows
    assert [cell.text for cell in row] == [
        "OPTIONS",
        "outside",
        "3",
        "1",
        "0",
        "1",
        "1",
        "0",
        "200 ×1, 404 ×1, silence ×1",
    ]
    asked = OptionsRow("192.0.2.1", None, "Trunk", OptionsState.REFUSING, 2, 0, 2, 0, 0, {"503": 2})
    seen = options_table([asked, asked], words(), 1)
    assert seen.rows[0][0].text == "Trunk (192.0.2.1)"
    assert seen.rows[0][1].tone is Tone.BAD
    assert seen.notes[0] == "… and 1 more endpoints"


def test_translations() -> None:
    rows = [
        TranslationRow("192.0.2.1", None, None, None, 408, 4, True),
        TranslationRow("192.0.2.1", None, None, 404, 500, 1, False),
    ]
    silence, wrong = translations_table(rows, words(), 10).rows
    assert [cell.text for cell in silence[1:]] == ["silence", "408", "4", "yes"]
    assert wrong[-1].tone is Tone.WARN
