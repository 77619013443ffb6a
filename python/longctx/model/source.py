"""Finds the model that `model.name` names: the demo model, a folder, or one on the hub. Nothing here needs torch."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longctx.config import ModelConfig
from longctx.errors import UsageError
from longctx.hub import hub_file
from longctx.model.cache import sample

DEMO = "demo"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_OFFLINE = (
    "without a network, give a folder that holds the model instead, or `demo` for the small model that comes along"
)


@dataclass(frozen=True)
class ModelSource:
    """Where a model's weights are read from, and what to call it."""

    name: str
    """As the user wrote it."""
    location: str
    """A folder, or the id of a model on the hub."""
    gguf_file: str | None
    """The file in GGUF form that holds the weights, by its name in the folder; None for safetensors."""
    fingerprint: str
    """Of the weights' content, or of the hub's commit: the same text means the same weights."""


def find_model(config: ModelConfig) -> ModelSource:
    """The model that the configuration names; weights are not read, and not downloaded, yet.

    Raises:
        UsageError: There is no such folder, file or model, it is of a form that cannot be trained, or the hub cannot be
            reached.
    """
    if config.name == DEMO:
        from longctx.model.demo import demo_file

        if config.gguf_file is not None:
            raise UsageError("model.gguf_file cannot be set for the demo model", "remove it, or name another model")
        file = demo_file()
        return ModelSource(DEMO, str(file.parent), file.name, f"files-{_hash([sample(file)])}")
    path = Path(config.name).expanduser()
    if path.is_dir():
        return _in_folder(config, path.resolve())
    if path.is_file() or not _HUB_ID.fullmatch(config.name):
        raise UsageError(
            f"{path} is no folder" if path.exists() else f"there is no model at {config.name}",
            "give a folder that holds a model, a model of the Hugging Face hub such as bigcode/starcoder2-3b, "
            "or demo for the small model that comes along",
        )
    return _on_hub(config)


def local_folder(source: ModelSource) -> Path:
    """The folder that holds the source's files, downloaded first if it is on the hub and not in the local cache.

    Raises:
        UsageError: A file is missing on the hub, or the hub cannot be reached.
    """
    if not source.fingerprint.startswith("hub-"):
        return Path(source.location)
    commit = source.fingerprint.removeprefix("hub-")
    if source.gguf_file is not None:
        return Path(_hub(source.location, source.gguf_file, commit)).parent
    folder = Path(_hub(source.location, CONFIG, commit)).parent
    try:
        index = Path(_hub(source.location, INDEX, commit))
    except UsageError as error:
        if "has no" not in error.message:
            raise
        _hub(source.location, WEIGHTS, commit)
        return folder
    for name in _shards(index):
        _hub(source.location, name, commit)
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model in a folder, sorted.

    Raises:
        UsageError: There are none, or one that the index names is missing.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        files = [folder / name for name in _shards(folder / INDEX)]
        for file in files:
            if not file.is_file():
                raise UsageError(f"the model folder {folder} lacks {file.name}, which its index names")
        return files
    others = sorted(path.name for path in folder.iterdir() if path.suffix in {".gguf", ".bin", ".pt", ".pth"})
    if any(name.endswith(".gguf") for name in others):
        first = next(name for name in others if name.endswith(".gguf"))
        raise UsageError(f"the model folder {folder} holds no {WEIGHTS}", f"set model.gguf_file to {first}")
    if others:
        raise UsageError(
            f"the model folder {folder} holds its weights as {others[0]}, a form that can run code when it is read",
            "convert it to safetensors: load it where you trust it and call save_pretrained",
        )
    raise UsageError(f"the model folder {folder} holds no weights: there is no {WEIGHTS}")


def _in_folder(config: ModelConfig, folder: Path) -> ModelSource:
    parts = []
    if config.gguf_file is not None:
        file = folder / config.gguf_file
        if not file.is_file():
            found = sorted(path.name for path in folder.glob("*.gguf"))
            raise UsageError(
                f"the model folder {folder} holds no {config.gguf_file}",
                f"it has {', '.join(found)}" if found else "it holds no file in GGUF form; check model.gguf_file",
            )
        parts.append(sample(file))
    else:
        if not (folder / CONFIG).is_file():
            found = sorted(path.name for path in folder.glob("*.gguf"))
            hint = f"set model.gguf_file to {found[0]}" if found else "give the folder that save_pretrained wrote"
            raise UsageError(f"the model folder {folder} holds no {CONFIG}", hint)
        check_form(read_config(folder / CONFIG), config)
        parts.append((folder / CONFIG).read_bytes())
        parts.extend(sample(file) for file in weight_files(folder))
    return ModelSource(config.name, str(folder), config.gguf_file, f"files-{_hash(parts)}")


def _on_hub(config: ModelConfig) -> ModelSource:
    """A model on the hub, at the commit that is in the local cache, or the newest."""
    path = Path(_hub(config.name, CONFIG if config.gguf_file is None else config.gguf_file, None))
    if config.gguf_file is None:
        check_form(read_config(path), config)
    # The cache's layout: snapshots/COMMIT/FILE.
    return ModelSource(config.name, config.name, config.gguf_file, f"hub-{path.parent.name}")


def read_config(path: Path) -> dict[str, Any]:
    """The content of a model's config.json.

    Raises:
        UsageError: It is no JSON object.
    """
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise UsageError(f"{path} is not the configuration of a model")
    return value


def check_form(description: dict[str, Any], config: ModelConfig) -> None:
    """Refuses models whose weights were quantised in a form that cannot be trained here.

    Raises:
        UsageError: It is such a model, or one already in 4 bits though `model.load_in_4bit` is false.
    """
    form = description.get("quantization_config")
    if not form:
        return
    method = form.get("quant_method", "unknown") if isinstance(form, dict) else "unknown"
    if method != "bitsandbytes" or not form.get("load_in_4bit"):
        raise UsageError(
            f"the weights of {config.name} are quantised in a form that cannot be trained: {method}",
            "give the model it was made from; model.load_in_4bit holds that in 4 bits",
        )
    if not config.load_in_4bit:
        raise UsageError(
            f"the weights of {config.name} are in 4 bits, but model.load_in_4bit is false",
            "set it to true, or give the model it was made from",
        )


def _hub(model: str, name: str, commit: str | None) -> str:
    return hub_file(
        model,
        name,
        what="the model file " + name,
        offline=_OFFLINE,
        missing="only models with weights as safetensors, or model.gguf_file, can be trained",
        revision=commit,
    )


def _shards(index: Path) -> list[str]:
    try:
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        names = []
    # A name that leads out of the folder would have files read that are not the model's.
    if not names or any(Path(str(name)).name != name for name in names):
        raise UsageError(f"{index} is not an index of weights")
    return names


def _hash(parts: list[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
