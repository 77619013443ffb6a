"""How long training takes, and how much of it fits in a time budget. There is no clock here: times are given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longctx.errors import UsageError
from longctx.train.costs import EpochCost, whole_seconds

SAVING = 5.0
"""Seconds to save a checkpoint, until one was timed."""
MIN_STEPS = 4
"""Optimiser steps that an epoch should have at least; with fewer, validating it takes more time than it is worth."""
_MEMORY = 64
"""So many sequences back, an observation of the pace counts for little."""
_SETTLED = 16
"""From so many observations on, all of a change of a band's pace is taken for one of the machine, before only half."""
_HICCUP = 4.0
"""An observation counts as at most so many times what was expected: one stall of the machine says little."""
_KEPT_STEPS = 2
"""Once a run is late, epochs are left out until each has so many steps."""
_SURE, _UNSURE = 1.1, 1.25
"""What is reserved for a validation, against what one took before, or is guessed to take."""
_ROOM = 1.25
"""The least that an epoch gets, in optimiser steps: its steps differ in length."""


@dataclass
class _Rate:
    """The pace of one band."""

    seconds: float
    """Of a token."""
    length: float
    """Tokens of a sequence that was timed, on average."""
    count: int
    drift: float
    """What the machine's drift was when it was last observed."""


class Pace:
    """Seconds that a sequence takes, learnt from those that were timed.

    Each band has its own seconds a token, a moving average. When it changes, the machine may have (a laptop grows hot),
    which holds for the bands that are not being timed as well; or its first observation, the probe's, was wrong. Of a
    change among the first observations, half is put down to the machine, in the logarithm; of a later one, all.
    """

    def __init__(self) -> None:
        self._rates: dict[int, _Rate] = {}
        self._drift = 1.0

    def observe(self, band: int, tokens: int, seconds: float) -> None:
        """Takes into account that a sequence of `band`, of so many tokens, took `seconds`."""
        if tokens < 1 or not 0 < seconds < math.inf:
            return
        known = self._rates.get(band)
        if known is None:
            self._rates[band] = _Rate(seconds / tokens, tokens, 1, self._drift)
            return
        expected = known.seconds * self._drift / known.drift
        weight = max(1 / _MEMORY, 1 / (known.count + 1))
        average = expected + weight * (min(seconds / tokens, _HICCUP * expected) - expected)
        self._drift *= (average / expected) ** (1.0 if known.count >= _SETTLED else 0.5)
        length = known.length + weight * (tokens - known.length)
        self._rates[band] = _Rate(average, length, known.count + 1, self._drift)

    def seconds(self, bands: ArrayLike, tokens: ArrayLike) -> NDArray[np.float64]:
        """Expected seconds of sequences, shape [n].

        A band that was never timed takes the pace of the nearest one; if that is shorter, the seconds grow with the
        square of the length, which is more than they should.

        Args:
            bands: The band of each, shape [n].
            tokens: The length of each, shape [n].

        Raises:
            ValueError: Nothing was timed yet.
        """
        if not self._rates:
            raise ValueError("no sequence was timed yet")
        of, lengths = np.atleast_1d(np.asarray(bands)), np.atleast_1d(np.asarray(tokens, dtype=np.float64))
        found = np.zeros(len(lengths))
        for band in np.unique(of).tolist():
            nearest = min(self._rates, key=lambda known: (abs(known - band), -known))
            rate, these = self._rates[nearest], of == band
            found[these] = lengths[these] * rate.seconds * self._drift / rate.drift
            if nearest < band:
                found[these] *= np.maximum(lengths[these] / rate.length, 1)
        return found

    def state(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {"drift": self._drift, "bands": {str(band): asdict(rate) for band, rate in self._rates.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Pace:
        """What `state` gave; an empty one gives a pace that knows nothing."""
        pace = cls()
        pace._drift = state.get("drift", 1.0)
        pace._rates = {int(band): _Rate(**rate) for band, rate in state.get("bands", {}).items()}
        return pace


def decide_epochs(
    total: float, elapsed: float, costs: Sequence[EpochCost], saving: float = SAVING, min_steps: int = MIN_STEPS
) -> dict[int, int]:
    """How many epochs each phase should have in a time budget.

    Each phase gets time in the proportion of what its configured epochs would take. It has as many of them as leave
    each at least `min_steps` optimiser steps and its validation, and at least one.

    Args:
        total: The budget in seconds.
        elapsed: What is spent already.
        costs: Of all configured epochs.
        saving: Seconds to save a checkpoint.
        min_steps: Fewer only where a phase cannot have more.

    Returns:
        Epochs by phase; all of them if the budget is enough.

    Raises:
        UsageError: There is no time for one optimiser step of each phase, its validations and saving; the message says
            what would be enough.
    """
    phases = {cost.phase: [other for other in costs if other.phase == cost.phase] for cost in costs}
    if whole_seconds(costs, saving) <= total - elapsed:
        return {phase: len(epochs) for phase, epochs in phases.items()}
    # The last epoch has the most sequences and the phase's own share of hard ones: it stands for the phase.
    last = [epochs[-1] for epochs in phases.values()]
    overhead = np.array([cost.validation + saving for cost in last])
    available = total - elapsed - saving - float(overhead.sum())
    if available < (least := float((_floors(last, 1) + overhead).sum())):
        raise UsageError(
            f"a time budget of {_spoken(total)} is too short: loading, one optimiser step of each phase, validation "
            f"and saving take about {_spoken(total - available + least)}",
            "allow more time, or set training.max_validation_sequences or training.gradient_accumulation_steps lower",
        )
    needed = _floors(last, min_steps) + overhead
    floors = needed if needed.sum() <= available else _floors(last, 1) + overhead
    configured = [len(epochs) for epochs in phases.values()]
    whole = np.array([sum(cost.training + cost.validation + saving for cost in epochs) for epochs in phases.values()])
    times = _allotted(available, whole, floors, np.maximum(whole, floors))
    # A hair more, so that what is exactly enough is not lost to rounding.
    counts = np.clip(np.floor(times / needed * (1 + 1e-9)), 1, configured)
    return {phase: int(count) for phase, count in zip(phases, counts, strict=True)}


class Budget:
    """Keeps a run within a time.

    At the beginning of each epoch it divides what is left over the epochs to come, so that every error of the estimate
    is made good by the epochs after it. What validations and saving will take is set aside. Ask for `limit` when an
    epoch begins, and for `time_is_up` before each of its optimiser steps.

    Args:
        total: The budget in seconds, from the beginning of the run.
        costs: Of all epochs of the run, in order.
        saving: Seconds to save a checkpoint.
        configured: Epochs of each phase before `decide_epochs`: a phase gets the share of time that these would have.
            None takes those of `costs`.
    """

    def __init__(
        self,
        total: float,
        costs: Sequence[EpochCost],
        saving: float = SAVING,
        configured: Mapping[int, int] | None = None,
    ) -> None:
        self.total = total
        self.deadline = total
        """When the epoch under way must stop training, in seconds from the beginning of the run."""
        self.is_last = False
        """Whether no epoch comes after the one under way."""
        self._costs = list(costs)
        self._saving = saving
        counts = {phase: sum(cost.phase == phase for cost in costs) for phase in {cost.phase for cost in costs}}
        self._weights = {phase: (configured or counts)[phase] / count for phase, count in counts.items()}
        self._fed: set[int] = set()
        """Phases that took a step."""
        self._phase = 0
        self._latest = total
        """The phase of the epoch under way, and when it can still take a step without one before."""
        self._validations: dict[int, float] = {}
        """Seconds that the latest validation of a phase took; the phase observed last stands last."""

    def revise(self, costs: Sequence[EpochCost]) -> None:
        """Takes over new estimates for the same epochs, made with the pace as it is now."""
        self._costs = list(costs)

    def observe_validation(self, phase: int, seconds: float) -> None:
        """Takes into account what a validation of `phase` took."""
        self._validations.pop(phase, None)
        self._validations[phase] = seconds

    def observe_saving(self, seconds: float) -> None:
        """Takes into account what saving a checkpoint took."""
        self._saving = seconds

    def limit(self, epoch: int, elapsed: float) -> float:
        """Begins an epoch: seconds that it may train.

        Args:
            epoch: Counts from 1. Epochs before it are done, or will not come any more.
            elapsed: Seconds since the beginning of the run.

        Returns:
            Seconds; more than the epoch takes if there is enough time for everything. 0 means that the epoch must be
            left out, without a validation: the run is so much slower than expected that there is no time for a step.

        Raises:
            ValueError: The run has no such epoch.
        """
        kept = [cost for cost in self._costs if cost.epoch >= epoch]
        if not kept or kept[0].epoch != epoch:
            raise ValueError(f"there is no epoch {epoch}")
        available = self._available(kept, epoch, elapsed)
        while available < _floors(kept, _KEPT_STEPS).sum() and (excess := _dispensable(kept)):
            kept.remove(excess)
            available = self._available(kept, epoch, elapsed)
        self._phase = kept[0].phase
        self._latest = self.total - self._validation(kept[0]) - 2 * self._saving
        self.deadline = elapsed
        fed = self._phase in self._fed
        step = min(kept[0].step, kept[0].training)
        if available < step + _floors(kept[1:], 1).sum() if fed else elapsed > self._latest:
            return 0.0
        floors = _floors(kept, MIN_STEPS)
        if floors.sum() > available:
            floors = _floors(kept, 1)
        whole = np.array([cost.training for cost in kept])
        weights = whole * [self._weights[cost.phase] for cost in kept]
        seconds = float(_allotted(available, weights, floors, whole)[0])
        if not fed:
            seconds = max(seconds, step)
        self.is_last = len(kept) == 1
        self.deadline = elapsed + seconds
        return seconds

    def left(self, elapsed: float) -> float:
        """Seconds that the epoch under way may still train."""
        return max(self.deadline - elapsed, 0.0)

    def time_is_up(self, elapsed: float, next_step_seconds: float) -> bool:
        """Whether the epoch under way must stop before its next optimiser step.

        Half of a step may lie behind the end of an epoch, which on average costs the epochs to come nothing; in the
        last one the step must fit. A phase's first step is taken even where it ends the run a step too late.
        """
        if self._phase not in self._fed:
            up = elapsed > self._latest
        else:
            up = elapsed + next_step_seconds * (1.0 if self.is_last else 0.5) > self.deadline
        if not up:
            self._fed.add(self._phase)
        return up

    def expected_end(self, epoch: int, elapsed: float) -> float:
        """Seconds from the beginning of the run to its expected end, when `epoch` is about to begin."""
        kept = [cost for cost in self._costs if cost.epoch >= epoch]
        overhead = self.total - elapsed - self._available(kept, epoch, elapsed)
        return min(elapsed + overhead + sum(cost.training for cost in kept), self.total)

    def state(self) -> dict[str, Any]:
        """What a run that goes on must know beside the estimates, fit for JSON."""
        return {
            "deadline": self.deadline,
            "is_last": self.is_last,
            "phase": self._phase,
            "latest": self._latest,
            "saving": self._saving,
            "fed": sorted(self._fed),
            "validations": [[phase, seconds] for phase, seconds in self._validations.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what `state` gave."""
        self.deadline, self.is_last, self._saving = state["deadline"], state["is_last"], state["saving"]
        self._phase, self._latest, self._fed = state["phase"], state["latest"], set(state["fed"])
        self._validations = dict(state["validations"])

    def _validation(self, cost: EpochCost) -> float:
        """What is reserved for a validation."""
        if cost.phase in self._validations:
            return self._validations[cost.phase] * _SURE
        for phase in reversed(self._validations):
            # Estimates of other phases err alike.
            expected = next((other.validation for other in self._costs if other.phase == phase), 0.0)
            if expected > 0:
                return cost.validation * self._validations[phase] / expected * _UNSURE
        return cost.validation * _UNSURE

    def _available(self, kept: Sequence[EpochCost], epoch: int, elapsed: float) -> float:
        """Seconds for training from `epoch` on, if these epochs are still to come."""
        # The validation before a phase's first epoch is done when that epoch begins.
        coming = {
            cost.phase: cost
            for cost in kept
            if not any(c.phase == cost.phase and c.epoch <= epoch for c in self._costs)
        }
        reserved = sum(self._validation(cost) + self._saving for cost in (*kept, *coming.values()))
        return self.total - elapsed - reserved - self._saving


def _dispensable(kept: Sequence[EpochCost]) -> EpochCost | None:
    """The epoch after the first that is missed least: the last one of the phase that has most; none if each has one."""
    counts: dict[int, int] = {}
    for cost in kept:
        counts[cost.phase] = counts.get(cost.phase, 0) + 1
    phase = max(counts, key=lambda number: counts[number])
    return [cost for cost in kept if cost.phase == phase][-1] if counts[phase] > 1 else None


def _floors(costs: Sequence[EpochCost], steps: int) -> NDArray[np.float64]:
    """Seconds that so many optimiser steps of each epoch take, or all of its sequences if those are fewer."""
    return np.array([min(max(steps, _ROOM) * cost.step, cost.training) for cost in costs])


def _allotted(
    available: float, weights: NDArray[np.float64], floors: NDArray[np.float64], ceilings: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Divides `available` in the proportion of `weights`, each share between its floor and its ceiling.

    More than all ceilings is divided in their proportion, less than all floors in theirs.
    """
    for bound, short in ((ceilings, False), (floors, True)):
        whole = float(bound.sum())
        if (available <= whole) if short else (available >= whole):
            return bound * (max(available, 0.0) / whole if whole else 0.0)
    low, high = 0.0, float(np.max(ceilings / weights))
    for _ in range(100):
        middle = (low + high) / 2
        if np.clip(middle * weights, floors, ceilings).sum() < available:
            low = middle
        else:
            high = middle
    shares: NDArray[np.float64] = np.clip(low * weights, floors, ceilings)
    return shares


def _spoken(seconds: float) -> str:
    """A time span, rounded up to what a user would write."""
    if seconds <= 120:
        return f"{math.ceil(seconds)} s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
