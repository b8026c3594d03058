"""``sipcause report``: of captures and of a store, what it says, what it writes, how it ends, what it mails."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyzer.ui.cli.main import main
from tests.ops.mailing import PASSWORD, USER, Box, certificate, serving

PCAPS = Path(__file__).parents[2] / "pcaps"
FULL = PCAPS / "trunk_503_cause_34" / "capture.pcapng"
SUNDAY = PCAPS / "midnight_on_sunday" / "capture.pcapng"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object, command: str = "report") -> tuple[int, str, str]:
        exit_code = 0
        try:
            main([command, *(str(argument) for argument in arguments)])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], None]:
    """Writes the site's configuration, where the command finds it."""

    def write(text: str = "") -> None:
        (tmp_path / "sipcause.toml").write_text(f'timezone = "Europe/Amsterdam"\n{text}', encoding="utf-8")

    write()
    return write


def stored(run: Run, *captures: Path) -> Path:
    """A store with what captures hold."""
    assert run(*captures, "--store", "store", "-q", command="analyze")[0] == 0
    return Path("store")


def document(folder: Path) -> Mapping[str, Any]:
    """The JSON document of a report in a folder."""
    found: Mapping[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return found


def test_captures_give_the_report_of_their_latest_week(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    code, out, err = run(SUNDAY, "--format", "json,md")
    made = document(*tmp_path.glob("reports/*"))
    assert code == 0
    assert made["about"]["period"]["label"] in out or "week" in out
    total = len(json.loads(run(SUNDAY, "-q", "--format", "json", command="calls")[1]))
    inside = made["about"]["calls"]
    assert 0 < inside < total
    assert f"has {inside} calls; {total - inside} lie outside it (--week)" in err


def test_a_week_that_was_asked_for(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    labels, calls = [], 0
    latest = run(SUNDAY, "--json", "--format", "json")[1]
    week = json.loads(latest)["about"]["period"]["label"]
    before = f"{week[:6]}{int(week[6:]) - 1:02d}"
    for label in (week, before):
        assert run(SUNDAY, "--week", label, "--format", "json")[0] == 0
        made = document(tmp_path / "reports" / label)
        labels.append(made["about"]["period"]["label"])
        calls += made["about"]["calls"]
    assert labels == [week, before]
    assert calls == len(json.loads(run(SUNDAY, "-q", "--format", "json", command="calls")[1]))


def test_days_instead_of_a_week(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    day = json.loads(run(FULL, "--json", "--format", "json")[1])["calls"]
    first = min(call["invite_ts"] for call in day.values())[:10]
    assert run(FULL, "--from", first, "--compare", "4w", "--format", "json")[0] == 0
    made = document(tmp_path / "reports" / f"{first}_{first}")
    assert made["about"]["period"]["days"] == [first]
    # Nobody listened in the four weeks before; on the Sunday before a Monday somebody did.
    assert made["about"]["compared"] == []
    monday = json.loads(run(SUNDAY, "--json", "--format", "json")[1])["about"]["period"]["days"][0]
    assert run(SUNDAY, "--from", monday, "--format", "json")[0] == 0
    (compared,) = document(tmp_path / "reports" / f"{monday}_{monday}")["about"]["compared"]
    assert date.fromisoformat(compared["days"][0]) == date.fromisoformat(monday) - timedelta(days=1)


@pytest.mark.parametrize("captures", [(FULL,), (FULL, SUNDAY)])
def test_a_store_gives_the_same_report_as_its_captures(
    run: Run, site: Callable[[str], None], captures: tuple[Path, ...]
) -> None:
    folder = stored(run, *captures)
    week = json.loads(run(FULL, "--json", "--format", "json")[1])["about"]["period"]["label"]
    found = []
    for place in (["--store", folder], captures):
        code, out, _ = run(*place, "--week", week, "--json", "--format", "json")
        assert code == 0
        found.append(json.loads(out))
    assert [made["about"].pop("store") for made in found] == [str(folder), None]
    assert [made["about"].pop("captures") for made in found] == [[], [str(path) for path in captures]]
    if SUNDAY in captures:  # a store notes what limits captures once, on the day on which they begin: a week before
        for made in found:
            del made["quality"], made["bounds"], made["about"]["grade"]
            for line in made["headline"]:
                del line["low"], line["high"]
    assert found[0] == found[1]


def test_a_store_speaks_of_the_last_whole_week(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    folder = stored(run, FULL)
    code, out, err = run("--store", folder, "--format", "md,json")
    (made,) = (tmp_path / "reports").iterdir()
    assert (code, err) == (0, "")
    assert "No calls in this time." in out
    assert document(made)["about"]["calls"] == 0
    assert "No calls in this time." in (made / "report.md").read_text("utf-8")


def test_causes_of_another_profile_in_a_store(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    folder = stored(run, FULL)
    week = json.loads(run(FULL, "--json", "--format", "json")[1])["about"]["period"]["label"]
    causes = {}
    for profile in ("dss1", "rfc3398"):
        fresh, kept = (
            json.loads(run(*place, "--week", week, "--causes", profile, "--json", "--format", "json")[1])
            for place in ([FULL], ["--store", folder])
        )
        assert kept["about"]["profile"] == profile
        assert kept["causes"] == fresh["causes"]
        causes[profile] = kept["causes"]
    assert causes["dss1"] != causes["rfc3398"]


def test_limits_that_were_crossed(run: Run, site: Callable[[str], None]) -> None:
    site("[report.thresholds]\nfailures_max = 0\nasr_min = 0\n")
    code, out, err = run(FULL, "-q", "--format", "json")
    assert (code, out) == (3, "")
    (line,) = err.splitlines()
    assert line.startswith("sipcause: limit crossed: report: ")
    assert run(FULL, "-q", "--format", "json", "--lang", "nl")[0] == 3
    site("[report.thresholds]\nfailures_max = 1000\n")
    assert run(FULL, "-q", "--format", "json") == (0, "", "")


def test_the_language_of_the_site(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    site('[report]\nlang = "nl"\n')
    assert "Mislukte gesprekken, week" in run(FULL, "--format", "md")[1]
    assert "Failed calls, week" in run(FULL, "--format", "md", "--lang", "en")[1]
    site('[report]\nlang = "fr"\n')
    code, _, err = run(FULL, "--format", "md")
    assert (code, err) == (1, f"sipcause: {tmp_path}/sipcause.toml: report.lang: is one of en, nl\n")


def test_notes_of_the_operator(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    site('[report]\nnotes = "notes.toml"\n')
    code, _, err = run(FULL, "--format", "json")
    assert (code, err) == (1, f"sipcause: {tmp_path}/notes.toml: -: No such file or directory\n")
    plain = run(FULL, "--json", "--format", "json", "--config", _empty(tmp_path))[1]
    days = json.loads(plain)["about"]["period"]["days"]
    (tmp_path / "notes.toml").write_text(f'[[note]]\nday = {days[1]}\ntext = "Ticket 7"\n', "utf-8")
    assert json.loads(run(FULL, "--json", "--format", "json")[1])["notes"][0]["text"] == "Ticket 7"
    (tmp_path / "notes.toml").write_text("[[note]]\nday = 7\n", "utf-8")
    assert run(FULL, "--format", "json")[2] == f"sipcause: {tmp_path}/notes.toml: note[0].text: needs a text\n"


def _empty(folder: Path) -> Path:
    path = folder / "empty.toml"
    path.write_text('timezone = "Europe/Amsterdam"\n', "utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "a history or captures: --store DIR or CAPTURE..."),
        ([FULL, "--store", "x"], "a history or captures"),
        ([FULL, "--week", "2025-W53"], "there is no week 53 in 2025"),
        ([FULL, "--week", "2026-W11", "--from", "2026-03-01"], "a week or days"),
        ([FULL, "--to", "2026-03-01"], "--to goes with --from"),
        ([FULL, "--from", "monday"], "monday: not a day; write 2026-11-09"),
        ([FULL, "--from", "2026-03-02", "--to", "2026-03-01"], "2026-03-01 lies before 2026-03-02"),
        ([FULL, "--week", "1970-W02"], "1969-12-29 is no day between"),
        ([FULL, "--format", "docx"], "docx: known are html, pdf, csv, md, json"),
        ([FULL, "--tz", "Mars"], "Mars: no such time zone"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[object], says: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--store", "nowhere"], "nowhere"),
        ([FULL, "--causes", "dss2"], "no mapping profile 'dss2'"),
        ([FULL, "--mail", "noc"], "mail: 'noc' is no mail address"),
        ([FULL, "-o", "file"], "file"),
    ],
)
def test_errors_in_one_line(run: Run, tmp_path: Path, arguments: list[object], says: str) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = run(*arguments, "-q", "--format", "json")
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("sipcause: ")
    assert says in line


def test_the_commands_of_a_report_list_its_calls(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    made = json.loads(run(FULL, "--json", "--format", "json,html")[1])
    (page,) = tmp_path.glob("reports/*/report.html")
    assert f"sipcause calls {FULL} --from " in page.read_text("utf-8")
    choices = {one["choice"]: one["calls"] for one in _counts(made) if one["choice"] and one["calls"]}
    assert len(choices) > 5
    for choice, calls in list(choices.items())[:8]:
        code, out, err = run(FULL, *choice.split(), "-q", "--format", "json", command="calls")
        assert (code, err) == (0, "")
        assert len(json.loads(out)) == calls, choice
    for key, call in list(made["calls"].items())[:2]:
        explained = json.loads(run(FULL, key, "-q", "--json", command="explain")[1])
        assert explained["call"]["call_id"] == call["call_id"]


def _counts(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if {"calls", "choice"} <= set(value):
            yield value
        for one in value.values():
            yield from _counts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _counts(one)


# -- mail ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Callable[[str], None]) -> Iterator[Box]:
    """A mail server with TLS that the site's configuration names."""
    context, file = certificate(tmp_path)
    for name, value in (("SSL_CERT_FILE", file), ("SIPCAUSE_MAIL_USER", USER), ("SIPCAUSE_MAIL_PASSWORD", PASSWORD)):
        monkeypatch.setenv(name, str(value))
    box = Box(refuses=frozenset({"gone@example.net"}))
    with serving(box, context, auth_required=True) as port:
        site(f'[mail]\nhost = "localhost"\nport = {port}\nsender = "sipcause@example.net"\n')
        yield box


def _attached(box: Box) -> dict[str, bytes]:
    """The last message's attachments by name, and its text."""
    message = box.messages[-1]
    body = message.get_body(("plain",))
    assert body is not None
    found = {str(part.get_filename()): part.get_payload(decode=True) for part in message.iter_attachments()}
    return {"text": body.get_content().encode(), **{name: bytes(octets) for name, octets in found.items()}}  # type: ignore[arg-type]


def _texts(attached: Mapping[str, bytes], folder: Path) -> Iterator[str]:
    """Everything that somebody could read in them."""
    for name, octets in attached.items():
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(octets)) as archive:
                yield from (archive.read(one).decode() for one in archive.namelist())
        elif name.endswith(".pdf"):
            if shutil.which("pdftotext"):
                (folder / name).write_bytes(octets)
                command = ["pdftotext", folder / name, "-"]
                yield subprocess.run(command, capture_output=True, check=True, text=True).stdout
        else:
            yield octets.decode()


def test_what_is_mailed_has_nobody_s_number(run: Run, post: Box, tmp_path: Path) -> None:
    code, _, err = run(FULL, "--mail", "noc@example.net,carrier@example.org", "--format", "html,pdf,csv,json")
    assert (code, err) == (0, "sipcause: mailed to noc@example.net, carrier@example.org\n")
    attached = _attached(post)
    made = document(*(tmp_path / "reports").iterdir())
    label = made["about"]["period"]["label"]
    assert sorted(attached) == [
        f"sipcause-{label}-csv.zip", f"sipcause-{label}.html", f"sipcause-{label}.pdf", "text"
    ]  # fmt: skip
    assert post.messages[-1]["Subject"].startswith("Failed calls, week")
    assert b"Numbers are masked." in attached["text"]
    numbers = {call[name] for call in made["calls"].values() for name in ("a_number", "b_number")}
    assert len(numbers) > 1, "files on the disk have whole numbers"
    tails = {"".join(filter(str.isdigit, number))[-7:] for number in numbers if number and len(number) > 8}
    assert tails
    for text in _texts(attached, tmp_path):
        assert not [tail for tail in tails if tail in text]
        assert not [number for number in numbers if number in text and number not in ("112", "911")]
    assert any("…" in text for text in _texts(attached, tmp_path))


def test_whole_numbers_are_mailed_to_who_asks_for_them(run: Run, post: Box, tmp_path: Path) -> None:
    assert run(FULL, "--mail", "noc@example.net", "--numbers", "full", "--format", "csv,json", "-q") == (0, "", "")
    attached = _attached(post)
    made = document(*(tmp_path / "reports").iterdir())
    number = next(iter(made["calls"].values()))["a_number"]
    assert any(number in text for text in _texts(attached, tmp_path))
    assert b"masked" not in attached["text"]
    assert b"Attached: sipcause-" in attached["text"]


def test_masked_files(run: Run, site: Callable[[str], None], tmp_path: Path) -> None:
    run(FULL, "--format", "json", "-o", "whole")
    run(FULL, "--numbers", "masked", "--format", "json,md,csv", "-o", "hidden")
    (whole,) = (tmp_path / "whole").iterdir()
    numbers = {call["a_number"] for call in document(whole)["calls"].values()}
    for path in (tmp_path / "hidden").rglob("*.*"):
        assert not [number for number in numbers if number in path.read_text("utf-8")]


def test_a_mail_that_not_everybody_gets(run: Run, post: Box) -> None:
    code, _, err = run(FULL, "--mail", "noc@example.net", "--mail", "gone@example.net", "--format", "md")
    assert code == 1
    assert "sent to noc@example.net, but refused for gone@example.net (550 5.1.1 no such user here)" in err
    assert len(post.messages) == 1
    assert set(_attached(post)) == {"text"}
