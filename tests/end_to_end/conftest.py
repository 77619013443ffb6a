"""One repository and one dataset of it for all tests here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import GPT2
from tests.repositories import make_repository, sample_files


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: tests that change files copy it first."""
    return make_repository(tmp_path_factory.mktemp("repositories") / "demo", sample_files())


@pytest.fixture(scope="session")
def packed(repository: Path) -> Path:
    """The repository packed with GPT-2's tokenizer. Read only."""
    target = repository.parent / "demo.longctx"
    command = [sys.executable, "-m", "longctx", "pack", str(repository), "-o", str(target), "--tokenizer", str(GPT2)]
    subprocess.run([*command, "--quiet"], check=True)
    return target
