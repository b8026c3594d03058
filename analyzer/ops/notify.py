"""What a service tells the manager that started it: https://www.freedesktop.org/software/systemd/man/sd_notify.html.

Started by anything else than a service manager, everything here does nothing.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def notify(*notes: str) -> bool:
    """Send notes, such as READY or `status`; whether a manager took them. Never raises, never waits."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    # A leading @ stands for the zero octet of Linux' abstract names.
    place = "\0" + address[1:] if address[0] == "@" else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        manager.sendto("\n".join(notes).encode(errors="replace"), place)
        return True
    return False


def status(text: str) -> str:
    """A note for ``systemctl status``: one line, whatever is in the text."""
    return "STATUS=" + " ".join(text.split())


def watchdog_s() -> float | None:
    """How often, in seconds, WATCHDOG is to be sent: twice in the time that the manager allows; None = never."""
    process, allowed_us = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
    if not allowed_us.isdecimal() or not int(allowed_us) or process not in ("", str(os.getpid())):
        return None
    return int(allowed_us) / 2_000_000
