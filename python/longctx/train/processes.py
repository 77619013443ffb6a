"""The processes of one run, one for each device, as `accelerate launch` starts them; alone, nothing is exchanged.

Each takes its share of the sequences of an optimiser step and the gradients are added up, so a step is what it would be
on one device with the same effective batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from longctx.errors import UsageError


class Processes:
    """This process among those of the run.

    Args:
        wanted: The device asked for.

    Attributes:
        device: That device, numbered for this process where there are several GPUs.
        rank: Number of this process, from 0; only 0 writes files and speaks.
        size: How many there are.

    Raises:
        UsageError: Several were launched, but not for this kind of device.
    """

    def __init__(self, wanted: torch.device) -> None:
        self.rank, self.size, self.device = 0, 1, wanted
        self._state: Any = None
        launched = int(os.environ.get("WORLD_SIZE", "1"))
        if launched == 1:
            return
        from accelerate import PartialState

        self._state = PartialState(cpu=wanted.type == "cpu")
        self.rank, self.size = self._state.process_index, self._state.num_processes
        self.device = wanted if wanted.type == "cpu" else self._state.device
        if self.size != launched or self.device.type != wanted.type:
            raise UsageError(
                f"{launched} processes were launched, but they cannot share their work on {wanted.type}",
                "launch one process, or one for each GPU",
            )

    @property
    def main(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def share(self, items: Sequence[Any]) -> Sequence[Any]:
        """Those of `items` that this process takes: every `size`-th."""
        return items[self.rank :: self.size]

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replaces the gradients of all processes by their sum; a parameter without one counts as zero."""
        if self.size == 1:
            return
        chosen = list(parameters)
        if not chosen:
            return
        flat = torch.cat(
            [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in chosen],
        )
        torch.distributed.all_reduce(flat)
        start = 0
        for parameter in chosen:
            count = parameter.numel()
            parameter.grad = flat[start : start + count].view_as(parameter)
            start += count

    def add(self, numbers: Sequence[float]) -> list[float]:
        """The sums of `numbers` over all processes, in float64."""
        if self.size == 1:
            return list(numbers)
        everyone: list[list[float]] = [[] for _ in range(self.size)]
        # As objects: an Apple GPU has no float64 to reduce in.
        torch.distributed.all_gather_object(everyone, list(numbers))
        return [sum(column) for column in zip(*everyone, strict=True)]

    def from_main(self, value: Any) -> Any:
        """What `value` is in process 0, for decisions that all must take alike."""
        if self.size == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def wait(self) -> None:
        """Returns when all processes are here."""
        if self._state is not None:
            self._state.wait_for_everyone()

    def close(self) -> None:
        """Ends the exchange."""
        if self._state is not None:
            self._state.destroy_process_group()
