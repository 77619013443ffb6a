"""Finds the tokenizer.json that `--tokenizer` or `pack.tokenizer` names: a file, a folder, or a model on the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from longctx.errors import UsageError
from longctx.hub import hub_file

EMBEDDED = "default"
DEMO = "demo"
_FILE = "tokenizer.json"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class TokenizerSource:
    """Where a tokenizer is read from, and what to call it."""

    path: str | None
    """A tokenizer.json, or None for the built-in tokenizer."""
    name: str


def find_tokenizer(spec: str | None) -> TokenizerSource:
    """The tokenizer that `spec` names; never another one in its place.

    Args:
        spec: None or "default" for the built-in tokenizer; "demo" for that of the demo model; a tokenizer.json; a
            folder that holds one; or the id of a model on the Hugging Face hub, taken from the local cache where it is
            there and downloaded otherwise.

    Raises:
        UsageError: There is no such file, folder or model, or the hub cannot be reached.
    """
    if spec is None or spec == EMBEDDED:
        return TokenizerSource(None, EMBEDDED)
    if spec == DEMO:
        from longctx.model.demo import demo_tokenizer

        return TokenizerSource(str(demo_tokenizer()), DEMO)
    path = Path(spec).expanduser()
    if path.is_file():
        return TokenizerSource(str(path), path.resolve().parent.name if path.name == _FILE else path.stem)
    if path.is_dir():
        if not (path / _FILE).is_file():
            raise UsageError(f"the tokenizer folder {path} holds no {_FILE}")
        return TokenizerSource(str(path / _FILE), path.resolve().name)
    if not _HUB_ID.fullmatch(spec) or spec.endswith(".json"):
        raise UsageError(
            f"there is no tokenizer at {spec}",
            f"give a {_FILE}, a folder holding one, or a model of the Hugging Face hub such as bigcode/starcoder2-3b",
        )
    return TokenizerSource(_from_hub(spec), spec)


def _from_hub(model: str) -> str:
    """Path of the model's tokenizer.json in the local cache, downloaded first if it is not there."""
    return hub_file(
        model,
        _FILE,
        what="the tokenizer",
        offline=f"without a network, give the path of a {_FILE} instead",
        missing="only models with a fast tokenizer can be used",
    )
