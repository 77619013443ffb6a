"""How a command ended and what it left on disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0


def hashes(folder: Path, *ignored: str) -> dict[str, str]:
    """SHA-256 of every file below `folder` by its path, but for names in `ignored`."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ignored
    }


def refused(done: subprocess.CompletedProcess[str], status: int, *said: str) -> None:
    """Asserts that the command failed with `status` and one error that holds all of `said`."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    for text in said:
        assert text in done.stderr
