"""What a run and its continuation must have in common, and saying in which key they differ."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from longctx.config import Config
from longctx.errors import UsageError

_FREE = (
    "training.save_interval",
    "training.keep_checkpoints",
    "training.memory_warn",
    "training.memory_stop",
)
"""Keys that do not change what is learnt."""


def identity(
    config: Config,
    dataset: Path,
    model: str,
    *,
    epochs: int | None,
    max_sequences: int | None,
) -> dict[str, Any]:
    """The keys and values that must stay as they are while a run goes on.

    Args:
        config: The whole configuration.
        dataset: Its manifest stands for all of it: every file's hash is in there.
        model: Fingerprint of the base model.
        epochs: As asked for.
        max_sequences: As asked for.
    """
    found: dict[str, Any] = {
        "dataset": hashlib.sha256((dataset / "manifest.json").read_bytes()).hexdigest(),
        "model": model,
        "--epochs": epochs,
        "--max-sequences": max_sequences,
    }
    for section in ("model", "training", "long_context"):
        _flatten(config.to_dict()[section], section, found)
    return {key: value for key, value in found.items() if key not in _FREE}


def check_identity(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuses to continue a run with something else.

    Raises:
        UsageError: Names every key that differs, with both values.
    """
    differing = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if not differing:
        return
    told = "; ".join(_told(key, before.get(key), now.get(key)) for key in differing)
    raise UsageError(
        f"the run cannot go on, since something it depends on is not what it was: {told}",
        "put it back, or start a new run in another folder; --checkpoint takes over what was learnt",
    )


def _told(key: str, before: object, now: object) -> str:
    if key == "dataset":
        return "the dataset was packed anew"
    if key == "model":
        return "the base model is another"
    return f"{key} was {_shown(before)} and is {_shown(now)}"


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)


def _flatten(values: dict[str, Any], prefix: str, found: dict[str, Any]) -> None:
    for name, value in values.items():
        key = f"{prefix}.{name}"
        if isinstance(value, dict):
            _flatten(value, key, found)
        else:
            found[key] = value
