"""Trains an adapter on a dataset. The heavy imports are made when training is asked for."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longctx.config import Config
from longctx.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from longctx.train.request import Request

_OPTIONS = ("epochs", "max_sequences", "time_budget")
"""What a continued run was asked for, unless it is said anew."""


def default_output(data: str | os.PathLike[str]) -> Path:
    """`NAME.run` in the current folder for the dataset `NAME.longctx`."""
    return Path(f"{Path(data).resolve().name.removesuffix('.longctx')}.run")


def train(
    data: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    *,
    config: Config | None = None,
    overrides: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: str = "auto",
    time_budget: float | None = None,
    max_sequences: int | None = None,
    dry_run: bool = False,
    verbose: bool = False,
    notify: Callable[[str, Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Trains an adapter in phases of growing length.

    Args:
        data: A dataset that `longctx pack` wrote; may be left out when a run is continued.
        output: The folder of the run; None is `default_output`.
        config: None is the configuration that the dataset was packed with, or that of the run that is continued.
        overrides: Values by key path (`model.name`) in place of the configuration's.
        epochs: Epochs in all, shared by the phases in the configuration's proportion.
        checkpoint: An adapter, a checkpoint or a run to begin with; with `resume`, the checkpoint to go on from.
        resume: Go on with the run in `output`.
        device: `auto`, `cuda`, `mps` or `cpu`.
        time_budget: Seconds after which the run must have ended; the sequences are chosen to fit.
        max_sequences: Teach at most so many of the dataset's sequences.
        dry_run: Load, read the longest sequence of each phase once, and stop.
        verbose: Let the libraries speak.
        notify: Called as `notify(event, values)` with every event of `docs/training.md`.

    Returns:
        The summary, as `longctx train --json` prints it.

    Raises:
        UsageError: Something that was asked for cannot be had or does not fit together.
        TrainingError: The run had to stop; a checkpoint is saved.
        LongctxError: A file cannot be read or written.
        KeyboardInterrupt: The run was asked to stop; a checkpoint is saved.
    """
    begun = time.monotonic()
    given = {"epochs": epochs, "max_sequences": max_sequences, "time_budget": time_budget}
    request = _request(data, output, config, overrides, given, resume=resume)
    request = replace(
        request,
        checkpoint=Path(checkpoint) if checkpoint is not None else None,
        device=device,
        dry_run=dry_run,
        verbose=verbose,
    )
    _need_packages()
    # Threads that spin while they wait make training many times slower as soon as another program needs a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from longctx.train.conduct import conduct

    with _locked(request):
        return conduct(request, begun, notify)


def _request(
    data: str | os.PathLike[str] | None,
    output: str | os.PathLike[str] | None,
    config: Config | None,
    overrides: Mapping[str, Any] | None,
    given: dict[str, Any],
    *,
    resume: bool,
) -> Request:
    """What is asked for, filled up with what the run that is continued was asked for."""
    from longctx.config_file import override
    from longctx.data.shards import open_dataset
    from longctx.train.outputs import read_run
    from longctx.train.request import Request

    if data is None and output is None:
        raise UsageError("no dataset is given", "longctx train --data NAME.longctx --output DIR")
    folder = default_output(data) if output is None and data is not None else Path(output or "")
    earlier = read_run(folder)
    if resume:
        if earlier is None:
            raise UsageError(f"there is no run to continue in {folder}", "start one without --resume")
        if earlier["finished"]:
            raise UsageError(
                f"the run in {folder} is finished, so there is nothing to continue",
                f"to learn on from it: longctx train --data DIR --output OTHER --checkpoint {folder}",
            )
        data = data or earlier["data"]
        for name in _OPTIONS:
            given[name] = earlier["options"][name] if given[name] is None else given[name]
    elif earlier is not None:
        raise UsageError(
            f"there is a run in {folder} already", "continue it with --resume, or give another folder with --output"
        )
    if data is None:
        raise UsageError("no dataset is given", "longctx train --data NAME.longctx --output DIR")
    if config is None:
        stored = earlier["config"] if earlier else open_dataset(data, checksums=False).manifest["config"]
        config = _stored(stored, folder if earlier else Path(data))
    return Request(Path(data), folder, override(config, overrides or {}), resume=resume, **given)


def _stored(values: dict[str, Any], where: Path) -> Config:
    try:
        return Config.from_dict(values)
    except ValueError:
        raise DatasetError(
            f"{where}: the configuration that it was made with is not one of this version", "give one with --config"
        ) from None


@contextlib.contextmanager
def _locked(request: Request) -> Iterator[None]:
    """Keeps other runs out of the output folder; a dry run writes nothing."""
    from longctx.train.lock import RunLock

    if request.dry_run or int(os.environ.get("RANK", "0")):
        yield
        return
    from longctx.atomic import check_folder

    check_folder(request.output)
    with RunLock(request.output):
        yield


def _need_packages() -> None:
    import importlib.util

    needed = ("accelerate", "bitsandbytes", "peft", "psutil", "safetensors", "torch", "transformers")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise UsageError(
            f"training needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            "pip install 'longctx-code[train]'",
        )
