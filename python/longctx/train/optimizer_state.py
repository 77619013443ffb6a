"""The state of a PyTorch optimiser on disk, exact to the bit: one safetensors file, loading which runs no code."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from longctx.atomic import failure
from longctx.errors import DatasetError, OutputError, UsageError

_FORMAT = "longctx-optimizer-1"
_OTHER = "go on with the configuration and the model that the run began with"


def save_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Writes the state of an optimiser: everything in its `state_dict`, and the shapes of its weights.

    Tensors keep dtype and shape; numbers, tuples, None and the rest of the groups' options come back as they were.

    Args:
        optimizer: Any optimiser whose state is tensors and plain values, as those of PyTorch and bitsandbytes.
        path: The file.

    Raises:
        OutputError: It cannot be written.
        TypeError: The state holds something else.
    """
    tensors: dict[str, torch.Tensor] = {}
    content = {
        "optimizer": type(optimizer).__name__,
        "shapes": [list(weight.shape) for weight in _weights(optimizer)],
        "state": _packed(optimizer.state_dict(), "", tensors),
    }
    # Tensors that share memory are written once each; the file cannot express that they do.
    seen: set[int] = set()
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        if place in seen:
            tensors[name] = tensor.clone()
        seen.add(place)
    try:
        save_file(tensors, path, {"format": _FORMAT, "content": json.dumps(content)})
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write {path}: {failure(error) or error}") from None


def load_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Gives an optimiser the state that `save_optimizer` wrote, on the devices of its own weights.

    Args:
        optimizer: One of the same class for weights of the same shapes in the same order and groups.
        path: The file.

    Raises:
        DatasetError: The file is missing or damaged.
        UsageError: It is of another optimiser or of other weights; `optimizer` is as it was.
    """
    content, state = _read(path)
    weights = _weights(optimizer)
    _check(optimizer, weights, content, state, path)
    optimizer.load_state_dict(state)
    # PyTorch brings the state of a weight to the weight's dtype; what was saved in another keeps it.
    numbers = chain.from_iterable(group["params"] for group in state["param_groups"])
    for number, weight in zip(numbers, weights, strict=True):
        for name, value in state["state"].get(number, {}).items():
            loaded = optimizer.state[weight].get(name)
            if isinstance(value, torch.Tensor) and loaded is not None and loaded.dtype != value.dtype:
                optimizer.state[weight][name] = value.to(loaded.device)


def _weights(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the file says, and the `state_dict` in it."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise DatasetError(f"{path} does not hold the state of an optimiser")
            content = json.loads(metadata["content"])
            # Clones, since the tensors of an open file are views of it.
            state = _unpacked(content["state"], lambda name: file.get_tensor(name).clone())
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {failure(error)}") from None
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        raise DatasetError(f"{path} is damaged: {error}") from None
    return content, state


def _check(
    optimizer: torch.optim.Optimizer,
    weights: list[torch.Tensor],
    content: dict[str, Any],
    state: dict[str, Any],
    path: Path,
) -> None:
    """Refuses a state that is not of such an optimiser."""
    name = type(optimizer).__name__
    if content["optimizer"] != name:
        raise UsageError(f"{path} is the state of {content['optimizer']}, not of {name}", _OTHER)
    there, here = ([len(g["params"]) for g in groups] for groups in (state["param_groups"], optimizer.param_groups))
    if there != here:
        raise UsageError(f"{path} is the state for {sum(there)} weights, but {sum(here)} are trained here", _OTHER)
    for number, (shape, weight) in enumerate(zip(content["shapes"], weights, strict=True)):
        if shape != list(weight.shape):
            raise UsageError(
                f"{path} is the state for other weights: number {number} has shape {shape} there and "
                f"{list(weight.shape)} here",
                _OTHER,
            )


def _packed(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """`value` for JSON, containers as their type and content; tensors go to `tensors`, under their place in it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().contiguous()
        return ["tensor", name]
    if isinstance(value, dict):
        return ["dict", [[key, _packed(inner, f"{name}.{key}".lstrip("."), tensors)] for key, inner in value.items()]]
    if isinstance(value, (list, tuple)):
        packed = [_packed(inner, f"{name}.{number}", tensors) for number, inner in enumerate(value)]
        return ["tuple" if isinstance(value, tuple) else "list", packed]
    raise TypeError(f"the optimiser's {name} is of type {type(value).__name__}, which cannot be saved")


def _unpacked(value: Any, tensor: Any) -> Any:
    """What `_packed` was given; `tensor` finds the tensor of a name."""
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "tensor":
        return tensor(content)
    if kind == "dict":
        return {key: _unpacked(inner, tensor) for key, inner in content}
    items = [_unpacked(inner, tensor) for inner in content]
    return tuple(items) if kind == "tuple" else items
