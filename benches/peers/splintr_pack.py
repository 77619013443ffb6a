"""The fastest that Python offers: texts, splintr's batches into flat buffers, sliding windows, `np.save`.

    python splintr_pack.py REPO TOKENIZER_JSON OUTPUT_DIR [--blobs IDS]

A peer of `longctx pack` in `pack_vs_peers.py`, and exact: it writes what `plain_pack.py` writes. With `--blobs` the
texts are the git objects that the file IDS lists, one a line, else the files of the work tree. Needs `splintr-rs`.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import splintr
from blobs import contents
from plain_pack import batches, readable, save, texts, windows


def main() -> None:
    """Packs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("repository", type=Path)
    parser.add_argument("tokenizer")
    parser.add_argument("output", type=Path)
    parser.add_argument("--blobs", type=Path, metavar="IDS")
    arguments = parser.parse_args()
    tokenizer = splintr.from_json(arguments.tokenizer)
    if arguments.blobs:
        read = map(readable, contents(arguments.repository, arguments.blobs))
        documents = [text for text in read if text is not None]
    else:
        documents = texts(arguments.repository)
    made: list[np.ndarray] = []
    for batch in batches(documents):
        flat, offsets = tokenizer.encode_batch_flat(batch)
        ids = np.frombuffer(flat, dtype=np.uint32)
        ends = np.frombuffer(offsets, dtype=np.uint64)
        for first, last in pairwise(ends):
            made.extend(windows(ids[first:last]))
    save(arguments.output, made)


if __name__ == "__main__":
    main()
