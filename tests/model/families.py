"""Random models of all families, so small that loading one takes a fraction of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longctx.config import Config

FAMILIES = ("starcoder2", "llama", "qwen2", "qwen3", "gpt2")
ROWS = 96
MARKERS = {"<|FILE_START|>": 96, "<|FILE_END|>": 97, "<|COMMIT_START|>": 98}
MANIFEST: dict[str, Any] = {
    "tokenizer": {"vocab_size": ROWS + len(MARKERS), "markers": MARKERS},
    "bands": [{"id": 1, "min": 16, "max": 32}, {"id": 2, "min": 48, "max": 64}],
}


def write_model(folder: Path, family: str = "llama", *, seed: int = 0, **changes: Any) -> Path:
    """Saves a model of two layers in float32; `changes` are of its configuration."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(model_config(family, **changes))
        for name, weight in model.named_parameters():
            if "bias" not in name and weight.ndim == 2:
                torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder)
    return folder


def model_config(family: str, **changes: Any) -> Any:
    """The configuration of a family's smallest model; dropouts are on, as they are in pretraining."""
    from transformers import GPT2Config, LlamaConfig, Qwen2Config, Qwen3Config, Starcoder2Config

    if family == "gpt2":
        sizes: dict[str, Any] = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128}
        return GPT2Config(**{"vocab_size": ROWS, "bos_token_id": 0, "eos_token_id": 0, **sizes, **changes})
    kinds = {"starcoder2": Starcoder2Config, "llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config}
    sizes = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 128,
        "tie_word_embeddings": family in {"starcoder2", "qwen3"},
        "attention_dropout": 0.1,
    }
    if family == "starcoder2":
        sizes |= {"residual_dropout": 0.1, "embedding_dropout": 0.1, "sliding_window": 64}
    return kinds[family](**{"vocab_size": ROWS, "bos_token_id": 0, "eos_token_id": 0, **sizes, **changes})


def config(folder: Path | str, *, four: bool = False, dtype: str = "float32", **lora: Any) -> Config:
    """A configuration for the model in `folder`."""
    return Config.from_dict(
        {
            "model": {
                "name": str(folder),
                "load_in_4bit": four,
                "dtype": dtype,
                "lora": {"r": 4, "alpha": 8, **lora},
            },
            "training": {"use_gradient_checkpointing": False},
        }
    )
