"""Forward passes of PEFT's layers that compute the same with less: fewer passes over activations, no copied matrices.

PEFT multiplies a whole output by the scale of its adapter, computes adapters in float32 whatever the model computes in,
and for a few trained rows of an embedding copies the whole matrix and makes gradients for all of it, twice where the
output layer is tied.
Parameters, their names, and what is saved stay PEFT's own; merging and disabling adapters go its way.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


def compute_lean(model: Any) -> None:
    """Has the adapters and the marker rows of a `PeftModel` compute as described above."""
    from peft.tuners.lora import LoraLayer
    from peft.tuners.trainable_tokens import TrainableTokensLayer

    for module in model.modules():
        if isinstance(module, LoraLayer) and not isinstance(module.get_base_layer(), torch.nn.Embedding):
            _replace(module, _linear)
        elif isinstance(module, TrainableTokensLayer):
            _replace(module, _rows)


def _replace(module: Any, forward: Callable[..., torch.Tensor | None]) -> None:
    """Puts `forward` before a module's own, which is taken where the former returns None."""
    own = type(module).forward

    def chosen(self: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        plain = not (args or kwargs or self.disable_adapters or self.merged) and len(self.active_adapters) == 1
        result = forward(self, x, self.active_adapters[0]) if plain else None
        return own(self, x, *args, **kwargs) if result is None else result

    module.forward = types.MethodType(chosen, module)


def _linear(layer: Any, x: torch.Tensor, name: str) -> torch.Tensor | None:
    """Output of a linear layer with an adapter, shape [..., out], in the type of its input.

    The adapter's weights are float32 and are cast; their gradients are float32 again.
    """
    if name not in layer.lora_A or name in layer.lora_variant or layer.lora_B[name].bias is not None:
        return None
    result: torch.Tensor = layer.base_layer(x)
    down = layer.lora_A[name].weight.to(x.dtype)
    up = layer.lora_B[name].weight.to(x.dtype)
    # The scale is cheaper in the narrow part than on the output.
    narrow = functional.linear(layer.lora_dropout[name](x), down) * layer.scaling[name]
    return torch.addmm(result.flatten(0, -2), narrow.flatten(0, -2), up.t()).view(result.shape)


def _rows(layer: Any, x: torch.Tensor, name: str) -> torch.Tensor | None:
    """Output of an embedding or of the output layer some of whose rows are replaced by trained ones."""
    base = layer.base_layer
    if (
        name not in layer.token_indices
        or getattr(base, "bias", None) is not None
        or layer._get_embed_scale() is not None
    ):
        return None
    rows = layer.trainable_tokens_delta[name]
    numbers = _numbers(layer, name, rows.device)
    if isinstance(base, torch.nn.Embedding):
        plain: torch.Tensor = base(x)
        place = torch.searchsorted(numbers, x).clamp_(max=len(numbers) - 1)
        theirs = functional.embedding(place, rows.to(plain.dtype))
        return torch.where((numbers[place] == x).unsqueeze(-1), theirs, plain)
    if not isinstance(base, torch.nn.Linear):
        return None
    logits: torch.Tensor = base(x)
    return logits.index_copy_(-1, numbers, functional.linear(x, rows.to(x.dtype)).to(logits.dtype))


def _numbers(layer: Any, name: str, device: torch.device) -> torch.Tensor:
    """The ids of the trained rows, ascending as their rows are, kept on the device."""
    kept: torch.Tensor | None = getattr(layer, "_numbers", None)
    if kept is None or kept.device != device:
        ids = layer.token_indices[name]
        if list(ids) != sorted(ids):
            raise ValueError("the trained rows are not in ascending order")
        kept = torch.tensor(ids, device=device)
        layer._numbers = kept
    return kept
