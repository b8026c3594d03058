"""Whether sipcause finds what a made capture holds: speed is worth nothing beside a wrong count."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def counted(document: dict[str, Any]) -> Counter[str]:
    """Messages by start line (``486 INVITE``) and calls by outcome in what ``analyze --json`` prints."""
    counts: Counter[str] = Counter()
    for row in document["responses"]:
        counts[f"{row['status_code']} {row['method']}"] += row["messages"]
    for row in document["requests"]:
        counts[row["method"]] += row["messages"]
    for outcome, calls in document["calls"]["by_outcome"].items():
        counts[f"calls {outcome}"] += calls
    return counts


def differences(sipcause: Sequence[str], capture: Path) -> list[str]:
    """Each start line and outcome whose count is not the promised one; empty when all is well."""
    run = subprocess.run([*sipcause, "analyze", str(capture), "--json"], capture_output=True, check=False)
    if run.returncode:
        return [f"exit status {run.returncode}"]
    found = counted(json.loads(run.stdout))
    content = json.loads(capture.with_suffix(".json").read_text())
    calls = {f"calls {outcome}": count for outcome, count in content["outcomes"].items()}
    promised = Counter({**content["messages"], **calls})
    return [
        f"{name}: {found[name]:,} counted, {promised[name]:,} there"
        for name in sorted(found | promised)
        if found[name] != promised[name]
    ]
