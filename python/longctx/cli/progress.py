"""Progress of long calls, on stderr, for terminals only."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from longctx.cli.text import count, duration, size

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_PATIENCE = 1.0
"""Seconds before anything is shown: short work needs no bar, and then rich is never imported."""


class Progress:
    """What the engine calls as `progress(stage, unit, done, total)`: a bar, a rate and the time left."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._stage = ""
        self._stage_begun = self._begun
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __call__(self, stage: str, unit: str, done: int, total: int) -> None:
        """Shows that `done` of `total` units of `stage` are done; a total of 0 is unknown."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_begun = stage, now
            if self._bars is not None:
                self._bars.remove_task(self._current())
                self._task = None
        if self._bars is None:
            if now - self._begun < _PATIENCE:
                return
            self._bars = self._open()
        described = describe(unit, done, total, now - self._stage_begun)
        self._bars.update(self._current(), completed=done, total=total or None, described=described, refresh=True)

    def close(self) -> None:
        """Takes the bar off the terminal."""
        if self._bars is not None:
            self._bars.stop()

    def _open(self) -> Bars:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[described]}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        bars.start()
        return bars

    def _current(self) -> TaskID:
        if self._task is None:
            assert self._bars is not None  # noqa: S101 - a task is asked for only once the bar is open
            self._task = self._bars.add_task(self._stage, total=None, described="")
        return self._task


def describe(unit: str, done: int, total: int, seconds: float) -> str:
    """How much is done, how fast, and how long the rest takes; `total` is 0 while unknown."""

    def amount(number: float) -> str:
        return size(number) if unit == "bytes" else count(round(number))

    suffix = "" if unit == "bytes" else f" {unit}"
    parts = [f"{amount(done)} of {amount(total)}{suffix}" if total else f"{amount(done)}{suffix}"]
    if done and seconds > 0:
        parts.append(f"{amount(done / seconds)}{suffix}/s")
        if total > done and seconds >= _PATIENCE:
            parts.append(f"{duration(seconds * (total - done) / done)} left")
    return ", ".join(parts)


@contextlib.contextmanager
def reporting(quiet: bool) -> Iterator[Progress | None]:
    """A progress to hand to the engine, or None where nobody would see it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    progress = Progress()
    try:
        yield progress
    finally:
        progress.close()
