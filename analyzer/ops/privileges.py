"""Rights are needed while interfaces are opened, and given up before the first octet of a stranger is read.

`plan_user` decides who this process is going to be and checks that everything will still work for them: the folders
that are written, the modules that are loaded later. `drop` becomes that user. As anybody but root there is nothing to
become, but capabilities (of a systemd unit, of a file) are given up all the same.

While this is root, nothing is loaded that the user could have written: kernels come from root's own cache until the
drop, and from the user's after it.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from analyzer.errors import AnalyzerError, OutputError
from analyzer.folders import cache_folder, make_folder
from analyzer.ops.capabilities import give_up_capabilities, threads_with_capabilities

#: What may be loaded for the first time when rights are gone already.
LATER = (
    "analyzer", "click", "cryptography", "isal", "msgspec", "numba", "numpy", "pandas", "prometheus_client", "pyarrow",
    "rich", "scapy",
)  # fmt: skip
_ALL = os.R_OK | os.W_OK | os.X_OK


class User(NamedTuple):
    """Somebody to become. ``home`` is their home folder, ``groups`` all groups that they are in."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class Plan(NamedTuple):
    """What `drop` will do. ``user`` None: stay who we are; ``notice`` is a line for the person at the keyboard."""

    user: User | None
    keeps_root: bool = False
    notice: str | None = None


def plan_user(text: str | None, folders: Sequence[str] = ()) -> Plan:
    """What becomes of our rights, by the ``--user NAME[:GROUP]`` that was given; called before anything is opened.

    ``folders`` are going to be written: missing ones are made, and given to the user. AnalyzerError (OutputError for
    folders), each in one line that says what to do.
    """
    plan = _plan(text)
    if plan.user is not None:
        _check_modules(plan.user)
    for folder in folders:
        _prepare(folder, plan.user)
    return plan


def drop(plan: Plan) -> list[str]:
    """Become the user of the plan and give up every capability, for good; lines to be told the person at the keyboard.

    Called once the interfaces are open and before any thread is started: a thread keeps capabilities of its own.
    AnalyzerError when rights cannot be given up.
    """
    if plan.keeps_root:
        return []
    if plan.user is not None:
        _become(plan.user)
        _fix_environment(plan.user)
    try:
        give_up_capabilities()
    except OSError as error:
        raise AnalyzerError(f"capabilities cannot be given up ({error.strerror})") from error
    said = []
    left = threads_with_capabilities()
    if left:
        said.append(f"{left} threads of a library keep capabilities; OPENBLAS_NUM_THREADS=1 avoids that")
    if plan.user is not None and cache_folder("kernels") is None:
        said.append(
            f"{plan.user.name} can write no folder for compiled kernels, so that every start compiles them: "
            "set SIPCAUSE_CACHE to one"
        )
    return said


# -- who ------------------------------------------------------------------------------------------------------------


def _plan(text: str | None) -> Plan:
    if not hasattr(os, "geteuid"):
        return Plan(None)
    user = None if text is None else _named(text)
    if os.geteuid() != 0:
        if user is not None and user.uid != os.geteuid():
            raise AnalyzerError(f"--user {text}: only root can become another user; leave it out, or use sudo")
        return Plan(None)
    if user is not None:
        return Plan(None, keeps_root=True) if user.uid == 0 else Plan(user)
    caller = os.environ.get("SUDO_UID", "")
    if caller.isdecimal() and int(caller):
        user = _named(caller)
        notice = f"goes on as {user.name}, who called sudo, once the interfaces are open; --user chooses another"
        return Plan(user, notice=notice)
    raise AnalyzerError(
        "running as root: give --user NAME to become that user once the interfaces are open, "
        "or --user root to stay root"
    )


def _named(text: str) -> User:
    """The user of ``NAME[:GROUP]``, names or numbers."""
    import grp
    import pwd

    name, _, group = text.partition(":")
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        if not name.isdecimal() or int(name) >= 2**32 - 1:
            raise AnalyzerError(f"--user {text}: there is no user {name}; useradd --system {name} makes one") from None
        entry = pwd.struct_passwd((name, "", int(name), int(name), "", "/", ""))
    try:
        gid = (int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid) if group else entry.pw_gid
    except KeyError:
        raise AnalyzerError(f"--user {text}: there is no group {group}") from None
    groups = tuple(os.getgrouplist(entry.pw_name, gid))
    return User(entry.pw_name, entry.pw_uid, gid, groups, entry.pw_dir)


# -- will it still work? --------------------------------------------------------------------------------------------


