"""Compare the graph of Go modules with what go/types resolves for package-level names.

The reference program is in `go_types/`; build it with `go build` there and name it with `--reference`.
"""

from __future__ import annotations

import json
from pathlib import Path

from compare import Edge, Score, finish, graph, named_edges, parser, run


def main() -> None:
    """Compare each module's folder on the files that go/types read (those of this platform)."""
    options_parser = parser(__doc__ or "")
    options_parser.add_argument("--reference", required=True, help="the built reference program")
    options = options_parser.parse_args()
    scores = []
    for folder in options.folders:
        document = json.loads(run([str(Path(options.reference).resolve()), str(folder)]))
        read = set(document["files"])
        theirs: frozenset[Edge] = named_edges(document)
        ours = named_edges(graph(options.graph, folder))
        scores.append(Score(folder.name, frozenset(edge for edge in ours if edge[0] in read), theirs))
    finish(scores, options)


if __name__ == "__main__":
    main()
