"""``sipcause interfaces`` on this machine, whatever it has: a loopback at least."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from analyzer.ui.cli.main import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="interfaces are listed on Linux")


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(["interfaces", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_table_names_the_loopback(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _run(capsys).splitlines()
    assert lines[0] == "Interfaces"
    assert any(line.startswith("lo ") and "loopback" in line and "127.0.0.1/8" in line for line in lines)
    assert _run(capsys, "--lang", "nl").splitlines()[1].split()[:2] == ["interface", "toestand"]


def test_json_is_an_array_of_interfaces(capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["name"]: one for one in json.loads(_run(capsys, "--json"))}
    assert (found["lo"]["link"], found["lo"]["link_type"]) == ("loopback", 1)


@pytest.mark.parametrize(
    ("is_allowed", "said"), [(True, ""), (False, "Not allowed to capture: sudo setcap cap_net_raw+ep")]
)
def test_the_missing_right_is_said(
    is_allowed: bool, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.capture.interfaces.may_capture", lambda: is_allowed)
    out = _run(capsys)
    assert said in out
    assert ("not allowed" in out) == (not is_allowed)


def test_listing_imports_neither_scapy_nor_pandas() -> None:
    code = (
        "import sys\nfrom analyzer.ui.cli.main import main\n"
        "try:\n    main(['interfaces', '--json'])\nexcept SystemExit:\n    pass\n"
        "print('heavy:', sorted({'scapy', 'pandas', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"
