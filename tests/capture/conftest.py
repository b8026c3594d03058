"""What the tests of captures share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capture.tls_talk import certificate


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    return {kind: certificate(folder, kind) for kind in ("rsa", "ecdsa")}


@pytest.fixture(scope="session")
def pem(certificates: dict[str, Path]) -> Path:
    return certificates["rsa"]
