"""The user's cache: folders made once from files that do not change, there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longctx.errors import OutputError
from longctx.user_cache import cache_folder

_CONTENTS = "contents.json"
"""The file beside the others that has their hashes."""
_SAMPLES = 512
_BLOCK = 4096
_STALE = 24 * 3600
"""Seconds after which what a killed run left behind is taken for abandoned."""


def cached(name: str, fill: Callable[[Path], None], notes: list[str] | None = None) -> Path:
    """The folder `name` of the cache, made by `fill` if it is not there or its files are not what they were.

    `fill` writes files into a folder beside, which is renamed when it is whole: of two processes at once both fill one,
    and the first to finish is kept.

    Args:
        name: Path of the folder in the cache; it must change with everything that decides its content.
        fill: Writes the files.
        notes: A sentence is added where a damaged folder was made again.

    Raises:
        OutputError: The cache cannot be written.
    """
    folder = cache_folder() / name
    if folder.is_dir():
        if _whole(folder):
            return folder
        _forget(folder)
        if notes is not None:
            notes.append(f"what was kept in {folder} was damaged and has been made again")
    beside = folder.with_name(f".{folder.name}.tmp-{secrets.token_hex(4)}")
    try:
        beside.mkdir(parents=True)
        _clear_abandoned(folder.parent)
        fill(beside)
        hashes = {file.name: _hash(file) for file in sorted(beside.iterdir())}
        (beside / _CONTENTS).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
        for file in beside.iterdir():
            _sync(file)
        _rename(beside, folder)
        _sync(folder.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write the cache {folder}: {(error.strerror or str(error)).lower()}",
            "free some space, or set LONGCTX_CACHE_DIR to another folder",
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _whole(folder: Path) -> bool:
    """Whether a folder holds the files that were written to it, with the content that they had.

    All of it is read: a wrong weight would not show as an error but as a bad model.
    """
    try:
        hashes = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
        return all(_hash(folder / name) == known for name, known in hashes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.blake2b(digest_size=16)
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def _forget(folder: Path) -> None:
    """Removes a folder of the cache; whoever reads it now keeps their open files."""
    aside = folder.with_name(f".{folder.name}.tmp-{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def save(model: Any, folder: Path) -> None:
    """Writes a model of transformers to a folder; a full disk is an `OSError`, which safetensors makes its own of."""
    from safetensors import SafetensorError

    try:
        model.save_pretrained(folder)
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while serializing: ").removeprefix("I/O error: ")
        raise OSError(reason.partition(" (os error")[0]) from None


def sample(file: Path) -> bytes:
    """A hash of a file's size, both ends and evenly spaced blocks: 16 bytes, made in milliseconds whatever its size.

    Training changes a whole tensor, so weights that differ at all differ in a block.
    """
    size = file.stat().st_size
    digest = hashlib.blake2b(size.to_bytes(8, "little"), digest_size=16)
    with file.open("rb") as stream:
        digest.update(stream.read(256 * _BLOCK))
        for number in range(_SAMPLES):
            stream.seek(size * number // _SAMPLES)
            digest.update(stream.read(_BLOCK))
        stream.seek(max(size - 256 * _BLOCK, 0))
        digest.update(stream.read())
    return digest.digest()


def _rename(beside: Path, folder: Path) -> None:
    """Puts a folder in its place. Where another process was faster, that one's folder stays: it is as good."""
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _clear_abandoned(parent: Path) -> None:
    for folder in parent.glob(".*.tmp-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE:
                shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    """Brings a file, or the names in a folder, to the disk where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
