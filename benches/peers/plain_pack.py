"""What people write today: walk, `encode_batch`, sliding windows, `np.save`.

    python plain_pack.py REPO TOKENIZER_JSON OUTPUT_DIR

The peer of `longctx pack` in `pack_vs_peers.py`. It makes one band of windows and no metadata, split or checksums.
"""

import os
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

LENGTH, STRIDE = 2048, 1536
LARGEST_FILE = 1 << 20
BATCH = 256


def texts(root: Path) -> list[str]:
    """The text files below `root` that are not hidden."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith(".") or path.is_symlink() or path.stat().st_size > LARGEST_FILE:
                continue
            data = path.read_bytes()
            if b"\0" in data:
                continue
            try:
                found.append(data.decode("utf-8"))
            except UnicodeDecodeError:
                continue
    return found


def main() -> None:
    """Packs."""
    root, tokenizer_path, output = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    tokenizer = Tokenizer.from_file(tokenizer_path)
    documents = texts(root)
    windows = []
    for first in range(0, len(documents), BATCH):
        for encoding in tokenizer.encode_batch(documents[first : first + BATCH], add_special_tokens=False):
            ids = encoding.ids
            for start in range(0, max(len(ids) - LENGTH + STRIDE, 1), STRIDE):
                window = np.zeros(LENGTH, dtype=np.uint16)
                part = ids[start : start + LENGTH]
                window[: len(part)] = part
                windows.append(window)
    output.mkdir(parents=True, exist_ok=True)
    np.save(output / "tokens.npy", np.stack(windows))


if __name__ == "__main__":
    main()
