"""Who scans: counter-examples first, then each signal, then what a tool leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.batch import Columns
from analyzer.registry import load_registry
from analyzer.schema import CallRow, OtherRow, RegistrationRow
from analyzer.stats.scanners import Scanning, find
from tests.flow import play
from tests.stats.made import SECOND, START, calls, empty, table

REGISTRY = load_registry()
MS = 1_000_000
SCANNER, PBX = "198.51.100.66", "192.0.2.1"


def refused(number: int, **given: Any) -> dict[str, Any]:
    """A call that a scanner makes: refused at once, and not acknowledged."""
    usual = {
        "caller_ip": SCANNER, "outcome": "invalid_number", "status_code": 404, "invite_ts": START + number * 50 * MS,
        "from_uri": "sip:100@192.0.2.9", "to_uri": f"sip:{number}@192.0.2.9",
    }  # fmt: skip
    return {**usual, **given}


def acknowledged(number: int, **given: Any) -> dict[str, Any]:
    """The same from a real stack."""
    return refused(number, caller_ip=PBX, ack_ts=START + number * 50 * MS + MS, **given)


def registrations(*rows: dict[str, Any]) -> Columns:
    usual = {
        "client_ip": SCANNER,
        "registrar_ip": "192.0.2.9",
        "outcome": "rejected",
        "status_code": 403,
        "attempts": 1,
    }
    return table(
        RegistrationRow,
        [
            {"registration_no": n, "request_ts": START + n * 100 * MS, "challenges": 0, **usual, **row}
            for n, row in enumerate(rows, 1)
        ],
        texts=True,
    )


def others(*rows: dict[str, Any]) -> Columns:
    usual = {"method": "OPTIONS", "client_ip": SCANNER, "ended_by": "timeout", "transactions": 1, "last_ts": START}
    return table(OtherRow, [{**usual, "server_ip": f"192.0.2.{n}", **row} for n, row in enumerate(rows)])


def found(made: Columns | None = None, registered: Columns | None = None, beside: Columns | None = None) -> Scanning:
    return find(
        empty(CallRow) if made is None else made,
        empty(RegistrationRow) if registered is None else registered,
        REGISTRY,
        beside,
    )


def signals(scanning: Scanning) -> set[str]:
    assert len(scanning.scanners) == 1
    return {reason.signal for reason in scanning.scanners[0].reasons}


# -- who is no scanner --------------------------------------------------------------------------------------------


def test_a_busy_sbc_with_many_failures_and_one_answer_is_no_scanner() -> None:
    """Worst case: 10,000 different numbers counting up, fast, unacknowledged, challenged, and one answer."""
    rows = [refused(n, outcome_detail="auth_abandoned", challenges=1, status_code=401) for n in range(10_000)]
    assert found(calls(*rows)).scanners
    scanning = found(calls(*rows, refused(10_000, outcome="answered", status_code=200)))
    assert not scanning.scanners
    assert not scanning.is_scanner.any()


def test_a_pbx_in_a_total_outage_is_no_scanner() -> None:
    rows = [
        acknowledged(n, status_code=503, outcome="failed", to_uri=f"sip:+3120{n * 7919:07d}@x") for n in range(3000)
    ]
    assert not found(calls(*rows)).scanners


def test_a_trunk_without_credentials_is_no_scanner() -> None:
    rows = [
        acknowledged(
            n, status_code=407, outcome="unauthorized", outcome_detail="auth_abandoned", challenges=1,
            to_uri=f"sip:+3120{n * 7919:07d}@x",
        )
        for n in range(3000)
    ]  # fmt: skip
    assert not found(calls(*rows)).scanners


def test_a_load_test_that_fails_in_order_is_no_scanner() -> None:
    assert not found(calls(*[acknowledged(n) for n in range(1000)])).scanners


def test_a_pbx_that_answers_calls_but_makes_none_that_is_answered_is_no_scanner() -> None:
    rows = [refused(n) for n in range(200)]
    assert found(calls(*rows)).scanners
    assert not found(calls(*rows, {"caller_ip": "192.0.2.77", "callee_ip": SCANNER})).scanners


def test_an_address_that_registered_is_no_scanner() -> None:
    rows = [refused(n) for n in range(200)]
    assert not found(calls(*rows), registrations({"outcome": "registered", "status_code": 200})).scanners


def test_the_same_address_in_another_network_does_not_vouch() -> None:
    rows = [refused(n, network=20) for n in range(200)]
    scanning = found(calls(*rows, refused(0, network=10, outcome="answered", status_code=200)))
    assert [(s.row.ip, s.row.network, s.row.calls) for s in scanning.scanners] == [(SCANNER, 20, 200)]


def test_a_phone_with_a_wrong_password_is_no_scanner() -> None:
    rows = [
        {"aor": "sip:555@x", "attempts": 2, "challenges": 2, "request_ts": START + n * 30 * SECOND} for n in range(500)
    ]
    assert not found(registered=registrations(*rows)).scanners


def test_a_softphone_that_attackers_like_is_no_scanner() -> None:
    rows = [acknowledged(n, caller_agent="MizuPhone", to_uri="sip:0101234567@x") for n in range(30)]
    assert not found(calls(*rows)).scanners


def test_many_phones_with_one_failure_each_are_no_scanners() -> None:
    rows = [refused(n, caller_ip=f"10.0.{n // 250}.{n % 250}") for n in range(2000)]
    assert not found(calls(*rows)).scanners


def test_a_proxy_that_relays_a_scanner_stays_a_proxy() -> None:
    """Seen behind it, the scanner's calls come from the proxy's address."""
    own = [{"caller_ip": PBX} for _ in range(50)]
    passed_on = [acknowledged(n, caller_agent="friendly-scanner") for n in range(5)]
    scanning = found(calls(*own, *passed_on))
    assert scanning.is_scanner.tolist() == [False] * 50 + [True] * 5
    assert [(s.row.ip, s.row.calls, s.row.agent) for s in scanning.scanners] == [(PBX, 5, "friendly-scanner")]


# -- who is one ---------------------------------------------------------------------------------------------------


def test_extensions_called_through_without_ack() -> None:
    scanning = found(calls(*[refused(n) for n in range(100, 150)], {}))
    assert signals(scanning) == {"no_success", "many_targets", "sequential", "no_ack", "rate"}
    row = scanning.scanners[0].row
    assert (row.ip, row.calls, row.targets, row.successes, row.score) == (SCANNER, 50, 50, 0, 120)
    assert scanning.is_scanner.tolist() == [True] * 50 + [False]
    assert "refused calls never acknowledged: 50" in row.reasons
    assert row.first_ts == START + 100 * 50 * MS
    assert row.last_ts == START + 149 * 50 * MS


def test_prefixes_before_one_number() -> None:
    tried = ["0", "00", "9", "900", "9011", "8", "800", "1", "100", "999"]
    rows = [
        refused(n * 100, to_uri=f"sip:{prefix}442079460101@192.0.2.9", status_code=403, outcome="rejected")
        for n, prefix in enumerate(tried)
    ]
    scanning = found(calls(*rows))
    assert signals(scanning) == {"no_success", "prefixes", "no_ack"}


def test_registrations_of_every_extension_without_credentials() -> None:
    rows = [{"aor": f"sip:{n}@x", "status_code": 401, "challenges": 1} for n in range(100, 200)]
    scanning = found(registered=registrations(*rows))
    assert signals(scanning) >= {"no_success", "many_targets", "sequential", "no_credentials"}
    assert scanning.scanners[0].row.registrations == 100


def test_passwords_tried_for_one_user() -> None:
    rows = [{"aor": "sip:555@x", "attempts": 2, "challenges": 1} for _ in range(50)]
    scanning = found(registered=registrations(*rows))
    assert "guessing" in signals(scanning)
    assert "passwords tried for one user: 100" in scanning.scanners[0].row.reasons


@pytest.mark.parametrize(
    "given",
    [
        {"caller_agent": "friendly-scanner"},
        {"from_uri": "sip:100@1.1.1.1"},
        {"from_tag": "6163313936393238313363340131323031353530343335"},
        {"from_uri": "sip:nm@nm"},
    ],
)
def test_one_call_with_the_certain_mark_of_a_tool(given: dict[str, Any]) -> None:
    scanning = found(calls(refused(1, **given), {}))
    assert scanning.is_scanner.tolist() == [True, False]
    assert scanning.scanners[0].row.score >= 100


@pytest.mark.parametrize("tag", ["as6740cdf2", "5fecebaf", "3101", "62c1a5d2be7f40339a01", None])
def test_ordinary_tags_are_no_marks(tag: str | None) -> None:
    assert not found(calls(*[refused(1, from_tag=tag) for _ in range(9)])).scanners


def test_a_likely_agent_needs_behaviour_beside_it() -> None:
    few = [refused(n * 1000, caller_agent="sipcli/v1.8", to_uri="sip:1@x", ack_ts=START) for n in range(9)]
    assert not found(calls(*few)).scanners
    many = [refused(n, caller_agent="sipcli/v1.8", ack_ts=START) for n in range(40)]
    assert {"agent_likely", "many_targets", "no_success"} <= signals(found(calls(*many)))


def test_calls_to_itself_count() -> None:
    rows = [refused(n * 100, from_uri=f"sip:{n}@x", to_uri=f"sip:{n}@x") for n in range(30)]
    assert "self_calls" in signals(found(calls(*rows)))


def test_strangers_octets_do_no_harm() -> None:
    strange = ["sip:\x00\x1b[2J@x", "sip:%00@", "tel:", "", "sip:" + "9" * 5000 + "@x", "sip:١٢٣@x", "@", "sip:²@x"]
    rows = [refused(n, to_uri=strange[n % 8], from_uri=None, from_tag=None) for n in range(80)]
    scanning = found(calls(*rows))
    assert scanning.is_scanner.all() == bool(scanning.scanners)


ANSWERED = {"status_code": 200, "ended_by": "final"}


def test_a_range_of_addresses_swept_with_options() -> None:
    """What svmap does: 40 addresses, three of them answer."""
    scanning = found(beside=others(*[{}] * 37, *[ANSWERED] * 3))
    assert signals(scanning) == {"no_success", "sweep"}
    row = scanning.scanners[0].row
    assert (row.ip, row.others, row.calls, row.score, row.last_ts) == (SCANNER, 40, 0, 100, START)
    assert row.reasons == "not one success; addresses asked, most of them silent: 40"


def test_an_sbc_that_watches_its_trunks_is_no_scanner() -> None:
    assert not found(beside=others(*[ANSWERED] * 300, *[{}] * 100)).scanners


def test_a_few_dead_trunks_are_no_sweep() -> None:
    assert not found(beside=others(*[{}] * 10)).scanners


def test_trunks_that_were_asked_when_the_capture_ended_are_not_silent() -> None:
    assert not found(beside=others(*[{"ended_by": "capture_end"}] * 100)).scanners


def test_whoever_subscribes_or_calls_with_success_does_not_sweep() -> None:
    swept = [{}] * 40
    assert found(beside=others(*swept)).scanners
    subscribed = {**ANSWERED, "method": "SUBSCRIBE"}
    assert not found(beside=others(*swept, subscribed)).scanners
    assert not found(calls({"caller_ip": SCANNER}), beside=others(*swept)).scanners


def test_a_sweep_and_calls_of_one_source_are_one_scanner() -> None:
    scanning = found(calls(*[refused(n) for n in range(50)]), beside=others(*[{}] * 40))
    assert len(scanning.scanners) == 1
    assert "sweep" in signals(scanning)
    assert (scanning.scanners[0].row.calls, scanning.scanners[0].row.others) == (50, 40)


def test_an_accepted_subscription_vouches_for_calls() -> None:
    rows = calls(*[refused(n) for n in range(50)])
    assert found(rows).scanners
    assert not found(rows, beside=others({**ANSWERED, "method": "SUBSCRIBE"})).scanners


def test_rows_without_an_address_do_no_harm() -> None:
    scanning = found(calls(*[refused(n, caller_ip=None, network=n % 2 or None) for n in range(50)]))
    assert not any(scanner.row.ip for scanner in scanning.scanners)


def test_nothing_at_all() -> None:
    scanning = found()
    assert not len(scanning.is_scanner)
    assert not scanning.scanners


def test_of_a_flood_a_part_is_read_and_all_of_it_is_counted() -> None:
    scanning = found(calls(*[refused(n) for n in range(9000)]))
    assert scanning.is_scanner.all()
    assert (scanning.scanners[0].row.calls, scanning.scanners[0].row.targets) == (9000, 9000)


# -- through the whole program ------------------------------------------------------------------------------------

SCAN = "\n".join(
    ['scanner = 198.51.100.66  agent="SIP Client"', "pbx = 192.0.2.9"]
    + [f"call s{n}\nscanner -> pbx INVITE +50ms to={n}\npbx -> scanner 404" for n in range(100, 140)]
    + ["call real\nalice -> pbx INVITE\nalice <- pbx 486\nalice -> pbx ACK", "end +60s"]
)


def test_scanners_calls_are_marked_and_the_rule_switches_it_off() -> None:
    with_rule, without = play(SCAN), play(SCAN, without=["scanners"])
    assert sum(call["is_scanner"] for call in with_rule.calls) == 40
    assert [call["outcome"] for call in with_rule.calls if not call["is_scanner"]] == ["busy"]
    assert len(with_rule.result.scanning.scanners) == 1
    assert not any(call["is_scanner"] for call in without.calls)
    assert not without.result.scanning.scanners
