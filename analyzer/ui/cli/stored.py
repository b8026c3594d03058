"""``calls --store`` and ``explain --store``: the same questions, asked of a store instead of captures."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from analyzer.ui.cli.choosing import Asked
from analyzer.ui.cli.common import notice

if TYPE_CHECKING:
    from datetime import tzinfo

    from analyzer.batch import Columns, Ints
    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.tables.store_read import Store
    from analyzer.views.words import Words

#: Digits of a key that are shown in a list: enough for `explain --store`.
KEY_DIGITS = 12
_LIMIT = 200


class StoredCalls:
    """A store that commands ask, with what they need to show its calls."""

    def __init__(self, folder: str, options: Mapping[str, Any], zone: tzinfo, spoken: Words, quiet: bool) -> None:
        """``options``: those of `analyzer.api.analyze`, to read captures again where that is asked for."""
        from analyzer.tables.store_read import open_store

        self.folder = folder
        self.store: Store = open_store(folder)
        self._options = options
        self._registry: Registry = options["registry"]
        self._config: Config = options["config"]
        self._zone = zone
        self._words = spoken
        self._quiet = quiet

    def chosen(self, asked: Asked) -> tuple[Columns, Ints]:
        """The calls, and which of them fit."""
        from analyzer.stats.stored_calls import last_day_ts, stored_calls

        return stored_calls(self.store, asked.choice(self._zone, last_day_ts(self.store)), self._registry)

    def show_list(self, calls: Columns, rows: Ints, form: str, limit: int = _LIMIT) -> None:
        """The calls as a table, CSV or JSON."""
        from analyzer.views.call_list import STORED_FIELDS, call_table, records

        if form != "table":
            from analyzer.ui.cli.records import write_records

            write_records(STORED_FIELDS, records(calls, rows, self._registry, STORED_FIELDS), form)
            return
        from analyzer.ui.cli.printing import Screen

        table = call_table(
            calls, rows, self._registry, self._config, self._zone, self._words, limit, key_digits=KEY_DIGITS
        )
        Screen(is_list=True).table(table)

    def cut(self, calls: Columns, rows: Ints, out_path: str) -> None:
        """Write the frames of calls, out of the captures that they came from. StoreError where one is not there."""
        from analyzer.errors import StoreError
        from analyzer.stats.stored_calls import Places, with_key

        wanted = calls.take(rows)
        there, gone = Places(self.store).of_all(wanted)
        if gone or not there:
            what = f"{gone[0]} is no capture that is there" if gone else "no calls were chosen"
            more = f" (and {len(gone) - 1} others)" if len(gone) > 1 else ""
            reason = f"holds no frames, and {what}{more}: choose calls of captures that are, or give the captures to -w"
            raise StoreError(self.folder, reason)
        from analyzer import api
        from analyzer.ui.cli.cutting import cut_calls
        from analyzer.ui.cli.progress import Progress

        with Progress(self._quiet) as progress:
            found = with_key(api.analyze(*there, **self._options, progress=progress).columns("calls"), wanted)
            frames = cut_calls(out_path, there, self._options, found, progress)
        notice(f"{frames} frames of {len(found)} calls written to {out_path}", self._quiet)

    def named(self, which: str) -> tuple[Columns, Ints]:
        """The calls of a key, its beginning, or a Call-ID; wrong usage where there is none."""
        from analyzer.stats.stored_calls import named_calls

        found, rows = named_calls(self.store, which)
        if not len(found):
            raise click.BadParameter(
                f"{which}: no call of the store has this key (or beginning of one) or Call-ID;"
                " sipcause calls --store lists them",
                param_hint="KEY",
            )
        return found, rows

    def explain(self, calls: Columns, row: int, as_json: bool) -> None:
        """Everything that is known of one call; its ledger too where its captures are still there."""
        from analyzer.stats.stored_calls import Places, of_call

        call = {name: calls.value(name, row) for name in calls}
        places = Places(self.store).of(call)
        branches = of_call(self.store, "branches", call)
        explained = self._replayed(calls, row, [place.source for place in places if place.is_there])
        if as_json:
            from analyzer.stats.explained_document import explained_document

            document = {
                "call": call,
                "places": [place._asdict() for place in places],
                "branches": list(branches.rows()),
                "explained": None if explained is None else explained_document(explained),
            }
            json.dump(document, sys.stdout, indent=2)
            sys.stdout.write("\n")
            return
        from analyzer.ui.cli.printing import Screen
        from analyzer.views.stored_call import branches_table, call_facts, places_table

        screen, words = Screen(), self._words
        screen.table(call_facts(call, self._registry, self._config, self._zone, words))
        if places:
            screen.table(places_table(call, places, words))
        if len(branches):
            screen.table(branches_table(branches, self._config, self._zone, words))
        if explained is None:
            screen.paragraph(words("Its messages are not at hand: the capture is not there, or a live run saw it."))
            return
        from analyzer.ui.cli.explaining import show
        from analyzer.views.explain import explanation

        show(screen, explanation(explained, self._registry, self._config, self._zone, words), self._zone, words)

    def _replayed(self, calls: Columns, row: int, captures: list[str]) -> Any:
        """The call explained out of its captures; None where it is not in them (any more)."""
        if not captures:
            return None
        from analyzer import api
        from analyzer.errors import CaptureError
        from analyzer.stats.stored_calls import with_key
        from analyzer.ui.cli.progress import Progress

        try:
            with Progress(self._quiet) as progress:
                result = api.analyze(*captures, **self._options, progress=progress)
                numbers = with_key(result.columns("calls"), calls.take([row]))
                return result.explain(int(numbers[0]), progress) if len(numbers) else None
        except CaptureError as error:
            notice(str(error), self._quiet)
            return None
