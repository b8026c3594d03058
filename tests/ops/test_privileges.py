"""Rights that are given up, in processes of their own; what is checked before, in this one."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import AnalyzerError, OutputError
from analyzer.ops import privileges
from analyzer.ops.privileges import Plan, User, drop, plan_user

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
IS_LINUX = sys.platform == "linux"
NOBODY = next((entry for entry in pwd.getpwall() if entry.pw_name == "nobody"), None)
ROOT = Path(__file__).parents[2]


PATHS = os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])


def _python() -> str | None:
    """A Python of this version that others can run, with all that is needed: this one, or else the system's."""
    if not IS_ROOT or NOBODY is None:
        return None
    check = f"import sys; assert sys.version_info[:2] == {sys.version_info[:2]}; "
    check += "from analyzer.ops.privileges import plan_user; plan_user('nobody')"
    for python in (sys.executable, "/usr/bin/python3"):
        environment = {**os.environ, "PYTHONPATH": PATHS, "PYTHONDONTWRITEBYTECODE": "1"}
        if (
            os.path.exists(python)
            and not subprocess.run([python, "-c", check], env=environment, capture_output=True, cwd="/").returncode
        ):
            return python
    return None


PYTHON = _python()
as_root = pytest.mark.skipif(not IS_ROOT or NOBODY is None, reason="only root can become somebody else")
drops = pytest.mark.skipif(PYTHON is None, reason="needs root, and a Python that others can read")
as_somebody = pytest.mark.skipif(IS_ROOT or not hasattr(os, "geteuid"), reason="says what is said to others than root")

_TELL = """
import json, os, sys, tempfile
from analyzer.ops.privileges import plan_user, drop
try:
    plan = plan_user(sys.argv[1] or None, sys.argv[2:])
    exec(os.environ.get("BETWEEN", ""))
    said = drop(plan)
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "text": str(error)}))
    sys.exit()
lines = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line) if sys.platform == "linux" else {}
exec(os.environ.get("AFTER", ""))
print(json.dumps({
    "uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups(), "notice": plan.notice, "said": said,
    "capabilities": [int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
    "no_new_privileges": int(lines["NoNewPrivs"]), "home": os.environ.get("HOME"),
    "xdg": [name for name in os.environ if name.startswith("XDG_")], "temp": tempfile.gettempdir(),
    **globals().get("more", {}),
}))
"""


