"""Packs a repository into a dataset: turns a configuration into the engine's options."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longctx import _core
from longctx.config import Config
from longctx.errors import UsageError
from longctx.tokenizers import find_tokenizer


def default_output(repository: str | os.PathLike[str]) -> Path:
    """`NAME.longctx` in the current folder, NAME being the repository folder's without `.git`."""
    folder = Path(repository).resolve()
    name = folder.name.removesuffix(".git") or folder.parent.name
    return Path(f"{name or 'repository'}.longctx")


def pack(
    repository: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    config: Config | None = None,
    revision: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Callable[[str, str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Packs a repository into a dataset.

    Args:
        repository: A folder: a git work tree, a bare repository, or any folder of files.
        output: The dataset to write; None is `default_output`.
        config: None is the default configuration.
        revision: Commit, branch or tag to pack; None packs the work tree as it is.
        overwrite: Replace a dataset that exists, once the new one is whole.
        dry_run: Do everything but write.
        progress: Called as `progress(stage, unit, done, total)` about ten times a second; total is 0 while unknown.

    Returns:
        The summary, as `longctx pack --json` prints it.

    Raises:
        UsageError: The tokenizer or a path cannot be used.
        LongctxError: The repository cannot be read, nothing is left to pack, or the dataset cannot be written.
    """
    config = config or Config()
    tokenizer = find_tokenizer(config.pack.tokenizer)
    target = None if dry_run else _text(output or default_output(repository), "output")
    options = {
        "repository": _text(repository, "repository"),
        "output": target,
        "revision": revision,
        "include": config.pack.include,
        "exclude": config.pack.exclude,
        "hidden": config.pack.hidden,
        "max_file_size": config.pack.max_file_size,
        "redact_secrets": config.pack.redact_secrets,
        "tokenizer": {"path": tokenizer.path, "name": tokenizer.name},
        "bands": [{"id": b.id, "min": b.min, "max": b.max, "overlap": b.overlap} for b in config.bands()],
        "validation_split": config.training.validation_split,
        "seed": config.training.seed,
        "threads": config.pack.threads,
        "overwrite": overwrite,
        "dry_run": dry_run,
        "config": config.model_dump(mode="json"),
    }
    summary: dict[str, Any] = json.loads(_core.pack(json.dumps(options), progress))
    return summary


def _text(path: str | os.PathLike[str], role: str) -> str:
    """`path` as text, or an error where its bytes are none: options travel as JSON."""
    text = os.fspath(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"the {role} path {text!a} is not UTF-8", "rename it or reach it by a link") from None
    return text
