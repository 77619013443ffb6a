"""Packs a repository into a dataset: turns a configuration into the engine's options."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longctx import _core
from longctx.config import Config
from longctx.errors import UsageError
from longctx.tokenizers import find_tokenizer
from longctx.user_cache import cache_folder


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
    cache: bool = True,
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
        cache: Use what the last run kept in `longctx.user_cache.cache_folder()`, and keep there what the next one can
            use. The dataset is the same without it.
        progress: Called as `progress(stage, unit, done, total)` about ten times a second; total is 0 while unknown.

    Returns:
        The summary, as `longctx pack --json` prints it.

    Raises:
        UsageError: The tokenizer or a path cannot be used.
        LongctxError: The repository cannot be read, nothing is left to pack, or the dataset cannot be written.
    """
    config = config or Config()
    target = None if dry_run else _text(output or default_output(repository), "output")
    options = engine_options(
        repository, target, config, revision=revision, overwrite=overwrite, dry_run=dry_run, cache=cache
    )
    summary: dict[str, Any] = json.loads(_core.pack(json.dumps(options), progress))
    return summary


def engine_options(
    repository: str | os.PathLike[str],
    output: str | None,
    config: Config,
    *,
    revision: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    cache: bool = True,
) -> dict[str, Any]:
    """What the engine is told, as `_core.pack` documents it; the tokenizer is looked up.

    Raises:
        UsageError: The tokenizer or the repository's path cannot be used.
    """
    pack = config.pack
    tokenizer = find_tokenizer(pack.tokenizer)
    return {
        "repository": _text(repository, "repository"),
        "output": output,
        "revision": revision,
        "include": pack.include,
        "exclude": pack.exclude,
        "hidden": pack.hidden,
        "max_file_size": pack.max_file_size,
        "redact_secrets": pack.redact_secrets,
        "tokenizer": {"path": tokenizer.path, "name": tokenizer.name},
        "bands": [{"id": b.id, "min": b.min, "max": b.max, "overlap": b.overlap} for b in config.bands()],
        "validation_split": config.training.validation_split,
        "kinds": pack.kinds,
        "context": pack.context,
        "order": pack.order,
        "history": {
            "mode": pack.history,
            "since": None if pack.since is None else midnight(pack.since),
            "max_commits": pack.max_commits,
            "max_files_per_commit": pack.max_files_per_commit,
            "skip_bots": pack.skip_bots,
            "skip_formatting": pack.skip_formatting,
            "max_versions": pack.max_versions,
        },
        "commits_ratio": pack.commits_ratio,
        "qa_ratio": pack.qa_ratio,
        "seed": config.training.seed,
        "cache": str(cache_folder() / "pack") if cache else None,
        "threads": pack.threads,
        "overwrite": overwrite,
        "dry_run": dry_run,
        "config": config.to_dict(),
    }


def midnight(day: datetime.date) -> int:
    """Seconds since 1970 at the beginning of a day in UTC."""
    return int(datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc).timestamp())


def _text(path: str | os.PathLike[str], role: str) -> str:
    """`path` as text, or an error where its bytes are none: options travel as JSON."""
    text = os.fspath(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"the {role} path {text!a} is not UTF-8", "rename it or reach it by a link") from None
    return text
