"""What each epoch of a run takes, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longctx.train.budget import Pace
    from longctx.train.plan import Plan

_FORWARD_SHARE = 1 / 3
"""Reading a sequence forward alone, against a whole training step; until a validation was timed."""


@dataclass(frozen=True)
class EpochCost:
    """What an epoch would take, in seconds, were there no budget."""

    epoch: int
    phase: int
    training: float
    """All of its sequences."""
    step: float
    """One optimiser step."""
    validation: float
    """One validation."""


def epoch_costs(
    plan: Plan, pace: Pace, *, sequences_per_step: int, validation_limit: int, processes: int = 1
) -> list[EpochCost]:
    """What each epoch of `plan` would take, in order.

    Args:
        plan: Says which sequences each epoch has.
        pace: Knows what a sequence takes.
        sequences_per_step: Those of one optimiser step, of all processes together.
        validation_limit: At most so many sequences of each sort are validated.
        processes: So many read sequences at the same time.
    """
    seconds = pace.seconds(plan.dataset.column("band"), plan.lengths) / processes
    costs = []
    for phase in plan.scheduler.phases:
        validated = plan.validation(phase.number, validation_limit).values()
        validation = _FORWARD_SHARE * sum(float(seconds[rows].sum()) for rows in validated)
        for epoch in range(phase.first_epoch, phase.last_epoch + 1):
            rows = plan.pool(epoch)
            training = float(seconds[rows].sum())
            step = training / len(rows) * min(sequences_per_step, len(rows))
            costs.append(EpochCost(epoch, phase.number, training, step, validation))
    return costs


def whole_seconds(costs: Sequence[EpochCost], saving: float) -> float:
    """Seconds of a run without a budget. A phase is validated before its first epoch and after each."""
    phases = {cost.phase: cost.validation + saving for cost in costs}
    return sum(phases.values()) + sum(cost.training + cost.validation + saving for cost in costs) + saving
