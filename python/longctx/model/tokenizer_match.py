"""Whether a dataset was packed with the tokenizer of the model that is to read it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from longctx.data.shards import Dataset
from longctx.errors import UsageError


def check_tokenizer(tokenizer: Path | None, model: str, dataset: Dataset) -> None:
    """Refuses a dataset whose ids mean something else to the model.

    Equal files are equal tokenizers. Files that differ are compared by what decides about ids: a file is often saved
    again with other settings for padding or chat.

    Args:
        tokenizer: The model's `tokenizer.json`; None where it has none, and nothing can be compared.
        model: What to call the model.
        dataset: What is to be read.

    Raises:
        UsageError: It was packed with another tokenizer.
    """
    packed = dataset.manifest["tokenizer"]
    if tokenizer is None:
        return
    content = tokenizer.read_bytes()
    if hashlib.sha256(content).hexdigest() == packed["sha256"]:
        return
    ours = (dataset.path / "tokenizer" / "tokenizer.json").read_bytes()
    try:
        same = _deciding(json.loads(content), packed["markers"]) == _deciding(json.loads(ours), packed["markers"])
    except (ValueError, KeyError, TypeError, AttributeError):
        same = False
    if not same:
        raise UsageError(
            f"the dataset {dataset.path} was packed with the tokenizer {packed['name']}, which is not that of {model}",
            f"pack it for this model: longctx pack REPO --tokenizer {model}",
        )


def _deciding(tokenizer: dict[str, Any], markers: dict[str, int]) -> dict[str, Any]:
    """What of a tokenizer decides which text has which ids; the markers were added when it was packed."""
    model = dict(tokenizer["model"])
    # Written as pairs or as text with a space, which is the same.
    model["merges"] = [pair if isinstance(pair, str) else " ".join(pair) for pair in model.get("merges", ())]
    added = {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or ()}
    return {
        "model": model,
        "added": {text: number for text, number in added.items() if text not in markers},
        "normalizer": tokenizer.get("normalizer"),
        "pre_tokenizer": tokenizer.get("pre_tokenizer"),
    }
