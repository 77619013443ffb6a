"""A training run: phases, their epochs, and what is saved on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from longctx.errors import TrainingError
from longctx.model.lora import save_adapter
from longctx.schedule import Phase
from longctx.train.budget import Budget, Pace
from longctx.train.epoch import epoch_record
from longctx.train.interrupts import Interrupts
from longctx.train.memory import MemoryMonitor, reset_peak
from longctx.train.metrics import Metrics
from longctx.train.optimizer_state import save_optimizer
from longctx.train.outputs import replace_adapter
from longctx.train.setup import ADAPTER, OPTIMIZER, Notify, Setup
from longctx.train.state import EpochTally
from longctx.train.step import Abandoned, StepOutcome
from longctx.train.validation import Validation, validate

_SKIPPED_STEPS = 3
"""So many steps may be left out before the run stops."""


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The user asked the run to stop; it is saved."""


class Run:
    """A run that is set up.

    Args:
        setup: Everything that it works with.
        pace: What a sequence takes.
        budget: Where the run must end at a time; None trains everything.
        metrics: Where events are written; None in processes that do not write.
        notify: Told of every event.
        begun: When this part of the run began, on the monotonic clock.
    """

    def __init__(
        self, setup: Setup, pace: Pace, budget: Budget | None, metrics: Metrics | None, notify: Notify, begun: float
    ) -> None:
        self.setup = setup
        self.state = setup.state
        self._pace = pace
        self._budget = budget
        self._metrics = metrics
        self._notify = notify
        self._interrupts = Interrupts()
        training = setup.config.training
        self._monitor = MemoryMonitor(setup.loaded.device, training.memory_warn, training.memory_stop)
        self._warned = False
        self._before = self.state.elapsed
        self._begun = begun
        self._bands = setup.dataset.column("band")
        if not len(self.state.used):
            self.state.used = np.zeros(len(setup.dataset), dtype=np.int64)

    @property
    def elapsed(self) -> float:
        """Seconds that the run has been at work, in all its parts."""
        return self._before + time.monotonic() - self._begun

    def go(self) -> None:
        """Trains all phases.

        Raises:
            Interrupted: A signal asked for it; a checkpoint is saved.
            TrainingError: It cannot go on; a checkpoint is saved.
        """
        if not self.setup.continued:
            self._save()
        with self._interrupts:
            for phase in self.setup.scheduler.phases:
                if phase.number not in self.state.improved and self._wanted(phase):
                    self._phase(phase)

    def _wanted(self, phase: Phase) -> bool:
        """Whether the third phase is worth its time."""
        config = self.setup.config.long_context
        earlier = self.state.improved.get(phase.number - 1, True)
        if phase.number < 3 or not config.phase3_requires_improvement or earlier:
            return True
        self._tell(
            "phase_skipped",
            phase=phase.number,
            reason="phase 2 did not lower the validation loss (long_context.phase3_requires_improvement)",
        )
        return False

    def _phase(self, phase: Phase) -> None:
        state = self.state
        if state.epoch < phase.first_epoch:
            state.epoch, state.closed = phase.first_epoch - 1, True
        if state.closed and state.epoch == phase.first_epoch - 1:
            state.phase_step, state.phase_steps, state.without_improvement = 0, 0, 0
            self._tell("phase", phase=phase.number, epochs=[phase.first_epoch, phase.last_epoch])
            first = self._validate(phase)
            state.first_loss = state.best_loss = first.loss if first else None
        else:
            self._notify(
                "continued",
                {"phase": phase.number, "epoch": state.epoch, "position": state.position, "of": len(state.order)},
            )
        while state.epoch < phase.last_epoch or not state.closed:
            if state.closed:
                self._open_epoch(phase)
            if not len(state.order):
                state.closed = True
                self._tell("epoch_left_out", epoch=state.epoch, phase=phase.number, reason="no time is left for it")
                continue
            self._train(phase)
            if self._close_epoch(phase):
                break
        state.improved[phase.number] = (
            state.first_loss is None or (state.best_loss or math.inf) < state.first_loss - self._min_delta
        )

    @property
    def _min_delta(self) -> float:
        return self.setup.config.training.min_delta

    def _open_epoch(self, phase: Phase) -> None:
        """Chooses what the next epoch teaches, and in which order."""
        state, plan = self.state, self.setup.plan
        state.epoch += 1
        state.closed, state.position, state.tally = False, 0, EpochTally()
        pool = plan.pool(state.epoch)
        if self._budget is None:
            rows = plan.order(state.epoch, pool)
        else:
            self._budget.revise(self.setup.costs(self._pace))
            limit = self._budget.limit(state.epoch, self.elapsed)
            rows = plan.sample(state.epoch, self._seconds(), limit, state.used) if limit > 0 else pool[:0]
        state.order = self.setup.processes.from_main(rows)
        if state.phase_steps == 0:
            state.phase_steps = self._steps_of(phase, len(pool))
        self._tell("epoch_begins", epoch=state.epoch, phase=phase.number, sequences=len(state.order), of=len(pool))
        reset_peak(self.setup.loaded.device)

    def _steps_of(self, phase: Phase, pool: int) -> int:
        """Optimiser steps that the phase will take, as far as its first epoch tells."""
        batch, plan = self.setup.batch, self.setup.plan
        sizes = [len(plan.pool(epoch)) for epoch in range(phase.first_epoch, phase.last_epoch + 1)]
        share = len(self.state.order) / pool
        return sum(math.ceil(size * share / batch) for size in sizes)

    def _train(self, phase: Phase) -> None:
        """The steps of the epoch that are left."""
        state, setup = self.state, self.setup
        interval = setup.config.training.save_interval
        while state.position < len(state.order) or self._extend():
            rows = state.order[state.position : state.position + setup.batch]
            if self._time_is_up(rows):
                break
            rate = setup.scheduler.adjust_learning_rate(
                setup.stepper.optimizer,
                setup.config.training.base_learning_rate,
                state.epoch,
                step=state.phase_step,
                steps=state.phase_steps,
            )
            outcome = self._step(rows)
            self._count(rows, outcome)
            self._tell(
                "step",
                step=state.step,
                epoch=state.epoch,
                phase=phase.number,
                position=state.position,
                of=len(state.order),
                loss=outcome.loss,
                norm=outcome.norm,
                learning_rate=rate,
                tokens=outcome.tokens,
                learnt=outcome.learnt,
                seconds=round(outcome.seconds, 4),
            )
            if outcome.offender:
                self._left_out(outcome.offender)
            self._check_memory()
            if state.step % interval == 0 and state.position < len(state.order):
                self._save()

    def _extend(self) -> bool:
        """Adds sequences to an epoch that went faster than expected; false if it needs none."""
        if self._budget is None:
            return False
        state, seconds = self.state, self._seconds()
        left = self._budget.left(self.elapsed)
        more = self.setup.plan.sample(state.epoch, seconds, left, state.used, without=state.order)
        if len(more) < self.setup.batch or seconds[more].sum() > left:
            more = more[:0]
        more = self.setup.processes.from_main(more)
        state.order = np.concatenate([state.order, more])
        return len(more) > 0

    def _seconds(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Expected seconds of every row of the dataset, with the work shared by all processes."""
        return self._pace.seconds(self._bands, self.setup.plan.lengths) / self.setup.processes.size

    def _step(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> StepOutcome:
        state = self.state
        try:
            self._stop_if_asked()
            # Several processes stop together, between steps.
            asked = (lambda: bool(self._interrupts.requested)) if self.setup.processes.size == 1 else None
            return self.setup.stepper.step(rows, state.epoch, state.position, asked)
        except Abandoned:
            self._stop_if_asked()
            raise
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and "out of memory" not in str(error).lower():
                raise
            self.setup.stepper.optimizer.zero_grad(set_to_none=True)
            self._save()
            longest = int(self.setup.plan.lengths[rows].max())
            raise TrainingError(
                f"the device has not enough memory for a sequence of {longest:,} tokens; what was learnt is saved",
                "set model.load_in_4bit and training.use_gradient_checkpointing to true, or pack shorter sequences; "
                "fewer gradient_accumulation_steps would not help",
            ) from None

    def _count(self, rows: np.ndarray[Any, np.dtype[np.int64]], outcome: StepOutcome) -> None:
        state, tally = self.state, self.state.tally
        state.position += len(rows)
        state.step += 1
        state.phase_step += 1
        np.add.at(state.used, rows, 1)
        for micro in self.setup.stepper.micros:
            for row in micro.rows.tolist():
                share = self.setup.plan.lengths[row] / micro.tokens
                self._pace.observe(int(self._bands[row]), int(self.setup.plan.lengths[row]), micro.seconds * share)
        tally.steps += 1
        tally.sequences += len(rows)
        tally.tokens += outcome.tokens
        tally.seconds += outcome.seconds
        if not outcome.offender:
            tally.learnt += outcome.learnt
            tally.loss += outcome.loss * outcome.learnt
            tally.norms.append(outcome.norm)

    def _left_out(self, offender: str) -> None:
        self.state.skipped += 1
        self._tell("step_left_out", step=self.state.step, sequence=offender, count=self.state.skipped)
        if self.state.skipped >= _SKIPPED_STEPS:
            self._save()
            raise TrainingError(
                f"{self.state.skipped} steps had a loss or gradient that is no finite number, the last in sequence "
                f"{offender}; the run is saved",
                f"look at it with `longctx explain {self.setup.dataset.path} ID`; a lower training.base_learning_rate, "
                "or model.dtype float32, often helps",
            )

    def _close_epoch(self, phase: Phase) -> bool:
        """Validates and records the epoch; true if the phase ends before its last one."""
        state = self.state
        validation = self._validate(phase)
        loss = validation.loss if validation else None
        improved = loss is not None and (state.best_loss is None or loss < state.best_loss - self._min_delta)
        if improved:
            state.best_loss, state.without_improvement = loss, 0
            self._keep_best()
        elif validation is not None:
            state.without_improvement += 1
        record = epoch_record(self.setup, phase, validation, improved)
        state.history.append(record)
        state.closed = True
        self._tell("epoch", **record)
        stops = state.without_improvement >= self.setup.config.training.patience and state.epoch < phase.last_epoch
        if stops:
            self._tell(
                "phase_ends_early",
                phase=phase.number,
                epoch=state.epoch,
                reason=f"{state.without_improvement} validations without improvement (training.patience)",
            )
            state.epoch = phase.last_epoch
        self._save()
        return stops

    def _validate(self, phase: Phase) -> Validation | None:
        """The losses on what is kept for validation; None where nothing is."""
        rows = self.setup.plan.validation(phase.number, self.state.validated)
        if not rows:
            return None

        def progress(done: int, of: int) -> None:
            self._notify("validating", {"phase": phase.number, "done": done, "of": of})
            if self.setup.processes.size == 1:
                self._stop_if_asked()

        found = validate(self.setup.stepper, rows, self.setup.plan.learnt, self.setup.processes, progress)
        self._tell("validation", phase=phase.number, epoch=self.state.epoch, **found.record())
        if self._budget is not None:
            self._budget.observe_validation(phase.number, found.seconds)
        return found

    def _keep_best(self) -> None:
        if self.setup.processes.main:
            replace_adapter(
                self.setup.request.output / "best",
                lambda to: save_adapter(self.setup.loaded.model, to),
                self.setup.dataset.path / "tokenizer",
            )
            self._tell("best", epoch=self.state.epoch, loss=self.state.best_loss)

    def _time_is_up(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> bool:
        if self._budget is None:
            return False
        seconds = self._pace.seconds(self._bands[rows], self.setup.plan.lengths[rows]).sum()
        up = self._budget.time_is_up(self.elapsed, float(seconds) / self.setup.processes.size)
        return bool(self.setup.processes.from_main(up))

    def _check_memory(self) -> None:
        reading = self._monitor.check()
        (stop,) = self.setup.processes.add([float(reading.level == "stop")])
        if stop:
            self._save()
            raise TrainingError(
                f"{reading.used / reading.total:.0%} of the memory of {reading.where} is in use "
                f"({reading.used / 2**30:.1f} of {reading.total / 2**30:.1f} GiB); the run is saved",
                "close other programs and continue with --resume, or raise training.memory_stop",
            )
        if reading.level == "warn" and not self._warned:
            self._warned = True
            self._tell("memory", used=reading.used, total=reading.total)

    def _stop_if_asked(self) -> None:
        (asked,) = self.setup.processes.add([float(bool(self._interrupts.requested))])
        if asked:
            self._save()
            raise Interrupted

    def _save(self) -> None:
        """Writes a checkpoint of where the run is: after the last whole step."""
        if self.setup.checkpoints is not None:
            begun = self.elapsed
            self.state.elapsed = begun
            self.state.pace = self._pace.state()
            self.state.budget = self._budget.state() if self._budget else {}
            path = self.setup.checkpoints.write(self.state.step, self._fill)
            if self._budget is not None:
                self._budget.observe_saving(self.elapsed - begun)
            self._tell("checkpoint", step=self.state.step, path=str(path))
        self.setup.processes.wait()

    def _fill(self, folder: Any) -> None:
        (folder / ADAPTER).mkdir()
        save_adapter(self.setup.loaded.model, folder / ADAPTER)
        save_optimizer(self.setup.stepper.optimizer, folder / OPTIMIZER)
        self.state.write(folder)

    def _tell(self, event: str, **values: Any) -> None:
        if not self.setup.processes.main:
            return
        if self._metrics is not None:
            self._metrics.write(event, **{"elapsed": round(self.elapsed, 3), **values})
        told: Mapping[str, Any] = values
        self._notify(event, told)
