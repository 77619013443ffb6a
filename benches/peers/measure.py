"""What the comparisons of speed share: running a command to its end and measuring it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.01


@dataclass(frozen=True)
class Run:
    """One run of a command. Seconds, and MiB of memory.

    The processor time includes that of the processes which the command started and waited for. `peak` is the resident
    memory of the largest single process, pages of mapped files included, and no less than that of the process that
    started it, which the kernel counts, too; `anonymous` is what the command and its
    processes held together in memory that no file backs, looked up every 10 ms, and None where there is no `/proc`.
    """

    wall: float
    cpu: float
    peak: float
    anonymous: float | None = None


def _tree(pid: int) -> Iterator[int]:
    """A process and those below it; who ends meanwhile is left out."""
    yield pid
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                yield from _tree(int(child))
    except OSError:
        return


def _anonymous(pid: int) -> int:
    """KiB that a process holds in memory which no file backs."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    _, found, rest = status.partition(b"RssAnon:")
    return int(rest.split(maxsplit=1)[0]) if found else 0


class _Watch(threading.Thread):
    """Keeps the peak of the anonymous memory of a process and those below it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Looks until told to end."""
        while not self.ended.wait(INTERVAL):
            self.peak = max(self.peak, sum(map(_anonymous, _tree(self.pid))))


def run(
    command: list[str],
    folder: Path | None = None,
    output: Path | None = None,
    environment: Mapping[str, str] | None = None,
    standard_input: Path | None = None,
) -> Run:
    """Runs a command to its end. Raises SystemExit if it fails.

    Args:
        command: What to run.
        folder: Where to run it.
        output: Where its standard output goes; it is dropped without this.
        environment: Variables beside those that there are.
        standard_input: What it reads; nothing without this.
    """
    with (
        Path(output or os.devnull).open("wb") as sink,
        Path(standard_input or os.devnull).open("rb") as given,
        tempfile.TemporaryFile() as errors,
    ):
        variables = {**os.environ, **(environment or {})}
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=given, stdout=sink, stderr=errors, env=variables)
        watch = _Watch(process.pid)
        if Path("/proc/self/status").exists():
            watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        watch.ended.set()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read()[-2000:].decode(errors="replace")
            sys.exit(f"error: {' '.join(command)} ended with status {process.returncode}\n{said}")
    if watch.ident is not None:
        watch.join()
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    anonymous = watch.peak / (1 << 10) if watch.ident is not None else None
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale, anonymous)


def median(runs: list[Run]) -> Run:
    """The median of each figure."""
    wall, cpu, peak = (statistics.median(getattr(run, field) for run in runs) for field in ("wall", "cpu", "peak"))
    anonymous = [run.anonymous for run in runs if run.anonymous is not None]
    return Run(wall, cpu, peak, statistics.median(anonymous) if anonymous else None)
