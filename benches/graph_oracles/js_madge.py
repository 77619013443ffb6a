"""Compare the import graph of JavaScript and TypeScript packages with madge.

madge must be installed (`npm install madge typescript`); `--madge` is its command.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from compare import Edge, Score, finish, graph, named_edges, parser, run

EXTENSIONS = ("ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs")


def reference(folder: Path, madge: str) -> frozenset[Edge]:
    """Madge's edges between files of the folder."""
    command = [*shlex.split(madge), "--json", "--extensions", ",".join(EXTENSIONS)]
    for config in ("tsconfig.json", "src/tsconfig.json", "src/tsconfig.base.json"):
        if (folder / config).exists():
            command += ["--ts-config", str(folder / config)]
            break
    document = json.loads(run([*command, "."], folder))
    return frozenset((source, target) for source, targets in document.items() for target in targets if source != target)


def is_source(path: str) -> bool:
    """Whether madge was asked for such files."""
    return path.rsplit(".", 1)[-1] in EXTENSIONS


def main() -> None:
    """Compare each folder."""
    options_parser = parser(__doc__ or "")
    options_parser.add_argument("--madge", default="npx madge")
    options = options_parser.parse_args()
    scores = []
    for folder in options.folders:
        theirs = reference(folder, options.madge)
        ours = named_edges(graph(options.graph, folder))
        scores.append(
            Score(folder.name, frozenset(edge for edge in ours if is_source(edge[0]) and is_source(edge[1])), theirs)
        )
    finish(scores, options)


if __name__ == "__main__":
    main()
