"""Running a program that prints a line of JSON for each step, and watching its memory."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any


class Outcome:
    """What one process printed, and its memory in bytes."""

    def __init__(self, lines: list[dict[str, Any]], resident: int, anonymous: int | None) -> None:
        *self.lines, last = lines
        self.device: int | None = last["device_memory"]
        self.resident, self.anonymous = resident, anonymous

    def pace(self) -> float:
        """Tokens a second, without the first step."""
        return float(sum(line["tokens"] for line in self.lines[1:]) / sum(line["seconds"] for line in self.lines[1:]))


def outcome(*command: object) -> Outcome:
    """Runs a command that prints lines of JSON."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as sink, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(words, stdout=sink, stderr=errors)
        anonymous = Sampler(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = anonymous.stop()
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"error: {' '.join(words)} ended with {process.returncode}:\n{errors.read().decode()[-4000:]}")
        sink.seek(0)
        lines = [json.loads(line) for line in sink.read().splitlines() if line.startswith(b"{")]
    scale = 1 if sys.platform == "darwin" else 1 << 10
    return Outcome(lines, usage.ru_maxrss * scale, peak)


class Sampler:
    """The most memory that a process had which is of no file, looked at twenty times a second."""

    def __init__(self, process: int) -> None:
        self._status = Path(f"/proc/{process}/status")
        self._peak: int | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int | None:
        """Ends it; bytes, None where the system does not tell."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            with contextlib.suppress(OSError):
                for line in self._status.read_text(encoding="ascii").splitlines():
                    if line.startswith("RssAnon:"):
                        self._peak = max(self._peak or 0, int(line.split()[1]) << 10)
