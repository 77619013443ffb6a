"""Which device a model computes on, and in which type of number."""

from __future__ import annotations

import re

import torch

from longctx.errors import UsageError

_SPEC = re.compile(r"auto|mps|cpu|cuda(:\d+)?")


def choose_device(spec: str) -> torch.device:
    """The device that `spec` names: `auto` (cuda, else mps, else cpu), `cuda`, `cuda:1`, `mps` or `cpu`.

    Raises:
        UsageError: It is no device, or this machine has none of that kind.
    """
    if not _SPEC.fullmatch(spec):
        raise UsageError(f"{spec} is no device", "expected auto, mps, cuda, cuda:NUMBER or cpu")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if spec == "auto":
        spec = "cuda" if cuda else "mps" if mps else "cpu"
    if spec == "mps" and not mps:
        raise UsageError(
            "this machine has no GPU that PyTorch can use through MPS" + _because(torch.backends.mps.is_built(), "MPS"),
            "leave out --device, or set it to cpu",
        )
    if spec.startswith("cuda"):
        if not cuda:
            raise UsageError(
                "this machine has no GPU that PyTorch can use through CUDA"
                + _because(torch.backends.cuda.is_built(), "CUDA"),
                "leave out --device, or set it to cpu",
            )
        number = int(spec.partition(":")[2] or torch.cuda.current_device())
        if number >= torch.cuda.device_count():
            raise UsageError(f"there is no GPU {number}: this machine has {torch.cuda.device_count()}, counted from 0")
        return torch.device("cuda", number)
    return torch.device(spec)


def compute_dtype(name: str, device: torch.device) -> torch.dtype:
    """The type of activations and frozen weights that `model.dtype` names.

    Raises:
        UsageError: The device does not compute in it.
    """
    if name == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UsageError(
            f"{torch.cuda.get_device_name(device)} does not compute in bfloat16",
            "set model.dtype to float16 or float32",
        )
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _because(built: bool, kind: str) -> str:
    return "" if built else f": the PyTorch that is installed was built without {kind}"
