"""Which sequences each epoch of training takes and at what learning rate. Nothing here needs torch."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longctx.config import Config
from longctx.difficulty import LEVELS, OF_PHASE
from longctx.errors import UsageError

_LOG = logging.getLogger("longctx")

_ALL = ("medium", "very_hard")
"""The ceilings where one phase teaches everything."""
_ID = re.compile(r"[a-z]-([0-9a-f]{16})")
"""An id as the engine makes it: its digits are a hash of the content already."""


class Optimizer(Protocol):
    """What the scheduler uses of a `torch.optim.Optimizer`."""

    param_groups: list[dict[str, Any]]


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs with a band of lengths, a ceiling of difficulty and a learning rate."""

    number: int
    """Also the band that it teaches."""
    first_epoch: int
    last_epoch: int
    """Inclusive; epochs count from 1 over all phases."""
    min_length: int
    max_length: int
    """The lengths of its sequences in tokens."""
    lr_multiplier: float
    ceilings: tuple[str, str]
    """The hardest level taught in the first and in the second half of its epochs."""

    @property
    def epochs(self) -> int:
        """How many epochs it has."""
        return self.last_epoch - self.first_epoch + 1

    def ceiling(self, epoch: int) -> str:
        """The hardest level taught in `epoch`; in the middle one of an odd number it has risen already.

        Raises:
            ValueError: The epoch is not one of this phase.
        """
        if not self.first_epoch <= epoch <= self.last_epoch:
            raise ValueError(f"phase {self.number} is epochs {self.first_epoch} to {self.last_epoch}, not {epoch}")
        return self.ceilings[2 * (epoch - self.first_epoch + 1) > self.epochs]


