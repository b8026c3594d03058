"""Requests that make no call: one population per method, and what OPTIONS say of who is asked (docs/counting.md).

INVITEs outside dialogs are the calls table, REGISTERs the registrations table; both are left out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.batch import Columns
from analyzer.schema import OptionsRow, PopulationRow
from analyzer.stats.counting import code_keys
from analyzer.vocab import EndedBy, OptionsState

if TYPE_CHECKING:
    from analyzer.config import Config

#: Somebody answered in place of who was asked.
BY_PROXY = frozenset({408, 480, 504})
#: Who was asked is there, and takes no calls.
REFUSING = frozenset({503, 505})
_CHALLENGES = frozenset({401, 407})


def populations(others: Columns) -> list[PopulationRow]:
    """Transactions by method, inside and outside dialogs, most first."""
    counts: dict[tuple[str, bool], dict[int | None, int]] = {}
    opens: dict[tuple[str, bool], int] = {}
    for row in others.rows():
        key = row["method"], row["in_dialog"]
        codes = counts.setdefault(key, {})
        if row["ended_by"] == EndedBy.CAPTURE_END:
            opens[key] = opens.get(key, 0) + row["transactions"]
        else:
            codes[row["status_code"]] = codes.get(row["status_code"], 0) + row["transactions"]
    found = []
    for (method, in_dialog), codes in counts.items():
        success = sum(count for code, count in codes.items() if code is not None and 200 <= code < 300)
        challenged = sum(count for code, count in codes.items() if code in _CHALLENGES)
        ended, silent = sum(codes.values()), codes.get(None, 0)
        still_open = opens.get((method, in_dialog), 0)
        found.append(
            PopulationRow(
                method=method,
                in_dialog=in_dialog,
                transactions=ended + still_open,
                success=success,
                challenged=challenged,
                refused=ended - success - challenged - silent,
                no_reply=silent,
                open=still_open,
                by_status_code=code_keys(codes),
            )
        )
    return sorted(found, key=lambda row: (-row.transactions, row.method, row.in_dialog))


def options_state(status_code: int | None, *, populations_counted: bool = True) -> OptionsState:
    """What one answer to OPTIONS says; None = no answer within Timer F.

    A 404, 405 or 501 is an answer: the endpoint is alive. ``populations_counted`` False reads every code from 400 on as
    a refusal, as counting without that rule does.
    """
    if status_code is None:
        return OptionsState.SILENT
    if not populations_counted:
        return OptionsState.ALIVE if status_code < 400 else OptionsState.REFUSING
    if status_code in REFUSING:
        return OptionsState.REFUSING
    return OptionsState.PROXY_ANSWERED if status_code in BY_PROXY else OptionsState.ALIVE


def options(others: Columns, config: Config, *, populations_counted: bool = True) -> list[OptionsRow]:
    """Every endpoint that was asked by OPTIONS outside dialogs: worst state first, then most asked, then address."""
    asked: dict[tuple[str, int | None], list[tuple[int, OptionsState, int | None, int]]] = {}
    for row in others.rows():
        is_ping = row["method"] == "OPTIONS" and not row["in_dialog"]
        if is_ping and row["ended_by"] != EndedBy.CAPTURE_END and row["server_ip"] is not None:
            state = options_state(row["status_code"], populations_counted=populations_counted)
            entry = row["last_ts"] or 0, state, row["status_code"], row["transactions"]
            asked.setdefault((row["server_ip"], row["network"]), []).append(entry)
    found = []
    for (ip, network), entries in asked.items():
        states = dict.fromkeys(OptionsState, 0)
        codes: dict[int | None, int] = {}
        for _, state, code, count in entries:
            states[state] += count
            codes[code] = codes.get(code, 0) + count
        found.append(
            OptionsRow(
                ip=ip,
                network=network,
                name=config.alias(ip),
                state=max(entries, key=lambda entry: entry[0])[1],
                asked=sum(states.values()),
                alive=states[OptionsState.ALIVE],
                refusing=states[OptionsState.REFUSING],
                proxy_answered=states[OptionsState.PROXY_ANSWERED],
                silent=states[OptionsState.SILENT],
                by_status_code=code_keys(codes),
            )
        )
    worst = list(reversed(OptionsState))
    return sorted(found, key=lambda row: (worst.index(row.state), -row.asked, row.ip, row.network or 0))
