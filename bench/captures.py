"""The made captures by name; ``python -m bench.captures [NAME …] --folder DIR`` makes what is not there yet.

Beside ``NAME.pcap`` stands ``NAME.json``: what it holds (frames, octets, SIP messages by start line, calls by
outcome) and a digest of the generator's own text. A capture with another digest is made again.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from bench.downloads import Downloads
from bench.frames import RTP_PACKETS, RtpStreams, write, write_records
from bench.ladders import BURST, PATHS, Ladder, Schedule, dense, in_bursts, mixed, outcomes, promised, schedule
from bench.segments import SipStreams

#: 35,000 calls of which 60 % are answered: 20,858 × 7 + 14,142 × 5 = 216,716 messages.
DENSE = (20_858, {503: 3_604, 486: 3_575, 404: 3_531, 480: 3_432})
#: A million messages in calls that begin five at a time: 96,250 × 7 + 65,250 × 5, the same shares very nearly.
STREAMED = (96_250, {503: 16_625, 486: 16_500, 404: 16_275, 480: 15_850})
#: Just over the time that the RTP of a call takes, so that it fits between ACK and BYE.
MEDIA_TALK_S = (RTP_PACKETS * 0.02 + 0.1, RTP_PACKETS * 0.02 + 0.6)


def media_of(plan: Schedule, is_mirrored: bool = False) -> RtpStreams:
    """RTP for every call with an ACK to a 2xx, from that ACK on."""
    acks = [number for number, step in enumerate(plan.steps) if step.transaction == "ack"]
    rows = np.flatnonzero(np.isin(plan.step, acks))
    return RtpStreams(plan.call[rows], plan.ts_us[rows] + 20_000, is_mirrored)


def with_media(path: Path, plan: Schedule) -> int:
    """SIP and the RTP of its calls."""
    return write(path, plan, media_of(plan))


def mirrored(path: Path, plan: Schedule) -> int:
    """The same in VXLAN."""
    return write(path, plan, media_of(plan, True), True)


def streams(path: Path, plan: Schedule) -> int:
    """SIP over TCP."""
    return write_records(path, SipStreams(plan).records())


def among_downloads(path: Path, plan: Schedule, connections: int, per_second: float) -> int:
    """One connection of SIP between many of HTTP."""
    others = Downloads(connections, per_second).records()
    return write_records(path, heapq.merge(others, SipStreams(plan, connections=1).records()))


@dataclass(frozen=True)
class Recipe:
    """How a capture is made: its ladders, how many begin in a second, how they are written; see `in_bursts`."""

    about: str
    ladders: Callable[[], list[Ladder]]
    per_second: float
    write: Callable[[Path, Schedule], int] = write
    seed: int = 1000
    burst: int = 1
    paths: int = PATHS

    def plan(self, ladders: list[Ladder]) -> Schedule:
        """When which message goes out."""
        fewer = [replace(ladder, count=ladder.count // self.burst) for ladder in ladders]
        plan = schedule(fewer, self.per_second / self.burst, self.seed)
        return plan if self.burst == 1 and self.paths == PATHS else in_bursts(plan, self.burst, self.paths)


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
    "rtp-heavy": Recipe("1,500 calls, 4.5 million RTP packets, 1 GB", lambda: _media(1), 3, with_media),
    "rtp-heavy-10": Recipe("15,000 calls, 45 million RTP packets, 10 GB", lambda: _media(10), 3, with_media),
    "sip-tcp": Recipe("a million messages in 2,000 TCP streams", lambda: dense(*STREAMED), 100, streams, burst=BURST),
    "http-heavy": Recipe(
        "10,000 HTTP connections, 1 GB, and one of SIP",
        lambda: dense(30, {503: 10, 486: 10}),
        1.5,
        partial(among_downloads, connections=10_000, per_second=80),
        paths=1,
    ),
    "vxlan": Recipe("rtp-heavy as a switch mirrors it through VXLAN", lambda: _media(1), 3, mirrored),
}


def default_folder() -> Path:
    """Outside the repository: the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "sipcause-bench"


def generator_digest() -> str:
    """Names the version of the generator: a digest of the text that decides what comes out."""
    digest = blake2b(digest_size=8)
    for name in ("captures", "downloads", "frames", "ladders", "segments", "texts"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


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
    plan = recipe.plan(ladders)
    frames = recipe.write(path, plan)
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
