"""What people write to train on a history: PyDriller's modified files, Hugging Face `encode_batch`, sliding windows.

    python pydriller_pack.py REPO TOKENIZER_JSON OUTPUT_DIR

A peer of `longctx pack` with commits in `pack_vs_peers.py`. It reads the text after each commit of the first-parent
line, except after merges, for which PyDriller gives no files.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from git import GitCommandError
from plain_pack import batches, readable, save, windows
from pydriller import Repository
from tokenizers import Tokenizer


def versions(repository: str) -> list[str]:
    """The texts that the commits left."""
    listing = ["git", "-C", repository, "rev-list", "--first-parent", "HEAD"]
    commits = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()
    found = []
    for commit in Repository(repository, only_commits=commits).traverse_commits():
        try:
            files = commit.modified_files
        except (GitCommandError, ValueError):
            # A partial clone lacks a content that the patch needs.
            continue
        for file in files:
            try:
                text = readable(file.content or b"")
            except ValueError:
                # A submodule has no content.
                continue
            if text:
                found.append(text)
    return found


def main() -> None:
    """Packs."""
    tokenizer = Tokenizer.from_file(sys.argv[2])
    made: list[np.ndarray] = []
    for batch in batches(versions(sys.argv[1])):
        for encoding in tokenizer.encode_batch(batch, add_special_tokens=False):
            made.extend(windows(encoding.ids))
    save(Path(sys.argv[3]), made)


if __name__ == "__main__":
    main()
