"""Base weights in 4 bits: NF4 with double quantisation, made once and kept in the user's cache.

transformers and bitsandbytes quantise one tensor after the other while a checkpoint is read through a memory map, so
that at no time more than the weights in 4 bits and a few whole tensors are in memory. The cache holds the model in
the form that `save_pretrained` gives it; embeddings, norms and the output layer are in the compute type.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from longctx.errors import UsageError
from longctx.model.cache import cached, save
from longctx.model.source import weight_files

_FORM = 1
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt."""


def quantized(folder: Path, fingerprint: str, dtype: torch.dtype, notes: list[str]) -> Path:
    """The folder of the cache with a model's weights in 4 bits, made first if it is not there or is damaged.

    Args:
        folder: The model in full precision, as safetensors.
        fingerprint: Of its weights.
        dtype: Type of what is not in 4 bits, and of what the weights become when they are used.
        notes: A sentence is added where something is worth telling.

    Raises:
        UsageError: bitsandbytes is not installed, or the model cannot be read.
        OutputError: The cache cannot be written.
    """
    check_installed()
    return cached(f"nf4/{_key(folder, fingerprint, dtype)}", lambda to: _write(folder, dtype, to), notes)


def check_installed() -> None:
    """Raises a `UsageError` where weights cannot be held in 4 bits because bitsandbytes is not there."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError(
            "model.load_in_4bit needs bitsandbytes, which is not installed",
            "pip install bitsandbytes, or set model.load_in_4bit to false",
        )


def settings(dtype: torch.dtype) -> Any:
    """How transformers is told to quantise: NF4, double quantisation, computing in `dtype`."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _write(folder: Path, dtype: torch.dtype, to: Path) -> None:
    from transformers import AutoModelForCausalLM

    with _giving_back_memory():
        # On the processor: the same bytes whatever the device that will compute, and no copy of the weights on the GPU.
        model = AutoModelForCausalLM.from_pretrained(
            str(folder),
            dtype=dtype,
            device_map={"": "cpu"},
            quantization_config=settings(dtype),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        save(model, to)
        del model
        gc.collect()


@contextlib.contextmanager
def _giving_back_memory() -> Iterator[None]:
    """Inside, memory of whole tensors goes back to the system when they are freed.

    By itself glibc keeps pieces of up to 32 MiB for later, and with what stays allocated between them that can come to
    more than the whole checkpoint. Afterwards it does so again, since training is faster for it.
    """
    mallopt = None
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
    if mallopt is None or not sys.platform.startswith("linux"):
        yield
        return
    mallopt(_MMAP_THRESHOLD, 128 << 10)
    mallopt(_TRIM_THRESHOLD, 128 << 10)
    try:
        yield
    finally:
        # The values that glibc comes to in a program that frees large pieces.
        mallopt(_MMAP_THRESHOLD, 32 << 20)
        mallopt(_TRIM_THRESHOLD, 64 << 20)


def _key(folder: Path, fingerprint: str, dtype: torch.dtype) -> str:
    """Of everything that decides the bytes. The files' stamps notice edits that the fingerprint's samples miss."""
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in weight_files(folder)]
    parts = [_FORM, fingerprint, str(dtype), version("bitsandbytes"), version("transformers"), stamps]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()


def keep_trainable(model: Any) -> None:
    """Keeps bitsandbytes from repacking weights in place when a model is evaluated on a processor.

    Repacked weights give no gradients any more, and their scales are rounded, so that training after a first validation
    would go on without learning.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