@contextmanager
def _acting_as(user: User) -> Iterator[None]:
    """Have that user's rights for a moment, so that the system itself says what they may (modes, ACLs, NFS)."""
    group, groups = os.getegid(), os.getgroups()
    try:
        os.setgroups(user.groups)
        os.setegid(user.gid)
        os.seteuid(user.uid)
    except OSError as error:
        os.setegid(group)
        raise AnalyzerError(f"cannot become {user.name} ({error.strerror})") from error
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _may(path: str, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _check_modules(user: User) -> None:
    """AnalyzerError when a module that may be loaded later is out of the user's reach: in root's home, say."""
    specs = (importlib.util.find_spec(name) for name in LATER)
    paths = [os.__file__, *(spec.origin for spec in specs if spec is not None and spec.origin is not None)]
    with _acting_as(user):
        out_of_reach = [path for path in paths if not _may(path, os.R_OK)]
    if out_of_reach:
        raise AnalyzerError(
            f"{out_of_reach[0]}: {user.name} cannot read it, and it may be needed later; install sipcause where every "
            "user can read it (below /opt, say), or stay root with --user root"
        )


def _prepare(folder: str, user: User | None) -> None:
    """Make a folder that is to be written, give it to the user, and see whether they can write there."""
    made = _missing(folder)
    reason = make_folder(folder)
    if user is not None and reason is None:
        for path in made:
            _give(path, user)
        with _acting_as(user):
            reason = _obstacle(folder, user)
    elif reason == "cannot be written" and hasattr(os, "geteuid") and os.geteuid():
        reason += f"; sudo chown -R {os.geteuid()} {shlex.quote(folder)}"
    if reason is not None:
        for path in reversed(made):
            with suppress(OSError):
                os.rmdir(path)
        raise OutputError(folder, reason)


def _missing(folder: str) -> list[str]:
    """The folders that must be made for this one, outermost first."""
    missing: list[str] = []
    path = os.path.abspath(folder)
    while not os.path.lexists(path):
        missing.insert(0, path)
        path = os.path.dirname(path)
    return missing


def _give(path: str, user: User) -> None:
    """Give a folder that we have just made to the user; never what somebody may have put in its place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid == 0:
            os.fchown(descriptor, user.uid, user.gid)
    finally:
        os.close(descriptor)


def _obstacle(folder: str, user: User) -> str | None:
    """Why this user, who we are at the moment, cannot write to a folder or go on with what stands in it."""
    path = os.path.abspath(folder)
    above = [path]
    while above[0] != os.path.dirname(above[0]):
        above.insert(0, os.path.dirname(above[0]))
    for outer in above[:-1]:
        if not _may(outer, os.X_OK):
            return f"{user.name} may not enter {outer}; choose a folder elsewhere"
    is_theirs = _may(path, _ALL)
    if is_theirs:
        with os.scandir(path) as entries:  # what an earlier run as root has left
            is_theirs = all(_may(entry.path, os.W_OK) for entry in entries if _owner(entry) == 0)
    return None if is_theirs else f"{user.name} cannot write there; chown -R {user.name}: {shlex.quote(path)}"


def _owner(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except OSError:
        return -1


# -- the drop -------------------------------------------------------------------------------------------------------


def _become(user: User) -> None:
    """Take the user's groups and ids, all of them, and make sure that root is gone."""
    try:
        os.setgroups(user.groups)
        os.setgid(user.gid)
        os.setuid(user.uid)
    except OSError as error:
        raise AnalyzerError(f"cannot become {user.name} ({error.strerror})") from error
    ways = [os.setuid, os.seteuid, *((os.setgid, os.setegid) if user.gid else ())]
    regained = any(_succeeds(way) for way in ways)
    if regained or os.getuid() != user.uid or os.geteuid() != user.uid or os.getegid() != user.gid:
        raise AnalyzerError(f"root could be had back after becoming {user.name}; not going on")


def _succeeds(become: Callable[[int], None]) -> bool:
    try:
        become(0)
    except OSError:
        return False
    return True


def _fix_environment(user: User) -> None:
    """Let what is looked for by the environment be looked for at the new user's."""
    os.environ.update(HOME=user.home, USER=user.name, LOGNAME=user.name)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[name]
    for name in ("TMPDIR", "TEMP", "TMP"):
        if name in os.environ and not os.access(os.environ[name], os.W_OK | os.X_OK):
            del os.environ[name]
    tempfile.tempdir = None  # it is remembered
    cache_folder.cache_clear()
    jit = sys.modules.get("analyzer.jit")
    if jit is not None:
        jit.move_cache()
