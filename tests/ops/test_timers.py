"""The timers and the cron line of contrib/: systemd understands them, they are shut in, the commands exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.test_unit import CONTRIB, needs_systemd

NAMES = ("sipcause-report", "sipcause-store")
ENVIRONMENT = (CONTRIB / "sipcause-report.env").read_text(encoding="utf-8")
CRON = (CONTRIB / "sipcause.cron").read_text(encoding="utf-8")


def unit(name: str) -> str:
    return (CONTRIB / f"{name}.service").read_text(encoding="utf-8")


@pytest.fixture(params=NAMES)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A unit with a program that is there on every machine, and its timer."""
    name: str = request.param
    service, timer = tmp_path / f"{name}.service", tmp_path / f"{name}.timer"
    service.write_text(unit(name).replace("/opt/sipcause/bin/sipcause", "/bin/true"), encoding="utf-8")
    shutil.copy(CONTRIB / timer.name, timer)
    return service, timer


@needs_systemd
def test_systemd_understands_them(files: tuple[Path, Path]) -> None:
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_they_are_shut_in(files: tuple[Path, Path]) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", files[0]]
    done = subprocess.run(command, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd cannot judge a unit that is not running")
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", NAMES)
def test_they_share_the_user_and_the_folders_of_the_service(name: str) -> None:
    live = dict(re.findall(r"^(\w+)=(.*)$", unit("sipcause"), re.MULTILINE))
    here = dict(re.findall(r"^(\w+)=(.*)$", unit(name), re.MULTILINE))
    for setting in ("User", "DynamicUser", "StateDirectory", "StateDirectoryMode", "CacheDirectory", "UMask"):
        assert here[setting] == live[setting]
    assert (here["Type"], here["CapabilityBoundingSet"], here["MemoryDenyWriteExecute"]) == ("oneshot", "", "no")
    assert "SIPCAUSE_CACHE=%C/sipcause" in unit(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_that_was_off_catches_up(name: str) -> None:
    timer = (CONTRIB / f"{name}.timer").read_text(encoding="utf-8")
    assert "Persistent=true" in timer
    when = "Mon *-*-* 06:00:00" if name == "sipcause-report" else "*-*-* 03:30:00"
    assert f"OnCalendar={when}" in timer


def test_cron_does_what_the_timers_do() -> None:
    lines = [line.split(maxsplit=6) for line in CRON.splitlines() if re.match(r"\d", line)]
    assert [(" ".join(line[:5]), line[5]) for line in lines] == [("30 3 * * *", "sipcause"), ("0 6 * * 1", "sipcause")]
    assert "%" not in CRON.partition("30 3")[2], "cron takes a percent sign for the end of a line"


def _commands() -> Iterator[tuple[str, str]]:
    """Where a command stands, and its words."""
    for name in NAMES:
        text = unit(name).replace("$SIPCAUSE_REPORT_OPTIONS", "")
        yield from ((name, line) for line in re.findall(r"^ExecStart=\S+/sipcause (.*)$", text, re.MULTILINE))
    yield from (("cron", line) for line in re.findall(r"/opt/sipcause/bin/sipcause ([^;&>\n]*)", CRON))
    for line in re.findall(r"^#?SIPCAUSE_REPORT_OPTIONS=(.*)$", ENVIRONMENT, re.MULTILINE):
        yield "environment", f"report {line}"


@pytest.mark.parametrize(("place", "line"), list(_commands()))
def test_the_commands_and_their_options_exist(place: str, line: str) -> None:
    from analyzer.ui.cli.report import report
    from analyzer.ui.cli.store import store

    words = line.split()
    command = report if words[0] == "report" else store.commands[words[1]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_unit_and_its_environment_fit() -> None:
    given = set(re.findall(r"^#?(SIPCAUSE_\w+)=", ENVIRONMENT, re.MULTILINE))
    assert given == {"SIPCAUSE_REPORT_OPTIONS", "SIPCAUSE_MAIL_USER", "SIPCAUSE_MAIL_PASSWORD"}
    assert "$SIPCAUSE_REPORT_OPTIONS" in unit("sipcause-report")
    assert "EnvironmentFile=/etc/sipcause-report.env" in unit("sipcause-report")