def _told(*arguments: str, before: tuple[str, ...] = (), **environment: str) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUDO_", "XDG_", "SIPCAUSE_"))}
    command = [*before, PYTHON or sys.executable, "-c", _TELL, *arguments]
    done = subprocess.run(
        command,
        env={**kept, "PYTHONPATH": PATHS, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture
def open_place(tmp_path: Path) -> Path:
    """A folder below folders that everybody may pass through; pytest's own are not."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(("pytest", "popen", "test")):
            folder.chmod(0o755)
    return tmp_path


@pytest.fixture
def nobody() -> User:
    assert NOBODY is not None
    return User("nobody", NOBODY.pw_uid, NOBODY.pw_gid, (NOBODY.pw_gid,), NOBODY.pw_dir)


# -- becoming somebody ----------------------------------------------------------------------------------------------


@drops
def test_root_becomes_the_user_for_good(nobody: User, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "private").chmod(0o700)
    told = _told(
        "nobody",
        XDG_CACHE_HOME="/root/x",
        XDG_RUNTIME_DIR="/run/user/0",
        TMPDIR=str(tmp_path / "private"),
        HOME="/root",
    )
    assert told["uid"] == [nobody.uid] * 3
    assert told["gid"] == [nobody.gid] * 3
    assert told["groups"] == [nobody.gid]
    assert (told["home"], told["xdg"]) == (nobody.home, [])
    assert told["temp"] != str(tmp_path / "private")
    if IS_LINUX:
        assert told["capabilities"] == [0, 0, 0, 0]
        assert told["no_new_privileges"] == 1
    assert (told["said"], told["notice"]) == ([], None)


@drops
def test_a_group_and_numbers_may_be_given(nobody: User) -> None:
    told = _told("nobody:0")
    assert (told["uid"], told["gid"]) == ([nobody.uid] * 3, [0] * 3)
    told = _told("54321:54322")
    assert (told["uid"], told["gid"], told["groups"]) == ([54321] * 3, [54322] * 3, [54322])


@drops
def test_under_sudo_it_goes_on_as_the_caller(nobody: User) -> None:
    told = _told("", SUDO_UID=str(nobody.uid))
    assert told["uid"] == [nobody.uid] * 3
    assert told["notice"] == "goes on as nobody, who called sudo, once the interfaces are open; --user chooses another"


@as_root
def test_root_is_not_kept_without_being_told() -> None:
    for environment in ({}, {"SUDO_UID": "0"}, {"SUDO_UID": "-1"}):
        told = _told("", **environment)
        assert told["error"] == "AnalyzerError"
        assert told["text"].startswith("running as root: give --user NAME to become that user")
    told = _told("root")
    assert told["uid"] == [0, 0, 0]
    assert told["capabilities"][1]
    assert told["home"] == os.environ.get("HOME")


@as_root
def test_somebody_who_does_not_exist() -> None:
    with pytest.raises(AnalyzerError, match="there is no user nobdy; useradd --system nobdy makes one"):
        plan_user("nobdy")
    with pytest.raises(AnalyzerError, match="there is no group nogrp"):
        plan_user("nobody:nogrp")
    with pytest.raises(AnalyzerError, match="there is no user 4294967295"):
        plan_user("4294967295")


@as_root
def test_root_that_could_be_had_back_is_an_error(nobody: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("setgroups", "setgid", "setuid", "seteuid", "setegid"):
        monkeypatch.setattr(os, name, lambda _: None)
    with pytest.raises(AnalyzerError, match="root could be had back after becoming nobody"):
        drop(Plan(nobody))


@as_somebody
def test_others_than_root_cannot_become_somebody() -> None:
    with pytest.raises(AnalyzerError, match="only root can become another user"):
        plan_user("root")
    assert plan_user(pwd.getpwuid(os.geteuid()).pw_name) == Plan(None)
    assert plan_user(None) == Plan(None)


@drops
def test_what_is_loaded_later_is_loaded_and_compiled_as_the_user(open_place: Path, nobody: User) -> None:
    """Kernels that root has decorated are looked for in the user's own folder, whatever root's may hold."""
    (open_place / "later_kernels.py").write_text(
        "from analyzer.jit import kernel\n\n@kernel\ndef two(numbers):\n    return numbers[0] + 1\n"
    )
    (open_place / "root").mkdir(mode=0o700)
    (open_place / "theirs").mkdir()
    os.chown(open_place / "theirs", nobody.uid, nobody.gid)
    between = f"sys.path.insert(0, {str(open_place)!r}); from analyzer import jit; import later_kernels; "
    between += "was = str(jit.FOLDER)"
    after = (
        "import numpy as np; more = {'was': was, 'is': str(jit.FOLDER), 'two': int(later_kernels.two(np.array([1])))};"
        "from analyzer.registry import load_registry; load_registry(); import analyzer.capture.record_kernels"
    )
    cache = str(open_place / "root")
    told = _told("nobody", BETWEEN=between, AFTER=after, HOME=cache, TMPDIR=str(open_place / "theirs"))
    assert told["was"].startswith(cache)
    assert not told["is"].startswith(cache)
    assert told["two"] == 2
    assert list((open_place / "theirs").rglob("*later_kernels.two*.nbi")), "kept where the user may write"
    owners = {path.stat().st_uid for path in (open_place / "theirs").rglob("*")}
    assert owners == {nobody.uid}


@as_root
def test_a_package_out_of_reach_is_said_before_anything_is_opened(
    nobody: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "only_for_root.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(privileges, "LATER", ("only_for_root", "no_such_module"))
    monkeypatch.setattr(os, "__file__", "/etc/passwd")
    with pytest.raises(AnalyzerError, match=r"only_for_root\.py: nobody cannot read it, .* stay root with --user root"):
        plan_user("nobody")
    assert os.geteuid() == 0
    assert plan_user("root") == Plan(None, keeps_root=True)


def test_what_is_loaded_later_is_all_that_is_depended_on() -> None:
    import re
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w-]+", line).group().replace("-", "_") for line in project["dependencies"]}  # type: ignore[union-attr]
    # Charts and reports are no part of a live run; backports.zstd unpacks files.
    assert wanted - {"matplotlib", "backports", "duckdb", "jinja2"} == set(privileges.LATER) - {"analyzer"}


# -- folders --------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_check_modules", lambda user: None)


@as_root
@pytest.mark.usefixtures("without_modules")
def test_folders_that_we_make_are_given_to_the_user(open_place: Path, nobody: User) -> None:
    plan_user("nobody", [str(open_place / "a" / "frames"), str(open_place / "a" / "store")])
    for name in ("a", "a/frames", "a/store"):
        assert (open_place / name).stat().st_uid == nobody.uid
    assert (open_place / "a" / "frames").stat().st_mode & 0o777 == 0o750
    assert open_place.stat().st_uid == 0
    plan_user("nobody", [str(open_place / "a" / "frames")])  # once more: it is there and theirs


@as_root
@pytest.mark.usefixtures("without_modules")
def test_folders_that_the_user_cannot_write_are_said(open_place: Path) -> None:
    folder = open_place / "it is root's"
    folder.mkdir()
    with pytest.raises(OutputError, match=r"nobody cannot write there; chown -R nobody: '.*it is root"):
        plan_user("nobody", [str(folder)])
    assert folder.stat().st_uid == 0
    folder.chmod(0o777)
    plan_user("nobody", [str(folder)])
    (folder / "journal").touch(0o644)
    with pytest.raises(OutputError, match="nobody cannot write there"):
        plan_user("nobody", [str(folder)])
    closed = open_place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(OutputError, match=r"nobody may not enter /.*/closed; choose a folder elsewhere"):
        plan_user("nobody", [str(closed / "x" / "y")])
    assert not list(closed.iterdir()), "what was made in vain is gone again"
    with pytest.raises(OutputError, match="is a file, not a folder"):
        plan_user("nobody", [str(folder / "journal")])


@as_root
@pytest.mark.usefixtures("without_modules")
def test_nothing_that_was_there_changes_its_owner(open_place: Path, nobody: User) -> None:
    theirs = open_place / "theirs"
    theirs.mkdir()
    os.chown(theirs, nobody.uid, nobody.gid)
    (open_place / "target").mkdir()
    (theirs / "link").symlink_to(open_place / "target")
    with pytest.raises(OutputError, match="nobody cannot write there"):
        plan_user("nobody", [str(theirs / "link")])
    assert (open_place / "target").stat().st_uid == 0


def test_folders_are_made_for_whoever_stays_who_they_are(tmp_path: Path) -> None:
    user = "root" if IS_ROOT else None
    plan_user(user, [str(tmp_path / "a" / "b")])
    assert (tmp_path / "a" / "b").stat().st_uid == os.geteuid()


@as_somebody
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match=f"cannot be written; sudo chown -R {os.geteuid()} "):
        plan_user(None, [str(tmp_path)])


# -- capabilities ---------------------------------------------------------------------------------------------------

_AS_UNIT = (
    "setpriv",
    "--reuid=54321",
    "--regid=54321",
    "--clear-groups",
    "--inh-caps=+net_raw",
    "--ambient-caps=+net_raw",
)
_units = pytest.mark.skipif(
    not IS_LINUX or shutil.which("setpriv") is None, reason="setpriv starts it as systemd would"
)
_HAS = "lines = open('/proc/self/status').read(); assert 'CapPrm:\\t0000000000002000' in lines, lines"


@drops
@_units
def test_capabilities_of_a_unit_are_given_up() -> None:
    told = _told("", before=_AS_UNIT, BETWEEN=_HAS)
    assert told["uid"] == [54321] * 3
    assert told["capabilities"] == [0, 0, 0, 0]
    assert told["no_new_privileges"] == 1
    assert told["said"] == []


@drops
@_units
def test_threads_that_keep_theirs_are_said() -> None:
    waiting = "import threading; e = threading.Event(); t = threading.Thread(target=e.wait); t.start()"
    told = _told("", before=_AS_UNIT, BETWEEN=waiting, AFTER="e.set()")
    assert told["said"] == ["1 threads of a library keep capabilities; OPENBLAS_NUM_THREADS=1 avoids that"]


@drops
@_units
def test_numpy_holds_no_thread_with_capabilities() -> None:
    told = _told("", before=_AS_UNIT, BETWEEN="import numpy")
    assert told["said"] == []


@drops
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare makes a namespace")
def test_root_of_a_namespace_that_has_no_groups_says_so() -> None:
    before = ("unshare", "--user", "--map-root-user", "--setgroups=deny")
    if subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    told = _told("nobody", before=before)
    assert told == {"error": "AnalyzerError", "text": "cannot become nobody (Operation not permitted)"}
