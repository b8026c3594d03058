"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Property tests try the same examples every time: a red run can be repeated, and a green one stays green.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"


@pytest.fixture(scope="session")
def shared_captures() -> Path:
    """The folder of real captures beside the repository; tests that need it are skipped where it is absent."""
    captures = SHARED / "captures"
    if not captures.is_dir():
        pytest.skip("no captures beside the repository")
    return captures
