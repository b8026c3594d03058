"""The table of transactions in pieces: the same rows in the same order as in one, and no more held than needed."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.batch import MISSING, Columns, MethodNames, concat
from analyzer.correlate import transactions
from analyzer.correlate.correlator import Correlator
from analyzer.correlate.traffic import Traffic
from analyzer.correlate.transactions import TransactionTable
from analyzer.schema import TransactionRow
from tests.correlate.made import Sent, answered, batch_of, invite, refused, response, rules


def ladders(count: int) -> list[Sent]:
    """Short calls, each of its own, between the INVITE and the final of one that is long."""
    calls = [
        answered(second, f"call-{second}") if second % 2 else refused(second, f"x{second}") for second in range(count)
    ]
    return [
        invite(0, "long"),
        response(0, "long", 180),
        *(sent for call in calls for sent in call),
        response(count, "long", 486),
    ]


def pieces(sent: list[Sent], drain_at: int = 4) -> tuple[list[Columns], int, Columns]:
    """What a sink is given, how much of it before the capture ends, and the table that is kept without one."""
    methods = MethodNames()
    correlator = Correlator(keep_transactions=True, drain_at=drain_at)
    traffic = Traffic(rules(), methods.names, False)
    given: list[Columns] = []
    streamed = TransactionTable(correlator, methods.names, given.append)
    kept = TransactionTable(correlator, methods.names)

    def add(ended: list[transactions.Ended]) -> None:
        for part in ended:
            streamed.add(part)
            kept.add(part)

    for first in range(0, len(sent), 7):
        batch = batch_of(sent[first : first + 7], methods, first + 1)
        add(correlator.receive(batch, traffic.counts, traffic.special)[1])
    early = len(given)
    add(correlator.close())
    streamed.close()
    return given, early, kept.columns()


def cells(columns: Columns) -> list[dict[str, object]]:
    return list(columns.rows())


@pytest.mark.parametrize("piece", [1, 5, 64])
def test_pieces_are_the_table(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "PIECE", piece)
    given, early, kept = pieces(ladders(600))
    assert early > 1
    assert all(len(part) == piece for part in given[:-1])
    assert cells(concat(TransactionRow, given)) == cells(kept)
    assert kept.ints("transaction_no").tolist() == list(range(1, len(kept) + 1))
    assert MISSING not in kept.ints("transaction_no")


def test_an_open_transaction_holds_back_what_came_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "PIECE", 5)
    given, early, kept = pieces(ladders(60))  # within the three minutes that an INVITE which rings is waited for
    assert early == 0
    assert sum(len(part) for part in given) == len(kept)


def test_nothing_is_a_table_too() -> None:
    given, _, kept = pieces([])
    assert [len(part) for part in given] == [0] == [len(kept)]


def test_a_piece_keeps_only_its_own_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "PIECE", 32)
    given, _, _ = pieces(ladders(400), drain_at=256)
    texts = given[0]["call_id"], given[0]["via_branch"]
    used = sum(int(np.maximum(text.lengths, 0).sum()) for text in texts)  # type: ignore[union-attr]
    assert len(texts[0].octets) < 4 * used  # type: ignore[union-attr]
