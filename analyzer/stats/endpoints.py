"""Endpoints: who made calls, who was sent them, and who is charged with their failures (docs/counting.md).

An endpoint is an address in a network (VLAN or VNI), as the packets carried it: Via and Contact are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels, Texts
from analyzer.correlate.blame import ORIGINATED, PASSED_ON
from analyzer.schema import EndpointRow
from analyzer.stats.counting import Mask, code_keys, failures, tally
from analyzer.stats.route_advance import Endpoint
from analyzer.wiretext import printable

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.correlate.blame import Charges

#: Status codes fit below this in a joined key; 0 stands for none.
_CODES = 1000


class _Numbers:
    """Numbers for endpoints: position of the network times the number of addresses, plus that of the address."""

    def __init__(self, networks: Ints, addresses: Iterable[str]) -> None:
        if (networks == networks[0]).all():  # one network, the usual case, without sorting
            self.networks, self.network_of = networks[:1], np.zeros(len(networks), dtype=np.int64)
        else:
            self.networks, self.network_of = np.unique(networks, return_inverse=True)
        self.addresses = list(dict.fromkeys(addresses))
        self.number_of = {address: number for number, address in enumerate(self.addresses)}

    def of(self, labels: Labels, mask: Mask | None = None) -> Ints:
        """The endpoint number of each call that has this label (and lies in the mask)."""
        known = labels.codes >= 0 if mask is None else mask & (labels.codes >= 0)
        codes, network_of = labels.codes, self.network_of
        if not known.all():
            codes, network_of = codes[known], network_of[known]
        if not len(codes):
            return np.empty(0, dtype=np.int64)
        numbers: Ints = np.array([self.number_of[name] for name in labels.names], dtype=np.int64)[codes]
        if len(self.networks) > 1:
            numbers += network_of * len(self.addresses)
        return numbers

    def endpoint(self, number: int) -> tuple[str, int | None]:
        """Address and network of an endpoint number."""
        position, address = divmod(number, len(self.addresses))
        network = int(self.networks[position])
        return self.addresses[address], None if network == MISSING else network


def endpoints(
    calls: Columns,
    config: Config,
    overflows: Mapping[Endpoint, int] | None = None,
    blocked: Mapping[Endpoint, Ints] | None = None,
    charges: Charges | None = None,
) -> list[EndpointRow]:
    """Every endpoint, ranked by the failures that it originated, then by address and network.

    ``failures_as_responder`` adds up to the failures whose originator is known: each is charged once. With ``charges``
    (`Sessions.charges`, rows as those of ``calls``) that is once a session, in the leg where it began; without them
    every call is by itself. ``overflows`` and ``blocked`` come from `route_advance`; who is in the former has a row.
    """
    if not len(calls):
        return []
    failed = failures(calls)
    caller, callee, failed_by = (calls.labels(name) for name in ("caller_ip", "callee_ip", "failed_by_ip"))
    began, charged = failed, failed_by
    passed_on = np.zeros(len(calls), dtype=np.bool_)
    if charges is not None:
        began, charged, passed_on = charges.role == ORIGINATED, charges.charged, charges.role == PASSED_ON
    relayers = _relayers(calls, began | passed_on)
    addresses = [*caller.names, *callee.names, *charged.names, *failed_by.names, *(a for _, a in relayers)]
    numbers = _Numbers(calls.ints("network"), addresses)

    made = tally(numbers.of(caller))
    sent = tally(numbers.of(callee))
    failed_made = tally(numbers.of(caller, failed))
    originated = numbers.of(charged, began)
    codes = _originated_codes(originated, calls.ints("failed_code")[began & (charged.codes >= 0)])
    relayed: Counter[int] = Counter(tally(numbers.of(failed_by, passed_on)))
    contradicted = tally(numbers.of(failed_by, np.asarray(calls["cause_conflict"])))
    positions = {int(network): position for position, network in enumerate(numbers.networks)}
    for (network, address), count in relayers.items():
        relayed[positions[network] * len(numbers.addresses) + numbers.number_of[address]] += count

    refused = overflows or {}
    of_calls = {number: numbers.endpoint(number) for number in {*made, *sent, *codes, *relayed, *contradicted}}
    # A trunk behind a proxy that went on to another one took part in no call at its lowest hop, and failed none.
    known = [*of_calls.items(), *((-1, endpoint) for endpoint in refused.keys() - set(of_calls.values()))]
    found = []
    for number, (ip, own_network) in known:
        by_code = codes.get(number, {})
        found.append(
            EndpointRow(
                ip=ip,
                network=own_network,
                name=config.alias(ip),
                side=config.side(ip),
                calls_as_caller=made.get(number, 0),
                calls_as_callee=sent.get(number, 0),
                failures_as_caller=failed_made.get(number, 0),
                failures_as_responder=sum(by_code.values()),
                failures_relayed=relayed.get(number, 0),
                conflicts=contradicted.get(number, 0),
                overflows=refused.get((ip, own_network), 0),
                blocked_calls=len((blocked or {}).get((ip, own_network), ())),
                by_status_code=by_code,
            )
        )
    return sorted(
        found, key=lambda row: (-row.failures_as_responder, row.ip, row.network is not None, row.network or 0)
    )


def _originated_codes(originated: Ints, status_codes: Ints) -> dict[int, dict[str, int]]:
    """Failures by code for each endpoint number."""
    joined = originated * _CODES + np.where(status_codes == MISSING, 0, status_codes)
    by_endpoint: dict[int, dict[int | None, int]] = {}
    for value, count in tally(joined).items():
        number, code = divmod(value, _CODES)
        by_endpoint.setdefault(number, {})[code or None] = count
    return {number: code_keys(counts) for number, counts in by_endpoint.items()}


def _relayers(calls: Columns, failed: Mask) -> Counter[tuple[int, str]]:
    """How many failures each (network, address) only passed on.

    The column holds several addresses separated by spaces; distinct texts are few, so they are split once each.
    """
    column = calls["relayed_by"]
    networks = calls.ints("network")
    joined: Counter[tuple[int, str]] = Counter()
    if isinstance(column, Labels):
        chosen = np.flatnonzero(failed & (column.codes >= 0))
        texts: Counter[tuple[int, str]] = Counter(
            zip(networks[chosen].tolist(), (column.names[code] for code in column.codes[chosen].tolist()), strict=True)
        )
    else:
        assert isinstance(column, Texts)
        chosen = np.flatnonzero(failed & (column.lengths > 0))
        raw = column.octets.tobytes()
        spans = zip(column.starts[chosen].tolist(), column.lengths[chosen].tolist(), strict=True)
        octets: Counter[tuple[int, bytes]] = Counter(
            zip(networks[chosen].tolist(), (raw[start : start + length] for start, length in spans), strict=True)
        )
        texts = Counter({(network, printable(text)): count for (network, text), count in octets.items()})
    for (network, text), count in texts.items():
        for address in dict.fromkeys(text.split()):
            joined[network, address] += count
    return joined
