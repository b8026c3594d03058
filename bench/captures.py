"""The made captures by name; ``python -m bench.captures [NAME …] --folder DIR`` makes what is not there yet.

Beside ``NAME.pcap`` stands ``NAME.json``: what it holds (frames, octets, SIP messages by start line, calls by
outcome) and a digest of the generator's own text. A capture with another digest is made again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from bench.frames import RTP_PACKETS, RtpStreams, write
from bench.ladders import Ladder, Schedule, dense, mixed, outcomes, promised, schedule

#: 35,000 calls of which 60 % are answered: 20,858 × 7 + 14,142 × 5 = 216,716 messages.
DENSE = (20_858, {503: 3_604, 486: 3_575, 404: 3_531, 480: 3_432})
#: Just over the time that the RTP of a call takes, so that it fits between ACK and BYE.
MEDIA_TALK_S = (RTP_PACKETS * 0.02 + 0.1, RTP_PACKETS * 0.02 + 0.6)


@dataclass(frozen=True)
class Recipe:
    """How a capture is made: its ladders, how many begin in a second, and whether answered calls have RTP."""

    about: str
    ladders: Callable[[], list[Ladder]]
    per_second: float
    media: bool = False
    seed: int = 1000


def _dense(times: int) -> list[Ladder]:
    answered, refusals = DENSE
    return dense(answered * times, {code: count * times for code, count in refusals.items()})


def _media(times: int) -> list[Ladder]:
    refusals = {503: 155 * times, 486: 152 * times, 404: 148 * times, 480: 145 * times}
    return dense(900 * times, refusals, MEDIA_TALK_S)


RECIPES = {
    "small": Recipe("five calls, 20 kB", lambda: dense(3, {486: 1, 503: 1}), 1),
    "sip-dense": Recipe("35,000 calls in six minutes, SIP only", lambda: _dense(1), 100),
    "sip-dense-10": Recipe("350,000 calls in an hour, SIP only", lambda: _dense(10), 100),
    "sip-mixed": Recipe(
        "35,000 ladders seen at a proxy: two hops, challenges, cancels, resends, OPTIONS, REGISTER",
        lambda: mixed(35_000),
        100,
    ),
    "open-50k": Recipe("50,000 calls up at the same time", lambda: dense(50_000, {}, (120, 180)), 1000),
    "rtp-heavy": Recipe("1,500 calls, 4.5 million RTP packets, 1 GB", lambda: _media(1), 3, media=True),
    "rtp-heavy-10": Recipe("15,000 calls, 45 million RTP packets, 10 GB", lambda: _media(10), 3, media=True),
}


def default_folder() -> Path:
    """Outside the repository: the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "sipcause-bench"


def generator_digest() -> str:
    """Names the version of the generator: a digest of the text that decides what comes out."""
    digest = blake2b(digest_size=8)
    for name in ("captures", "frames", "ladders", "texts"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def media_of(plan: Schedule) -> RtpStreams:
    """RTP for every call with an ACK to a 2xx, from that ACK on."""
    acks = [number for number, step in enumerate(plan.steps) if step.transaction == "ack"]
    rows = np.flatnonzero(np.isin(plan.step, acks))
    return RtpStreams(plan.call[rows], plan.ts_us[rows] + 20_000)


def make(name: str, folder: Path) -> Path:
    """The capture `name` in `folder`, made if this generator has not made it there before."""
    recipe = RECIPES[name]
    path, note = folder / f"{name}.pcap", folder / f"{name}.json"
    digest = generator_digest()
    if path.exists() and note.exists():
        known = json.loads(note.read_text())
        if known["generator"] == digest and known["octets"] == path.stat().st_size:
            return path
    folder.mkdir(parents=True, exist_ok=True)
    ladders = recipe.ladders()
    plan = schedule(ladders, recipe.per_second, recipe.seed)
    frames = write(path, plan, media_of(plan) if recipe.media else None)
    content = {
        "about": recipe.about,
        "generator": digest,
        "octets": path.stat().st_size,
        "frames": frames,
        "sip_messages": len(plan),
        "ladders": {ladder.name: ladder.count for ladder in ladders},
        "outcomes": dict(sorted(outcomes(ladders).items())),
        "messages": dict(sorted(promised(ladders).items())),
    }
    note.write_text(json.dumps(content, indent=1) + "\n")
    return path


def main() -> None:
    """Make the captures named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.captures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all; " + ", ".join(RECIPES))
    parser.add_argument("--folder", type=Path, default=default_folder(), help="default: %(default)s")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in RECIPES]
    if unknown:
        parser.error(f"no such capture: {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    for name in arguments.names or RECIPES:
        begin = time.perf_counter()
        path = make(name, arguments.folder)
        spent = time.perf_counter() - begin
        size = path.stat().st_size / 1e6
        print(f"{path}  {size:,.1f} MB  {spent:.1f} s  {RECIPES[name].about}", flush=True)


if __name__ == "__main__":
    main()
