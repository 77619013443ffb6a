"""`longctx history` beside PyDriller and `longctx graph` beside `ruff analyze graph`, one after another, in one run.

    python benches/history_graph_speed.py [--history REPO ...] [--graph FOLDER ...] [--runs 1] [--json FILE]

Each command is a whole process, Python's start included where it has one. Printed are medians of wall time, processor
time (of all processes of the command) and peak resident memory (of the largest of them), and the ratios of the peer's
times to those of longctx. Needs `longctx`, `pydriller` and `ruff` in this environment. What is compared:

**History, all branches.** Both walk every commit of all branches that is no merge, compare it with its parent and find
renames: the same commits. `longctx history --history full --all --deleted --json` prints every version of every file
and drops nothing; contents are read where a rename with edits must be recognised, and nowhere else. PyDriller is asked
for the `modified_files` of each commit, once for names and kinds of change alone, once with the contents before and
after. It computes the patch of each commit in either case, which longctx does not. Where a commit's patch needs an
object that the clone lacks, PyDriller fails for the whole commit; longctx goes on, so it may see more.

**History, first-parent line.** The same commands for the first-parent line of `HEAD`. longctx compares a merge with its
first parent; PyDriller gives nothing for a merge, so it has less to do here, the more so the more merges there are.

**Graph.** `longctx graph --json` and `ruff analyze graph --preview --isolated` on one folder with Python code. Ruff
resolves Python's imports; longctx those of the other languages, too, and tells the kind and line of each edge and what
leads nowhere. Only the Python files are the same for both; the number of files is printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peers.measure import Run, median, run

PEERS = Path(__file__).parent / "peers"
LONGCTX = [sys.executable, "-m", "longctx"]
PYDRILLER = [sys.executable, str(PEERS / "pydriller_history.py")]


@dataclass(frozen=True)
class Entry:
    """A command of a comparison."""

    name: str
    command: list[str]
    saw: Callable[[Any], str]
    """What its output, read as JSON, says about the work that was done."""
    folder: Path | None = None


def chains(document: dict[str, list[dict[str, Any]]]) -> str:
    """What `longctx history --json` saw."""
    # With several branches a version may stand in the chains of several files.
    versions = {(version["commit"], version["path"]) for chain in document.values() for version in chain}
    return f"{len({commit for commit, _ in versions}):,} commits with {len(versions):,} versions"


def traversed(document: dict[str, int]) -> str:
    """What the script with PyDriller saw."""
    merges = f", {document['merges']:,} merges without any" if document["merges"] else ""
    unreadable = f", {document['unreadable_commits']:,} failed" if document["unreadable_commits"] else ""
    return f"{document['commits']:,} commits with {document['versions']:,} versions{merges}{unreadable}"


def edges(imports: dict[str, list[str]]) -> str:
    """What a graph holds."""
    python = {path: targets for path, targets in imports.items() if path.endswith((".py", ".pyi"))}
    count = sum(len(targets) for targets in python.values())
    return f"{len(imports):,} files; {len(python):,} of Python with {count:,} edges"


def histories(repository: Path, first_parent: bool) -> list[Entry]:
    """The commands that read a history."""
    mode = "first-parent" if first_parent else "full"
    ours = [*LONGCTX, "history", str(repository), "--quiet", "--history", mode, "--all", "--deleted", "--json"]
    theirs = [*PYDRILLER, str(repository), *(["--first-parent"] if first_parent else [])]
    return [
        Entry("longctx history", ours, chains),
        Entry("PyDriller, names", theirs, traversed),
        Entry("PyDriller, contents", [*theirs, "--contents"], traversed),
    ]


def graphs(folder: Path) -> list[Entry]:
    """The commands that read a graph."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        sys.exit("error: ruff was not found")
    return [
        Entry(
            "longctx graph",
            [*LONGCTX, "graph", str(folder), "--quiet", "--json"],
            lambda document: edges(document["imports"]),
        ),
        Entry("ruff analyze graph", [ruff, "analyze", "graph", "--preview", "--isolated", "."], edges, folder),
    ]


def compare(title: str, entries: list[Entry], count: int) -> list[dict[str, Any]]:
    """Runs the commands in turn `count` times, prints a table, returns its rows."""
    runs: dict[str, list[Run]] = {entry.name: [] for entry in entries}
    saw = {}
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "output.json"
        for _ in range(count):
            for entry in entries:
                runs[entry.name].append(run(entry.command, entry.folder, output))
                saw[entry.name] = entry.saw(json.loads(output.read_bytes()))
    ours = median(runs[entries[0].name])
    print(f"\n{title}")
    print(f"  {'command':20} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'wall x':>7} {'cpu x':>7} {'peak x':>7}  saw")
    rows = []
    for name, found in runs.items():
        row = median(found)
        wall, cpu, peak = row.wall / ours.wall, row.cpu / ours.cpu, row.peak / ours.peak
        print(
            f"  {name:20} {row.wall:8.2f} {row.cpu:8.2f} {row.peak:9.0f} {wall:7.1f} {cpu:7.1f} {peak:7.1f}"
            f"  {saw[name]}",
            flush=True,
        )
        rows.append({"comparison": title, "command": name, "runs": count, **asdict(row), "saw": saw[name]})
    return rows


def main() -> None:
    """Prints a table for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--history", nargs="+", type=Path, default=[], metavar="REPO", help="git repositories")
    parser.add_argument("--graph", nargs="+", type=Path, default=[], metavar="FOLDER", help="folders with Python code")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    if not arguments.history and not arguments.graph:
        parser.error("give --history or --graph, or both")
    rows = []
    for repository in arguments.history:
        name = repository.resolve().name
        rows += compare(f"{name}: history of all branches without merges", histories(repository, False), arguments.runs)
        rows += compare(f"{name}: first-parent history", histories(repository, True), arguments.runs)
    for folder in arguments.graph:
        rows += compare(f"{folder.resolve().name}: graph of imports", graphs(folder), arguments.runs)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
