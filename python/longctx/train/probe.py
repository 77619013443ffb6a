"""The first minute of a run: the longest sequence of each phase, read once, shows its pace and its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from longctx.train.budget import Pace
from longctx.train.memory import peak, reset_peak
from longctx.train.setup import Setup

_BYTES_OF_ADAMW = 8
"""Two moments in float32 for each trained weight, which the first optimiser step adds."""


@dataclass(frozen=True)
class Probed:
    """What reading the longest sequence of one phase took."""

    phase: int
    tokens: int
    seconds: float
    memory: int
    """Highest use of memory, in bytes, with what the optimiser will add."""


def probe(setup: Setup, pace: Pace, progress: Callable[[int, int], None]) -> list[Probed]:
    """Times one sequence a phase, the longest; no weight is changed.

    Args:
        setup: What is to be trained.
        pace: Learns the times.
        progress: Called with the tokens of the sequence that is read next, and its phase.
    """
    found: list[Probed] = []
    waiting = sum(p.numel() for p in setup.stepper.parameters) * _BYTES_OF_ADAMW if not setup.state.step else 0
    for phase in setup.scheduler.phases:
        rows = setup.plan.pool(phase.last_epoch)
        row = int(rows[np.argmax(setup.plan.lengths[rows])])
        tokens = int(setup.plan.lengths[row])
        progress(tokens, phase.number)
        if not found:
            # The first pass of a process also builds kernels and fills caches.
            setup.stepper.probe(row)
        reset_peak(setup.loaded.device)
        seconds = setup.stepper.probe(row)
        memory = peak(setup.loaded.device) + waiting
        pace.observe(phase.number, tokens, seconds)
        found.append(Probed(phase.number, tokens, seconds, memory))
    if setup.loaded.device.type == "cuda":
        torch.cuda.empty_cache()
    return found
