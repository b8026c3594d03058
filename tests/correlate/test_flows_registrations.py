"""What becomes of a REGISTER and its challenges: docs/counting.md, "Registrations"."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import play


def registered(text: str, **expected: Any) -> dict[str, Any]:
    """The only registration of a ladder, held against some columns."""
    played = play(text)
    assert played.calls == []
    (row,) = played.registrations
    assert {name: row[name] for name in expected} == expected
    return row


def answer(code: int, options: str = "expires=600") -> str:
    return f"alice -> registrar REGISTER {options}\nalice <- registrar {code}\nend +60s"


def test_registered() -> None:
    registered(
        "alice -> registrar REGISTER expires=3600\nalice <- registrar 200 expires=600",
        outcome="registered", status_code=200, attempts=1, challenges=0, rrd_ms=10, expires_s=600,
        client_ip="192.0.2.10", registrar_ip="198.51.100.11", aor="sip:alice@198.51.100.11",
    )  # fmt: skip


def test_the_lifetime_asked_for_where_none_was_granted() -> None:
    registered(answer(200), expires_s=600)


def test_challenged_and_registered() -> None:
    text = "alice -> registrar REGISTER\nalice <- registrar 401\nalice -> registrar REGISTER\nalice <- registrar 200"
    registered(text, outcome="registered", attempts=2, challenges=1, rrd_ms=30)


def test_unregistered() -> None:
    registered(answer(200, "expires=0 contact=*"), outcome="unregistered")


def test_queried() -> None:
    registered(answer(200, "contact=none"), outcome="queried")


@pytest.mark.parametrize("code", [400, 403, 404, 406, 603])
def test_rejected(code: int) -> None:
    registered(answer(code), outcome="rejected", status_code=code, rrd_ms=None)


def test_a_challenge_nobody_answers() -> None:
    registered(answer(401), outcome="rejected", status_code=401, challenges=1)


def test_refused_in_spite_of_credentials() -> None:
    again = "alice -> registrar REGISTER\nalice <- registrar 401\n"
    registered(again * 2, outcome="rejected", status_code=401, attempts=2, challenges=2)


@pytest.mark.parametrize("code", [500, 503])
def test_failed(code: int) -> None:
    registered(answer(code), outcome="failed", status_code=code)


def test_a_longer_lifetime_as_the_registrar_asks() -> None:
    text = "alice -> registrar REGISTER expires=60\nalice <- registrar 423\n" + answer(200)
    registered(text, outcome="registered", attempts=2, status_code=200)


def test_no_answer() -> None:
    text = "alice -> registrar REGISTER resends=10\n"
    registered(text + "end +32s", outcome="open", status_code=None)
    registered(text + "end +32.000001s", outcome="timed_out", status_code=None, attempts=1)


def test_a_refresh_is_a_registration_of_its_own() -> None:
    text = answer(200) + "\n" + answer(200)
    assert [row["outcome"] for row in play(text).registrations] == ["registered", "registered"]


def test_two_phones_that_register_at_once() -> None:
    text = """
    alice -> registrar REGISTER
    bob -> registrar REGISTER
    bob <- registrar 200
    alice <- registrar 403
    """
    rows = play(text).registrations
    assert [(row["client_ip"], row["outcome"]) for row in rows] == [
        ("192.0.2.10", "rejected"), ("203.0.113.12", "registered"),
    ]  # fmt: skip
