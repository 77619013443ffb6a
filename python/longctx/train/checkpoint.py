"""Checkpoints of a run: folders that are there whole or not at all, whose files are known by their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longctx.atomic import failure, sync_folder, sync_tree
from longctx.errors import DatasetError, OutputError

MANIFEST = "checkpoint.json"
"""The file of a checkpoint that lists the others."""
_FORMAT = "longctx-checkpoint"
_SCHEMA = 1
_NAME = re.compile(r"step-(\d{6,})")
_HIDDEN = re.compile(r"\.(step-\d{6,})\.(new|old|gone)-[0-9a-f]{8}")
"""A checkpoint that is being written (new), that one of the same step is about to replace (old), or that is being
removed (gone)."""
_BLOCK = 1 << 20
"""Bytes hashed at a time."""

_log = logging.getLogger("longctx")


class Checkpoints:
    """The checkpoints of one run, in a folder of their own: `step-000123/`, one for each step that was saved.

    What a killed run left half done is put right when this is made, so only one process may have it for a folder at a
    time: make it while holding the run's lock.

    Args:
        folder: Where they are; made with the first of them if missing.
        keep: How many of the newest stay, at least 1.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        if keep < 1:
            raise ValueError(f"at least one checkpoint must be kept, not {keep}")
        self.folder = folder
        self._keep = keep
        self._put_right()

    def write(self, step: int, fill: Callable[[Path], None]) -> Path:
        """Writes the checkpoint of a step, replacing one of the same step, then removes those beyond `keep`.

        Those of later steps are removed as well: the run went back behind them, and they tell how it went before.

        Args:
            step: Optimiser steps done, from 0.
            fill: Writes the files into the folder it is given, which is empty; folders inside it are fine.

        Returns:
            The checkpoint's folder, whole and on the disk.

        Raises:
            OutputError: Something could not be written. What `fill` had written is gone, the other checkpoints stay.
                Any other error of `fill` is passed on, with the same effect.
        """
        target = self.folder / f"step-{step:06d}"
        beside = _hidden(target, "new")
        try:
            beside.mkdir(parents=True)
            fill(beside)
            _seal(beside, step)
            sync_tree(beside)
            self._put(beside, target)
        except OutputError as error:
            raise OutputError(error.message.replace(str(beside), str(target)), self._hint()) from None
        except Exception as error:
            reason = failure(error)
            if reason is None:
                raise
            raise OutputError(f"cannot write the checkpoint {target}: {reason}", self._hint()) from None
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self._prune(step)
        return target

    def latest(self) -> Path | None:
        """The checkpoint of the highest step, or None; `read` says whether it is whole."""
        return latest_checkpoint(self.folder)

    @staticmethod
    def read(path: Path) -> dict[str, Any]:
        """The same as `read_checkpoint`."""
        return read_checkpoint(path)

    def _put_right(self) -> None:
        """Removes what killed runs left half done, and puts back what they had put aside."""
        for entry in _entries(self.folder):
            match = _HIDDEN.fullmatch(entry.name)
            if not match:
                continue
            target = self.folder / match[1]
            if match[2] == "old" and not target.exists():
                # Another process of the same run may have been faster.
                with contextlib.suppress(FileNotFoundError):
                    entry.rename(target)
            else:
                _discard(entry)

    def _put(self, beside: Path, target: Path) -> None:
        """Gives a checkpoint its name; one that has it is put aside first, since no folder replaces another at once."""
        aside = _hidden(target, "old")
        try:
            if target.exists():
                target.rename(aside)
            beside.rename(target)
        finally:
            if not target.exists() and aside.exists():
                aside.rename(target)
        sync_folder(self.folder)
        if aside.exists():
            _discard(aside)

    def _prune(self, written: int) -> None:
        numbered = _numbered(self.folder)
        earlier = [step for step in numbered if step <= written]
        for step in numbered.keys() - set(earlier[-self._keep :]):
            _discard(numbered[step])

    def _hint(self) -> str:
        latest = self.latest()
        return f"the last checkpoint, {latest}, is still there" if latest else "there is no earlier checkpoint"


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the highest step in `folder`, or None; nothing is read or changed."""
    return next(reversed(_numbered(folder).values()), None)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint's manifest and compares every file with it.

    Hidden files that nobody wrote there on purpose, as `.DS_Store`, are passed over.

    Returns:
        `step`, and under `files`, by path relative to the checkpoint, the `bytes` and `sha256` of each.

    Raises:
        DatasetError: The folder is no checkpoint, or a file of it is missing, cut short, altered, from elsewhere, or
            none of those that were written; the message names it, the hint another checkpoint that is whole.
    """
    try:
        return _verified(path)
    except DatasetError as error:
        raise DatasetError(error.message, _way_out(path)) from None


