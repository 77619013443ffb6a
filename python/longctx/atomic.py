"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

from longctx.errors import OutputError, UsageError

_FOREIGN = re.compile(r"(?:.*: )?(.+?) \(os error \d+\)")
"""How libraries written in Rust, as safetensors, tell an error of the system: as an error of their own."""


def check_folder(folder: Path) -> None:
    """Finds out, before long work, whether files can be written to `folder`, which need not exist.

    Raises:
        UsageError: It is no folder, or nothing may be written there.
    """
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink()), folder)
    if not there.is_dir():
        raise UsageError(f"{there} is no folder, so nothing can be written to {folder}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"nothing may be written to {there}")


def write_text(path: Path, text: str) -> None:
    """Writes a file beside its place, brings it to the disk, and puts it in its place, which may be taken.

    Folders that are missing are made.

    Raises:
        OutputError: It cannot be written; what was there before is there still.
    """
    beside = path.with_name(f".{path.name}.tmp-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {failure(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def failure(error: BaseException) -> str | None:
    """Why something could not be written or read, in a few words; None if the error is not one of the system's."""
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    told = _FOREIGN.match(str(error))
    return told[1].lower() if told else None


def sync_tree(folder: Path) -> None:
    """Brings all files of a folder and of those inside it to the disk, and their names.

    Raises:
        OSError: A file cannot be brought there; a full disk may show only now.
    """
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            handle = os.open(Path(place, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(place))


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
