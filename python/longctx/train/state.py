"""Where a run is: all that a checkpoint must hold beside the weights, so that it can go on as if never interrupted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longctx.errors import DatasetError

_STATE = "state.json"
_ORDER = "order.npy"
_USED = "used.npy"


@dataclass
class EpochTally:
    """What the steps of one epoch did so far."""

    loss: float = 0.0
    """Summed over learnt tokens, in nats."""
    learnt: int = 0
    tokens: int = 0
    sequences: int = 0
    seconds: float = 0.0
    steps: int = 0
    norms: list[float] = field(default_factory=list)
    """Gradient norms of its steps; those left out have none."""


@dataclass
class RunState:
    """Where a run is. Arrays are of the dataset's rows."""

    identity: dict[str, Any]
    """What must not change between a run and its continuation, by key."""
    epochs: dict[int, int]
    """Epochs of each phase."""
    validated: int
    """At most so many sequences of each sort in a validation."""
    dtype: str
    epoch: int = 0
    """The epoch under way, from 1; 0 is before the first."""
    position: int = 0
    """Sequences of the epoch's order that are done."""
    closed: bool = True
    """Whether the epoch is done and its record written; then the next one comes."""
    step: int = 0
    """Optimiser steps of the run that are done, those left out included."""
    phase_step: int = 0
    phase_steps: int = 0
    """Optimiser steps of the phase: done, and expected when it began."""
    skipped: int = 0
    """Steps left out because something was not finite."""
    elapsed: float = 0.0
    """Seconds that the run has been at work, in all its parts."""
    first_loss: float | None = None
    """Validation loss when the phase began."""
    best_loss: float | None = None
    """Lowest validation loss of the phase; the one that it began with counts."""
    without_improvement: int = 0
    improved: dict[int, bool] = field(default_factory=dict)
    """Whether a phase that is done lowered the validation loss."""
    tally: EpochTally = field(default_factory=EpochTally)
    history: list[dict[str, Any]] = field(default_factory=list)
    """The records of the epochs that are done."""
    pace: dict[str, Any] = field(default_factory=dict)
    budget: dict[str, Any] = field(default_factory=dict)
    order: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Rows of the epoch under way, in training order."""
    used: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """How often each row of the dataset was taught."""

    def write(self, folder: Path) -> None:
        """Writes it to files in `folder`."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("order", "used", "tally")}
        values["tally"] = asdict(self.tally)
        (folder / _STATE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        np.save(folder / _ORDER, self.order)
        np.save(folder / _USED, self.used)

    @classmethod
    def read(cls, folder: Path) -> RunState:
        """The state that `write` wrote.

        Raises:
            DatasetError: It was written by another version, or is damaged.
        """
        try:
            values = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            values["tally"] = EpochTally(**values["tally"])
            for name in ("epochs", "improved"):
                values[name] = {int(phase): value for phase, value in values[name].items()}
            return cls(**values, order=np.load(folder / _ORDER), used=np.load(folder / _USED))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"checkpoint {folder}: its state cannot be read: {error}",
                "it was written by another version of longctx",
            ) from None
