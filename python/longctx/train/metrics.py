"""What a run tells as it goes: one JSON object a line in metrics.jsonl, and TensorBoard's curves of it."""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from longctx.atomic import failure, write_text
from longctx.errors import OutputError

FILE = "metrics.jsonl"
CURVES = "tensorboard"
"""The file and the folder that are written."""
CHECKPOINT = "checkpoint"
"""The event that says that its `step` is saved; what was told after it, the checkpoint does not know."""
_DRAWN = ("step", "validation", "epoch")
"""Events whose numbers make curves."""


class Metrics:
    """Writes the events of a run into its folder, each at once, so that a killed run leaves all but the last.

    A run that goes on from a checkpoint tells what came after it again. So lines are cut from the first whose `step`
    is above the checkpoint's, or after the last `checkpoint` line of that step if there is one.

    Args:
        folder: The run's folder, made if missing.
        keep_until_step: Step of the checkpoint that the run goes on from; None starts the file anew.
        tensorboard: Write curves too, into the folder `tensorboard`, if TensorBoard is installed.

    Raises:
        OutputError: A file cannot be written.
    """

    def __init__(self, folder: Path, *, keep_until_step: int | None, tensorboard: bool) -> None:
        self.path = folder / FILE
        self._step = keep_until_step or 0
        _cut(self.path, keep_until_step)
        try:
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {failure(error)}") from None
        self._curves = _curves(folder / CURVES, keep_until_step) if tensorboard else None

    def __enter__(self) -> Metrics:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, event: str, /, **values: Any) -> None:
        """Writes one line: `event`, then `values`.

        Args:
            event: What happened.
            values: Numbers, text, and lists and mappings of these; also arrays, tensors and paths. `step`, if given,
                is the number of optimiser steps done. A number that is not finite becomes null.

        Raises:
            OutputError: The disk is full, say; nothing of the line is left in the file.
        """
        line = {"event": event, **{name: _plain(value) for name, value in values.items()}}
        self._append(json.dumps(line, allow_nan=False).encode() + b"\n")
        step = line.get("step")
        if isinstance(step, int):
            self._step = step
        if self._curves is not None and event in _DRAWN:
            try:
                for name, number in _numbers(line):
                    self._curves.add_scalar(f"{event}/{name}", number, self._step)
                self._curves.flush()
            except OSError as error:
                raise OutputError(f"cannot write {self.path.with_name(CURVES)}: {failure(error)}") from None

    def close(self) -> None:
        """Closes the files; nothing can be written after."""
        self._file.close()
        if self._curves is not None:
            with contextlib.suppress(OSError):  # all of it was flushed before
                self._curves.close()
            self._curves = None

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._file.fileno()).st_size
        left = memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(before)
            raise OutputError(f"cannot write {self.path}: {failure(error)}") from None


def _cut(path: Path, keep_until_step: int | None) -> None:
    """Leaves the lines that a checkpoint's step knows of, whole ones only; with None, an empty file."""
    if keep_until_step is None:
        write_text(path, "")
        return
    try:
        content = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        content = ""
    except OSError as error:
        raise OutputError(f"cannot read {path}: {failure(error)}") from None
    kept: list[str] = []
    end = None
    for line in content.splitlines(keepends=True):
        values = _parsed(line)
        if values is None:
            continue
        step = values.get("step")
        if isinstance(step, int) and step > keep_until_step:
            break
        kept.append(line)
        if step == keep_until_step and values.get("event") == CHECKPOINT:
            end = len(kept)
    known = "".join(kept[:end])
    if known != content or not path.exists():
        write_text(path, known)


def _parsed(line: str) -> dict[str, Any] | None:
    """A line's object; None if a killed run did not write all of it."""
    if not line.endswith("\n"):
        return None
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _curves(folder: Path, keep_until_step: int | None) -> Any:
    """TensorBoard's writer, None if it is not installed; it hides what files of before tell of later steps."""
    try:
        module = importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        return None
    try:
        return module.SummaryWriter(str(folder), purge_step=0 if keep_until_step is None else keep_until_step + 1)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {failure(error)}") from None


def _plain(value: Any) -> Any:
    """`value` as JSON knows it."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a metric cannot be of type {type(value).__name__}")


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers among `values` and in mappings inside, with their names joined by `/`."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            for inner, number in _numbers(value):
                yield f"{name}/{inner}", number
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and name != "step":
            yield name, value
