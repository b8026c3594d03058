"""What a maker's code pack or a telling reason phrase says about a final response.

Asked once per different (status code, agent, phrase): these are few even where calls are many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Ints
from analyzer.correlate.rules import Rules

_REMEMBERED = 100_000


class Word(NamedTuple):
    """What somebody's own words say: rule number (-1 = none), cause (MISSING = none), vendor number (-1 = none)."""

    rule: int
    cause: int
    vendor: int


class Makers:
    """Looks finals up among code packs and phrases; ``word`` gives the text of a word number."""

    def __init__(self, rules: Rules, word: Callable[[int], str | None]) -> None:
        self._rules = rules
        self._word = word
        self._known: dict[int, Word] = {}
        self.vendor_names: list[str] = []

    def forget(self) -> None:
        """Words have got other numbers."""
        self._known.clear()

    def ask(self, status: Ints, agent: Ints, phrase: Ints) -> tuple[Ints, Ints, NDArray[np.int32]]:
        """Per call: rule number, cause, vendor number of the code pack that explains a code from 700."""
        rule = np.full(len(status), -1, dtype=np.int64)
        cause = np.full(len(status), MISSING, dtype=np.int64)
        vendor = np.full(len(status), -1, dtype=np.int32)
        finals = np.flatnonzero(status >= 300)
        if len(finals):
            keys = (status[finals] << 44) | ((agent[finals] + 2) << 22) | (phrase[finals] + 2)
            different, which = np.unique(keys, return_inverse=True)
            words = np.array([self._ask(int(key)) for key in different.tolist()], dtype=np.int64)
            rule[finals], cause[finals], vendor[finals] = words[which].T
        return rule, cause, vendor

    def _ask(self, key: int) -> Word:
        known = self._known.get(key)
        if known is None:
            mask = (1 << 22) - 1
            known = self._look_up(key >> 44, self._word((key >> 22 & mask) - 2), self._word((key & mask) - 2))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = known
        return known

    def _look_up(self, status: int, agent: str | None, phrase: str | None) -> Word:
        registry = self._rules.registry
        maker = registry.vendor_of_agent(agent) if agent else None
        explained = status < 700 or self._rules.counts("vendor_codes")
        pack = registry.pack_code(maker.name, status) if maker and explained else None
        if pack is not None:
            rule = self._rules.own("vendor_pack", pack.outcome, pack.fault, pack.detail) if pack.outcome else -1
            vendor = self._number(pack.vendor) if status >= 700 else -1
            return Word(rule, MISSING if pack.cause is None else pack.cause, vendor)
        rule, cause = -1, MISSING
        for pattern in registry.phrases(status, phrase) if phrase else ():
            if pattern.outcome and rule < 0:
                rule = self._rules.own("phrase", pattern.outcome, pattern.fault, None)
            if pattern.cause is not None and cause == MISSING:
                cause = pattern.cause
        return Word(rule, cause, -1)

    def _number(self, vendor: str) -> int:
        if vendor not in self.vendor_names:
            self.vendor_names.append(vendor)
        return self.vendor_names.index(vendor)
