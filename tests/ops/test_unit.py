"""The systemd unit of contrib/: systemd understands it, and it shuts the service in."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CONTRIB = Path(__file__).parents[2] / "contrib"
UNIT = (CONTRIB / "sipcause.service").read_text(encoding="utf-8")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd's tools are not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there on every machine."""
    path = tmp_path / "sipcause.service"
    path.write_text(UNIT.replace("/opt/sipcause/bin/sipcause", "/bin/true"), encoding="utf-8")
    return path


@needs_systemd
def test_systemd_understands_it(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_it_is_shut_in(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd cannot judge a unit that is not running")
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_every_setting_is_one_that_the_program_needs() -> None:
    settings = re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE)
    values = dict(settings)
    assert values["MemoryDenyWriteExecute"] == "no", "numba runs what it has compiled"
    assert values["CapabilityBoundingSet"] == values["AmbientCapabilities"] == "CAP_NET_RAW"
    # Capabilities are given up with capset, which stands in this group.
    assert not [value for name, value in settings if name == "SystemCallFilter" and "privileged" in value]
    assert values["Environment"] == "SIPCAUSE_CACHE=%C/sipcause"


def test_the_example_names_all_that_the_unit_asks_for() -> None:
    given = set(re.findall(r"^(\w+)=", (CONTRIB / "sipcause.env").read_text(encoding="utf-8"), re.MULTILINE))
    assert given == set(re.findall(r"\$(SIPCAUSE_\w+)", UNIT))


def test_the_command_knows_every_option_of_the_unit() -> None:
    from analyzer.ui.cli.live import live

    known = {option for parameter in live.params for option in parameter.opts}
    lines = UNIT + (CONTRIB / "sipcause.env").read_text(encoding="utf-8") + (CONTRIB / "README.md").read_text("utf-8")
    given = {
        word
        for line in lines.splitlines()
        if "sipcause live" in line or line.lstrip("#").startswith("SIPCAUSE_")
        for word in re.findall(r"(?<=[\s=])--?[a-z][a-z-]*", line)
    }
    assert "-w" in given
    assert given <= known | {"--help"}
