"""Low-rank adapters and the rows of the markers: what is trained, and how it is saved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from longctx.config import Lora
from longctx.errors import OutputError, UsageError
from longctx.model.quiet import quiet

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
BASE = "base.json"
"""Which model an adapter was trained on; other tools pass over it."""

_NAME = "default"
_IN_A_LAYER = re.compile(r"\.\d+\.")
_COMPARED = ("r", "lora_alpha", "use_rslora", "target_modules", "trainable_token_indices")


def target_modules(model: Any, wanted: str | Sequence[str]) -> list[str]:
    """Names of the linear layers that get adapters, as PEFT takes them: the end of a module's dotted name.

    Args:
        model: A causal language model without adapters.
        wanted: `auto` for every linear layer of attention and MLP, or names.

    Raises:
        UsageError: A name fits no linear layer of attention or MLP; it lists those and the names that would.
    """
    linear = _linear_layers(model)
    known = list(dict.fromkeys(name.rpartition(".")[2] for name in linear))
    if not known:
        raise UsageError(f"the model {type(model).__name__} has no linear layers that adapters could be added to")
    if wanted == "auto":
        return known
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if wrong := [name for name in names if not any(path == name or path.endswith(f".{name}") for path in linear)]:
        raise UsageError(
            f"model.lora.target_modules names {_listed(wrong)}, which {type(model).__name__} does not have",
            f"it has {', '.join(known)}; auto takes them all",
        )
    return list(dict.fromkeys(names))


def add_adapters(model: Any, config: Lora, marker_ids: Iterable[int], *, location: str = "", base: str = "") -> Any:
    """Adds adapters to a model, freezes the rest, and returns the `PeftModel`; all that is trained is float32.

    The rows of `marker_ids` are trained too: those of the embedding, and of the output layer where it has its own.
    The random numbers come from PyTorch's generator of the processor, whatever the device.

    Args:
        model: A causal language model, large enough for the markers.
        config: Rank, scale, dropout and the layers.
        marker_ids: Ids of the markers; none trains no rows.
        location: Where other tools find the base model; saved with the adapters.
        base: Fingerprint of the base model; saved with the adapters.

    Raises:
        UsageError: As `target_modules`.
    """
    from peft import LoraConfig, get_peft_model

    targets = target_modules(model, config.target_modules)
    rows = sorted(set(marker_ids))
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.r,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        use_rslora=config.use_rslora,
        target_modules=targets,
        bias="none",
        trainable_token_indices=dict.fromkeys(_row_layers(model), rows) if rows else None,
        # GPT-2 stores its weights the other way round.
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in _linear_layers(model).values()),
    )
    with quiet():
        adapted = get_peft_model(model, settings)
    adapted.peft_config[_NAME].base_model_name_or_path = location
    adapted.longctx_base = base
    for parameter in adapted.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()
    return adapted


def save_adapter(model: Any, folder: Path) -> None:
    """Writes adapters and marker rows to a folder that exists: the files that PEFT reads, and `base.json`.

    Equal weights give equal bytes. Embeddings are not saved, only the markers' rows.

    Raises:
        OutputError: A file cannot be written.
    """
    from peft import get_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with quiet():
        state = get_peft_model_state_dict(model, save_embedding_layers=False)
    settings = {key: sorted(value) if isinstance(value, set) else value for key, value in _settings(model).items()}
    settings["inference_mode"] = True
    rows = model.get_input_embeddings().weight.shape[0]
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, folder / WEIGHTS)
        _write_json(folder / CONFIG, settings)
        _write_json(folder / BASE, {"fingerprint": getattr(model, "longctx_base", ""), "rows": rows})
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write the adapter to {folder}: {_reason(error)}") from None


def load_adapter(model: Any, folder: Path) -> None:
    """Reads saved weights into a model that has adapters, bit for bit.

    Raises:
        UsageError: A file is missing or cannot be read, or the adapter is of another base model, rank, scale, layers or
            markers; the model is then unchanged.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    saved = _read_json(folder / CONFIG)
    if (folder / BASE).is_file():
        base, ours = _read_json(folder / BASE).get("fingerprint", ""), getattr(model, "longctx_base", "")
        # A model on the hub and the same one in a folder have fingerprints that cannot be compared.
        if base and ours and base.partition("-")[0] == ours.partition("-")[0] and base != ours:
            raise UsageError(
                f"the adapter in {folder} was trained on another base model than this one",
                "set model.name to the model that it was trained on",
            )
    settings = _settings(model)
    for key in _COMPARED:
        theirs, here = _comparable(saved.get(key)), _comparable(settings.get(key))
        if theirs != here:
            raise UsageError(f"the adapter in {folder} has {_told(key, theirs)}, but this run has {_told(key, here)}")
    try:
        state = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise UsageError(f"the adapter weights {folder / WEIGHTS} cannot be read: {_reason(error)}") from None
    with quiet():
        ours = get_peft_model_state_dict(model, save_embedding_layers=False)
        different = [
            name
            for name in sorted(set(ours) | set(state))
            if name not in ours or name not in state or ours[name].shape != state[name].shape
        ]
        if different:
            raise UsageError(
                f"the adapter in {folder} does not fit this model: {different[0]} is missing or of another shape",
                "set model.name to the model that it was trained on",
            )
        set_peft_model_state_dict(model, state)


def _linear_layers(model: Any) -> dict[str, Any]:
    """The linear layers inside a model's blocks, by dotted name, in the model's order."""
    return {
        name: module
        for name, module in model.named_modules()
        if _IN_A_LAYER.search(name) and (isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D")
    }


def _row_layers(model: Any) -> list[str]:
    """Names of the layers whose rows belong to tokens: the embedding, and the output layer where it has its own."""
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    wanted = [embedding]
    if output is not None and output.weight is not embedding.weight:
        wanted.append(output)
    names = {id(module): name for name, module in model.named_modules()}
    return [names[id(module)] for module in wanted]


def _settings(model: Any) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(json.dumps(model.peft_config[_NAME].to_dict(), default=_plain))
    return settings


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set) else str(value)


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    return {key: sorted(rows) for key, rows in value.items()} if isinstance(value, dict) else value


def _told(key: str, value: Any) -> str:
    if key == "trainable_token_indices":
        return f"rows for {len(next(iter(value.values())))} markers" if value else "no rows for markers"
    name = {"r": "rank", "lora_alpha": "alpha", "use_rslora": "use_rslora", "target_modules": "adapters on"}[key]
    return f"{name} {', '.join(value) if isinstance(value, list) else value}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0].lower()


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the adapter file {path} cannot be read: {_reason(error)}") from None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UsageError(f"the adapter file {path} is not JSON")
    return value
