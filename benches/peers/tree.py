"""A tree of at least so many bytes of source, put together from folders, for memory and time per byte."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

COMMENTS = {
    **dict.fromkeys((".py", ".pyi", ".rb", ".sh", ".yaml", ".yml", ".toml"), "#"),
    **dict.fromkeys((".c", ".cc", ".cpp", ".cs", ".go", ".h", ".hpp", ".java", ".js", ".kt", ".rs", ".ts"), "//"),
    **dict.fromkeys((".jsx", ".tsx", ".mjs", ".cjs", ".scala", ".swift", ".php"), "//"),
}
LARGEST = 1 << 20


def _sources(folder: Path) -> Iterator[Path]:
    """The source files below a folder that are text of a language whose comments are known."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix in COMMENTS and not path.is_symlink() and path.stat().st_size <= LARGEST:
                yield path


def make_tree(target: Path, folders: list[Path], least: int) -> int:
    """Copies the source files of `folders` below `target` again and again until there are `least` bytes.

    Each copy ends with a comment of its own, so no two files are the same; all copies of a file are near-duplicates of
    each other, which a real tree of this size has fewer of.

    Returns:
        How many bytes the files have.

    Raises:
        SystemExit: There is no source file in `folders`.
    """
    found = [(folder, path) for folder in folders for path in _sources(folder)]
    if not found:
        raise SystemExit(f"error: no source files in {', '.join(map(str, folders))}")
    total = 0
    for copy in count():
        for number, (folder, path) in enumerate(found):
            if total >= least:
                return total
            place = target / f"copy{copy:03}" / folder.name / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes() + f"\n{COMMENTS[path.suffix]} copy {copy} of source {number}\n".encode()
            place.write_bytes(data)
            total += len(data)
    return total
