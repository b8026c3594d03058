"""The language of alert rules: what is understood, and what is said of everything else."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.ops.alert_rules import COMPARISONS, Condition, RuleFault, What, parse, seconds_of, span_text
from analyzer.stats.tally import LONGEST_S, ratios
from tests.ops.made import CONFIG, REGISTRY


def condition(text: str) -> Condition:
    return parse(text, REGISTRY, CONFIG)


@pytest.mark.parametrize(
    ("text", "what", "subject", "is_count", "comparison", "bound", "span_s", "sample", "shown"),
    [
        ("SER < 0.9 over 15m, n >= 50", "kpi", "ser", False, "<", "0.9", 900, 50, "SER < 90 % over 15m, n >= 50"),
        ("ser<90% over 15m,n>=50", "kpi", "ser", False, "<", "0.9", 900, 50, "SER < 90 % over 15m, n >= 50"),
        ("kpi drops >= 2.5 % over 1h, n >= 1", "kpi", "drops", False, ">=", "0.025", 3600, 1,
         "kpi drops >= 2.5 % over 1h, n >= 1"),
        ("failures > 1 over 1d, n >= 9", "kpi", "failures", False, ">", "1", 86400, 9,
         "failures > 100 % over 1d, n >= 9"),
        ("Short_Calls_6s > 5 % over 30s, n >= 9", "kpi", "short_calls_6s", False, ">", "0.05", 30, 9,
         "short_calls_6s > 5 % over 30s, n >= 9"),
        ("registration_failures > 5% over 1h, n >= 9", "kpi", "registration_failures", False, ">", "0.05", 3600, 9,
         "registration_failures > 5 % over 1h, n >= 9"),
        ("outcome busy > 30 % over 1h, n >= 100", "outcome", "busy", False, ">", "0.3", 3600, 100,
         "outcome busy > 30 % over 1h, n >= 100"),
        ("cause 34 > 0.01 over 5m, n >= 20", "cause", 34, False, ">", "0.01", 300, 20,
         "cause 34 > 1 % over 5m, n >= 20"),
        ("count(code none) <= 3 over 60s", "code", None, True, "<=", "3", 60, 0, "count(code none) <= 3 over 1m"),
        ("COUNT ( Code 503 ) > 100 OVER 5m", "code", 503, True, ">", "100", 300, 0, "count(code 503) > 100 over 5m"),
        ("family server_error > 10 % over 5m, n >= 20", "family", "server_error", False, ">", "0.1", 300, 20,
         "family server_error > 10 % over 5m, n >= 20"),
        ("unsuccessful > 50 % over 5m, n >= 20", "unsuccessful", None, False, ">", "0.5", 300, 20,
         "unsuccessful > 50 % over 5m, n >= 20"),
        ("calls < 1 over 10m", "calls", None, True, "<", "1", 600, 0, "calls < 1 over 10m"),
        ("count(outcome elsewhere) > 7 over 10m", "outcome", "elsewhere", True, ">", "7", 600, 0,
         "count(outcome elsewhere) > 7 over 10m"),
        ("registrations failed > 5 % over 15m, n >= 20", "registrations", "failed", False, ">", "0.05", 900, 20,
         "registrations failed > 5 % over 15m, n >= 20"),
        ("endpoint ::FFFF:192.0.2.7 failures > 20 % over 5m, n >= 30", "endpoint", "192.0.2.7", False, ">", "0.2", 300,
         30, "endpoint 192.0.2.7 failures > 20 % over 5m, n >= 30"),
        ("count(endpoint 2001:db8:0::7 failures) > 20 over 5m", "endpoint", "2001:db8::7", True, ">", "20", 300, 0,
         "count(endpoint 2001:db8::7 failures) > 20 over 5m"),
        ("any endpoint failures > 50 % over 5m, n >= 30", "any endpoint", None, False, ">", "0.5", 300, 30,
         "any endpoint failures > 50 % over 5m, n >= 30"),
        ("drops > 0 over 1m", "drops", None, True, ">", "0", 60, 0, "drops > 0 over 1m"),
        (" silence over 5m ", "silence", None, True, "<=", "0", 300, 0, "silence over 5m"),
    ],
)  # fmt: skip
def test_what_is_understood(
    text: str, what: str, subject: str | int | None, is_count: bool, comparison: str, bound: str, span_s: int,
    sample: int, shown: str,
) -> None:  # fmt: skip
    found = condition(text)
    assert found == Condition(text.strip(), What(what), subject, is_count, comparison, Fraction(bound), span_s, sample)
    assert str(found) == shown
    again = condition(shown)  # what is shown can be written
    assert str(again) == shown


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'': at the end: expected what is measured; known: "),
        ("SERR < 0.9 over 15m, n >= 50", "at character 1, 'SERR': expected what is measured; did you mean ser?"),
        ("SER < 0.9 over 15m", "at the end: expected the least number of calls for a share, such as: over 15m, n"),
        ("SER < 0.9, n >= 50", "at character 10, ',': expected a span, such as: over 15m"),
        ("SER < 0.9 over 15m, n > 50", "at character 23, '>': expected the sample, such as: n >= 50"),
        ("SER < 0.9 over 15m, n >= 0", "at character 26, '0': expected a whole number from 1"),
        ("SER < 0.9 over 15m, n >= 50 !", "at character 29, '!': expected the end of the rule"),
        ("SER < 0.9 over 15m n >= 50", "at character 20, 'n': expected a comma and the sample: , n >= 50"),
        ("SER = 0.9 over 15m", "at character 5, '=': expected a comparison: <, <=, > or >="),
        ("SER < 90 over 15m, n >= 50", "character 7, '90': expected a share of at most 1 or 100 %: did you mean 90 %?"),
        ("SER < -1 over 15m", "'-1': expected a share, such as 0.9 or 90 %"),
        ("SER < 0.9 over 15", "at character 16, '15': expected a span in steps of 10 s, from 10s to 1d"),
        ("SER < 0.9 over 15s, n >= 5", "'15s': expected a span in steps of 10 s"),
        ("SER < 0.9 over 2d, n >= 5", "'2d': expected a span"),
        ("srd > 3 over 15m", "at character 1, 'srd': expected a ratio: this is a delay"),
        ("kpi sir > 3 over 15m", "at character 5, 'sir': expected a ratio; did you mean"),
        ("outcome bussy > 3 % over 1m", "'bussy': expected an outcome that shares count; did you mean busy?"),
        ("outcome elsewhere > 3 % over 1m, n >= 5", "'elsewhere': expected an outcome that shares count"),
        ("registrations open > 3 % over 1m, n >= 5", "'open': expected an outcome of registrations"),
        ("family 5xx > 3 %", "'5xx': expected a family; known: client_error, "),
        ("cause 128 > 3 % over 1m, n >= 3", "'128': expected a Q.850 cause, 1 to 127, or none"),
        ("code 99 > 3 % over 1m", "'99': expected a status code, 100 to 999, or none"),
        ("endpoint sbc1 failures > 3 %", "'sbc1': expected an address, such as 192.0.2.7"),
        ("endpoint 192.0.2.7 > 3 %", "'>': expected the word failures"),
        ("any failures > 3 %", "'failures': expected the word endpoint"),
        ("count(code 503 > 3", "'>': expected a closing parenthesis"),
        ("count code 503 > 3", "'code': expected an opening parenthesis"),
        ("count(drops) > 3 over 1m", "'drops': expected calls or registrations to count"),
        ("count(code 503) > 1.5 over 1m", "'1.5': expected a whole number"),
        ("count(code 503) > 15 % over 1m", "'%': expected over: a count has no per cent"),
        ("count(code 503) > 15 over 1m, n >= 5", "',': expected the end of the rule: a count has no sample"),
        ("silence > 5 over 1m", "'>': expected a span, such as: over 15m"),
        ("x" * 501, "is longer than 500 characters"),
        ("\x1b[31m\u202e", r"at character 1, '\\x1b[31m\\u202e': expected what"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_rest(text: str, fault: str) -> None:
    with pytest.raises(RuleFault) as caught:
        condition(text)
    assert fault in str(caught.value)
    assert str(caught.value).isprintable()


WORDS = [*ratios(REGISTRY, CONFIG), *What, *COMPARISONS, *",()%", "count", "any", "over", "n", "0.9", "50", "15m"]
WORDS += ["none", "503", "34", "busy", "failed", "failures", "192.0.2.7", "server_error"]
WHATS = ["ser", "outcome busy", "count(code 503)", "any endpoint failures", "drops", "silence", "registrations failed"]
PARTS = st.tuples(st.sampled_from(WHATS), st.sampled_from([*COMPARISONS, ""]), st.sampled_from(["5", "5 %", "0.5", ""]))
NEARLY = st.tuples(PARTS.map(" ".join), st.sampled_from(["", " over 5m", "over 7s"]), st.sampled_from(["", ", n >= 5"]))
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), NEARLY.map("".join)
)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_is_a_rule_or_a_fault(text: str) -> None:
    found: Condition | RuleFault
    try:
        found = condition(text)
    except RuleFault as fault:
        found = fault
    if isinstance(found, RuleFault):
        assert str(found).isprintable()
        assert len(str(found)) < 2000
    else:
        assert (found.sample == 0) is found.is_count
        assert found.what is not What.KPI or found.subject in ratios(REGISTRY, CONFIG)
        assert 10 <= found.span_s <= LONGEST_S


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("0s", 0)])
def test_times(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds
    assert seconds_of(span_text(max(seconds, 1))) == max(seconds, 1)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1.5h", "5w", "٥m", "9999999s"])
def test_texts_that_are_no_times(text: str) -> None:
    assert seconds_of(text) is None
