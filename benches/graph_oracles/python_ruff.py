"""Compare the import graph of Python packages with `ruff analyze graph`.

Ruff resolves no relative imports in folders of a package that have no `__init__.py` themselves (PEP 420); edges from
files there are counted apart and left out of the comparison.
"""

from __future__ import annotations

import json
from pathlib import Path

from compare import Edge, Score, finish, graph, named_edges, parser, run


def reference(folder: Path, ruff: str) -> frozenset[Edge]:
    """Ruff's edges between files of the folder, without edges of a file to itself."""
    document = json.loads(run([ruff, "analyze", "graph", "--preview", "--isolated", "."], folder))
    return frozenset((source, target) for source, targets in document.items() for target in targets if source != target)


def is_namespace(folder: Path, source: str) -> bool:
    """Whether a file lies in a folder without `__init__.py` below one that has it."""
    parent = (folder / source).parent
    return not (parent / "__init__.py").exists() and (parent.parent / "__init__.py").exists()


def main() -> None:
    """Compare each folder."""
    options_parser = parser(__doc__ or "")
    options_parser.add_argument("--ruff", default="ruff")
    options = options_parser.parse_args()
    scores = []
    for folder in options.folders:
        theirs = reference(folder, options.ruff)
        ours = named_edges(graph(options.graph, folder))
        python = frozenset(edge for edge in ours if edge[0].endswith((".py", ".pyi")))
        apart = frozenset(edge for edge in python | theirs if is_namespace(folder, edge[0]))
        if apart:
            print(
                f"{folder.name}: {len(apart)} edges from namespace packages left out ({len(apart & theirs)} in ruff's)"
            )
        scores.append(Score(folder.name, python - apart, theirs - apart))
    finish(scores, options)


if __name__ == "__main__":
    main()
