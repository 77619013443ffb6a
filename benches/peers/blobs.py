"""Contents of git objects as other tools read them: by `git cat-file --batch --buffer`.

    python blobs.py REPO IDS    reads all and prints how many bytes there are

IDS is a file with an object id a line.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def contents(repository: Path, ids: Path) -> Iterator[bytes]:
    """The contents of the objects that a file lists; those that the clone lacks are left out."""
    command = ["git", "-C", str(repository), "cat-file", "--batch", "--buffer"]
    with ids.open("rb") as listed, subprocess.Popen(command, stdin=listed, stdout=subprocess.PIPE) as process:
        stream = process.stdout
        if stream is None:
            return
        while line := stream.readline():
            if line.endswith(b" missing\n"):
                continue
            yield stream.read(int(line.split()[2]))
            stream.read(1)
    if process.returncode != 0:
        sys.exit(f"error: git cat-file ended with status {process.returncode}")


def main() -> None:
    """Reads."""
    print(sum(map(len, contents(Path(sys.argv[1]), Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
