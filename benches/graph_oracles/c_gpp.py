"""Compare the include closure of C and C++ sources with `g++ -MM` (or `gcc -MM`).

For every source file the compiler can preprocess, the set of files of the project it depends on is compared with what
the graph reaches over `include` edges.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from compare import Edge, Score, finish, graph, parser


def dependencies(folder: Path, source: str, compiler: list[str]) -> frozenset[Edge] | None:
    """The files that the compiler reads for a source; none where it fails."""
    done = subprocess.run([*compiler, "-MM", source], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    names = shlex.split(done.stdout.replace("\\\n", " ").split(":", 1)[1])
    root = folder.resolve()
    edges = set()
    for name in names:
        path = Path(os.path.normpath(root / name))
        if path.is_relative_to(root) and path.relative_to(root).as_posix() != source:
            edges.add((source, path.relative_to(root).as_posix()))
    return frozenset(edges)


def closure(document: dict[str, Any], source: str) -> frozenset[Edge]:
    """What a source includes, directly or not."""
    imports = document["imports"]
    seen: set[str] = {source}
    work = [source]
    while work:
        for target in imports.get(work.pop(), []):
            if target not in seen:
                seen.add(target)
                work.append(target)
    return frozenset((source, target) for target in seen if target != source)


def main() -> None:
    """Compare each folder."""
    options_parser = parser(__doc__ or "")
    options_parser.add_argument("--compiler", default="g++", help="the compiler with its -I and -D options")
    options_parser.add_argument("--sources", default="*.c,*.cc,*.cpp", help="patterns below the folder, by comma")
    options = options_parser.parse_args()
    scores = []
    for folder in options.folders:
        document = graph(options.graph, folder)
        ours: set[Edge] = set()
        theirs: set[Edge] = set()
        failed = 0
        files = sorted(path for pattern in options.sources.split(",") for path in folder.rglob(pattern))
        for path in files:
            source = path.relative_to(folder).as_posix()
            found = dependencies(folder, source, shlex.split(options.compiler))
            if found is None:
                failed += 1
                continue
            theirs |= found
            ours |= closure(document, source)
        print(f"{folder.name}: {len(files)} sources, {failed} that the compiler cannot preprocess")
        scores.append(Score(folder.name, frozenset(ours), frozenset(theirs)))
    finish(scores, options)


if __name__ == "__main__":
    main()
