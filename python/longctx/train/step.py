"""One optimiser step: a batch of sequences read forward and backward, one micro-batch at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from longctx.data.sequences import IGNORED_LABEL
from longctx.data.shards import Dataset
from longctx.model.computation import summed_loss
from longctx.model.load import LoadedModel
from longctx.train.processes import Processes

_HALF_SCALE = 4096.0
"""Losses of float16 models are scaled by this, so that small gradients do not vanish in its short range."""


class Abandoned(Exception):  # noqa: N818 - it is no error
    """A step was given up before it changed anything."""


@dataclass(frozen=True)
class StepOutcome:
    """What one optimiser step did."""

    loss: float
    """Mean over the learnt tokens, in nats."""
    learnt: int
    """Tokens that carried loss."""
    tokens: int
    """Tokens that were read."""
    norm: float
    """Length of the gradient before it was clipped."""
    seconds: float
    offender: str | None = None
    """The sequence whose loss or gradient was not finite; the step was then left out."""


@dataclass(frozen=True)
class Micro:
    """What one micro-batch did, with the seconds that it took."""

    rows: NDArray[np.int64]
    tokens: int
    seconds: float


class Stepper:
    """Does optimiser steps on one model.

    Args:
        loaded: The model with its adapters.
        dataset: Where rows are looked up.
        optimizer: Over the trained weights.
        lengths, learnt: Tokens of every row of the dataset, and those that carry loss.
        batch_size: Sequences in one forward pass.
        max_norm: Gradients are scaled down to this norm.
        seed: Seeds dropout: each micro-batch has its own seed, made of this and its place in the run, so what is drawn
            depends neither on the device, nor on how many processes share the work, nor on an interruption.
        pad_to: Length by band that sequences are filled up to, where a device wants few different shapes; empty is as
            they are.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        dataset: Dataset,
        optimizer: torch.optim.Optimizer,
        *,
        lengths: NDArray[np.int64],
        learnt: NDArray[np.int64],
        batch_size: int,
        max_norm: float,
        seed: int,
        processes: Processes,
        pad_to: Sequence[int] = (),
    ) -> None:
        self.loaded = loaded
        self.optimizer = optimizer
        self.parameters = [p for p in loaded.model.parameters() if p.requires_grad]
        self.micros: list[Micro] = []
        self._dataset = dataset
        self._lengths = lengths
        self._learnt = learnt
        self._batch_size = batch_size
        self._max_norm = max_norm
        self._seed = seed
        self._processes = processes
        self._pad_to = sorted(pad_to)
        self._scale = _HALF_SCALE if loaded.dtype == torch.float16 else 1.0

    def step(
        self, rows: NDArray[np.int64], epoch: int, position: int, asked: Callable[[], bool] | None = None
    ) -> StepOutcome:
        """Reads `rows`, and changes the weights unless something was not finite.

        Args:
            rows: Rows of the dataset, shape [accumulated batch].
            epoch: Seeds dropout, with `position`.
            position: Place of the first row in the epoch's order.
            asked: Whether the step is to be given up, asked before every micro-batch.

        Raises:
            Abandoned: It was; nothing is changed.
        """
        begun = time.monotonic()
        learnt = int(self._learnt[rows].sum())
        self.loaded.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        self.micros.clear()
        parts = [
            (position + start, rows[start : start + self._batch_size])
            for start in range(0, len(rows), self._batch_size)
        ]
        total, offender = 0.0, None
        for place, part in self._processes.share(parts):
            if asked is not None and asked():
                self.optimizer.zero_grad(set_to_none=True)
                raise Abandoned
            total += self._forward_backward(part, learnt, (epoch, place))
            if offender is None and not self._finite(total):
                offender = " or ".join(self._dataset.meta(int(row))["id"] for row in part)
        offenders = self._offenders(offender)
        self._processes.add_gradients(self.parameters)
        (total,) = self._processes.add([total])
        norm = self._apply() if not offenders else math.nan
        if not offenders and not math.isfinite(norm):
            offenders = "the sum of the batch"
        if offenders:
            self.optimizer.zero_grad(set_to_none=True)
        return StepOutcome(
            loss=total / learnt,
            learnt=learnt,
            tokens=int(self._lengths[rows].sum()),
            norm=norm,
            seconds=time.monotonic() - begun,
            offender=offenders or None,
        )

    def probe(self, row: int) -> float:
        """Seconds of reading one sequence forward and backward; no weight is changed, no gradient left."""
        self.loaded.model.train()
        begun = time.monotonic()
        rows = np.repeat(np.int64(row), self._batch_size)
        self._forward_backward(rows, int(self._learnt[rows].sum()), (0, 0))
        self._wait()
        self.micros.clear()
        seconds = time.monotonic() - begun
        self.optimizer.zero_grad(set_to_none=True)
        return seconds / self._batch_size

    def loss(self, row: int) -> float:
        """The loss of one sequence summed over its learnt tokens, in nats, without dropout and gradients."""
        ids, labels = self._batch(np.asarray([row], dtype=np.int64))
        with torch.no_grad():
            return float(summed_loss(self.loaded.model, ids, labels))

    def _forward_backward(self, rows: NDArray[np.int64], learnt: int, place: tuple[int, int]) -> float:
        """Adds the gradients of `rows`; returns their summed loss in nats."""
        begun = time.monotonic()
        torch.manual_seed(_mixed(self._seed, *place))
        ids, labels = self._batch(rows)
        loss = summed_loss(self.loaded.model, ids, labels)
        torch.autograd.backward(loss * (self._scale / learnt))
        value = float(loss.detach())
        self.micros.append(Micro(rows, int(self._lengths[rows].sum()), time.monotonic() - begun))
        return value

    def _batch(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and labels of `rows`, int64, shape [rows, length]; the filler behind short ones carries no label.

        Attention is causal, so what is learnt never sees the filler and no mask is needed.
        """
        longest = int(self._lengths[rows].max())
        width = next((length for length in self._pad_to if length >= longest), longest)
        ids = np.zeros((len(rows), width), dtype=np.int64)
        labels = np.full((len(rows), width), IGNORED_LABEL, dtype=np.int64)
        for line, row in enumerate(rows.tolist()):
            tokens = self._dataset.tokens(row)
            start = max(self._dataset.loss_start(row), 1)
            ids[line, : len(tokens)] = tokens
            labels[line, start : len(tokens)] = tokens[start:]
        device = self.loaded.device
        return torch.from_numpy(ids).to(device), torch.from_numpy(labels).to(device)

    def _finite(self, total: float) -> bool:
        if not math.isfinite(total):
            return False
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        return bool(torch.isfinite(torch.stack(torch._foreach_norm(gradients))).all()) if gradients else True

    def _offenders(self, offender: str | None) -> str:
        """The offenders of all processes."""
        if self._processes.size == 1:
            return offender or ""
        found: list[str | None] = [None] * self._processes.size
        torch.distributed.all_gather_object(found, offender)
        return ", ".join(name for name in found if name)

    def _apply(self) -> float:
        """Clips the gradients and changes the weights, unless the gradients' norm, which is returned, is not finite."""
        if self._scale != 1.0:
            torch._foreach_div_([p.grad for p in self.parameters if p.grad is not None], self._scale)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self._max_norm))
        if math.isfinite(norm):
            self.optimizer.step()
        return norm

    def _wait(self) -> None:
        """Returns when the device has done what it was given."""
        if self.loaded.device.type == "cuda":
            torch.cuda.synchronize()
        elif self.loaded.device.type == "mps":
            torch.mps.synchronize()


def _mixed(*numbers: int) -> int:
    """A seed made of `numbers` (splitmix64, Steele and others 2014)."""
    state = 0
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state
