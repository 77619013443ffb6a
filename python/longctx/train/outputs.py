"""The output folder of a run: what is in it, and putting adapters there."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longctx._core import __version__
from longctx.atomic import failure, sync_folder, sync_tree, write_text
from longctx.errors import DatasetError, OutputError

RUN_FILE = "run.json"
"""What the run was asked for, and whether it is finished."""


def write_run(output: Path, values: dict[str, Any]) -> None:
    """Writes what a run was asked for.

    Raises:
        OutputError: It cannot be written.
    """
    content = {"format": "longctx-run", "tool": f"longctx {__version__}", **values}
    write_text(output / RUN_FILE, json.dumps(content, indent=2) + "\n")


def read_run(output: Path) -> dict[str, Any] | None:
    """What the run in `output` was asked for; None where there is no run.

    Raises:
        DatasetError: There is a file of that name that says something else.
    """
    path = output / RUN_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from None
    if not isinstance(values, dict) or values.get("format") != "longctx-run":
        raise DatasetError(f"{path} is not of a run", "give another folder with --output")
    return values


def replace_adapter(folder: Path, save: Callable[[Path], None], tokenizer: Path) -> None:
    """Puts an adapter, with the dataset's tokenizer, into `folder` in place of the one that is there.

    It is written beside its place first, so that an adapter that is there is whole.

    Raises:
        OutputError: It cannot be written; the one before is still there.
    """
    new, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        save(new)
        for file in sorted(tokenizer.iterdir()):
            shutil.copyfile(file, new / file.name)
        sync_tree(new)
        recover_adapter(folder)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        sync_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    except Exception as error:
        with contextlib.suppress(OSError):
            shutil.rmtree(new, ignore_errors=True)
            recover_adapter(folder)
        reason = failure(error)
        if reason is None:
            raise
        raise OutputError(f"cannot write the adapter {folder}: {reason}") from None


def recover_adapter(folder: Path) -> None:
    """Puts back the adapter that an interrupted `replace_adapter` had moved aside."""
    old = folder.with_name(f".{folder.name}.old")
    if not old.exists():
        return
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.rename(folder)
