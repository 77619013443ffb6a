"""What a user sees while a model is trained: one live line a phase on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from longctx.cli.text import Paint, count, counted, duration, escape_line, size
from longctx.cli.training_tables import overview_lines, summary_lines

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class TrainingView:
    """What `longctx.training.train` tells of its events.

    Args:
        quiet: Show no progress.
        results: Print the tables on stdout.
        verbose: Print every step on stderr.
    """

    def __init__(self, *, quiet: bool, results: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._results = results
        self._verbose = verbose
        self._live = not quiet and not verbose and sys.stderr.isatty()
        self._bars: Bars | None = None
        self._tasks: dict[int, TaskID] = {}
        self._first: Mapping[str, Any] = {}
        self._phase = 0
        self._epochs_sequences: dict[int, int] = {}
        self._done = 0.0
        self._text = ""
        self._begun = time.monotonic()

    def __enter__(self) -> TrainingView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, event: str, values: Mapping[str, Any]) -> None:
        """Shows an event."""
        handler = getattr(self, f"_on_{event}", None)
        if handler is not None:
            handler(values)

    def _on_loading(self, values: Mapping[str, Any]) -> None:
        self._say(f"loading {values['model']} on {values['device']}")

    def _on_note(self, values: Mapping[str, Any]) -> None:
        self._say(values["text"])

    def _on_probing(self, values: Mapping[str, Any]) -> None:
        self._say(f"trying a sequence of {count(values['tokens'])} tokens, the longest of phase {values['phase']}")

    def _on_overview(self, values: Mapping[str, Any]) -> None:
        self._first = values
        if self._results:
            print("\n".join(overview_lines(values, Paint())), flush=True)

    def _on_phase(self, values: Mapping[str, Any]) -> None:
        self._phase = values["phase"]
        if self._live:
            self._open()

    def _on_epoch_begins(self, values: Mapping[str, Any]) -> None:
        self._phase = values["phase"]
        self._text = f"epoch {values['epoch']}"
        if self._live:
            self._open()
        left = values["of"] - values["sequences"]
        part = f", {count(left)} left out for the time budget" if left else ""
        self._line(
            f"epoch {values['epoch']}, phase {values['phase']}: {counted(values['sequences'], 'sequence')}{part}"
        )

    def _on_continued(self, values: Mapping[str, Any]) -> None:
        self._phase = values["phase"]
        self._text = f"epoch {values['epoch']}"
        if self._live:
            self._open()
        self._line(
            f"continued in epoch {values['epoch']}, phase {values['phase']}, at {values['position']} of {values['of']}"
        )

    def _on_step(self, values: Mapping[str, Any]) -> None:
        text = (
            f"epoch {values['epoch']}, step {values['step']}, loss {values['loss']:.3f}, "
            f"{values['tokens'] / max(values['seconds'], 1e-9):,.0f} tokens/s"
        )
        if self._verbose:
            self._say(
                f"{text}, norm {values['norm']:.3f}, learning rate {values['learning_rate']:.3g}, "
                f"{values['position']} of {values['of']}"
            )
        first, last = self._span()
        done = (values["epoch"] - first + values["position"] / max(values["of"], 1)) / (last - first + 1)
        self._show(done, f"{text}, {self._left(done)}")

    def _on_validating(self, values: Mapping[str, Any]) -> None:
        self._show(None, f"{self._text or 'before the first epoch'}, validating {values['done']} of {values['of']}")

    def _on_epoch(self, values: Mapping[str, Any]) -> None:
        losses = (values["validation"] or {"losses": {}})["losses"]
        told = "".join(f", {sort} {loss:.4f}" for sort, loss in losses.items())
        train = "-" if values["train_loss"] is None else f"{values['train_loss']:.4f}"
        speed = values["tokens_per_second"] or 0
        text = (
            f"epoch {values['epoch']} done: loss {train}{told}; {speed:,.0f} tokens/s, {size(values['peak_memory'])}"
            + (", best so far" if values["improved"] else "")
        )
        self._show(None, text)
        self._line(text)

    def _on_step_left_out(self, values: Mapping[str, Any]) -> None:
        self._say(f"warning: step {values['step']} left out: no finite loss or gradient in {values['sequence']}")

    def _on_memory(self, values: Mapping[str, Any]) -> None:
        self._say(f"warning: {size(values['used'])} of {size(values['total'])} of memory are in use")

    def _on_phase_skipped(self, values: Mapping[str, Any]) -> None:
        self._say(f"phase {values['phase']} is not trained: {values['reason']}")

    def _on_phase_ends_early(self, values: Mapping[str, Any]) -> None:
        self._say(f"phase {values['phase']} ends after epoch {values['epoch']}: {values['reason']}")

    def _on_interrupted(self, values: Mapping[str, Any]) -> None:
        self._close()
        self._say(f"saved; go on with: longctx train --output {values['output']} --resume")

    def _on_end(self, values: Mapping[str, Any]) -> None:
        self._close()
        if self._results:
            print("\n".join(summary_lines(values, Paint())))

    def _span(self) -> tuple[int, int]:
        """First and last epoch of the phase under way."""
        for phase in self._first["phases"]:
            if phase["phase"] == self._phase:
                return phase["epochs"][0], phase["epochs"][1]
        return 1, 1

    def _left(self, done: float) -> str:
        """How long the phase and the run will still take."""
        phases = self._first["phases"]
        now = next(phase for phase in phases if phase["phase"] == self._phase)
        budget = self._first["time_budget"]
        rest = now["seconds"] * (1 - done)
        later = sum(phase["seconds"] for phase in phases if phase["phase"] > self._phase)
        if budget is not None and budget < self._first["seconds"]:
            scale = budget / self._first["seconds"]
            rest, later = rest * scale, later * scale
        return f"{duration(rest)} left, {duration(rest + later)} of the run"

    def _show(self, done: float | None, text: str) -> None:
        if self._bars is None or self._phase not in self._tasks:
            return
        self._bars.update(self._tasks[self._phase], completed=done, described=text, refresh=True)

    def _open(self) -> None:
        """Begins the line of the phase under way."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        if self._bars is None:
            self._bars = Bars(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[described]}", markup=False),
                console=Console(stderr=True),
                auto_refresh=False,
            )
            self._bars.start()
        if self._phase not in self._tasks:
            self._tasks[self._phase] = self._bars.add_task(f"phase {self._phase}", total=1.0, described="")

    def _line(self, text: str) -> None:
        """A line of its own where there is no live one."""
        if not self._live:
            self._say(text)

    def _say(self, text: str) -> None:
        if self._quiet:
            return
        if self._bars is not None:
            self._bars.console.print(escape_line(text), markup=False, highlight=False)
        else:
            print(escape_line(text), file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._bars is not None:
            with contextlib.suppress(Exception):
                self._bars.stop()
            self._bars = None
