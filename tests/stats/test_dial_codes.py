"""Dialled numbers: E.164 where that is certain, dial codes, emergency numbers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from analyzer.config import Config
from analyzer.stats.dial_codes import Dialled, NumberPlan
from analyzer.stats.population import Population
from tests.report.made_traffic import REGISTRY, call, configured, facts

DUTCH = """
[numbers]
country = "31"
outside = ["9"]
[aliases.numbers]
"+3188" = "Helpdesk"
"0900" = "Paid"
"""
GERMAN = """
[numbers]
country = "49"
outside = ["0", "8"]
[aliases.numbers]
"+4989" = "Munich"
"""
FRONTS = ["", "0", "00", "+", "9", "90", "900", "8", "0800", "+3120", "+3188", "0089", "112", "+4989"]
FORMS = ["sip:{}@h1.example", "sip:{};phone-context=+31@h", "tel:{}", "tel:{};phone-context=+32", "sips:{}:p@h", "{}"]


@pytest.fixture
def dutch(tmp_path: Path) -> NumberPlan:
    return NumberPlan(configured(tmp_path, DUTCH), REGISTRY)


@pytest.mark.parametrize(
    "uri",
    [
        "sip:+31201234567@example.net", "tel:+31-20-123.4567", "tel:+31(20)1234567;isub=12", "sip:0031201234567@x",
        "sip:0201234567@x", "sip:020-123%204567@x", "sip:%2B31201234567@x", "SIPS:(020)1234567;npdi@x;user=phone",
        "sip:90201234567@x", "sip:90031201234567@x", "sip:0201234567:secret@x", "tel:0201234567;phone-context=+31",
        "sip:0201234567;phone-context=+31@x;user=phone", "sip:0201234567;phone-context=example.net@x",
    ],
)  # fmt: skip
def test_one_number_is_one_however_it_is_written(dutch: NumberPlan, uri: str) -> None:
    assert dutch.dialled(uri) == Dialled("+31201234567", is_e164=True)
    assert dutch.dial_code(uri) == "+3120"


@pytest.mark.parametrize(
    ("uri", "number", "code"),
    [
        ("sip:201@x", "201", "201"),  # an extension
        ("sip:12345678@x", "12345678", "123"),  # nothing says which country
        ("sip:31201234567@x", "31201234567", "312"),
        ("sip:0205@x", "0205", "020"),  # too short to be behind a national prefix
        ("sip:00123@x", "00123", "001"),
        ("sip:00123456@x", "00123456", "001"),  # begins as an international number does: no national one
        ("sip:*21*0612345678#@x", "*21*0612345678#", "*21"),
        ("sip:9@x", "9", "9"),  # nothing behind the outside line
    ],
)
def test_what_is_not_certain_keeps_its_digits(dutch: NumberPlan, uri: str, number: str, code: str) -> None:
    assert dutch.dialled(uri) == Dialled(number, is_e164=False)
    assert dutch.dial_code(uri) == code


@pytest.mark.parametrize(
    "uri", ["sip:alice@x", "sip:x", "", "sip:@x", "sip:+@x", "sip:+0201234567@x", "sip:+1234567890123456@x",
            "sip:anonymous@anonymous.invalid", "tel:+31abc", "sip:+31\u0661\u0662@x", "urn:service:sos"],
)  # fmt: skip
def test_what_is_no_number(dutch: NumberPlan, uri: str) -> None:
    assert dutch.dialled(uri) is None
    assert dutch.dial_code(uri) is None


def test_another_countrys_context_tells_the_country_alone(dutch: NumberPlan) -> None:
    assert dutch.dialled("tel:5551234;phone-context=+1-212") == Dialled("+1212", is_e164=True, is_whole=False)
    assert dutch.dial_code("tel:5551234;phone-context=+1-212") == "+1"
    assert dutch.dial_code("tel:1234;phone-context=+31") == "+31"


def test_names_are_ours_then_the_countrys(dutch: NumberPlan) -> None:
    assert dutch.dial_code("sip:0881234567@x") == "+3188"
    assert dutch.dial_code("sip:+441234567890@x") == "+44"
    assert dutch.dial_code("sip:09001234@x") == "+31900"  # E.164 goes before the digits that were dialled
    names = [dutch.name(code) for code in ("+3188", "+3120", "+44", "+1", "+7", "+800", "201", "0900")]
    assert names == ["Helpdesk", "NL", "GB", None, None, None, None, "Paid"]


def test_areas_of_our_country(dutch: NumberPlan) -> None:
    dialled = ["0612345678", "0880000000", "08001234567", "0111123456", "0201234567"]
    assert [dutch.dial_code(f"sip:{number}@x") for number in dialled] == ["+316", "+3188", "+31800", "+31111", "+3120"]
    assert dutch.dial_code("sip:+12125551234@x") == "+1"  # not our country


def test_without_a_country_national_numbers_stay_as_they_are() -> None:
    plan = NumberPlan(Config(), REGISTRY)
    assert plan.dialled("sip:0201234567@x") == Dialled("0201234567", is_e164=False)
    assert plan.dial_code("sip:0031201234567@x") == "+31"


def test_a_country_without_a_national_prefix(tmp_path: Path) -> None:
    plan = NumberPlan(configured(tmp_path, '[numbers]\ncountry = "34"\nnational = ""\n'), REGISTRY)
    assert [plan.dial_code(f"sip:{user}@x") for user in ("912345678", "0034912345678", "1234")] == ["+34", "+34", "123"]


def test_north_america(tmp_path: Path) -> None:
    text = '[numbers]\ncountry = "1"\ninternational = ["011", "00"]\nnational = "1"\n'
    plan = NumberPlan(configured(tmp_path, text), REGISTRY)
    uris = ["sip:12125551234@x", "sip:+12125551234@x", "sip:01144201234567@x", "sip:2125551234@x"]
    assert [plan.dial_code(uri) for uri in uris] == ["+1212", "+1212", "+44", "212"]


@pytest.mark.parametrize("seed", range(3))
def test_every_way_to_write_a_number_leads_back_to_it(dutch: NumberPlan, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        country = chance.choice(["31", "44", "1", "352", "7"])
        rest = chance.choice("123456789") + "".join(chance.choices("0123456789", k=chance.randrange(6, 10)))
        ways = [f"+{country}{rest}", f"00{country}{rest}", f"900{country}{rest}"]
        ways += [f"0{rest}", f"90{rest}"] if country == "31" else []
        for way in ways:
            cut = chance.randrange(1, len(way))
            written = way[:cut] + chance.choice(["", "-", ".", "%20"]) + way[cut:]
            uri = chance.choice(["sip:{}@x", "sips:{};a=b@x;user=phone", "tel:{}", "sip:{}@[2001:db8::1]:5060"])
            assert dutch.dialled(uri.format(written)) == Dialled(f"+{country}{rest}", is_e164=True), way


@pytest.mark.parametrize("text", ["", DUTCH, GERMAN])
def test_many_at_once_come_to_the_same_as_one_by_one(tmp_path: Path, text: str) -> None:
    """Numbers that begin alike are looked at once: that must not change where any of them belongs."""
    chance = random.Random(5)
    config = configured(tmp_path, text)
    plan = NumberPlan(config, REGISTRY)
    uris = []
    for _ in range(4000):
        user = chance.choice(FRONTS) + "".join(chance.choices("0123456789", k=chance.randrange(0, 12)))
        if chance.random() < 0.1:
            user = chance.choice(["a", "-", "%2B31", "*", ""]) + user
        uris.append(chance.choice(FORMS).format(user))
    calls = facts([call(n, to_uri=uri) for n, uri in enumerate(uris)], config=config).calls
    codes, urgent = plan.dial_codes(Population(calls, "calls", {})), plan.emergencies(Population(calls, "calls", {}))
    assert [codes.value(row) for row in range(len(uris))] == [plan.dial_code(uri) for uri in uris]
    assert [urgent.value(row) for row in range(len(uris))] == [plan.emergency(uri) for uri in uris]
    assert (codes.codes >= 0).sum() > 1000
    assert (urgent.codes >= 0).any()


def test_the_request_uri_where_to_says_nothing(dutch: NumberPlan) -> None:
    rows = [
        call(1, to_uri="sip:pbx@x", request_uri="sip:0201234567@x"),
        call(2, to_uri="sip:112@x", request_uri="sip:1@x"),
    ]
    calls = Population(facts(rows).calls, "calls", {})
    assert [dutch.dial_codes(calls).value(row) for row in (0, 1)] == ["+3120", "112"]
    assert [dutch.emergencies(calls).value(row) for row in (0, 1)] == [None, "112"]


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:112@x", "112"), ("tel:112;phone-context=+31", "112"), ("sip:9112@x", "112"), ("sip:1-1-2@x", "112"),
        ("sip:000@x", "000"), ("sip:911;user=phone@x", "911"), ("urn:service:sos", "urn:service:sos"),
        ("URN:service:sos.police", "urn:service:sos.police"), ("urn:service:sos.\u202eevil", "urn:service:sos"),
        ("sip:1123@x", None), ("sip:0112@x", None), ("sip:+112@x", None), ("sip:99112@x", None), ("sip:112.org", None),
        ("sip:alice@112", None), ("urn:service:counseling", None), ("", None),
    ],
)  # fmt: skip
def test_emergency_numbers_are_whole_numbers(dutch: NumberPlan, uri: str, number: str | None) -> None:
    assert dutch.emergency(uri) == number


def test_each_country_code_is_as_long_as_the_list_of_lengths_says() -> None:
    numbering = REGISTRY.numbering
    for code, countries in numbering.countries.items():
        length = 1 if int(code[0]) in numbering.one else 2 if int(code[:2]) in numbering.two else 3
        assert len(code) == length, code
        assert countries
        assert all(len(country) == 2 and country.isupper() for country in countries.split())
    assert {str(code) for code in (*numbering.one, *numbering.two)} <= set(numbering.countries)
