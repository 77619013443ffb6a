"""Models in GGUF form, as llama.cpp has them, become models as transformers saves them: once, kept in the cache."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from longctx.errors import UsageError
from longctx.model.cache import cached, save
from longctx.model.quiet import quiet

_FORM = 1


def dequantized(file: Path, fingerprint: str, dtype: str) -> Path:
    """The folder with the model of a GGUF file, weights in `dtype` as safetensors, without a tokenizer.

    While it is made the weights are in memory in float32.

    Raises:
        UsageError: The file cannot be read, or holds a model that transformers does not know.
        OutputError: The cache cannot be written.
    """
    return cached(f"gguf/{_FORM}-{fingerprint}-{dtype}", lambda folder: write_model(file, folder, dtype))


def write_model(file: Path, folder: Path, dtype: str) -> None:
    """Writes the model of a GGUF file to a folder, as `dequantized` describes."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        # The bar over the tensors is drawn without asking whether bars are wanted.
        with quiet(), contextlib.redirect_stderr(io.StringIO()):
            model = AutoModelForCausalLM.from_pretrained(
                str(file.parent), gguf_file=file.name, dtype=getattr(torch, dtype), local_files_only=True
            )
            # What is in memory is an ordinary model; transformers still takes it for the quantised one that it read.
            model.hf_quantizer = None
            if hasattr(model.config, "quantization_config"):
                del model.config.quantization_config
            save(model, folder)
    except OSError:
        raise
    except Exception as error:
        reason = re.split(r"[.\n] ", str(error).strip())[0] or type(error).__name__
        raise UsageError(
            f"the model in {file} cannot be read: {reason}", "give a folder with safetensors instead"
        ) from None
