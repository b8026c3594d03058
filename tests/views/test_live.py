"""What a live run shows at a moment."""

from __future__ import annotations

from analyzer.schema import RegistrationRow, ResponseRow
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.views.live import PATIENCE_NS, LiveView, live_view
from analyzer.views.table import Table, Tone
from analyzer.views.words import words
from analyzer.vocab import Family
from tests.stats.made import SECOND, START, empty, table
from tests.stats.made_live import (
    ANSWERED,
    BUSY,
    CONFIG,
    NOW,
    REGISTRY,
    TRUNK,
    nothing,
    snapshot,
    source,
    tally,
    troubled,
)


def view(made: LiveSnapshot, lang: str = "en", by: str = "minute") -> LiveView:
    return live_view(made, REGISTRY, CONFIG, words(lang), by)


def lines(made: LiveView) -> list[str]:
    return ["  ".join(cell.text for cell in line.cells) for line in made.header]


def section(made: LiveView, name: str) -> Table:
    return next(one.table for one in made.sections if one.name == name)


def texts(made: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in made.rows]


def test_the_header_says_how_the_run_does() -> None:
    made = view(snapshot())
    assert [cell.text for cell in made.title] == ["sipcause live", "since 07:00:00 (2 h 0 min)", "2026-11-17 09:00:00"]
    assert lines(made) == [
        "eth0  40,000 frames, 1,200 SIP messages",
        "120 messages/s  4,012 frames/s  3.2 calls/s  memory 132.0 MB",
        "calls setting up 12  in call 340  decided 9  still heard of 3",
    ]
    assert not made.hints


def test_a_run_that_began_on_another_day_says_which() -> None:
    made = view(snapshot(start_ts=START - 86_400 * SECOND))
    assert made.title[1].text == "since 2026-11-16 07:00:00 (26 h 0 min)"


def test_what_is_wrong_stands_first_and_is_marked_without_colour() -> None:
    made = view(troubled())
    said = lines(made)
    assert said[0] == "! ALERT SER < 0.9 over 15m"
    assert said[1].startswith("eth0  ! is down  ! 1,234 frames dropped  40,000 frames")
    assert "… and 4 more sources" in said
    assert "! 5 frames read too late and dropped" in " ".join(said)
    assert "! 7 ended early for want of room" in " ".join(said)
    assert "! store: No space left on device  store: /var/lib/sipcause  frames file: 0003.pcapng" in said
    assert said[-1].startswith("! 08:59:50 eth0 is down")
    for line in made.header:
        for cell in line.cells:
            assert (cell.tone in (Tone.BAD, Tone.WARN)) == cell.text.startswith("! ")


def test_old_notices_are_let_go() -> None:
    assert "eth0" not in lines(view(snapshot(notices=((NOW - 3600 * SECOND, "eth0 is down"),))))[-1]


def test_ratios_stand_with_what_they_divide() -> None:
    made = section(view(snapshot()), "figures")
    assert texts(made) == [
        ["calls decided", "4", "6", "9"],
        ["failures", "1", "2", "3"],
        ["ASR", "2/4  50.0%", "3/6  50.0%", "4/9  44.4%"],
        ["NER", "3/4  75.0%", "4/6  66.7%", "6/9  66.7%"],
        ["SER", "2/4  50.0%", "3/6  50.0%", "4/9  44.4%"],
        ["unsuccessful", "2", "3", "5"],
    ]
    quiet = section(view(snapshot(tally((600, [ANSWERED])))), "figures")
    assert texts(quiet)[2] == ["ASR", "–", "1/1 100.0%", "1/1 100.0%"]


def test_registrations_are_counted_where_there_are_any() -> None:
    made = tally((5, [ANSWERED]))
    rows = [{"registration_no": 1, "outcome": "registered"}, {"registration_no": 2, "outcome": "rejected"}]
    made.add(empty(RegistrationRow), table(RegistrationRow, rows), NOW)
    assert texts(section(view(snapshot(made)), "figures"))[-1] == ["registrations", "1/2", "1/2", "1/2"]


