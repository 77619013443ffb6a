"""Compare the files of Rust crates with what `rustc --emit=dep-info` lists.

The reference knows one configuration; the graph has the modules of all of them. So recall is the figure of interest.
Crates without dependencies are asked of rustc directly; for others give `--cargo`, which runs `cargo check`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tomllib
from compare import Score, finish, graph, parser, run

PART_OF = {"module", "include"}


def root_of(folder: Path) -> str:
    """The root of the library crate, relative to the folder."""
    manifest = tomllib.loads((folder / "Cargo.toml").read_text())
    path: str = manifest.get("lib", {}).get("path", "src/lib.rs")
    return path


def listed(dep_info: str, folder: Path) -> frozenset[str]:
    """The files of the folder on the right-hand sides of a dep-info file."""
    files: set[str] = set()
    for line in dep_info.splitlines():
        if ": " in line and not line.startswith("#"):
            for name in line.split(": ", 1)[1].split():
                path = (folder / name).resolve()
                if path.is_relative_to(folder.resolve()) and "target" not in path.relative_to(folder.resolve()).parts:
                    files.add(path.relative_to(folder.resolve()).as_posix())
    return frozenset(files)


def default_features(manifest: dict[str, Any]) -> list[str]:
    """The features that are on by default, without those of dependencies."""
    table: dict[str, list[str]] = manifest.get("features", {})
    found: list[str] = []
    work = ["default"]
    while work:
        feature = work.pop()
        if feature in table and feature not in found:
            found.append(feature)
            work += table[feature]
    return found


def reference(folder: Path, features: list[str], use_cargo: bool) -> frozenset[str]:
    """The files rustc reads for the library."""
    manifest = tomllib.loads((folder / "Cargo.toml").read_text())
    package = manifest["package"]
    with tempfile.TemporaryDirectory() as out:
        if use_cargo:
            run(["cargo", "check", "--lib", "--all-features", "--target-dir", out], folder)
            name = manifest.get("lib", {}).get("name", package["name"]).replace("-", "_")
            found = sorted((Path(out) / "debug" / "deps").glob(f"{name}-*.d"))
            return frozenset().union(*(listed(path.read_text(), folder) for path in found))
        edition = str(package.get("edition", "2015"))
        output = Path(out) / "deps.d"
        command = ["rustc", "--crate-type", "lib", "--edition", edition, f"--emit=dep-info={output}", root_of(folder)]
        for feature in features or default_features(manifest):
            command += ["--cfg", f'feature="{feature}"']
        run(command, folder)
        return listed(output.read_text(), folder)


def closure(document: dict[str, Any], root: str) -> frozenset[str]:
    """The files that are part of the crate that begins at `root`."""
    edges: dict[str, list[str]] = {}
    for edge in document["edges"]:
        if edge["kind"] in PART_OF:
            edges.setdefault(edge["from"], []).append(edge["to"])
    seen = {root}
    work = [root]
    while work:
        for target in edges.get(work.pop(), []):
            if target not in seen:
                seen.add(target)
                work.append(target)
    return frozenset(seen)


def main() -> None:
    """Compare each crate's folder."""
    options_parser = parser(__doc__ or "")
    options_parser.add_argument(
        "--feature", action="append", default=[], help="features to switch on (default: the default ones)"
    )
    options_parser.add_argument("--cargo", action="store_true", help="ask through cargo check")
    options = options_parser.parse_args()
    scores = []
    for folder in options.folders:
        theirs = reference(folder, options.feature, options.cargo)
        ours = closure(graph(options.graph, folder), root_of(folder))
        scores.append(
            Score(
                folder.name, frozenset(("crate", path) for path in ours), frozenset(("crate", path) for path in theirs)
            )
        )
    finish(scores, options)


if __name__ == "__main__":
    main()