def _verified(path: Path) -> dict[str, Any]:
    manifest = _manifest(path)
    files: dict[str, dict[str, Any]] = manifest["files"]
    there = _listing(path)
    for name, entry in files.items():
        file = path / name
        if name not in there or not file.is_file():
            raise DatasetError(f"checkpoint {file}: is missing")
        size, expected = file.stat().st_size, entry["bytes"]
        if size < expected:
            raise DatasetError(f"checkpoint {file}: is cut short: {size} of {expected} bytes")
        if size > expected:
            raise DatasetError(f"checkpoint {file}: has {size} bytes instead of {expected}")
        try:
            digest = _sha256(file)
        except OSError as error:
            raise DatasetError(f"checkpoint {file}: cannot be read: {failure(error)}") from None
        if digest != entry["sha256"]:
            raise DatasetError(f"checkpoint {file}: is not the file that was written: its checksum is another")
    for name in there:
        if name not in files and not any(part.startswith(".") for part in name.split("/")):
            raise DatasetError(f"checkpoint {path / name}: does not belong to this checkpoint")
    return manifest


def _manifest(path: Path) -> dict[str, Any]:
    """The manifest, itself checked."""
    file = path / MANIFEST
    if not path.is_dir():
        raise DatasetError(f"checkpoint {path}: is no folder")
    if not file.is_file():
        raise DatasetError(f"checkpoint {file}: is missing")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"checkpoint {file}: cannot be read: {failure(error)}") from None
    except ValueError:
        raise DatasetError(f"checkpoint {file}: is not JSON: it is cut short or altered") from None
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise DatasetError(f"checkpoint {file}: is not the manifest of a checkpoint")
    if manifest.get("schema") != _SCHEMA:
        raise DatasetError(f"checkpoint {file}: has schema {manifest.get('schema')}; this longctx reads {_SCHEMA}")
    if manifest.get("sha256") != _own_sha256(manifest):
        raise DatasetError(f"checkpoint {file}: was altered: its checksum is another")
    name = _NAME.fullmatch(path.absolute().name)
    if name and int(name[1]) != manifest["step"]:
        raise DatasetError(
            f"checkpoint {file}: is of step {manifest['step']}: the folder was renamed, or the file swapped"
        )
    return manifest


def _seal(folder: Path, step: int) -> None:
    """Writes the manifest of all files in `folder`."""
    files = {}
    for name in _listing(folder):
        file = folder / name
        files[name] = {"bytes": file.stat().st_size, "sha256": _sha256(file)}
    manifest: dict[str, Any] = {"format": _FORMAT, "schema": _SCHEMA, "step": step, "files": files}
    manifest["sha256"] = _own_sha256(manifest)
    with (folder / MANIFEST).open("x", encoding="utf-8", newline="\n") as file_of_all:
        file_of_all.write(json.dumps(manifest, indent=2) + "\n")


def _own_sha256(manifest: dict[str, Any]) -> str:
    """Hash of a manifest without its hash, whatever its layout."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _listing(folder: Path) -> list[str]:
    """The files of a checkpoint, its manifest aside, in those of its folders too: paths with `/`, sorted."""
    names = [Path(place, name).relative_to(folder).as_posix() for place, _, files in os.walk(folder) for name in files]
    return sorted(name for name in names if name != MANIFEST)


def _way_out(path: Path) -> str:
    """A hint to the newest other checkpoint that is whole."""
    folder = path.absolute().parent
    for other in reversed(_numbered(folder).values()):
        if other == path.absolute():
            continue
        try:
            _verified(other)
        except DatasetError:
            continue
        return f"the checkpoint {other} is whole: move {path.name} away to go on from there"
    return "no other checkpoint beside it is whole"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise OutputError(f"the checkpoints in {folder} cannot be listed: {failure(error)}") from None


def _numbered(folder: Path) -> dict[int, Path]:
    """The checkpoints in `folder` by step, which rises."""
    found = ((_NAME.fullmatch(entry.name), entry) for entry in _entries(folder))
    return dict(sorted((int(name[1]), entry) for name, entry in found if name and entry.is_dir()))


def _hidden(target: Path, state: str) -> Path:
    return target.with_name(f".{target.name}.{state}-{secrets.token_hex(4)}")


def _discard(path: Path) -> None:
    """Removes a checkpoint, or what was to become one, so that no half of it is ever taken for one."""
    match = _HIDDEN.fullmatch(path.name)
    try:
        gone = path.rename(_hidden(path.with_name(match[1] if match else path.name), "gone"))
        shutil.rmtree(gone)
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("cannot remove %s: %s", path, failure(error))
