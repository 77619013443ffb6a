"""What a run is going to do, in numbers: the table before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longctx.train.costs import EpochCost, whole_seconds
from longctx.train.probe import Probed
from longctx.train.setup import Setup


def overview(setup: Setup, costs: Sequence[EpochCost], probed: Sequence[Probed]) -> dict[str, Any]:
    """The run in numbers; seconds are expected ones, lengths are in tokens, memory in bytes."""
    training = setup.config.training
    batch = setup.batch
    memory = {entry.phase: entry for entry in probed}
    phases: list[dict[str, Any]] = []
    for phase in setup.scheduler.phases:
        pools = [setup.plan.pool(epoch) for epoch in range(phase.first_epoch, phase.last_epoch + 1)]
        of_phase = [cost for cost in costs if cost.phase == phase.number]
        entry = memory[phase.number]
        phases.append(
            {
                "phase": phase.number,
                "epochs": [phase.first_epoch, phase.last_epoch],
                "lengths": [phase.min_length, phase.max_length],
                "longest": entry.tokens,
                "ceilings": list(phase.ceilings),
                "learning_rate": training.base_learning_rate * phase.lr_multiplier,
                "multiplier": phase.lr_multiplier,
                "sequences": [len(pools[0]), len(pools[-1])],
                "tokens": int(sum(setup.plan.lengths[pool].sum() for pool in pools)),
                "steps": sum(-(-len(pool) // batch) for pool in pools),
                "seconds_longest": entry.seconds,
                "seconds": whole_seconds(of_phase, 0.0),
                "memory": entry.memory,
            }
        )
    return {
        "model": {
            "name": setup.source.name,
            "device": str(setup.loaded.device),
            "dtype": setup.state.dtype,
            "four_bit": setup.config.model.load_in_4bit,
            "parameters": setup.loaded.total,
            "trained": setup.loaded.trained,
        },
        "processes": setup.processes.size,
        "batch": batch,
        "validated": setup.state.validated,
        "dataset": {"path": str(setup.dataset.path), **setup.plan.summary()},
        "phases": phases,
        "tokens": sum(phase["tokens"] for phase in phases),
        "steps": sum(phase["steps"] for phase in phases),
        "seconds": sum(phase["seconds"] for phase in phases),
        "memory": max(phase["memory"] for phase in phases),
        "time_budget": setup.request.time_budget,
        "notes": list(setup.loaded.notes),
        "continued": str(setup.continued) if setup.continued else None,
    }
