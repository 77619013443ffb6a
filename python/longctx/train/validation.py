"""What the model loses on sequences that it is not taught."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longctx.train.processes import Processes
from longctx.train.step import Stepper


@dataclass(frozen=True)
class Validation:
    """Mean losses in nats a learnt token, by sort: `unseen` files, and `seen` ones of which the changes are new."""

    losses: Mapping[str, float]
    sequences: Mapping[str, int]
    seconds: float

    @property
    def loss(self) -> float | None:
        """The loss that decides what is best: on unseen files, or where there are none, on new changes."""
        return self.losses.get("unseen", self.losses.get("seen"))

    def record(self) -> dict[str, Any]:
        """The losses and perplexities, for a line of metrics."""
        return {
            "losses": dict(self.losses),
            "perplexities": {sort: perplexity(loss) for sort, loss in self.losses.items()},
            "sequences": dict(self.sequences),
            "seconds": round(self.seconds, 3),
        }


def perplexity(loss: float) -> float:
    """E to the loss; infinite where that is beyond a float."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def validate(
    stepper: Stepper,
    rows: Mapping[str, NDArray[np.int64]],
    learnt: NDArray[np.int64],
    processes: Processes,
    progress: Callable[[int, int], None],
) -> Validation:
    """Reads every sequence of `rows` once, without dropout.

    Args:
        stepper: Holds the model and the dataset.
        rows: Rows of the dataset by sort.
        learnt: Tokens that carry loss, of every row of the dataset.
        processes: Share the sequences.
        progress: Called with the sequences done and all of them.
    """
    begun = time.monotonic()
    stepper.loaded.model.eval()
    wanted = sum(len(some) for some in rows.values())
    losses, done = {}, 0
    for sort, some in rows.items():
        total = 0.0
        for row in processes.share(some.tolist()):
            total += stepper.loss(row)
            done += processes.size
            progress(min(done, wanted), wanted)
        (total,) = processes.add([total])
        losses[sort] = total / int(learnt[some].sum())
    return Validation(losses, {sort: len(some) for sort, some in rows.items()}, time.monotonic() - begun)
