"""Whether a processor trains a model faster in bfloat16 or in float32: found out by trying."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import psutil
import torch

from longctx.model.computation import summed_loss

_LONGEST = 512
"""Tokens of the step that is timed, at most."""
_WARM_UP = 32
_SHORT = 4.0
"""Seconds; shorter steps are timed twice, since what else the machine does weighs more in them."""
_GAIN = 1.1
"""So many times faster must float32 be, because it takes twice the memory."""


def faster_dtype(model: Any, longest: int, notes: list[str]) -> torch.dtype:
    """Times a step in bfloat16 and in float32 on the processor and leaves the model in the faster.

    Weights keep their values to the bit; gradients are none before and after, and random generators stay as they were.

    Args:
        model: A model in bfloat16 with adapters, in training mode.
        longest: Tokens of the longest sequence that will be trained.
        notes: A sentence is added that says what was found.
    """
    wanted = sum(parameter.numel() * 4 for parameter in frozen(model))
    if wanted > psutil.virtual_memory().available / 2:
        notes.append("float32 was not tried, since it would take more than half of the free memory")
        return torch.bfloat16
    kept = {parameter: parameter.data for parameter in frozen(model)}
    length = min(longest, _LONGEST)
    half = _seconds(model, length)
    cast(model, torch.float32)
    full = _seconds(model, length)
    faster = torch.float32 if full * _GAIN < half else torch.bfloat16
    if faster == torch.bfloat16:
        cast(model, torch.bfloat16)
        for parameter, data in kept.items():
            # The very same memory: it may be a map of the file, which can be dropped where a copy could not.
            parameter.data = data
    del kept
    gc.collect()
    notes.append(
        f"a step of {length} tokens takes {half:.2g} s in bfloat16 and {full:.2g} s in float32 here, "
        f"so {str(faster).removeprefix('torch.')} is used"
    )
    return faster


def cast(model: Any, dtype: torch.dtype) -> None:
    """Brings the frozen weights that are not in 4 bits to `dtype`, in place, and has those in 4 bits compute in it."""
    for parameter in frozen(model):
        parameter.data = parameter.data.to(dtype)
    for module in model.modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if state is not None:
            state.dtype = dtype
            module.compute_dtype = dtype


def frozen(model: Any) -> Iterator[torch.nn.Parameter]:
    """The parameters that are not trained and not packed in 4 bits, tied ones once."""
    return (
        parameter for parameter in model.parameters() if not parameter.requires_grad and parameter.is_floating_point()
    )


def _seconds(model: Any, length: int) -> float:
    """Of one forward and backward pass over a sequence of `length` tokens."""
    rows = model.get_input_embeddings().weight.shape[0]
    ids = (torch.arange(length) * 7919 % rows).unsqueeze(0)

    def step(tokens: torch.Tensor) -> float:
        begun = time.perf_counter()
        loss = summed_loss(model, tokens, tokens)
        loss.backward()
        taken = time.perf_counter() - begun
        model.zero_grad(set_to_none=True)
        return taken

    with torch.random.fork_rng(devices=[]):
        step(ids[:, :_WARM_UP])
        first = step(ids)
        return min(first, step(ids)) if first < _SHORT else first
