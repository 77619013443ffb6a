"""What people write today: walk, `encode_batch`, sliding windows, `np.save`.

    python plain_pack.py REPO TOKENIZER_JSON OUTPUT_DIR

A peer of `longctx pack` in `pack_vs_peers.py`. It makes one band of windows and no metadata, split or checksums,
and takes text that spells a special token for that token, as both libraries do unless told not to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

LENGTH, STRIDE = 2048, 1536
LARGEST_FILE = 1 << 20
BATCH = 256


def readable(data: bytes) -> str | None:
    """A file's text, if it is one."""
    if b"\0" in data or len(data) > LARGEST_FILE:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def texts(root: Path) -> list[str]:
    """The text files below `root` that are not hidden."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith(".") or path.is_symlink() or path.stat().st_size > LARGEST_FILE:
                continue
            text = readable(path.read_bytes())
            if text is not None:
                found.append(text)
    return found


def batches(documents: list[str]) -> Iterator[list[str]]:
    """So many documents at a time as one call encodes."""
    for first in range(0, len(documents), BATCH):
        yield documents[first : first + BATCH]


def windows(ids: np.ndarray | list[int]) -> Iterator[np.ndarray]:
    """A document's windows, filled up with zeros."""
    for start in range(0, max(len(ids) - LENGTH + STRIDE, 1), STRIDE):
        window = np.zeros(LENGTH, dtype=np.uint16)
        part = ids[start : start + LENGTH]
        window[: len(part)] = part
        yield window


def save(output: Path, made: Iterable[np.ndarray]) -> None:
    """Writes all windows as one array."""
    output.mkdir(parents=True, exist_ok=True)
    np.save(output / "tokens.npy", np.stack(list(made)))


def main() -> None:
    """Packs."""
    from tokenizers import Tokenizer

    root, tokenizer_path, output = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    tokenizer = Tokenizer.from_file(tokenizer_path)
    made: list[np.ndarray] = []
    for batch in batches(texts(root)):
        for encoding in tokenizer.encode_batch(batch, add_special_tokens=False):
            made.extend(windows(encoding.ids))
    save(output, made)


if __name__ == "__main__":
    main()
