"""Loads the model to fine-tune: base weights, rows for the markers, adapters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError

from longctx.config import Config
from longctx.errors import LongctxError, UsageError
from longctx.model.computation import ATTENTION, prepare
from longctx.model.demo import demo_model
from longctx.model.dequantize import dequantized
from longctx.model.device import compute_dtype
from longctx.model.lora import add_adapters
from longctx.model.quantize import keep_trainable, quantized
from longctx.model.quiet import quiet
from longctx.model.source import CONFIG, DEMO, ModelSource, check_form, local_folder, read_config, weight_files
from longctx.model.timing import cast, faster_dtype

Result = TypeVar("Result")

_ROWS = 4096
"""Rows of an embedding that are brought to full precision at a time."""


@dataclass
class LoadedModel:
    """A model ready to be trained."""

    model: Any
    """A `PeftModel`, in training mode."""
    device: torch.device
    dtype: torch.dtype
    """In which it computes; adapters are float32."""
    source: ModelSource
    trained: int
    """Numbers that are trained: adapters and rows of the markers."""
    total: int
    """Numbers of the whole model, those in 4 bits counted one by one."""
    notes: list[str] = field(default_factory=list)
    """Sentences worth showing to the user."""


def load_model(
    config: Config,
    source: ModelSource,
    device: torch.device,
    manifest: Mapping[str, Any],
    *,
    dtype: torch.dtype | None = None,
    seed: int,
    verbose: bool = False,
) -> LoadedModel:
    """Loads the base, resizes it for the markers, and adds adapters drawn with `seed`; the same each time.

    The state of all random generators is afterwards what it was before.

    Args:
        config: The whole configuration.
        source: What `find_model` gave for it.
        device: Where the model will compute.
        manifest: Of the dataset: its markers and largest id.
        dtype: In which the model computes. None takes the configuration's; on a processor bfloat16 is then timed
            against float32 and the faster taken.
        seed: Of the adapters.
        verbose: Let the libraries write their warnings and progress.

    Raises:
        UsageError: The model cannot be read or does not fit the configuration or the dataset.
        OutputError: The user's cache cannot be written.
    """
    notes: list[str] = []
    # Weights are always read in the configured type, so that they are the same whichever type then computes.
    held = compute_dtype(config.model.dtype, device)
    with quiet(verbose), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        model, folder = _base(config, source, device, held, notes)
        add_marker_rows(model, manifest, _spelled(folder, manifest["tokenizer"]["markers"]))
        if config.training.use_gradient_checkpointing:
            _checkpoint_activations(model)
        total = count(model)
        torch.manual_seed(seed)
        adapted = add_adapters(
            model,
            config.model.lora,
            manifest["tokenizer"]["markers"].values(),
            location=source.location if source.fingerprint.startswith("hub-") else str(folder),
            base=source.fingerprint,
        )
    prepare(adapted, device)
    adapted.train()
    trained = sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    if dtype is None and device.type == "cpu" and held == torch.bfloat16:
        dtype = faster_dtype(adapted, max(band["max"] for band in manifest["bands"]), notes)
    elif dtype not in {None, held}:
        cast(adapted, dtype)
    return LoadedModel(adapted, device, dtype or held, source, trained, total + trained, notes)


def check_lengths(config: Config, model_config: Any, longest: int) -> None:
    """Checks that the model reads sequences as long as the longest that it will be given.

    Args:
        config: The whole configuration.
        model_config: Of the model, as transformers has it.
        longest: Length of that sequence, in tokens.

    Raises:
        UsageError: It is longer than `model.max_position_embeddings` or than the model itself allows.
    """
    allowed = config.model.max_position_embeddings
    if longest > allowed:
        raise UsageError(
            f"sequences of up to {longest} tokens are to be trained, but model.max_position_embeddings is {allowed}",
            f"set it to {longest}, or enable only phases that are shorter",
        )
    limit = getattr(model_config, "max_position_embeddings", None)
    if isinstance(limit, int) and longest > limit:
        raise UsageError(
            f"sequences of up to {longest} tokens are to be trained, but {config.model.name} reads at most {limit} "
            "(max_position_embeddings of its own configuration)",
            "enable only phases that are shorter, or take another model",
        )


def add_marker_rows(model: Any, manifest: Mapping[str, Any], spelled: set[str] | None = None) -> None:
    """Makes room for the markers in the embedding and the output layer.

    The rows of markers become the mean of the rows of all other tokens of the dataset's vocabulary, except where the
    model's own tokenizer has the marker: then its row has been learnt.

    Args:
        model: A causal language model without adapters.
        manifest: Of the dataset.
        spelled: Markers that the model's own tokenizer has.

    Raises:
        UsageError: The model has fewer rows than the vocabulary, markers aside, has ids.
    """
    markers: dict[str, int] = manifest["tokenizer"]["markers"]
    size: int = manifest["tokenizer"]["vocab_size"]
    plain = size
    while plain - 1 in set(markers.values()):
        plain -= 1
    rows = model.get_input_embeddings().weight.shape[0]
    if rows < plain:
        raise UsageError(
            f"the dataset's tokenizer has ids up to {plain - 1}, but the model knows only {rows}",
            "pack the repository again with the model's own tokenizer: longctx pack --tokenizer MODEL",
        )
    if size > rows:
        model.resize_token_embeddings(size, mean_resizing=False)
    learnt = {number for text, number in markers.items() if text in (spelled or set()) and number < rows}
    new = sorted(number for number in markers.values() if number >= plain and number not in learnt)
    if not new:
        return
    layers = {
        id(layer.weight): layer for layer in (model.get_input_embeddings(), model.get_output_embeddings()) if layer
    }
    for layer in layers.values():
        with torch.no_grad():
            layer.weight[new] = _mean_row(layer.weight, min(plain, rows)).to(layer.weight)


def count(model: Any) -> int:
    """Numbers that a model is made of; what is packed in 4 bits is counted unpacked, tied weights once."""
    found = 0
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        found += parameter.numel() if state is None else int(torch.Size(state.shape).numel())
    return found


def _checkpoint_activations(model: Any) -> None:
    """Has the backward pass compute activations again; newer versions of transformers have another name for it."""
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def _base(
    config: Config, source: ModelSource, device: torch.device, dtype: torch.dtype, notes: list[str]
) -> tuple[Any, Path]:
    """The base model on its device without adapters, and the folder that has it in full precision."""
    folder = local_folder(source)
    if source.name == DEMO:
        folder = demo_model()
    elif source.gguf_file is not None:
        exact = "float32" if dtype == torch.float32 else "bfloat16"
        folder = dequantized(folder / source.gguf_file, source.fingerprint, exact)
    weight_files(folder)
    description = read_config(folder / CONFIG)
    check_form(description, config.model)
    read = folder
    if config.model.load_in_4bit and not description.get("quantization_config"):
        read = _guarded(source, lambda: quantized(folder, source.fingerprint, dtype, notes))
    model = _guarded(source, lambda: _from_folder(read, device, dtype))
    if config.model.load_in_4bit:
        keep_trainable(model)
    return model, folder


def _from_folder(folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    for key, value in settings.to_dict().items():
        # Adapters have a dropout of their own; that of pretraining would only add noise to frozen layers.
        if ("dropout" in key or key.endswith("_pdrop")) and isinstance(value, float):
            setattr(settings, key, 0.0)
    settings.use_cache = False
    return AutoModelForCausalLM.from_pretrained(
        str(folder),
        config=settings,
        dtype=dtype,
        device_map={"": device},
        attn_implementation=ATTENTION,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )


def _guarded(source: ModelSource, read: Callable[[], Result]) -> Result:
    """The result of `read`, with what transformers raises told in one sentence."""
    try:
        return read()
    except LongctxError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            reason = "it does not fit in memory"
        elif isinstance(error, SafetensorError):
            reason = f"a file of weights is damaged ({_first(error)})"
        else:
            reason = _first(error)
        raise UsageError(f"the model {source.name} cannot be loaded: {reason}") from None


def _first(error: Exception) -> str:
    """The first sentence of an error."""
    text = " ".join(str(error).split()) or type(error).__name__
    return re.split(r"(?<=[^.])\.\s", text)[0].rstrip(".")


def _mean_row(weight: torch.Tensor, rows: int) -> torch.Tensor:
    """Mean of the first rows of a matrix, float32; the same each time."""
    total = torch.zeros(weight.shape[1], dtype=torch.float32, device=weight.device)
    for start in range(0, rows, _ROWS):
        total += weight[start : min(start + _ROWS, rows)].float().sum(dim=0)
    return total / rows


def _spelled(folder: Path, markers: Iterable[str]) -> set[str]:
    """The markers that the tokenizer in a model's folder has, if there is one."""
    try:
        added = json.loads((folder / "tokenizer.json").read_bytes())["added_tokens"]
        return {token["content"] for token in added} & set(markers)
    except (OSError, ValueError, KeyError, TypeError):
        return set()
