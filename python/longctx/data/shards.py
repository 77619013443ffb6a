"""Reads a dataset that `longctx pack` wrote: memory-mapped, nothing copied, metadata parsed only when asked for."""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longctx._core import Tokenizer, open_manifest
from longctx.data.sequences import LongContextSequence, Segment
from longctx.errors import DatasetError

INDEX_DTYPE = np.dtype(
    [
        ("offset", "<u8"),
        ("length", "<u4"),
        ("loss_start", "<u4"),
        ("kind", "u1"),
        ("difficulty", "u1"),
        ("band", "u1"),
        ("seen", "u1"),
        ("score", "<f4"),
        ("files", "<u2"),
    ]
)
"""One row of an index file: where a sequence is in its tokens file, and what kind of sequence it is."""

_ID = re.compile(rb'\{\s*"id":\s*"([\w-]+)"')
"""The beginning of a line of metadata, as the engine writes it."""
_SCAN = 1 << 24
"""Bytes of metadata searched for line ends at a time."""


def open_dataset(path: str | os.PathLike[str], checksums: bool = True) -> Dataset:
    """Opens a dataset for reading.

    Args:
        path: The dataset's folder.
        checksums: Read every file once and compare its hash; without, only sizes and headers are checked.

    Raises:
        LongctxError: A file is missing, cut short or altered; the message names it.
    """
    store = _Store(Path(path), json.loads(open_manifest(os.fspath(path), checksums)))
    return Dataset(store, np.arange(sum(len(shard.index) for shard in store.shards), dtype=np.int64))


class Dataset:
    """Sequences of a dataset: all, or those that a filter let through.

    `len()`, indexing from either end and iteration give `LongContextSequence`s. The arrays are views of the dataset's
    files and cannot be written. It can be pickled: the copy opens the same folder again.
    """

    def __init__(self, store: _Store, rows: NDArray[np.int64]) -> None:
        self._store = store
        self._rows = rows

    def __repr__(self) -> str:
        return f"Dataset({str(self.path)!r}, {len(self)} sequences)"

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> LongContextSequence:
        shard, row = self._at(index)
        meta = shard.meta(row)
        return LongContextSequence(
            tokens=shard.sequence(row),
            loss_start=int(shard.index[row]["loss_start"]),
            segments=tuple(Segment.from_json(segment) for segment in meta["segments"]),
            kind=meta["kind"],
            decode=self._store.decode,
            id=meta["id"],
        )

    def __iter__(self) -> Iterator[LongContextSequence]:
        return (self[index] for index in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self._rows)

    @property
    def path(self) -> Path:
        """The dataset's folder."""
        return self._store.path

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json."""
        return self._store.manifest

    @property
    def tokenizer(self) -> Tokenizer:
        """The dataset's own tokenizer, markers included; read when first asked for."""
        return self._store.tokenizer

    def tokens(self, index: int) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a sequence: uint16 or uint32, shape [length], a view into the dataset's file."""
        shard, row = self._at(index)
        return shard.sequence(row)

    def loss_start(self, index: int) -> int:
        """Position of the first token of a sequence that is learnt."""
        shard, row = self._at(index)
        return int(shard.index[row]["loss_start"])

    def meta(self, index: int) -> dict[str, Any]:
        """The metadata of a sequence, its line of meta.jsonl."""
        shard, row = self._at(index)
        return shard.meta(row)

    def ids(self) -> list[str]:
        """The ids of all sequences of this view; reads all metadata of the shards that they are in."""
        known: dict[int, list[str]] = {}
        found = []
        for number in self._rows.tolist():
            shard, row = self._store.locate(number)
            if id(shard) not in known:
                known[id(shard)] = shard.ids()
            found.append(known[id(shard)][row])
        return found

    def split(self, index: int) -> str:
        """`train` or `val`."""
        return self._at(index)[0].split

    def splits(self) -> NDArray[np.uint8]:
        """0 for train and 1 for val, of every sequence of this view, shape [len(self)]."""
        return self._store.splits[self._rows]

    def text(self, index: int) -> str:
        """A sequence as text, markers spelled out."""
        return self._store.decode(self.tokens(index))

    def column(self, name: str) -> NDArray[Any]:
        """One field of the index for every sequence of this view, shape [len(self)].

        Raises:
            ValueError: The index has no such field.
        """
        if name not in (INDEX_DTYPE.names or ()):
            raise ValueError(f"the index has no field {name!r}; it has {', '.join(INDEX_DTYPE.names or ())}")
        return self._store.column(name)[self._rows]

    def filter(
        self,
        *,
        split: str | None = None,
        kind: str | None = None,
        band: int | None = None,
        difficulty: str | None = None,
    ) -> Dataset:
        """The sequences that are all of this, as a view; nothing is copied but row numbers.

        Raises:
            ValueError: The dataset's manifest knows no such split, kind, band or difficulty.
        """
        manifest = self.manifest
        keep = np.ones(len(self), dtype=bool)
        if split is not None:
            code = _code("split", split, ["train", "val"])
            keep &= self.splits() == code
        if kind is not None:
            keep &= self.column("kind") == _code("kind", kind, manifest["kinds"])
        if band is not None:
            _code("band", band, [entry["id"] for entry in manifest["bands"]])
            keep &= self.column("band") == band
        if difficulty is not None:
            keep &= self.column("difficulty") == _code("difficulty", difficulty, manifest["difficulties"])
        return Dataset(self._store, self._rows[keep])

    def _at(self, index: int) -> tuple[_Shard, int]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        return self._store.locate(int(self._rows[index]))


