"""Make the captures of this folder: each ``NAME/flow.txt`` becomes ``NAME/capture.pcapng``; and the demo.

    python pcaps/make.py            write every capture
    python pcaps/make.py --check    say which would change, and fail if any would

The octets depend on nothing but the texts, so a capture changes only when its flow does.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pcaps.demo_morning import write_demo  # noqa: E402
from tests.flow import sent  # noqa: E402
from tests.frames import write_pcap  # noqa: E402


def folders() -> list[Path]:
    """The folders of the counting corpus."""
    return sorted(path.parent for path in HERE.glob("*/flow.txt"))


def make(target: Path) -> Iterator[Path]:
    """Write everything below another folder; the paths relative to it."""
    for folder in folders():
        capture = Path(folder.name) / "capture.pcapng"
        (target / folder.name).mkdir(exist_ok=True)
        write_pcap(sent((folder / "flow.txt").read_text(encoding="utf-8")), target / capture)
        yield capture
    write_demo(target)
    yield Path("demo.pcapng")
    yield Path("demo.toml")


def stale() -> list[Path]:
    """What stands here and would be written differently."""
    with tempfile.TemporaryDirectory() as folder:
        made = list(make(Path(folder)))
        return [
            path for path in made
            if not (HERE / path).exists() or (HERE / path).read_bytes() != (Path(folder) / path).read_bytes()
        ]  # fmt: skip


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        changed = stale()
        print("\n".join(map(str, changed)) or "all captures are as their flows say")
        sys.exit(bool(changed))
    print("\n".join(map(str, make(HERE))))
