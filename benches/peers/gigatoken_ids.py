"""gigatoken on texts in memory, measured as `benches/tokenizer` measures other libraries.

    RAYON_NUM_THREADS=THREADS python gigatoken_ids.py THREADS < INPUT

INPUT is a `tokenizer.json` and the texts, with a NUL before each; what is printed is `Figures` of `tokenizer/run.rs`.
One thread takes text after text and drops the ids, as the others do. Only gigatoken's batches have threads, and they
put the ids of all texts into one array, which is part of the time. Needs `gigatoken`.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Iterable

import awkward
import gigatoken
import numpy as np

WARM_PASSES = 5


def main() -> None:
    """Measures."""
    threads = int(sys.argv[1])
    document, *texts = sys.stdin.buffer.read().split(b"\0")
    definition = json.loads(document)
    # To the others text that spells a special token is text; gigatoken has no such choice.
    definition["added_tokens"] = []
    document = json.dumps(definition).encode()
    begin = time.perf_counter()
    tokenizer = gigatoken.Tokenizer.from_json(document)
    load = time.perf_counter() - begin

    def encoded() -> Iterable[np.ndarray]:
        if threads == 1:
            return map(tokenizer.encode, texts)
        return [awkward.flatten(tokenizer.encode_batch(texts)).to_numpy()]

    def timed() -> float:
        begin = time.perf_counter()
        sum(map(len, encoded()))
        return time.perf_counter() - begin

    first = timed()
    warm = statistics.median(timed() for _ in range(WARM_PASSES))
    tokens, digest = 0, hashlib.sha256()
    for ids in encoded():
        tokens += len(ids)
        digest.update(ids.astype("<u4", copy=False))
    number = int.from_bytes(digest.digest()[:8], "big")
    print(load, first, warm, len(texts), sum(map(len, texts)), tokens, number)


if __name__ == "__main__":
    main()