def test_failures_by_code_are_ranked_by_the_chosen_span() -> None:
    silent = {**TRUNK, "status_code": None, "cause": 18}
    found = tally((5, [{**TRUNK, "status_code": 404}]), (600, [TRUNK, TRUNK]), (7000, [silent] * 3))
    by_minute = texts(section(view(snapshot(found)), "codes"))
    assert by_minute == [
        ["404", "Not Found", "1", "1", "1"],
        ["503", "Service Unavailable", "·", "2", "2"],
        ["–", "silence", "·", "·", "3"],
    ]
    assert [row[0] for row in texts(section(view(snapshot(found), by="hour"), "codes"))] == ["503", "404", "–"]
    assert [row[0] for row in texts(section(view(snapshot(found), by="start"), "codes"))] == ["–", "503", "404"]


def test_a_makers_code_has_its_makers_words() -> None:
    made = tally((5, [{**TRUNK, "status_code": 703}]))
    seen = ResponseRow(703, "INVITE", Family.VENDOR, "gigaset", None, 1, 1, 0, 0)
    packed = REGISTRY.pack_code("gigaset", 703)
    assert packed is not None
    row = texts(section(view(snapshot(made, responses=[seen])), "codes"))[0]
    assert row[1] == f"{packed.phrase or packed.meaning} (gigaset)"
    assert texts(section(view(snapshot(made)), "codes"))[0][1] == "(unlisted)"


def test_causes_have_their_number_and_name() -> None:
    made = section(view(snapshot()), "causes")
    assert texts(made) == [
        ["17", "User busy", "1", "1", "2"],
        ["34", "No circuit/channel available", "1", "2", "3"],
    ] or texts(made) == [
        ["34", "No circuit/channel available", "1", "2", "3"],
        ["17", "User busy", "1", "1", "2"],
    ]


def test_failing_endpoints_have_names_and_shares_of_an_hour() -> None:
    made = section(view(snapshot()), "endpoints")
    assert [column.title.strip() for column in made.columns] == [
        "Failures by endpoint", "sent (hour)", "share", "minute", "hour", "start",
    ]  # fmt: skip
    assert texts(made) == [["Carrier A (198.51.100.7)", "5", "40.0%", "1", "2", "3"]]
    assert texts(section(view(snapshot(), by="start"), "endpoints"))[0][1:3] == ["7", "42.9%"]


def test_more_failures_than_calls_sent_have_no_share() -> None:
    behind = {**TRUNK, "callee_ip": "192.0.2.9"}
    row = texts(section(view(snapshot(tally((5, [behind])))), "endpoints"))[0]
    assert row == ["Carrier A (198.51.100.7)", "·", "–", "1", "1", "1"]


def test_newest_failures_say_who_called_whom_and_who_is_charged() -> None:
    assert texts(section(view(snapshot()), "newest")) == [
        ["08:59:55", "503", "34", "No circuit/channel available", "+31201234567", "→ 0101234567", "Carrier A"]
    ]


def test_numbers_that_strangers_make_up_are_escaped_and_cut() -> None:
    row = texts(section(view(troubled()), "newest"))[0]
    assert row[4] == "\\x1b[2J\\x1b]0 owned…"
    assert len(row[4]) == 20


def test_an_empty_screen_says_what_it_waits_for() -> None:
    early = nothing(now_ts=START + SECOND)
    assert not view(early).sections
    assert view(early).hints == ["Nothing heard yet on eth0."]
    late = view(nothing(now_ts=START + PATIENCE_NS + 1)).hints
    assert late[0] == "Nothing heard yet on eth0."
    assert "sipcause interfaces" in late[1]


def test_frames_without_sip_are_told_apart_from_nothing_at_all() -> None:
    early = nothing(now_ts=START + SECOND, sources=[source(sip_messages=0)])
    assert view(early).hints == ["Frames arrive on eth0, no SIP among them yet."]
    assert "--keylog" in view(nothing(sources=[source(sip_messages=0)])).hints[1]
    assert view(nothing(sources=[source()])).hints == ["SIP is heard; no call yet."]
    assert view(nothing(sources=[source()], in_call=1)).hints == ["SIP is heard; no call is decided yet."]


def test_dutch() -> None:
    made = view(troubled(), "nl")
    assert lines(made)[0].startswith("! ALARM")
    assert "1.234 frames verloren" in lines(made)[1]
    assert texts(section(made, "figures"))[0][0] == "gesprekken beslist"
    assert BUSY["cause"] == 17
