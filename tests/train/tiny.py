"""A dataset and models so small that a run of two phases takes seconds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import longctx
from longctx.config import Config
from tests.repositories import git, make_repository, python_source, write_files


def settings(**changes: Any) -> dict[str, Any]:
    """Raw configuration of short phases; `changes` are by key path with `__` for the point."""
    values: dict[str, Any] = {
        "model": {"load_in_4bit": False, "dtype": "float32", "lora": {"r": 4, "alpha": 8}},
        "training": {
            "base_learning_rate": 5e-3,
            "gradient_accumulation_steps": 4,
            "max_validation_sequences": 4,
            "save_interval": 2,
            "memory_stop": 1.0,
            "memory_warn": 1.0,
        },
        "long_context": {
            "phase1_min_length": 64,
            "phase1_max_length": 128,
            "phase1_epochs": 2,
            "phase2_min_length": 160,
            "phase2_max_length": 256,
            "phase2_epochs": 2,
            "phase3_min_length": 288,
            "phase3_max_length": 384,
            "phase3_epochs": 1,
        },
        "pack": {"sequence_length": 256, "overlap": 32},
    }
    for key, value in changes.items():
        *sections, last = key.split("__")
        target = values
        for section in sections:
            target = target.setdefault(section, {})
        target[last] = value
    return values


def config(**changes: Any) -> Config:
    return Config.from_dict(settings(**changes))


def dataset(folder: Path, **changes: Any) -> Path:
    """Packs a small repository with two commits."""
    repository = make_repository(folder / "repository", {f"pkg/m{n}.py": python_source(n, 6) for n in range(6)})
    write_files(repository, {"pkg/m0.py": python_source(0, 6) + "\n\nLATER = 1\n"})
    git(repository, "commit", "--all", "--quiet", "--message=second")
    longctx.pack(repository, folder / "tiny.longctx", config=config(**changes))
    return folder / "tiny.longctx"


def model(folder: Path, dataset: Path, family: str = "llama") -> Path:
    """A random model of two thin layers with the dataset's tokenizer."""
    import torch
    import transformers

    plain = json.loads((dataset / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    manifest = json.loads((dataset / "manifest.json").read_text(encoding="utf-8"))
    size = manifest["tokenizer"]["vocab_size"] - len(manifest["tokenizer"]["markers"])
    torch.manual_seed(0)
    transformers.utils.logging.disable_progress_bar()
    _FAMILIES[family](transformers, size).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(plain), encoding="utf-8")
    return folder


def copied(run: Path, to: Path) -> Path:
    shutil.copytree(run, to)
    return to


def _llama(transformers: Any, size: int) -> Any:
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=size,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            tie_word_embeddings=True,
        )
    )


_FAMILIES = {"llama": _llama}