class LongContextPhaseScheduler:
    """The phases of a run: which epochs they have, which sequences they take, and their learning rates.

    A sequence takes part in an epoch if its band is the phase's and it is no harder than the epoch's ceiling. Of those
    of shorter bands, `long_context.replay_share` takes part, drawn anew for each epoch from the seed, the epoch and the
    sequence's id alone, so that the choice depends neither on the order of the dataset nor on what else is in it.

    Args:
        config: The configuration. With `pack.long_context_mode` off there is one phase, which teaches every level.
        epochs: None takes the configured epochs. A number is that many in all, split over the phases in the configured
            proportion, at least one each. A mapping gives the epochs of each phase by its number.

    Raises:
        UsageError: `epochs` is a number smaller than that of the phases.
        ValueError: `epochs` maps other phases than those enabled, or one of them to less than 1.
    """

    def __init__(self, config: Config, epochs: int | Mapping[int, int] | None = None) -> None:
        self.config = config
        drafts = _phases(config)
        counts = _counts({phase.number: phase.epochs for phase in drafts}, epochs)
        phases, end = [], 0
        for draft in drafts:
            first, end = end + 1, end + counts[draft.number]
            phases.append(
                Phase(draft.number, first, end, draft.min_length, draft.max_length, draft.lr_multiplier, draft.ceilings)
            )
        self.phases: tuple[Phase, ...] = tuple(phases)
        """Those that are enabled, shortest sequences first."""

    @property
    def epochs(self) -> int:
        """How many epochs the run has."""
        return self.phases[-1].last_epoch

    def get_phase_at_epoch(self, epoch: int) -> Phase:
        """The phase of an epoch, which counts from 1.

        Raises:
            ValueError: The run has no such epoch.
        """
        for phase in self.phases:
            if phase.first_epoch <= epoch <= phase.last_epoch:
                return phase
        raise ValueError(f"the run has epochs 1 to {self.epochs}, not {epoch}")

    def should_include_sequence(self, meta: Mapping[str, Any], epoch: int) -> bool:
        """Whether a sequence takes part in `epoch`.

        Args:
            meta: Its line of meta.jsonl, of which `id`, `band` and `difficulty` are used.
            epoch: Counts from 1.

        Raises:
            ValueError: The run has no such epoch, or the difficulty is not one of `longctx.difficulty.LEVELS`.
        """
        level = _level(meta["difficulty"])
        included = self.include(
            hash_ids([meta["id"]]), np.array([meta["band"]], np.uint8), np.array([level], np.uint8), epoch
        )
        return bool(included[0])

    def include(
        self,
        ids_hash: NDArray[np.uint64],
        bands: NDArray[np.uint8],
        difficulties: NDArray[np.uint8],
        epoch: int,
        ceiling: str | None = None,
    ) -> NDArray[np.bool_]:
        """As `should_include_sequence`, for many sequences at once; arrays have shape [n].

        Args:
            ids_hash: The ids, as `hash_ids` gives them.
            bands: The numbers of their bands.
            difficulties: Positions in `longctx.difficulty.LEVELS`, which are also the index's numbers.
            epoch: Counts from 1.
            ceiling: Another ceiling than that of the epoch.

        Raises:
            ValueError: The run has no such epoch.
        """
        phase = self.get_phase_at_epoch(epoch)
        allowed = difficulties <= _level(phase.ceiling(epoch) if ceiling is None else ceiling)
        drawn = draws(ids_hash, self.config.training.seed, epoch) < self.config.long_context.replay_share
        included: NDArray[np.bool_] = allowed & ((bands == phase.number) | ((bands < phase.number) & drawn))
        return included

    def warmup_steps(self, steps: int) -> int:
        """Optimiser steps over which the learning rate rises in a phase of `steps`."""
        training = self.config.training
        wanted = round(training.warmup_ratio * steps)
        return min(max(wanted, training.warmup_min_steps), training.warmup_max_steps, steps)

    def learning_rate(self, base_lr: float, epoch: int, step: int | None = None, steps: int | None = None) -> float:
        """The learning rate: that of the phase, reached in a straight line over its warm-up.

        Args:
            base_lr: What the phase's multiplier applies to.
            epoch: Counts from 1.
            step: Optimiser steps done in this phase before the one to come; None is after the warm-up.
            steps: Optimiser steps of the whole phase, as far as is known. Give all steps of a phase the same number.

        Raises:
            ValueError: The run has no such epoch, or only one of `step` and `steps` is given.
        """
        if (step is None) != (steps is None):
            raise ValueError("the warm-up needs both the steps done and the steps of the phase")
        rate = base_lr * self.get_phase_at_epoch(epoch).lr_multiplier
        if step is None or steps is None:
            return rate
        return rate * min(1.0, (step + 1) / max(self.warmup_steps(steps), 1))

    def adjust_learning_rate(
        self, optimizer: Optimizer, base_lr: float, epoch: int, *, step: int | None = None, steps: int | None = None
    ) -> float:
        """Sets `learning_rate(base_lr, epoch, step, steps)` in every group of the optimiser, and returns it."""
        rate = self.learning_rate(base_lr, epoch, step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        return rate

    def log_phase_summary(self) -> str:
        """Logs one line for each phase to the logger `longctx`, and returns them."""
        base = self.config.training.base_learning_rate
        lines = []
        for phase in self.phases:
            epochs = f"epoch {phase.first_epoch}"
            if phase.epochs > 1:
                epochs = f"epochs {phase.first_epoch}-{phase.last_epoch}"
            levels = [phase.ceiling(phase.first_epoch), phase.ceiling(phase.last_epoch)]
            lines.append(
                f"phase {phase.number}: {epochs}, {phase.min_length}-{phase.max_length} tokens, up to "
                f"{', then '.join(dict.fromkeys(levels))}, learning rate {base * phase.lr_multiplier:g}"
            )
        for line in lines:
            _LOG.info("%s", line)
        return "\n".join(lines)


def hash_ids(ids: Iterable[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each id, the same on every machine; shape [n].

    The digits of an id that the engine made are one already; any other id is hashed with BLAKE2b.
    """
    return np.fromiter((_hash(name) for name in ids), dtype=np.uint64)


def draws(ids_hash: NDArray[np.uint64], seed: int, *numbers: int) -> NDArray[np.float64]:
    """A number from 0 up to 1 for each hash, evenly distributed and fixed by the seed and `numbers`; shape [n]."""
    state = np.zeros(1, np.uint64)
    for number in (seed, *numbers):
        state = _mix(state ^ np.uint64(number % 2**64))
    # The upper 53 bits are as many as a float64 holds.
    drawn: NDArray[np.float64] = (_mix(ids_hash ^ state) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return drawn


def apportion(sizes: Mapping[int, int], total: int) -> dict[int, int]:
    """Splits `total` over phases or bands in the proportion of their sizes, by largest remainder, at least one each.

    Args:
        sizes: What each has, at least 1.
        total: At least as many as there are entries in `sizes`.

    Returns:
        The share of each, in the order of `sizes`; never above its size where `total` is at most their sum.
    """
    counts: dict[int, int] = {}
    rest, left = dict(sizes), total
    # What is owed less than one gets one; the others share what is left.
    while small := [number for number, size in rest.items() if left * size < sum(rest.values())]:
        for number in small:
            counts[number] = 1
            del rest[number]
        left = total - len(counts)
    whole = sum(rest.values())
    counts |= {number: left * size // whole for number, size in rest.items()}
    unassigned = total - sum(counts.values())
    for number in sorted(rest, key=lambda number: -(left * rest[number] % whole))[:unassigned]:
        counts[number] += 1
    return {number: counts[number] for number in sizes}


def _phases(config: Config) -> Sequence[Phase]:
    """The enabled phases, each as if it were the only one."""
    lengths = config.long_context
    if not config.pack.long_context_mode:
        band = config.bands()[0]
        return [Phase(band.id, 1, lengths.phase1_epochs, band.min, band.max, 1.0, _ALL)]
    epochs = (lengths.phase1_epochs, lengths.phase2_epochs, lengths.phase3_epochs)
    multipliers = (1.0, lengths.phase2_lr_multiplier, lengths.phase3_lr_multiplier)
    return [
        Phase(number, 1, epochs[number - 1], low, high, multipliers[number - 1], OF_PHASE[number])
        for number, low, high, enabled in config.phases()
        if enabled
    ]


def _counts(configured: dict[int, int], epochs: int | Mapping[int, int] | None) -> dict[int, int]:
    """The epochs of each phase."""
    if epochs is None:
        return configured
    if isinstance(epochs, Mapping):
        if set(epochs) != set(configured) or any(count < 1 for count in epochs.values()):
            raise ValueError(f"expected one epoch or more for each of the phases {list(configured)}, not {epochs}")
        return dict(epochs)
    if epochs < len(configured):
        raise UsageError(
            f"the number of epochs, {epochs}, is smaller than that of the phases, {len(configured)}",
            f"ask for {len(configured)} epochs or more"
            + (", or set long_context.phase3_enabled to false" if len(configured) > 2 else ""),
        )
    return apportion(configured, epochs)


def _level(difficulty: str) -> int:
    """Position of a level among all."""
    if difficulty not in LEVELS:
        raise ValueError(f"no difficulty {difficulty!r}; there are {', '.join(LEVELS)}")
    return LEVELS.index(difficulty)


def _hash(name: str) -> int:
    if match := _ID.fullmatch(name):
        return int(match[1], 16)
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of splitmix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of `state`."""
    # Arrays wrap around without a warning, scalars of numpy do not.
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = state ^ (state >> np.uint64(31))
    return mixed
