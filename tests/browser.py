"""A headless Chromium driven over a pipe (DevTools protocol), without any package.

    with Browser(tmp_path) as browser:
        tab = browser.open(path)
        tab.evaluate("document.title")

Chromium reads commands from file descriptor 3 and writes answers to 4, each a JSON text ended by NUL. Time limits are
for safety alone: what is waited for is always an answer or an event.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import selectors
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: Seconds after which something is broken.
PATIENCE = 60.0
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
    "--hide-scrollbars", "--mute-audio", "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip
#: Puts the two pipes where Chromium looks for them.
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
_KEYS = {"Escape": 27, "Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowDown": 40}


class Browser:
    """One Chromium with a profile of its own below ``folder``."""

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        commands, self._write = _pipe()
        self._read, answers = _pipe()
        self._errors = (folder / "chromium.log").open("wb")
        self._process = subprocess.Popen(
            [
                sys.executable, "-c", _LAUNCH, str(commands), str(answers), CHROMIUM, *_FLAGS,
                f"--user-data-dir={folder / 'profile'}", "about:blank",
            ],
            pass_fds=(commands, answers),
            env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read, selectors.EVENT_READ)
        self._buffer = bytearray()
        self._number = 0
        self._tabs: dict[str, Tab] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._process.poll() is None:
                self.command("Browser.close")
            self._process.wait(PATIENCE)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            self._selector.close()
            os.close(self._read)
            os.close(self._write)
            self._errors.close()

    def open(self, path: Path | None = None, fragment: str = "") -> Tab:
        """A tab, with a file in it."""
        target = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.command("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = self._tabs[session] = Tab(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.command(f"{domain}.enable")
        if path is not None:
            tab.go(path.as_uri() + fragment)
        return tab

    def command(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None) -> Any:
        """The answer to a command; events that come before it are kept with their tabs."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        octets = json.dumps(message).encode() + b"\0"
        while octets:
            octets = octets[os.write(self._write, octets) :]
        while True:
            answer = self.next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def next(self) -> dict[str, Any]:
        """The next answer or event."""
        while (end := self._buffer.find(b"\0")) < 0:
            if not self._selector.select(PATIENCE):
                raise TimeoutError("Chromium does not answer")
            octets = os.read(self._read, 1 << 20)
            if not octets:
                raise OSError("Chromium is gone")
            self._buffer += octets
        message: dict[str, Any] = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        tab = self._tabs.get(message.get("sessionId", ""))
        if tab is not None and "method" in message:
            tab.events.append((message["method"], message["params"]))
        return message


class Tab:
    """One page, and every event that it has told of."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.events: list[tuple[str, dict[str, Any]]] = []

    def command(self, method: str, **parameters: Any) -> Any:
        """The answer to a command of the DevTools protocol."""
        return self._browser.command(method, parameters, self._session)

    def go(self, url: str) -> None:
        """Loads an address and waits until it is there."""
        before = len(self.told("Page.loadEventFired"))
        self.command("Page.navigate", url=url)
        self.wait(lambda: len(self.told("Page.loadEventFired")) > before)

    def wait(self, is_there: Callable[[], bool]) -> None:
        """Reads events until something is there."""
        while not is_there():
            self._browser.next()

    def told(self, method: str) -> list[dict[str, Any]]:
        """What events of one kind said."""
        return [parameters for name, parameters in self.events if name == method]

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; of a promise what it came to."""
        answer = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"].get("exception", {}).get("description", script))
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Waits in the page until a condition holds; asked again with each turn of its event loop."""
        script = (
            "new Promise((done, failed) => { const end = performance.now() + %d; "
            "const ask = () => { if (%s) done(true); "
            "else if (performance.now() > end) failed(new Error('never: ' + %s)); "
            "else setTimeout(ask, 5); }; ask(); })"
        )
        self.evaluate(script % (PATIENCE * 500, condition, json.dumps(condition)))

    def click(self, selector: str) -> None:
        """Clicks the first element that fits, as a mouse would where it lies."""
        place = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getBoundingClientRect(); "
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Presses a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key], **text
            )

    def type(self, text: str) -> None:
        """Types into what has the focus."""
        self.command("Input.insertText", text=text)

    def size(self, width: int, height: int, is_phone: bool = False) -> None:
        """Gives the page another size."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )

    def media(self, **features: str) -> None:
        """What the reader's system prefers: ``prefers_color_scheme="dark"``."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.command("Emulation.setEmulatedMedia", features=wanted)

    def pdf(self) -> bytes:
        """The page printed."""
        made = self.command(
            "Page.printToPDF", printBackground=True, preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69
        )
        return base64.b64decode(made["data"])

    def picture(self, path: Path, whole: bool = False) -> None:
        """A screenshot, for people."""
        made = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(made["data"]))

    def complaints(self) -> list[str]:
        """Errors and warnings of the page: scripts that failed, what its policy forbade."""
        found = [details["exceptionDetails"]["text"] for details in self.told("Runtime.exceptionThrown")]
        found += [entry["entry"]["text"] for entry in self.told("Log.entryAdded")]
        found += [str(call["args"]) for call in self.told("Runtime.consoleAPICalled")]
        return found

    def requested(self) -> list[str]:
        """Every address that the page asked for."""
        return [request["request"]["url"] for request in self.told("Network.requestWillBeSent")]


def _pipe() -> tuple[int, int]:
    """A pipe whose ends lie above the numbers that Chromium uses."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
