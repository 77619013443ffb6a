"""What the comparisons of speed share: running a command to its end and measuring it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One run of a command. Seconds, and MiB of peak resident memory.

    The processor time includes that of the processes which the command started and waited for; the memory is that of
    the largest single process.
    """

    wall: float
    cpu: float
    peak: float


def run(command: list[str], folder: Path | None = None, output: Path | None = None) -> Run:
    """Runs a command to its end. Raises SystemExit if it fails.

    Args:
        command: What to run.
        folder: Where to run it.
        output: Where its standard output goes; it is dropped without this, as its standard error is.
    """
    with Path(output or os.devnull).open("wb") as sink:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=sink, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with status {process.returncode}")
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def median(runs: list[Run]) -> Run:
    """The median of each figure."""
    return Run(*(statistics.median(getattr(run, field) for run in runs) for field in ("wall", "cpu", "peak")))
