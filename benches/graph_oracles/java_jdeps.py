"""Compare the graph of Java sources with `jdeps -verbose:class`, its classes folded to source files.

Each folder is a source root (`src/main/java`) that compiles with `javac`, given `--classpath` where it needs one.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from compare import Edge, Score, finish, graph, named_edges, parser, run


def sources_by_class(classes: Path) -> dict[str, str]:
    """For each class file below a folder, the path of the source it was compiled from."""
    files = sorted(classes.rglob("*.class"))
    sources = {}
    for start in range(0, len(files), 500):
        chunk = files[start : start + 500]
        output = run(["javap", "-p", *map(str, chunk)])
        names = re.findall(r'^Compiled from "(.*)"$', output, flags=re.MULTILINE)
        for path, name in zip(chunk, names, strict=True):
            relative = path.relative_to(classes)
            sources[relative.with_suffix("").as_posix().replace("/", ".")] = (relative.parent / name).as_posix()
    return sources


def reference(folder: Path, classpath: str) -> frozenset[Edge]:
    """Jdeps' edges between sources of the folder."""
    with tempfile.TemporaryDirectory() as out:
        listing = Path(out) / "sources"
        sources = sorted(path for path in folder.rglob("*.java") if path.name != "module-info.java")
        listing.write_text("\n".join(f'"{path}"' for path in sources))
        classes = Path(out) / "classes"
        path = ["-cp", classpath] if classpath else []
        run(["javac", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-d", str(classes), *path, f"@{listing}"])
        known = sources_by_class(classes)
        output = run(["jdeps", "-verbose:class", "-filter:none", *path, str(classes)])
    edges = set()
    for line in output.splitlines():
        found = re.match(r"^ +(\S+) +-> (\S+)", line)
        if found and found[1] in known and found[2] in known and known[found[1]] != known[found[2]]:
            edges.add((known[found[1]], known[found[2]]))
    return frozenset(edges)


def main() -> None:
    """Compare each folder."""
    options_parser = parser(__doc__ or "")
    options_parser.add_argument("--classpath", default="")
    options = options_parser.parse_args()
    scores = []
    for folder in options.folders:
        theirs = reference(folder.resolve(), options.classpath)
        ours = named_edges(graph(options.graph, folder))
        names = {"module-info.java", "package-info.java"}
        own = frozenset(edge for edge in ours if not names & {Path(edge[0]).name, Path(edge[1]).name})
        scores.append(Score(folder.resolve().parts[-4], own, theirs))
    finish(scores, options)


if __name__ == "__main__":
    main()