class _Store:
    """The files of a dataset, shared by all views of it; sequences are numbered through its shards in order."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.shards = [_Shard(path, entry["split"], entry["name"]) for entry in manifest["shards"]]
        self._ends = np.cumsum([len(shard.index) for shard in self.shards], dtype=np.int64)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self.path / "tokenizer" / "tokenizer.json"))

    @cached_property
    def splits(self) -> NDArray[np.uint8]:
        """0 for train, 1 for val, of every sequence."""
        parts = [np.full(len(shard.index), shard.split != "train", dtype=np.uint8) for shard in self.shards]
        return np.concatenate([*parts, np.empty(0, dtype=np.uint8)])

    def decode(self, ids: NDArray[Any]) -> str:
        return self.tokenizer.decode(ids)

    def column(self, name: str) -> NDArray[Any]:
        return np.concatenate([*(shard.index[name] for shard in self.shards), np.empty(0, dtype=INDEX_DTYPE[name])])

    def locate(self, number: int) -> tuple[_Shard, int]:
        which = int(np.searchsorted(self._ends, number, side="right"))
        shard = self.shards[which]
        return shard, number - int(self._ends[which]) + len(shard.index)


class _Shard:
    """Three files: tokens, index and metadata of the same sequences."""

    def __init__(self, dataset: Path, split: str, name: str) -> None:
        self.split = split
        self._meta_path = dataset / split / f"{name}.meta.jsonl"
        tokens_path = dataset / split / f"{name}.tokens.npy"
        index_path = dataset / split / f"{name}.index.npy"
        self.tokens = _load(tokens_path)
        self.index = _load(index_path)
        if self.tokens.ndim != 1 or self.tokens.dtype not in (np.dtype("<u2"), np.dtype("<u4")):
            raise DatasetError(f"dataset {tokens_path}: holds no row of uint16 or uint32 tokens")
        if self.index.ndim != 1 or self.index.dtype != INDEX_DTYPE:
            raise DatasetError(f"dataset {index_path}: its rows are not those of an index of schema 2")

    def sequence(self, row: int) -> NDArray[np.unsignedinteger[Any]]:
        entry = self.index[row]
        offset = int(entry["offset"])
        return self.tokens[offset : offset + int(entry["length"])]

    def meta(self, row: int) -> dict[str, Any]:
        text, ends = self._lines
        start = int(ends[row - 1]) + 1 if row else 0
        try:
            value: dict[str, Any] = json.loads(text[start : int(ends[row])])
        except (ValueError, IndexError):
            raise DatasetError(f"dataset {self._meta_path}: line {row + 1} is missing or not JSON") from None
        return value

    def ids(self) -> list[str]:
        """The ids of all its sequences; lines are parsed only where they do not begin with it."""
        text, ends = self._lines
        found, start = [], 0
        for row, end in enumerate(ends.tolist()):
            match = _ID.match(text, start, end)
            found.append(match[1].decode() if match else str(self.meta(row).get("id")))
            start = end + 1
        return found

    @cached_property
    def _lines(self) -> tuple[mmap.mmap, NDArray[np.int64]]:
        """The file's bytes, and the position of every line end in them."""
        with self._meta_path.open("rb") as file:
            text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        ends = [
            np.flatnonzero(np.frombuffer(text[at : at + _SCAN], dtype=np.uint8) == ord("\n")) + at
            for at in range(0, len(text), _SCAN)
        ]
        return text, np.concatenate(ends)


def _load(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"dataset {path}: cannot be read as a numpy array: {error}") from None
    return array


def _reopen(path: Path, rows: NDArray[np.int64]) -> Dataset:
    return Dataset(open_dataset(path, checksums=False)._store, rows)


def _code(what: str, value: object, known: list[Any]) -> int:
    """Position of `value` in `known`, which is its number in the index."""
    if value not in known:
        raise ValueError(f"no {what} {value!r} in this dataset; it has {', '.join(map(str, known))}")
    return known.index(value)
