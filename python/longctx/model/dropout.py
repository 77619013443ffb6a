"""Dropout for processors: PyTorch's own draws one random number for each element, which takes long."""

from __future__ import annotations

from typing import Any

import torch

_LANES = 4
"""Elements decided by one random number of 64 bits."""
_RANGE = 1 << 16
"""Values of a lane."""
_LOWEST = -(1 << 63)
_ONE = {torch.bfloat16: 0x3F80, torch.float16: 0x3C00}
"""The number 1 as an integer of the same bits."""


class PackedDropout(torch.nn.Module):
    """Dropout that decides four elements by one random number of 64 bits.

    Each element is dropped on its own with probability `p`, rounded to a multiple of 1/65536; the rest are scaled up by
    the inverse of their share, so that the mean stays. Draws are taken from PyTorch's generator of the processor.

    Args:
        p: From 0 to below 1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self._dropped = round(p * _RANGE)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Values with some of them zero, in the same shape and dtype; as they are outside of training."""
        if not self.training or self._dropped == 0:
            return values
        dropped: torch.Tensor = _Drop.apply(values, self._dropped)
        return dropped

    def extra_repr(self) -> str:
        """What `repr` shows."""
        return f"p={self.p}"


class _Drop(torch.autograd.Function):
    """Keeps two bytes an element for the backward pass."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, dropped: int) -> torch.Tensor:
        count = values.numel()
        numbers = torch.empty(-(-count // _LANES), dtype=torch.int64).random_(_LOWEST, None)
        lanes = numbers.view(torch.int16)[:count]
        # 0 or 1 as an integer, then as the bits of a number: far faster than by way of booleans.
        kept = torch.ge(lanes, dropped - _RANGE // 2, out=torch.empty_like(lanes))
        half = torch.float16 if values.dtype == torch.float16 else torch.bfloat16
        context.kept = kept.mul_(_ONE[half]).view(half).view(values.shape)
        context.scale = _RANGE / (_RANGE - dropped)
        return _scaled(values, context)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _scaled(gradients[0], context), None


def _scaled(values: torch.Tensor, context: Any) -> torch.Tensor:
    # Scaled apart, since in bfloat16 the scale itself would be off by up to 0.4 %, for all elements alike.
    return (values * context.kept.to(values.dtype)).mul_(context.scale)


def use_packed_dropout(model: torch.nn.Module) -> None:
    """Replaces the dropouts of a model's adapters."""
    for module in model.modules():
        dropouts = getattr(module, "lora_dropout", None)
        if isinstance(dropouts, torch.nn.ModuleDict):
            for name, dropout in dropouts.items():
                if isinstance(dropout, torch.nn.Dropout):
                    dropouts[name] = PackedDropout(dropout.p)
